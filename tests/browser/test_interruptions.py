"""What goes wrong between browser and server while somebody works: said plainly, and nothing entered is lost."""

import re

from playwright.sync_api import Page, expect

from tests.browser.academies import Academies
from tests.browser.learner import RIGHT, begin, fill_in, open_questions


def answered(page: Page) -> None:
    question = open_questions(page)[0]
    fill_in(question, RIGHT)
    question.get_by_role("button", name="Check answer").click()


def learner_at_a_question(academies: Academies, person: str) -> Page:
    academies.lms.add_person(person, f"{person.title()} Interrupted")
    page = academies.launch(person)
    begin(page)
    return page


def test_a_lost_connection_is_said_until_the_step_succeeds(academies: Academies) -> None:
    page = learner_at_a_question(academies, "olga")
    page.context.set_offline(True)
    answered(page)
    lost = page.get_by_role("alert").filter(has_text="No connection")
    expect(lost).to_be_visible()
    expect(page.get_by_label("Two")).to_be_checked()
    page.context.set_offline(False)
    page.get_by_role("button", name="Check answer").click()
    expect(page.locator(".notice")).to_have_count(1)
    expect(page.locator(".notice")).to_contain_text("Right.")


def test_a_failure_of_ours_is_said_with_its_id(academies: Academies) -> None:
    page = learner_at_a_question(academies, "fiona")
    page.route("**/learn/**", lambda route: route.fulfill(status=502, headers={"X-Request-Id": "5ca1ab1e"}))
    answered(page)
    failed = page.get_by_role("alert").filter(has_text="That did not work")
    expect(failed).to_contain_text("5ca1ab1e")
    failed.get_by_role("button", name="Close").click()
    expect(failed).to_have_count(0)


def test_a_session_that_ended_leads_back_after_signing_in(academies: Academies) -> None:
    page, base = academies.page("new admin"), academies.base("new admin")
    page.goto(f"{base}/profile")
    page.get_by_label("New password").fill("seven tides and a moon")
    page.get_by_role("button", name="Save profile").click()
    page.goto(f"{base}/people")
    kept = page.context.cookies()
    page.context.clear_cookies()
    page.get_by_label("Name or e-mail").fill("lea")
    expect(page).to_have_url(f"{base}/sign-in?next=%2Fpeople")
    expect(page.get_by_text("You come back to the page you wanted")).to_be_visible()
    page.get_by_label("E-mail").fill("ada.admin@fresh.example")
    page.get_by_label("Password").fill("seven tides and a moon")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{base}/people")
    page.context.add_cookies(kept)  # type: ignore[arg-type]  # -- Playwright takes back what it gave
    page.close()


def test_a_page_older_than_the_session_says_what_to_do(academies: Academies) -> None:
    """As after signing in again in another tab: the token in the page is the old session's."""
    page = learner_at_a_question(academies, "tom")
    other = page.context.new_page()
    other.goto(academies.lms.course_url("tom"))
    other.locator("li a").first.click()
    expect(other.get_by_role("link", name="Continue")).to_be_visible()
    other.close()
    answered(page)
    problem = page.locator("#problems .problem")
    expect(problem).to_be_focused()
    expect(problem).to_contain_text("reload the page")
    page.reload()
    answered(page)
    expect(page.locator(".question .notice")).to_contain_text("Right.")


def test_back_and_forward_through_a_filtered_list(academies: Academies) -> None:
    page, base = academies.window("admin"), academies.base("admin")
    page.goto(f"{base}/integrations/launches")
    everything = page.locator("tbody tr").count()
    page.get_by_label("Outcome").select_option(label="Did not come back")
    expect(page).to_have_url(re.compile(r"/integrations/launches\?.*outcome=waiting"))
    expect(page.locator("tbody tr")).not_to_have_count(everything)
    page.go_back()
    expect(page.get_by_label("Outcome")).to_have_value("")
    expect(page.locator("tbody tr")).to_have_count(everything)
    page.go_forward()
    expect(page.get_by_label("Outcome")).to_have_value("waiting")
    expect(page.get_by_role("heading", name="Launch log")).to_be_visible()
    expect(page.locator("tbody tr")).not_to_have_count(everything)
