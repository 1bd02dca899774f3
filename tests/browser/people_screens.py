"""The pages about people who come from other LMSs: a connection's policy, cases, and being asked to sign in."""

from playwright.sync_api import Page

from tests.browser.academies import Academies
from tests.browser.screen import Screen, Step

CASES = "/integrations/people-cases"


def set_policy(academies: Academies, newcomers: str) -> None:
    page = academies.page("admin")
    page.goto(f"{academies.base('admin')}/integrations/lti-1.3/platforms/{academies.ids['School']}/people")
    page.locator(f"[name=newcomers][value={newcomers}]").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("It counts from the next launch on").wait_for()
    page.close()


def wrong_domain(page: Page, _academies: Academies) -> None:
    page.locator("[name=match_domains]").fill("school")
    page.get_by_role("button", name="Save").click()
    page.locator("[data-error-summary]").wait_for()


def arrive(person: str) -> Step:
    """Somebody who was never here is asked to sign in; where they land is the page."""

    def step(page: Page, academies: Academies) -> None:
        academies.lms.add_person(person, "Dora Diaz")
        set_policy(academies, "ask")
        try:
            academies.launch(person, page=page)
            page.get_by_role("heading", name="Sign in here once").wait_for()
        finally:
            set_policy(academies, "match")

    return step


def two_accounts(person: str) -> Step:
    """An account is here, and the platform makes another beside it: the case about the two."""

    def step(page: Page, academies: Academies) -> None:
        base = academies.base("admin")
        academies.lms.add_person(person, "Fenja Quist")
        page.goto(f"{base}/people/new")
        for name, value in {"email": f"{person}@people.example", "given_name": "Fenja", "family_name": "Quist"}.items():
            page.locator(f"[name={name}]").fill(value)
        page.get_by_role("button", name="Invite person").click()
        page.locator("#sign-in-link").wait_for()
        set_policy(academies, "create")
        try:
            academies.launch(person).close()
        finally:
            set_policy(academies, "match")
        page.goto(base + CASES)
        page.locator("tbody a").first.click()
        page.get_by_role("heading", name="Decision").wait_for()

    return step


PEOPLE = (
    Screen("people-policy", "admin", "/integrations/lti-1.3/platforms/{School}/people"),
    Screen("people-policy-refused", "admin", "/integrations/lti-1.3/platforms/{School}/people", wrong_domain),
    Screen("introduction", "stranger", "/sign-in", arrive("dora")),
    Screen("person-case", "admin", CASES, two_accounts("fenja")),
    Screen("person-cases", "admin", CASES),
    Screen("person-cases-decided", "admin", f"{CASES}?state=decided"),
)
