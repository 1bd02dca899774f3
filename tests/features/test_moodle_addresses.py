"""Moodle's addresses of LTI: Zoom's authorization, its tokens and our key set, answered as Moodle does."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
import sqlalchemy as sa
from webtest import TestResponse

from saas import clock
from saas.tenancy.lifecycle import Lifecycle
from saas.tenancy.models import Domain
from tenants.lti.launches.models import Launch
from tenants.lti.models import SigningKey
from tenants.lti.platform.log import Service
from tenants.zoom.ltipro.addresses import AUTH_PATH, CERTS_PATH, REST_PATH, TOKEN_PATH
from tenants.zoom.ltipro.models import PlaceKind, ZoomUse
from tests.conformance.openings import Desk, fields_of, target_of
from tests.conformance.platform import Key, rsa
from tests.features.zoom_rooms import ROSTER, Room, error_of, learner, use
from tests.house import Browser, House, Kit

TO_ZOOM = "form-action 'self' https://applications.zoom.us:443 https://*.zoom.us;"
EVERY = (AUTH_PATH, TOKEN_PATH, CERTS_PATH, REST_PATH)


@pytest.fixture
def room(house: House) -> Room:
    return Room.set(house.academy(), with_roster=True)


def claims_of(browser: Browser, page: TestResponse, room: Room) -> dict[str, Any]:
    """Of the token in the answer, verified by PyJWT as Zoom does it."""
    keys = {key["kid"]: jwt.PyJWK(key).key for key in browser.get(CERTS_PATH).json["keys"]}
    token = fields_of(page)["id_token"]
    kid = jwt.get_unverified_header(token)["kid"]
    decoded: dict[str, Any] = jwt.decode(token, keys[kid], algorithms=["RS256"], audience=room.client_id)
    return decoded


def sends_itself(page: TestResponse) -> bool:
    return "data-send" in page or "https://applications.zoom.us" in page.headers.get("Content-Security-Policy", "")


def send(browser: Browser, method: str, path: str) -> TestResponse:
    return browser.app.request(path, method=method, headers={"Host": browser.host}, expect_errors=True)


def alias_of(kit: Kit) -> Browser:
    """A browser on another name of the academy."""
    host = f"old.{kit.academy.slug}.example"
    with kit.runtime.database.shell() as session:
        session.add(Domain(host=host, tenant_id=kit.academy.id))
    kit.runtime.tenants.forget()
    return kit.house.browser(host)


# -- authorization


@pytest.mark.case("ZL-001")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("which", [0, 1])
def test_an_id_token_goes_to_either_redirect_uri(room: Room, method: str, which: int) -> None:
    person, browser = learner(room)
    place = room.place()
    asked = room.request(room.begin(place, person, browser), redirect_uri=room.redirects[which], state='"><script>')
    page = room.authorize(browser, asked, method)
    assert target_of(page) == room.redirects[which]
    assert fields_of(page)["state"] == '"><script>'
    assert "<script>" not in page.text.replace("<script type", "")
    claims = claims_of(browser, page, room)
    assert claims["nonce"] == asked["nonce"]
    assert claims["iss"] == room.kit.academy.url
    assert claims["https://purl.imsglobal.org/spec/lti/claim/context"]["id"] == place.context_id
    assert page.headers["Cache-Control"] == "no-store"
    assert TO_ZOOM in page.headers["Content-Security-Policy"]


MOODLES_TABLE = {
    "no scope": (("scope",), {}, "invalid_request"),
    "no response_type": (("response_type",), {}, "invalid_request"),
    "no response_mode": (("response_mode",), {}, "invalid_request"),
    "no login_hint": (("login_hint",), {}, "invalid_request"),
    "no nonce": (("nonce",), {}, "invalid_request"),
    "blank nonce": ((), {"nonce": " "}, "invalid_request"),
    "no message hint": (("lti_message_hint",), {}, "invalid_request"),
    "unknown message hint": ((), {"lti_message_hint": "x" * 43}, "invalid_request"),
    "another scope": ((), {"scope": "profile"}, "invalid_scope"),
    "more scopes": ((), {"scope": "openid profile"}, "invalid_scope"),
    "another response_type": ((), {"response_type": "code"}, "unsupported_response_type"),
    "another response_mode": ((), {"response_mode": "query"}, "invalid_request"),
    "another prompt": ((), {"prompt": "login"}, "invalid_request"),
    "unknown login_hint": ((), {"login_hint": "4711"}, "access_denied"),
}


@pytest.mark.case("ZL-002")
@pytest.mark.parametrize("case", MOODLES_TABLE)
def test_moodles_table_of_errors(room: Room, case: str) -> None:
    left_out, changes, error = MOODLES_TABLE[case]
    person, browser = learner(room)
    begun = room.begin(room.place(), person, browser)
    page = room.authorize(browser, room.request(begun, *left_out, **changes))
    assert error_of(page) == error
    assert fields_of(page)["state"] == "a state"
    assert target_of(page) == room.redirects[0]
    assert TO_ZOOM in page.headers["Content-Security-Policy"]


@pytest.mark.case("ZL-003")
def test_without_prompt_and_state_it_is_answered(room: Room) -> None:
    person, browser = learner(room)
    page = room.authorize(browser, room.request(room.begin(room.place(), person, browser), "prompt", "state"))
    assert set(fields_of(page)) == {"id_token"}


@pytest.mark.case("ZL-008")
def test_a_launch_of_another_profile(room: Room) -> None:
    """Moodle says so where the client is not the launch's."""
    other = Room.set(room.kit)
    person, browser = learner(room)
    begun = room.begin(room.place(), person, browser)
    assert error_of(room.authorize(browser, other.request(begun))) == "unauthorized_client"


@pytest.mark.case("ZL-007")
def test_a_hint_is_good_once_for_minutes_for_its_person(room: Room) -> None:
    person, browser = learner(room)
    _other, stranger = learner(room)
    place = room.place()
    begun = room.begin(place, person, browser)
    assert error_of(room.authorize(stranger, room.request(begun))) == "access_denied"
    assert "id_token" in fields_of(room.authorize(browser, room.request(begun)))
    assert error_of(room.authorize(browser, room.request(begun))) == "invalid_request"
    late = room.begin(place, person, browser)
    with room.kit.session() as session:
        session.execute(sa.update(Launch).values(started_at=clock.now() - timedelta(minutes=6)))
    assert error_of(room.authorize(browser, room.request(late))) == "invalid_request"


@pytest.mark.case("ZL-004")
@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/x",
        "",
        "https://applications.zoom.us/lti/rich/oauth/complete/",
        "https://applications.zoom.us",
    ],
)
def test_nothing_is_posted_to_an_address_that_is_not_registered(room: Room, uri: str) -> None:
    person, browser = learner(room)
    begun = room.begin(room.place(), person, browser)
    page = room.authorize(browser, room.request(begun, redirect_uri=uri, prompt="login"))
    assert page.status_int == 400
    assert "TOOL_REDIRECT" in page
    assert not sends_itself(page)


@pytest.mark.case("ZL-005")
def test_without_a_session_our_own_page_sends_it_once_more(room: Room) -> None:
    """As Moodle does, whose cookie is kept back from another site's post as well."""
    person, browser = learner(room)
    asked = room.request(room.begin(room.place(), person, browser))
    stranger = room.kit.browser()
    page = room.authorize(stranger, {**asked, "more": "x"}, "POST", **{"Sec-Fetch-Site": "cross-site"})
    assert "Set-Cookie" not in page.headers
    assert target_of(page) == AUTH_PATH
    again = fields_of(page)
    assert again == {**asked, "repost": "1"}
    assert "id_token" in fields_of(room.authorize(browser, again, "POST", **{"Sec-Fetch-Site": "same-origin"}))
    lost = room.authorize(stranger, {**asked, "repost": "1"}, "POST")
    assert error_of(lost) in {"login_required", "invalid_request"}


@pytest.mark.case("ZL-013")
def test_an_old_host_sends_the_browser_to_the_session(room: Room) -> None:
    person, browser = learner(room)
    asked = room.request(room.begin(room.place(), person, browser))
    old = alias_of(room.kit)
    for method in ("GET", "POST"):
        page = room.authorize(old, {**asked, "more": "x"}, method)
        assert page.status_int == 200
        assert target_of(page) == f"{room.kit.academy.url}{AUTH_PATH}"
        assert fields_of(page) == asked
        assert room.kit.academy.url in page.headers["Content-Security-Policy"].partition("form-action")[2]
        assert room.kit.academy.url in page.headers["Content-Security-Policy"].partition("frame-ancestors")[2]
        assert "Set-Cookie" not in page.headers
    assert "id_token" in fields_of(room.authorize(browser, fields_of(page), "POST"))


@pytest.mark.case("ZL-014")
def test_looking_ahead_uses_nothing_up(room: Room) -> None:
    person, browser = learner(room)
    asked = room.request(room.begin(room.place(), person, browser))
    assert browser.app.head(AUTH_PATH, asked).status_int == 204
    assert room.authorize(browser, asked, "GET", **{"Sec-Purpose": "prefetch"}).status_int == 204
    assert "id_token" in fields_of(room.authorize(browser, asked))


# -- tokens


def refused(answer: TestResponse) -> str:
    """As Moodle does: 400 and one word."""
    assert answer.status_int == 400
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.json) == {"error"}
    error: str = answer.json["error"]
    return error


@pytest.mark.case("ZL-032")
def test_a_token_with_its_scope(room: Room) -> None:
    answer = room.ask(room.form(scope=f"{ROSTER} https://purl.imsglobal.org/spec/lti-ags/scope/score"))
    assert answer.status_int == 200
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "scope"}
    assert (answer.json["token_type"], answer.json["expires_in"], answer.json["scope"]) == ("Bearer", 3600, ROSTER)
    assert "Set-Cookie" not in answer.headers
    (call,) = room.calls(service=Service.TOKEN)
    assert (call.row.tool_id, call.row.code) == (room.tool_id, "")


FORMS = {
    "no grant_type": (("grant_type",), {}, "invalid_request"),
    "another grant": ((), {"grant_type": "password"}, "unsupported_grant_type"),
    "no assertion": (("client_assertion",), {}, "invalid_request"),
    "no assertion type": (("client_assertion_type",), {}, "invalid_request"),
    "another assertion type": ((), {"client_assertion_type": "x"}, "invalid_request"),
    "no scope": (("scope",), {}, "invalid_request"),
    "no such scope": ((), {"scope": "x"}, "invalid_scope"),
    "no JWT": ((), {"client_assertion": "x"}, "invalid_client"),
}


@pytest.mark.case("ZL-033")
@pytest.mark.parametrize("case", FORMS)
def test_forms_that_are_refused(room: Room, case: str) -> None:
    left_out, changes, error = FORMS[case]
    assert refused(room.ask(room.form("", *left_out, **changes))) == error
    assert room.calls(service=Service.TOKEN)[0].row.code


CLAIMS: dict[str, dict[str, Any]] = {
    "unknown client": {"sub": "nobody"},
    "no client": {"sub": None},
    "no issuer": {"iss": None},
    "another audience": {"aud": "https://elsewhere.example/mod/lti/token.php"},
    "no audience": {"aud": None},
    "expired": {"iat": 1_700_000_000, "exp": 1_700_000_300},
    "from the future": {"iat": 4_000_000_000, "exp": 4_000_000_300},
    "for a day": {"exp": 4_000_000_000},
    "no exp": {"exp": None},
    "no jti": {"jti": None},
}


@pytest.mark.case("ZL-034")
@pytest.mark.parametrize("case", CLAIMS)
def test_assertions_that_are_refused(room: Room, case: str) -> None:
    assert refused(room.ask(room.form(room.assertion(**CLAIMS[case])))) == "invalid_client"


@pytest.mark.case("ZL-035")
def test_signatures_and_second_uses(room: Room) -> None:
    assert refused(room.ask(room.form(room.assertion(Key("zoom-key", rsa(1)))))) == "invalid_client"
    once = room.form()
    assert room.ask(once).status_int == 200
    assert refused(room.ask(once)) == "invalid_client"
    assert refused(room.ask(room.form(), headers={"Content-Type": "application/json"})) == "invalid_request"


@pytest.mark.case("ZL-036")
def test_audiences_of_every_host(room: Room) -> None:
    old = alias_of(room.kit)
    bases = (room.kit.academy.url, f"https://{old.host}")
    for base in bases:
        for audience in (base, f"{base}/", f"{base}{TOKEN_PATH}", [f"{base}{TOKEN_PATH}", "x"]):
            assert room.ask(room.form(room.assertion(aud=audience)), old).status_int == 200, audience
    assert refused(room.ask(room.form(room.assertion(aud=f"{bases[0]}/lti/token")))) == "invalid_client"
    assert room.ask(room.form(room.assertion(iss=room.client_id))).status_int == 200


@pytest.mark.case("ZL-037")
def test_tools_of_the_other_kind_are_unknown_at_either_address(room: Room) -> None:
    """An ordinary tool is no Zoom, nor the other way round."""
    desk = Desk.set(room.kit)
    person, browser = learner(room)
    stray = room.authorize(browser, room.request({}, client_id=desk.client_id, redirect_uri=desk.redirect_uri))
    assert "TOOL_CLIENT" in stray
    asked = room.request(room.begin(room.place(), person, browser))
    assert "TOOL_CLIENT" in browser.app.get("/lti/authorize", asked, expect_errors=True)
    assert refused(room.ask(room.form(room.assertion(sub=desk.client_id)))) == "invalid_client"
    wrong = room.assertion(iss=room.client_id, aud=f"{room.kit.academy.url}/lti/token")
    assert room.kit.browser().app.post("/lti/token", room.form(wrong), expect_errors=True).status_int == 401


# -- key set


@pytest.mark.case("ZL-030")
def test_the_key_set_is_never_empty(room: Room) -> None:
    """Before the first launch, too: whoever keeps an empty one would refuse it."""
    kit = room.kit.house.academy()
    with kit.session() as session:
        session.execute(sa.delete(SigningKey))
    answer = kit.browser().get(CERTS_PATH)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in answer.headers
    keys = answer.json["keys"]
    assert keys
    for key in keys:
        assert set(key) == {"kty", "alg", "kid", "e", "n", "use"}
        assert "=" not in key["n"] + key["e"]
    assert answer.json == kit.browser().get(CERTS_PATH).json
    assert not {key["kid"] for key in keys} & {key["kid"] for key in room.kit.browser().get(CERTS_PATH).json["keys"]}


def test_readers_of_the_key_set_are_noted_once_a_minute(room: Room) -> None:
    def read() -> list[Any]:
        room.kit.browser().get(CERTS_PATH)
        noted = len(room.calls(service=Service.KEYS))
        with room.kit.session() as session:
            return [session.scalar(sa.select(ZoomUse.keys_fetched_at)), noted]

    first = read()
    assert first[1] == 1
    assert read() == first
    with room.kit.session() as session:
        session.execute(sa.update(ZoomUse).values(keys_fetched_at=clock.now() - timedelta(minutes=2)))
    assert read()[1] == 2
    use(room.kit, is_on=False)
    with room.kit.session() as session:
        session.execute(sa.update(ZoomUse).values(keys_fetched_at=None))
    assert read() == [None, 2]


# -- manners of all four


@pytest.mark.case("ZL-031")
def test_other_methods_and_no_cookie_anywhere(room: Room) -> None:
    allowed = {AUTH_PATH: "GET, POST", TOKEN_PATH: "POST", CERTS_PATH: "GET", REST_PATH: "GET, POST"}
    browser = room.kit.browser()
    for path in EVERY:
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", *(() if "GET" in allowed[path] else ("GET",))):
            answer = send(browser, method, path)
            assert answer.status_int == 405, f"{method} {path}"
            assert answer.headers.get("Allow", allowed[path]) == allowed[path]
            assert "Set-Cookie" not in answer.headers
            if path != AUTH_PATH:
                assert "html" not in answer.content_type
        assert not send(browser, "HEAD", path).body


@pytest.mark.case("ZL-031")
def test_no_host_of_the_academy_redirects_them(room: Room) -> None:
    old = alias_of(room.kit)
    for path in EVERY:
        for browser in (old, room.kit.browser()):
            for method in ("GET", "POST"):
                answer = send(browser, method, path)
                assert not 300 <= answer.status_int < 400
                assert "Location" not in answer.headers


def test_a_closed_academy_is_no_page_to_a_server(room: Room) -> None:
    slug = room.kit.academy.slug
    with room.kit.runtime.database.shell() as session:
        Lifecycle(session, room.kit.runtime.settings.web).suspend(slug)
    room.kit.runtime.tenants.forget()
    for path in (TOKEN_PATH, CERTS_PATH, REST_PATH):
        answer = room.kit.browser().app.post(path, expect_errors=True)
        assert answer.status_int == 403
        assert "html" not in answer.content_type


@pytest.mark.case("ZL-010")
@pytest.mark.parametrize("kind", [PlaceKind.ELEMENT, PlaceKind.COURSE])
def test_switched_off_a_launch_ends_like_an_unknown_client(room: Room, kind: PlaceKind) -> None:
    person, browser = learner(room)
    begun = room.begin(room.place(kind), person, browser)
    pages = []
    unknown = room.authorize(browser, room.request(begun, client_id="x" * len(room.client_id)))
    switches: tuple[tuple[Callable[[], None], Callable[[], None]], ...] = (
        (lambda: room.switch(on=False), lambda: room.switch(on=True)),
        (lambda: use(room.kit, is_on=False), lambda: use(room.kit)),
    )
    for switch, back in switches:
        switch()
        pages.append(room.authorize(browser, room.request(begun)))
        back()
    for page in pages:
        assert page.status_int == unknown.status_int
        assert "TOOL_CLIENT" in page
        assert not sends_itself(page)
    assert "id_token" in fields_of(room.authorize(browser, room.request(begun)))
