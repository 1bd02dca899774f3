"""The pages on which an admin finds out: keys, self-test, launches judged again and shared, rosters, the move to LTI 1.3,
and what a teacher of the other LMS sees of a learner's attempt.
"""

import time
from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qs, parse_qsl
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.browser.academies import Academies
from tests.browser.screen import Screen, Step
from tests.browser.sharing_screens import reveal
from tests.interop.test_story13_http import CLAIM, MEMBERSHIP, NRPS, SCOPES
from tests.protocol.consumer import fields, post
from tests.services import wait_for

KEYS = "/integrations/lti-1.3/keys"
SCHOOL = "/integrations/lti-1.3/platforms/{School}"
SETTINGS = "/activities/{activity}/settings"
REFUSED = "/integrations/launches/{refused}"


def note_pasted_key(page: Page, academies: Academies) -> None:
    """The platform's page, where somebody says that our key was pasted there."""
    if page.get_by_role("button", name="Our public key was pasted there").count():
        page.get_by_role("button", name="Our public key was pasted there").click()
    page.get_by_role("button", name="It reads the JWKS URL now").wait_for()
    page.goto(academies.base("admin") + KEYS)


def run_self_test(page: Page, _academies: Academies) -> None:
    page.get_by_role("button", name="Run").first.click()
    page.get_by_role("heading", name="Messages, good and bad").wait_for()
    page.get_by_role("button", name="Run again").wait_for()


def test_key(page: Page, academies: Academies) -> None:
    reveal(page, academies)
    page.get_by_role("button", name="Run").first.click()
    page.get_by_role("heading", name="Messages, good and bad").wait_for()
    page.get_by_role("button", name="Run again").wait_for()


def rotate(page: Page, academies: Academies) -> None:
    reveal(page, academies)
    page.get_by_role("link", name="Rotate").first.click()
    page.get_by_role("button", name="Make a new secret").wait_for()


def share_launch(page: Page, _academies: Academies) -> None:
    page.get_by_role("button", name="Make a link").click()
    page.locator("#share-link").wait_for()


def open_shared(page: Page, academies: Academies) -> None:
    """The admin makes the link, a stranger opens it."""
    admin = academies.page("admin")
    admin.goto(academies.base("admin") + REFUSED.format_map(academies.ids))
    share_launch(admin, academies)
    link = admin.locator("#share-link").inner_text()
    admin.close()
    page.goto(link)
    page.get_by_text("This page ends").wait_for()


def send(page: Page, url: str, form: Mapping[str, str]) -> None:
    """As another site's page does that posts a message here."""
    inputs = "".join(f'<input type="hidden" name="{name}" value="{escape(form[name])}">' for name in form)
    page.set_content(f'<form method="post" action="{escape(url)}">{inputs}<button>Send</button></form>')
    page.get_by_role("button", name="Send").click()


def review(person: str) -> Step:
    """A teacher opens somebody's attempt from the gradebook: the answer to the login is that message."""

    def step(page: Page, academies: Academies) -> None:
        lms, link = academies.lms, academies.registered.links[0].id
        lms.fail("auth", {"body": '<link rel="icon" href="data:,">', "content_type": "text/html"})
        academies.click_link("tilda", page=page)
        wait_for(lambda: not lms.pending_faults().get("auth"), "the login")
        page.wait_for_load_state()
        query = lms.journal("auth")[-1].query
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        changes = {
            CLAIM + "message_type": "LtiSubmissionReviewRequest",
            CLAIM + "for_user": {"user_id": lms.subject(person)},
        }
        form = lms.mint(link, "tilda", nonce=asked["nonce"], state=asked["state"], overrides=changes)
        send(page, asked["redirect_uri"], form)
        page.wait_for_url("**/lti/review/**")

    return step


def offer_roster(page: Page, academies: Academies, at: str = "/nrps/1") -> None:
    """The LMS names in a launch where its roster is."""
    registered, lms = academies.registered, academies.lms
    roster = {"context_memberships_url": lms.url + at, "service_versions": ["2.0"]}
    lms.change(registered.client_id, scopes=[*SCOPES, MEMBERSHIP], claims={NRPS: roster})
    try:
        academies.launch("anna").close()
    finally:
        lms.change(registered.client_id, claims={})
    page.reload()
    page.get_by_role("link", name="Roster", exact=True).first.click()
    page.get_by_role("button", name="Read the roster").wait_for()


def read_roster(page: Page, academies: Academies) -> None:
    offer_roster(page, academies)
    page.get_by_role("button", name="Read the roster").click()
    expect(page.get_by_role("table")).to_be_visible()


def fail_roster(page: Page, academies: Academies) -> None:
    """What is named as the roster is a page for people."""
    offer_roster(page, academies, "/manage")
    page.get_by_role("button", name="Read the roster").click()
    page.locator(".problem").wait_for()


def launch_by_key(page: Page, academies: Academies, *user_ids: str) -> None:
    """People come by LTI 1.2; afterwards the list of keys knows them."""
    reveal(page, academies)
    key, secret, url = (page.locator(f"code[id^={part}-]").first.inner_text() for part in ("key", "secret", "launch"))
    for user_id in user_ids or ("4711", "4712"):
        form = fields(user_id=user_id, lis_person_contact_email_primary=f"{user_id}@school.example")
        signed = post(form, url=url, key=key, secret=secret, at=int(time.time()), nonce=uuid4().hex)
        other = academies.passer_by()
        send(other, url, dict(parse_qsl(signed.decode(), keep_blank_values=True)))
        other.get_by_role("heading", name="Tides").wait_for()
        other.close()
    page.goto(f"{academies.base('admin')}/integrations/lti-1.2")


def plan_move(page: Page, academies: Academies, *user_ids: str) -> None:
    launch_by_key(page, academies, *user_ids)
    page.get_by_role("link", name="Plan the move").first.click()
    page.get_by_label("The same system as an LTI 1.3 platform").select_option(label="Canvas of the west")
    page.get_by_role("heading", name="Dry run").wait_for()


def plan_move_in_vain(page: Page, academies: Academies) -> None:
    """Somebody's id there is somebody else's here."""
    plan_move(page, academies, academies.lms.subject("carla"))
    page.get_by_text("This move is not offered").wait_for()


REPORTS = (
    Screen("keys", "admin", KEYS),
    Screen("keys-pasted", "admin", SCHOOL, note_pasted_key),
    Screen("self-test-none", "admin", "/integrations/lti-1.3/platforms/{Old Moodle}/self-test"),
    Screen("self-test", "admin", SCHOOL + "/self-test", run_self_test),
    Screen("self-test-key", "admin", SETTINGS, test_key),
    Screen("platform-tested", "admin", SCHOOL),
    Screen("key-rotate", "admin", SETTINGS, rotate),
    Screen("launch-again", "admin", REFUSED + "/again"),
    Screen("launch-share", "admin", REFUSED, share_launch),
    Screen("launch-shared", "stranger", "/sign-in", open_shared),
    Screen("review", "stranger", "/sign-in", review("anna")),
    Screen("review-over", "stranger", f"/lti/review/{'x' * 43}", status=410),
    Screen("roster", "admin", SCHOOL, offer_roster),
    Screen("roster-difference", "admin", SCHOOL, read_roster),
    Screen("roster-failed", "admin", SCHOOL, fail_roster),
    Screen("legacy-used", "admin", SETTINGS, launch_by_key),
    Screen("legacy-move", "admin", SETTINGS, plan_move),
    Screen("legacy-move-refused", "admin", SETTINGS, plan_move_in_vain),
)
