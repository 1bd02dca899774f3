"""An author makes an exam of an outside tool: the fields follow the version, and a vendor's e-mail fills them."""

from playwright.sync_api import Page, expect

from tests.browser.academies import Academies
from tests.browser.checks import Watch, sideways, violations

MAIL = "> Consumer key: k-17\n> Shared secret: s3cret-42\n> Launch URL: https://vendor.example/lti"


def test_making_an_exam_of_an_outside_tool(academies: Academies) -> None:
    page = academies.page("admin")
    with Watch(page) as watch:
        begin(page, academies.base("admin"))
        choose_the_version(page)
        paste_the_mail(page)
        expect(page.get_by_text("The LTI settings are saved.")).to_be_visible()
        page.get_by_role("button", name="Publish activity").click()
        expect(page.get_by_text("Learners can open this activity.")).to_be_visible()
        assert watch.said == []
    page.close()


def begin(page: Page, base: str) -> None:
    page.goto(f"{base}/courses")
    page.get_by_role("link", name="New course").click()
    page.get_by_label("Title").fill("Knots")
    page.get_by_role("button", name="Save course").click()
    page.get_by_role("link", name="New activity").first.click()
    assert violations(page) == []
    page.get_by_role("link", name="Exam", exact=True).click()
    page.get_by_role("link", name="LTI", exact=True).click()
    page.get_by_label("Title").fill("The exam of knots")
    page.get_by_role("button", name="Create activity").click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    page.get_by_label("Minimum score").fill("70")
    page.get_by_role("button", name="Create activity").click()


def choose_the_version(page: Page) -> None:
    """Without leaving the page, by keyboard, and keeping what was typed."""
    page.get_by_label("Resource URL").fill("https://vendor.example/typed")
    page.get_by_label("LTI 1.2", exact=True).check()
    expect(page.get_by_label("Launch-URL")).to_have_value("https://vendor.example/typed")
    expect(page.get_by_label("Resource-link")).not_to_be_empty()
    expect(page.get_by_label("LTI 1.2", exact=True)).to_be_focused()
    assert page.url.endswith("/settings")
    assert violations(page) == []
    assert sideways(page, 320) <= 0


def paste_the_mail(page: Page) -> None:
    page.get_by_text("Take the credentials from an e-mail").click()
    page.get_by_label("The vendor's e-mail").fill(MAIL)
    page.get_by_role("button", name="Read the e-mail").click()
    expect(page.get_by_text("Nothing is saved yet.")).to_be_visible()
    expect(page.get_by_label("Secret", exact=True)).to_have_value("s3cret-42")
    assert violations(page) == []
    page.get_by_role("button", name="Save LTI settings").click()
