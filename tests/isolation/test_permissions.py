"""Every view says who may use it; what is public, and what goes without our CSRF token, is written down here."""

import re

import pytest
from webtest import TestResponse

from tenants.access import ROLES, Permission, Role
from tests.addresses import Address, addresses
from tests.furnished import Furnished, furnish
from tests.house import Browser, House

PUBLIC = "__no_permission_required__"
#: Views that need nobody signed in, each with what protects it instead or why it needs no protection.
PUBLIC_VIEWS = {
    ("GET", "__static/"): "our own files",
    ("GET", "__vendor/htmx/"): "files of installed packages",
    ("GET", "healthz"): "says only that the process lives",
    ("GET", "readyz"): "says only that it can serve",
    ("GET", "metrics"): "operator's host only; a token where lyceum.web.metrics_token is set",
    ("GET", "sign_in"): "the door",
    ("POST", "sign_in"): "the door: password, CSRF token, rate limit",
    ("GET", "sign_in_link"): "256 random bits, once",
    ("POST", "sign_out"): "CSRF token",
    ("GET", "lti_login"): "starts a conversation, signs nobody in",
    ("POST", "lti_login"): "the same",
    ("GET", "lti_login_platform"): "the same",
    ("POST", "lti_login_platform"): "the same",
    ("POST", "lti_launch"): "state, nonce, the browser's cookie and the platform's signature",
    ("GET", "lti_launch12"): "always refused: the address was opened like a page",
    ("POST", "lti_launch12"): "the consumer's signature and a nonce",
    ("GET", "lti_jwks"): "public keys",
    ("GET", "lti_resource"): "sends on to the activity, which asks who it is",
    ("GET", "lti_activities"): "sends on to the courses",
    ("GET", "lti_picker"): "the same",
    ("GET", "lti_pick"): "256 random bits, for an hour, until answered",
    ("POST", "lti_pick"): "the same",
    ("GET", "lti_enter"): "a one-use token of a launch, and the browser that launched or our own button",
    ("GET", "lti_review"): "a value sealed for the academy, for an hour; shows one learner's attempts",
    ("GET", "lti_introduction"): "256 random bits, for half an hour, once; shows who came by the launch",
    ("POST", "lti_introduction"): "the same, CSRF token, rate limit, and a session with an own sign-in",
    ("GET", "lti_invitation"): "256 random bits, for a day; what comes of it waits for the admin",
    ("POST", "lti_invitation"): "the same, CSRF token, rate limit",
    ("GET", "launch_shared"): "256 random bits, for seven days or until revoked; nothing about a person",
    ("GET", "lti_invitation_marks"): "256 random bits; says what has arrived",
    ("POST", "lti_token"): "an assertion signed by a tool, once",
    ("POST", "lti_outcomes"): "a signature with an activity's secret, once",
    ("GET", "lti_lineitems"): "an access token of a tool",
    ("POST", "lti_lineitems"): "the same",
    ("GET", "lti_lineitem"): "the same",
    ("PUT", "lti_lineitem"): "the same",
    ("DELETE", "lti_lineitem"): "the same",
    ("POST", "lti_scores"): "the same",
    ("GET", "lti_results"): "the same",
    ("GET", "lti_memberships"): "the same",
    ("GET", "lti_authorize"): "a one-use hint bound to person and session; the redirect URI must be the tool's",
    ("POST", "lti_authorize"): "the same",
    ("GET", "calendar_feed"): "256 random bits, until given up; no way into a meeting is in it",
    ("GET", "tool_return"): "shows the texts it is sent, as text, and the way to an activity",
    ("GET", "lti_configuration"): "our addresses as a platform",
    ("POST", "lti_registrations"): "256 random bits, once, within an hour; what comes of it waits for the admin",
    ("GET", "lti_registration"): "the same token, until the admin has decided",
    ("PUT", "lti_registration"): "the same",
    ("GET", "zoom_auth"): "as lti_authorize: a one-use hint bound to person and session",
    ("POST", "zoom_auth"): "the same",
    ("GET", "zoom_certs"): "public keys",
    ("POST", "zoom_token"): "an assertion signed by Zoom, once",
    ("GET", "zoom_rest"): "the access token of a profile; it writes into that profile's places only",
    ("POST", "zoom_rest"): "the same",
    ("GET", "zoom_memberships"): "an access token of a Zoom profile",
    ("GET", "zoom_return"): "shows nothing but the way to a page that asks who it is",
    ("POST", "lti_content"): "the tool's signature, our data once, and the session of who asked",
}
#: POST views without our CSRF token: other sites send to them by nature.
WITHOUT_TOKEN = {
    "lti_login",
    "lti_login_platform",
    "lti_launch",
    "lti_launch12",
    "lti_pick",
    "lti_authorize",
    "lti_token",
    "zoom_auth",
    "zoom_token",
    "zoom_rest",
    "lti_outcomes",
    "lti_lineitems",
    "lti_lineitem",
    "lti_scores",
    "lti_registrations",
    "lti_registration",
    "lti_content",
}


@pytest.fixture(scope="module")
def made() -> dict[str, Furnished]:
    return {}


@pytest.fixture
def furnished(house: House, made: dict[str, Furnished]) -> Furnished:
    if house.backend not in made:
        made[house.backend] = furnish(house)
    return made[house.backend]


def views(house: House) -> list[tuple[str, Address]]:
    """Method and address of every view; the style guide exists in development only."""
    return [(method, each) for each in addresses(house.application) for method in each.methods if method != "HEAD"]


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
def test_every_view_declares_a_permission(house: House) -> None:
    known = {*map(str, Permission), PUBLIC}
    for method, address in views(house):
        assert address.permission in known, f"{method} {address.route} declares {address.permission}"


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
def test_the_public_views_are_those_written_down(house: House) -> None:
    assert {(method, each.route) for method, each in views(house) if each.permission == PUBLIC} == set(PUBLIC_VIEWS)


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
def test_the_views_without_token_are_those_written_down(house: House) -> None:
    assert {each.route for method, each in views(house) if method != "GET" and not each.csrf} == WITHOUT_TOKEN


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
def test_every_view_names_its_methods(house: House) -> None:
    """A view that answers any method answers those nobody thought of."""
    files = {"__static/", "__vendor/htmx/"}
    named = {entry["introspectable"]["route_name"]: entry["introspectable"]["request_methods"]
             for entry in house.application.registry.introspector.get_category("views")}  # fmt: skip
    assert {route for route, methods in named.items() if route and not methods} == files


def test_the_table_of_roles_is_a_ladder() -> None:
    assert ROLES[Role.LEARNER] < ROLES[Role.AUTHOR] < ROLES[Role.ADMIN]
    assert Permission.OPERATE not in ROLES[Role.ADMIN]
    assert ROLES[Role.OPERATOR] == {Permission.SIGNED_IN, Permission.OPERATE}
    assert frozenset().union(*ROLES.values()) == set(Permission), "no permission that nobody has"


def token_of(browser: Browser) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/sign-in").text)
    assert found
    return found[1]


def is_refused(answer: TestResponse, role: Role | None) -> bool:
    if role is None:
        return answer.status_int == 303 and "/sign-in" in answer.headers["Location"]
    return answer.status_int == 403 and "WEB_FORBIDDEN" in answer.text


@pytest.mark.parametrize(
    "role", [None, Role.LEARNER, Role.AUTHOR, Role.ADMIN], ids=lambda role: str(role or "stranger")
)
def test_each_role_reaches_its_pages_and_no_others(house: House, role: Role | None, furnished: Furnished) -> None:
    """GET: everything it may is served, everything else refused. POST: everything else is refused."""
    browser = furnished.kit.signed_in(role) if role else furnished.kit.browser()
    token, wrong, refused = token_of(browser), [], 0
    for method, address in views(house):
        if address.house == "operator" or address.permission == PUBLIC:
            continue
        may = role is not None and address.permission in ROLES[role]
        path = address.path(furnished.ids)
        if method == "POST" and may:
            continue  # what it does is for the features' own tests
        answer = (
            browser.get(path, expect_errors=True)
            if method == "GET"
            else browser.app.post(path, {"csrf_token": token}, expect_errors=True)
        )
        if is_refused(answer, role) == may or answer.status_int >= 500:
            wrong.append(f"{method} {address.pattern}: {answer.status}")
        refused += not may
    assert wrong == []
    assert (refused == 0) is (role is Role.ADMIN)


def test_every_post_needs_the_token(house: House, furnished: Furnished) -> None:
    """An admin's own browser, sent by another page: no token, another's token, a token in the address."""
    browser, other = furnished.kit.signed_in(Role.ADMIN), furnished.kit.signed_in(Role.ADMIN)
    foreign, wrong = token_of(other), []
    for method, address in views(house):
        if method == "GET" or address.house == "operator" or address.route in WITHOUT_TOKEN:
            continue
        path = address.path(furnished.ids)
        for sent, query in (
            ({}, ""),
            ({"csrf_token": foreign}, ""),
            ({"csrf_token": ""}, ""),
            ({}, f"?csrf_token={foreign}"),
        ):
            answer = browser.app.post(path + query, sent, expect_errors=True)
            if answer.status_int != 403 or "WEB_CSRF" not in answer.text:
                wrong.append(f"{path} {sent} {query}: {answer.status}")
    assert wrong == []


ORIGINS = {
    "cross-site": ({"Sec-Fetch-Site": "cross-site"}, True),
    "same-site is another academy": ({"Sec-Fetch-Site": "same-site"}, True),
    "an unknown word": ({"Sec-Fetch-Site": "same-galaxy"}, True),
    "same-origin": ({"Sec-Fetch-Site": "same-origin"}, False),
    "typed by the person": ({"Sec-Fetch-Site": "none"}, False),
    "old browser, foreign origin": ({"Origin": "https://evil.example"}, True),
    "old browser, null origin": ({"Origin": "null"}, True),
    "old browser, broken origin": ({"Origin": "https://[::1"}, True),
    "old browser, our origin": ({"Origin": "https://{host}"}, False),
    "old browser, origin that begins like ours": ({"Origin": "https://{host}.evil.example"}, True),
    "old browser, ours as user": ({"Origin": "https://{host}@evil.example"}, True),
    "no header at all": ({}, False),
}


@pytest.mark.parametrize("case", ORIGINS)
def test_forms_come_from_our_own_pages(house: House, case: str, furnished: Furnished) -> None:
    """Even with the right token."""
    browser = furnished.kit.signed_in(Role.LEARNER)
    headers, refused = ORIGINS[case]
    sent = {name: value.format(host=furnished.kit.host) for name, value in headers.items()}
    fields = {"given_name": "Ada", "csrf_token": token_of(browser)}
    answer = browser.app.post("/profile", fields, headers=sent, expect_errors=True)
    assert (answer.status_int == 403 and "WEB_ORIGIN" in answer.text) is refused
    assert (answer.status_int == 303) is not refused
