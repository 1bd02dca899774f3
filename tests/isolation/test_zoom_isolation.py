"""Two academies, two Zoom profiles in each: whoever's token, client ID, hint, context and event, at whichever address.

Only what belongs together works; every other combination is answered like what nobody ever heard of.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from tenants.access import Role
from tenants.accounts.models import Person
from tenants.lti.platform.log import Service
from tenants.zoom.ltipro.addresses import CERTS_PATH
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace
from tests.conformance.openings import fields_of
from tests.conformance.platform import Key, rsa
from tests.conformance.tools import pem
from tests.features.zoom_rooms import DELETE, GET, MORNING, ROSTER, SITE_INFO, Room, an_event, flat
from tests.house import Browser, House


@dataclass
class Corner:
    """One profile with a place and an event in it, and somebody who may open it."""

    name: str
    room: Room
    place: ZoomPlace
    number: int
    person: Person
    browser: Browser


@pytest.fixture
def corners(house: House) -> list[Corner]:
    """A1 and A2 of one academy, B1 and B2 of the other. Numbers of events begin anew in each, so they are the same."""
    made: list[Corner] = []
    for academy in "AB":
        kit = house.academy()
        person = kit.person(Role.AUTHOR)
        browser = kit.signed_in(person=person)
        for turn in (1, 2):
            room = Room.set(kit, with_roster=True)
            room.key = Key(f"key-{academy}{turn}", rsa(len(made)))
            room.change_tool(pasted_key=pem(room.key))
            place = room.place(PlaceKind.COURSE)
            (number,) = room.made(an_event(place, name=f"Meeting of {academy}{turn}"))
            made.append(Corner(f"{academy}{turn}", room, place, number, person, browser))
    assert [corner.number for corner in made] == [1, 2, 1, 2]
    return made


def titles(corners: list[Corner]) -> list[str]:
    """What stands in every calendar."""
    return sorted(
        event.title for corner in (corners[0], corners[2]) for event in corner.room.events() if not event.is_cancelled
    )


@pytest.mark.case("ZL-120")
def test_tokens_hosts_and_contexts(corners: list[Corner]) -> None:
    """64 combinations of whose token, at whose host, for whose context."""
    for token, host, context in product(corners, repeat=3):
        browser = host.room.kit.browser()
        event = an_event(context.place, name="Moved" if token is context else "Stolen", timestart=MORNING + 60)
        answer = token.room.create(event, browser=browser)
        fits = token.room.kit is host.room.kit
        if not fits:
            assert answer["errorcode"] == "invalidtoken", (token.name, host.name)
        elif token is not context:
            assert answer["events"] == [], (token.name, context.name)
            assert [each["warningcode"] for each in answer["warnings"]] == ["nopermissions"]
        else:
            assert [each["id"] for each in answer["events"]] == [token.number]
    assert titles(corners) == ["Moved"] * 4


@pytest.mark.case("ZL-120")
def test_what_is_foreign_is_like_what_never_was(corners: list[Corner]) -> None:
    mine = corners[0]
    said = []
    for course in (*(corner.place.context_id for corner in corners[1:]), "00000000-0000-4000-8000-000000000000"):
        answer = mine.room.create(an_event(course))
        said.append(str(answer).replace(course, "…"))
    assert len(set(said)) == 1
    numbers = [mine.room.delete(number).body for number in (corners[1].number, 4711)]
    assert len(set(numbers)) == 1


@pytest.mark.case("ZL-120")
def test_deleting_and_reading(corners: list[Corner]) -> None:
    for token, host, target in product(corners, repeat=3):
        browser = host.room.kit.browser()
        got = token.room.call(GET, {"events[eventids][0]": target.number}, browser=browser).json
        if token.room.kit is not host.room.kit:
            assert got["errorcode"] == "invalidtoken"
            answer = token.room.call(DELETE, flat({"eventid": target.number, "repeat": 1}), browser=browser)
            assert answer.json["errorcode"] == "invalidtoken"
            continue
        is_own = target.number == token.number
        assert [event["name"] for event in got["events"]] == ([f"Meeting of {token.name}"] if is_own else [])
        if not is_own:
            answer = token.room.call(DELETE, flat({"eventid": target.number, "repeat": 1}), browser=browser)
            assert answer.json["errorcode"] == "nopermissions"
    assert len(titles(corners)) == 4
    everything = corners[0].room.call(GET, {}).json["events"]
    assert [event["name"] for event in everything] == ["Meeting of A1"]
    by_course = {f"events[courseids][{place}]": corner.place.context_id for place, corner in enumerate(corners)}
    assert [event["name"] for event in corners[3].room.call(GET, by_course).json["events"]] == ["Meeting of B2"]
    assert corners[2].room.delete(corners[2].number).json is None
    assert titles(corners) == ["Meeting of A1", "Meeting of A2", "Meeting of B2"]


@pytest.mark.case("ZL-120")
def test_site_info_is_of_the_tokens_own_academy(corners: list[Corner]) -> None:
    for token, host in product(corners, repeat=2):
        told = token.room.call(SITE_INFO, browser=host.room.kit.browser()).json
        if token.room.kit is host.room.kit:
            assert told["sitename"] == token.room.kit.academy.name
        else:
            assert told["errorcode"] == "invalidtoken"


@pytest.mark.case("ZL-120")
def test_assertions_keys_and_hosts(corners: list[Corner]) -> None:
    """Whose client ID, signed with whose key, sent to whose host."""
    for client, signer, host in product(corners, repeat=3):
        form = client.room.form(
            client.room.assertion(signer.room.key, aud=f"{host.room.kit.academy.url}/mod/lti/token.php")
        )
        answer = client.room.ask(form, host.room.kit.browser())
        fits = client is signer and client.room.kit is host.room.kit
        if fits:
            assert answer.json["scope"] == ROSTER
        else:
            assert (answer.status_int, answer.json) == (400, {"error": "invalid_client"}), (client.name, host.name)


@pytest.mark.case("ZL-120")
def test_a_token_is_no_token_anywhere_else(corners: list[Corner]) -> None:
    """Tokens of the roster are none for calendars, nor the other way round."""
    first = corners[0]
    bearer = first.room.ask(first.room.form()).json["access_token"]
    assert first.room.call(SITE_INFO, token=bearer).json["errorcode"] == "invalidtoken"
    path = f"/zoom/places/{first.place.context_id}/memberships"
    said = {"Authorization": f"Bearer {first.room.token}"}
    assert first.room.kit.browser().get(path, headers=said, expect_errors=True).status_int == 401


@pytest.mark.case("ZL-120")
def test_rosters_tokens_hosts_and_contexts(corners: list[Corner]) -> None:
    """64 combinations of whose token, at whose host, for whose place; and the same with the link of a place beside it."""
    tokens = {corner.name: corner.room.ask(corner.room.form()).json["access_token"] for corner in corners}
    for bearer, host, context in product(corners, repeat=3):
        path = f"/zoom/places/{context.place.context_id}/memberships"
        said = {"Authorization": f"Bearer {tokens[bearer.name]}"}
        answer = host.room.kit.browser().get(path, headers=said, expect_errors=True)
        linked = host.room.kit.browser().get(
            f"{path}?rlid={bearer.place.resource_link_id}", headers=said, expect_errors=True
        )
        case = (bearer.name, host.name, context.name)
        if bearer.room.kit is not host.room.kit:
            assert (answer.status_int, linked.status_int) == (401, 401), case
        elif bearer is not context:
            assert (answer.status_int, linked.status_int) == (404, 404), case
            assert context.room.kit.academy.name not in answer.text or context.room.kit is host.room.kit
        else:
            assert (answer.status_int, linked.status_int) == (200, 200), case
            assert answer.json["context"]["id"] == context.place.context_id
    unknown = corners[0].room.kit.browser()
    said = {"Authorization": f"Bearer {tokens['A1']}"}
    contexts = [corner.place.context_id for corner in corners[1:]] + ["00000000-0000-4000-8000-000000000000"]
    answers = [unknown.get(f"/zoom/places/{each}/memberships", headers=said, expect_errors=True) for each in contexts]
    told = {
        answer.text.replace(each, "…").replace(answer.headers["X-Request-Id"], "…")
        for each, answer in zip(contexts, answers, strict=True)
    }
    assert len(told) == 1, "another's place is like what never was"


@pytest.mark.case("ZL-120")
def test_hints_clients_and_hosts(corners: list[Corner]) -> None:
    """Whose launch, answered with whose client ID, in whose browser."""
    for launch, client, host in product(corners, repeat=3):
        begun = launch.room.begin(launch.place, launch.person, launch.browser)
        browser = host.browser if host.room.kit is not launch.room.kit else launch.browser
        page = client.room.authorize(browser, client.room.request(begun))
        if client.room.kit is not host.room.kit:
            assert "TOOL_CLIENT" in page, (launch.name, client.name, host.name)
        elif launch.room.kit is not host.room.kit:
            assert fields_of(page)["error"] == "invalid_request"
        elif client is not launch:
            assert fields_of(page)["error"] == "unauthorized_client"
        else:
            assert "id_token" in fields_of(page)


@pytest.mark.case("ZL-120")
def test_key_sets_are_the_academys_own(corners: list[Corner]) -> None:
    sets: list[set[Any]] = []
    for corner in corners:
        keys = corner.room.kit.browser().get(CERTS_PATH).json["keys"]
        sets.append({key["kid"] for key in keys})
    assert sets[0] == sets[1]
    assert sets[2] == sets[3]
    assert not sets[0] & sets[2]


@pytest.mark.case("ZL-120")
def test_lines_stand_in_the_log_they_belong_to(corners: list[Corner]) -> None:
    first, second, third = corners[:3]
    first.room.create(an_event(second.place))
    first.room.create(an_event(third.place), browser=third.room.kit.browser())
    newest = first.room.calls(service=Service.CALENDAR, tool_id=first.room.tool_id)[0].row
    assert newest.code == "ZOOM_CALL_PLACE"
    assert all(call.row.code == "" for call in second.room.calls(tool_id=second.room.tool_id))
    theirs = third.room.calls(service=Service.CALENDAR)[0].row
    assert (theirs.code, theirs.tool_id) == ("ZOOM_CALL_TOKEN", None)


@pytest.mark.case("ZL-120")
@pytest.mark.parametrize("switch", ["off", "on"])
def test_one_profile_switched_off_stops_no_other(corners: list[Corner], switch: str) -> None:
    corners[0].room.switch(on=switch == "on")
    answers = ["errorcode" in corner.room.call(SITE_INFO).json for corner in corners]
    assert answers == [switch == "off", False, False, False]
