"""Moodle's addresses of LTI at their edges: what is switched off, keys that change, and what an answer lets a page do."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine
from webtest import TestResponse

from saas import clock
from saas.tenancy.lifecycle import Lifecycle
from tenants.lti.keys import Keys
from tenants.lti.platform.log import Service
from tenants.zoom.ltipro.addresses import CERTS_PATH
from tests.conformance.openings import fields_of
from tests.conformance.platform import Key, Site, rsa
from tests.cost import counted
from tests.features.zoom_rooms import ROSTER, Room, learner, use
from tests.house import House

POLICY = "form-action 'self' https://applications.zoom.us:443 https://*.zoom.us;"


@pytest.fixture
def room(house: House) -> Room:
    return Room.set(house.academy(), with_roster=True)


def feature(room: Room, *, on: bool) -> None:
    with room.kit.runtime.database.shell() as session:
        lifecycle = Lifecycle(session, room.kit.runtime.settings.web)
        lifecycle.switch(room.kit.academy.slug, "zoom", on=on, reason="test")
    room.kit.runtime.tenants.forget()


#: Headers that are another answer's own.
OWN = frozenset({"X-Request-Id", "Content-Length"})
#: Why nobody of this profile is served, and how it is mended.
OFF: dict[str, tuple[Callable[[Room], Any], Callable[[Room], Any]]] = {
    "the profile": (lambda room: room.switch(on=False), lambda room: room.switch(on=True)),
    "Zoom, by the admin": (lambda room: use(room.kit, is_on=False), lambda room: use(room.kit)),
    "Zoom, by the operator": (lambda room: feature(room, on=False), lambda room: feature(room, on=True)),
}


def told(answer: TestResponse, named: str) -> tuple[int, str, list[tuple[str, str]]]:
    """All of an answer but what is another one's each time: its number, and the client that was named."""
    number = answer.headers["X-Request-Id"]
    shown = answer.html.find("main").text if "html" in answer.content_type else answer.text
    headers = [(name, value) for name, value in sorted(answer.headers.items()) if name not in OWN]
    return answer.status_int, " ".join(shown.replace(named, "…").replace(number, "…").split()), headers


def measured(room: Room, at: datetime, ask: Callable[[], TestResponse], named: str) -> tuple[Any, list[str], int]:
    """The second of two, so that nothing is remembered of one and not of the other."""
    ask()
    room.kit.runtime.tenants.forget()
    with time_machine.travel(at, tick=False), counted(room.kit.runtime.database) as cost:
        answer = ask()
    return told(answer, named), cost.statements, cost.commits


@pytest.mark.case("ZL-105")
@pytest.mark.parametrize("what", OFF)
def test_switched_off_the_token_address_knows_no_client(room: Room, what: str) -> None:
    switch, back = OFF[what]
    switch(room)
    answer = room.ask(room.form())
    assert (answer.status_int, answer.json) == (400, {"error": "invalid_client"})
    assert room.calls(service=Service.TOKEN)[0].row.code in {"CALL_CLIENT", "CALL_TOOL_OFF"}
    back(room)
    assert room.ask(room.form()).json["scope"] == ROSTER


@pytest.mark.case("ZL-105")
def test_the_token_address_answers_alike_for_whoever_is_not_served(room: Room) -> None:
    """Unknown, inactive, Zoom switched off: the same body, and the same statements."""
    nobody, at = "x" * len(room.client_id), clock.now()
    unknown = measured(room, at, lambda: room.ask(room.form(room.assertion(sub=nobody))), nobody)
    for switch, back in list(OFF.values())[:2]:
        switch(room)
        assert measured(room, at, lambda: room.ask(room.form()), room.client_id) == unknown
        back(room)


@pytest.mark.case("ZL-010")
def test_the_authorization_address_answers_alike_for_whoever_is_not_served(room: Room) -> None:
    person, browser = learner(room)
    begun = room.begin(room.place(), person, browser)
    nobody, at = "x" * len(room.client_id), clock.now()
    unknown = measured(room, at, lambda: room.authorize(browser, room.request(begun, client_id=nobody)), nobody)
    for switch, back in list(OFF.values())[:2]:
        switch(room)
        asked = measured(room, at, lambda: room.authorize(browser, room.request(begun)), room.client_id)
        back(room)
        assert asked == unknown
    assert "id_token" in fields_of(room.authorize(browser, room.request(begun)))


@pytest.mark.case("ZL-035")
def test_an_unknown_kid_is_looked_for_once_and_refused(room: Room, site: Site) -> None:
    """In the key set at Zoom's address, read over HTTP."""
    server = site.open()
    room.change_tool(pasted_key="", jwks_url=server.jwks_url)
    assert room.ask(room.form(room.assertion(server.signer))).status_int == 200
    assert server.looks == 1
    stranger = Key("nobody-knows", rsa(2))
    for turn in range(2):
        answer = room.ask(room.form(room.assertion(stranger)))
        assert (answer.status_int, answer.json) == (400, {"error": "invalid_client"})
        assert server.looks == 2, f"looked for once in a while, turn {turn}"
    line = room.calls(service=Service.TOKEN)[0].row
    assert (line.code, line.tool_id) == ("CALL_TOOL_KEYS", room.tool_id)
    assert "nobody-knows" in line.seen
    assert room.ask(room.form(room.assertion(server.signer))).status_int == 200, "whom it knows is served on"
    assert server.looks == 2


@pytest.mark.case("ZL-030")
def test_a_message_from_before_a_rotation_is_verified_after_it(room: Room) -> None:
    """Whoever reads `certs.php` then finds the key of both."""
    person, browser = learner(room)
    place, start = room.place(), clock.now()

    def message() -> str:
        page = room.authorize(browser, room.request(room.begin(place, person, browser)))
        return str(fields_of(page)["id_token"])

    def keys() -> dict[str, Any]:
        return {key["kid"]: jwt.PyJWK(key).key for key in room.kit.browser().get(CERTS_PATH).json["keys"]}

    before, known_before = message(), keys()
    with time_machine.travel(start + timedelta(hours=25)):
        with room.kit.session() as session:
            assert Keys(session, room.kit.runtime.secrets).rotate()
        browser = room.kit.signed_in(person=person)
        after, known_after = message(), keys()
    kids = [jwt.get_unverified_header(each)["kid"] for each in (before, after)]
    assert kids[0] != kids[1]
    assert set(kids) <= set(known_after)
    assert kids[1] in known_before, "published a day before it signs"
    for token, kid in zip((before, after), kids, strict=True):
        claims = jwt.decode(
            token,
            known_after[kid],
            algorithms=["RS256"],
            audience=room.client_id,
            options={"verify_exp": False, "verify_iat": False},
        )
        assert claims["iss"] == room.kit.academy.url


@pytest.mark.case("ZL-001")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_answers_form_may_go_to_zoom_alone(room: Room, method: str) -> None:
    person, browser = learner(room)
    asked = room.request(room.begin(room.place(), person, browser))
    page = room.authorize(browser, asked, method)
    assert "id_token" in fields_of(page)
    assert POLICY in page.headers["Content-Security-Policy"]
    refused = room.authorize(browser, asked, method)
    assert fields_of(refused)["error"]
    assert POLICY in refused.headers["Content-Security-Policy"], "what Zoom is told of a refusal, too"
