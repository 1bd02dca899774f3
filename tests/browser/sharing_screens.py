"""The pages of sharing with other LMSs: invitations, the set-up page, the picker, keys of LTI 1.2, frames."""

from itertools import count

from playwright.sync_api import Page

from tests.browser.academies import Academies
from tests.browser.screen import Screen, Step

_numbers = count(1)
PLATFORMS = "/integrations/lti-1.3"


def invite(page: Page, _academies: Academies) -> None:
    page.get_by_role("button", name="Invite the other admin").click()
    page.locator("#link").wait_for()


def invitation(academies: Academies) -> str:
    """A fresh link, made by the academy's admin."""
    page = academies.page("admin")
    page.goto(academies.base("admin") + PLATFORMS)
    invite(page, academies)
    link = page.locator("#link").inner_text()
    page.close()
    return link


def set_up(product: str = "") -> Step:
    """What the other LMS's admin sees who opens the link in a browser."""

    def step(page: Page, academies: Academies) -> None:
        page.goto(invitation(academies) + (f"?product={product}" if product else ""))
        page.get_by_role("heading", name="What has arrived").wait_for()

    return step


def send_values(page: Page, academies: Academies) -> None:
    set_up("moodle")(page, academies)
    number, lms = next(_numbers), academies.registered
    for name, value in {
        "name": f"Riverside College {number}",
        "issuer": lms.issuer,
        "client_id": f"riverside-{number}",
        "deployment_id": "1",
        "auth_url": lms.auth_url,
        "token_url": lms.token_url,
        "jwks_url": lms.jwks_url,
    }.items():
        page.locator(f"[name={name}]").fill(value)
    page.get_by_role("button", name="Send your values").click()
    page.get_by_role("button", name="Send your values").wait_for()


def send_nothing(page: Page, academies: Academies) -> None:
    set_up()(page, academies)
    page.get_by_role("button", name="Send your values").click()
    page.locator("[data-error-summary]").wait_for()


def ask_to_approve(page: Page, academies: Academies) -> None:
    other = academies.page("stranger")
    send_values(other, academies)
    other.close()
    page.reload()
    page.get_by_role("button", name="Approve").first.wait_for()


def choose(page: Page, academies: Academies) -> None:
    """A teacher of the LMS, on our picker."""
    client_id = academies.registered.client_id
    academies.lms.change(client_id, picker=f"{academies.base('stranger')}/lti/pick")
    page.goto(f"{academies.lms.url}/courses/1/choose/{client_id}?as=tilda")
    page.get_by_role("heading", name="Choose").wait_for()


def search_in_vain(page: Page, academies: Academies) -> None:
    choose(page, academies)
    page.get_by_label("Search").fill("mathematics")
    page.get_by_text("No activity has these words.").wait_for()


def new_key(page: Page, _academies: Academies) -> None:
    keys = page.get_by_role("link", name="Riverside College")
    if keys.count():
        keys.first.click()
    else:
        page.locator("#sharing").get_by_role("textbox").last.fill("Riverside College")
        page.get_by_role("button", name="Make a key").click()
    page.get_by_text("LTI 1.2 Launch URL").first.wait_for()


def reveal(page: Page, academies: Academies) -> None:
    new_key(page, academies)
    page.get_by_role("button", name="Reveal").first.click()
    page.locator("code[id^=secret-]").first.wait_for()


SHARING = (
    Screen("invited", "admin", PLATFORMS, invite),
    Screen("platforms-asked", "admin", PLATFORMS, ask_to_approve),
    Screen("setup", "stranger", "/sign-in", set_up()),
    Screen("setup-moodle", "stranger", "/sign-in", set_up("moodle")),
    Screen("setup-failed", "stranger", "/sign-in", send_nothing),
    Screen("setup-arrived", "stranger", "/sign-in", send_values),
    Screen("setup-void", "stranger", f"/lti/register/{'x' * 43}", status=403),
    Screen("picker", "stranger", "/sign-in", choose),
    Screen("picker-nothing-found", "stranger", "/sign-in", search_in_vain),
    Screen("key", "admin", "/activities/{activity}/settings", new_key),
    Screen("key-secret", "admin", "/activities/{activity}/settings", reveal),
    Screen("legacy", "admin", "/integrations/lti-1.2"),
    Screen("entrance-over", "stranger", f"/lti/enter/{'x' * 43}", status=410),
)
