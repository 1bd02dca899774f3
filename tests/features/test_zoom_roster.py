"""Zoom reads who takes part at a place of its own: same people, same pseudonyms, no more than they agreed to."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from webtest import TestResponse

from saas import clock
from tenants.access import Role
from tenants.accounts.models import MadeBy, Person, PersonStatus
from tenants.catalog.models import Activity
from tenants.learning.services import Learning
from tenants.lti.platform.grants import ToolToken
from tenants.lti.platform.log import ServiceCalls, Wanted
from tenants.lti.platform.models import Tool
from tenants.lti.platform.once import hash_of
from tenants.lti.wire import ags, nrps
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace, ZoomProfile
from tenants.zoom.ltipro.profiles import values_of
from tests.features.test_zoom_places import operator_switches
from tests.features.zoom_places import ADMIN_ROLES, COACH_ROLES, MEMBERSHIP, Visitor, ZoomDesk, make_profile
from tests.house import House, Kit

KINDS = list(PlaceKind)
LEARNER_ROLES = [f"{MEMBERSHIP}Learner"]


@pytest.fixture
def desk(house: House) -> ZoomDesk:
    return ZoomDesk.set(house.academy(), with_roster=True)


def token_of(kit: Kit, tool_id: Any, scopes: tuple[str, ...] = (nrps.SCOPE,)) -> str:
    value = uuid4().hex
    with kit.session() as session:
        until = clock.now() + timedelta(hours=1)
        session.add(ToolToken(tool_id=tool_id, token_hash=hash_of(value), scopes=list(scopes), expires_at=until))
    return value


def token(desk: ZoomDesk, **more: Any) -> str:
    with desk.kit.session() as session:
        tool_id = session.get_one(ZoomProfile, desk.profile_id).tool_id
    return token_of(desk.kit, tool_id, **more)


def call(desk: ZoomDesk, kind: PlaceKind, value: str = "", status: int = 200, **asked: Any) -> TestResponse:
    path = f"/zoom/places/{desk.there(kind).context_id}/memberships"
    headers = {"Authorization": f"Bearer {value or token(desk)}"}
    return desk.kit.browser().app.get(path, asked, headers=headers, status=status)


def members(desk: ZoomDesk, kind: PlaceKind, **asked: Any) -> dict[str, dict[str, Any]]:
    return {each["user_id"]: each for each in call(desk, kind, **asked).json["members"]}


def sub_of(visitor: Visitor, kind: PlaceKind) -> str:
    """As a launch says it."""
    return str(visitor.launch(kind)["sub"])


@pytest.mark.case("ZL-040")
@pytest.mark.parametrize("kind", KINDS)
def test_the_roster_says_of_people_what_launches_say(desk: ZoomDesk, kind: PlaceKind) -> None:
    learner, coach = desk.visitor(in_group=False), desk.visitor(in_group=True)
    author, admin = desk.visitor(Role.AUTHOR), desk.visitor(Role.ADMIN)
    people = [learner, coach, author, admin]
    claims = {visitor.launch(kind)["sub"]: visitor for visitor in people}
    roles = {
        claim["sub"]: claim["https://purl.imsglobal.org/spec/lti/claim/roles"]
        for claim in (visitor.launch(kind) for visitor in people)
    }
    answer = call(desk, kind)
    place = desk.there(kind)
    assert answer.content_type == "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
    assert answer.json["id"] == f"{desk.kit.academy.url}/zoom/places/{place.context_id}/memberships"
    title = "Group North" if kind is PlaceKind.GROUP else "Welding basics"
    assert answer.json["context"] == {"id": place.context_id, "label": title, "title": title}
    assert {each["user_id"]: each for each in answer.json["members"]} == {
        sub: {
            "status": "Active",
            "user_id": sub,
            "roles": roles[sub],
            "name": visitor.person.name,
            "given_name": visitor.person.given_name,
            "family_name": visitor.person.family_name,
            "email": visitor.person.email,
        }
        for sub, visitor in claims.items()
    }
    assert roles[next(iter(roles))] == LEARNER_ROLES
    with desk.kit.session() as session:
        logged = ServiceCalls(session).find(Wanted())[0]
        assert (logged.row.service, logged.row.code, logged.row.seen) == ("roster", "", "4 members")


def test_who_never_came_is_a_pseudonym_and_the_same_in_the_launch(desk: ZoomDesk) -> None:
    visitor = desk.visitor(in_group=False)
    (told,) = members(desk, PlaceKind.GROUP).values()
    assert told == {"status": "Active", "user_id": told["user_id"], "roles": LEARNER_ROLES}
    assert sub_of(visitor, PlaceKind.COURSE) == told["user_id"]
    assert str(visitor.person.id) not in told["user_id"]


@pytest.mark.case("ZL-041")
def test_names_only_of_those_who_agreed_and_as_the_profile_says(desk: ZoomDesk) -> None:
    silent, agreed = desk.visitor(in_group=False), desk.visitor(in_group=False)
    sub = sub_of(agreed, PlaceKind.GROUP)
    told = members(desk, PlaceKind.GROUP)
    assert len(told) == 2
    assert [name for name, each in told.items() if "email" in each] == [sub]
    with desk.kit.session() as session:
        profiles = desk.profiles(session)
        profiles.edit(profiles.get(desk.profile_id), values_of(profiles.get(desk.profile_id), send_name=False))
    told = members(desk, PlaceKind.GROUP)
    assert told[sub]["email"] == agreed.person.email
    assert "name" not in told[sub]
    assert str(silent.person.email) not in str(told)


def test_who_takes_part_where(desk: ZoomDesk) -> None:
    """A course's place has the people of its activities and groups; nobody of another course is anywhere."""
    in_element, in_group, nowhere = desk.visitor(), desk.visitor(in_group=False), desk.visitor()
    elsewhere = desk.kit.person()
    with desk.kit.session() as session:
        own = session.get_one(Activity, desk.ids[PlaceKind.ELEMENT])
        Learning(session, in_element.person.id).enrol(own)
    foreign = desk.kit.activity()
    with desk.kit.session() as session:
        Learning(session, elsewhere.id).enrol(session.get_one(Activity, foreign.id))
    subs = {name: sub_of(each, PlaceKind.COURSE) for name, each in (("e", in_element), ("g", in_group), ("n", nowhere))}
    assert set(members(desk, PlaceKind.ELEMENT)) == {subs["e"]}
    assert set(members(desk, PlaceKind.GROUP)) == {subs["g"]}
    assert set(members(desk, PlaceKind.COURSE)) == {subs["e"], subs["g"]}


def test_guests_are_in_none_and_the_suspended_are_inactive(desk: ZoomDesk) -> None:
    guest, suspended = desk.visitor(in_group=False), desk.visitor(in_group=False)
    with desk.kit.session() as session:
        session.get_one(Person, guest.person.id).made_by = MadeBy.LTI
        session.get_one(Person, suspended.person.id).status = PersonStatus.SUSPENDED
    (told,) = members(desk, PlaceKind.GROUP).values()
    assert told["status"] == "Inactive"


def test_roles_can_be_asked_for(desk: ZoomDesk) -> None:
    everybody = [
        desk.visitor(in_group=False),
        desk.visitor(in_group=True),
        desk.visitor(Role.AUTHOR),
        desk.visitor(Role.ADMIN),
    ]
    learner, coach, author, admin = (sub_of(each, PlaceKind.GROUP) for each in everybody)
    for role, wanted in (
        ("Learner", {learner}),
        (LEARNER_ROLES[0], {learner}),
        ("urn:lti:role:ims/lis/Learner", {learner}),
        ("Instructor", {coach, author, admin}),
        (COACH_ROLES[1], {coach, author, admin}),
        ("Mentor", {coach, author, admin}),
        (ADMIN_ROLES[-1], {admin}),
        ("ContentDeveloper", {admin}),
        ("Administrator", set()),
        ("x" * 3000, set()),
    ):
        assert set(members(desk, PlaceKind.GROUP, role=role)) == wanted, role[:60]
    assert set(members(desk, PlaceKind.COURSE, role="Instructor")) == {author, admin}, (
        "a coach is one in the group only"
    )


def test_pages_stay_stable_while_people_come(desk: ZoomDesk) -> None:
    there = {desk.visitor(in_group=False).person.id for _ in range(5)}
    path, asked, found, sizes = (
        f"/zoom/places/{desk.there(PlaceKind.GROUP).context_id}/memberships",
        {"limit": "2"},
        [],
        [],
    )
    value = token(desk)
    while path:
        answer = desk.kit.browser().app.get(path, asked, headers={"Authorization": f"Bearer {value}"}, status=200)
        sizes.append(len(answer.json["members"]))
        found += [each["user_id"] for each in answer.json["members"]]
        link = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        path, asked = (link[1].removeprefix(desk.kit.academy.url) if link else ""), {}
        if len(sizes) == 1:
            desk.visitor(in_group=False)
    assert sizes == [2, 2, 2]
    assert len(set(found)) == len(there) + 1
    assert call(desk, PlaceKind.GROUP, cursor="nonsense", status=400).json["code"] == "CALL_SHAPE"


def test_of_its_own_link(desk: ZoomDesk) -> None:
    desk.visitor(in_group=False)
    place = desk.there(PlaceKind.GROUP)
    (told,) = members(desk, PlaceKind.GROUP, rlid=place.resource_link_id).values()
    assert told["message"]
    other = desk.there(PlaceKind.COURSE).resource_link_id
    assert call(desk, PlaceKind.GROUP, rlid=other, status=404).json["code"] == "CALL_NOT_YOURS"


@pytest.mark.case("ZL-042")
def test_only_the_profiles_own_places(house: House, desk: ZoomDesk) -> None:
    """Two academies, two profiles each: every token at every place."""
    south = ZoomDesk.set(house.academy(), with_roster=True)
    visitor = south.visitor(in_group=False)
    second = {}
    for each in (desk, south):
        with each.kit.session() as session:
            second[each.kit.host] = make_profile(each.kit, session, with_roster=True).tool_id
    mine = {each.kit.host: token(each) for each in (desk, south)}
    others = {each.kit.host: token_of(each.kit, second[each.kit.host]) for each in (desk, south)}
    for at in (desk, south):
        for of in (desk, south):
            for kind in KINDS:
                path = f"/zoom/places/{of.there(kind).context_id}/memberships"
                for whose in (desk, south):
                    for value in (mine[whose.kit.host], others[whose.kit.host]):
                        answer = at.kit.browser().app.get(
                            path, headers={"Authorization": f"Bearer {value}"}, status="*"
                        )
                        if whose is not at:
                            assert (answer.status_int, answer.json["code"]) == (401, "CALL_TOKEN_UNKNOWN")
                        elif of is at and value == mine[at.kit.host]:
                            assert answer.status_int == 200
                        else:
                            assert (answer.status_int, answer.json["code"]) == (404, "CALL_NOT_YOURS")
                            assert str(visitor.person.email) not in answer.text


def test_what_is_no_token_of_zoom(desk: ZoomDesk) -> None:
    tool = desk.kit.tool()
    lti = token_of(desk.kit, tool.id)
    assert call(desk, PlaceKind.COURSE, lti, 401).json["code"] == "CALL_TOKEN_UNKNOWN"
    course = desk.ids[PlaceKind.COURSE]
    ours = {"Authorization": f"Bearer {token(desk)}"}
    for path in ("memberships", "lineitems"):
        answer = desk.kit.browser().app.get(f"/lti/services/{course}/{path}", headers=ours, status=401)
        assert answer.json["code"] == "CALL_TOKEN_UNKNOWN"
    narrow = token(desk, scopes=(ags.SCOPES[0],))
    assert call(desk, PlaceKind.COURSE, narrow, 403).json["code"] == "CALL_SCOPE"
    nothing = desk.kit.browser().app.get(
        f"/zoom/places/{desk.there(PlaceKind.COURSE).context_id}/memberships", status=401
    )
    assert nothing.json["code"] == "CALL_TOKEN_MISSING"
    for odd in ("x", str(uuid4()), "%00", "%F0%9F%98%80", "a" * 3000):
        answer = desk.kit.browser().app.get(f"/zoom/places/{odd}/memberships", headers=ours, status="*")
        assert answer.status_int in (400, 404), odd[:20]


def test_off_is_off_at_once(desk: ZoomDesk) -> None:
    value = token(desk)

    def code(status: int) -> str:
        return str(call(desk, PlaceKind.COURSE, value, status).json["code"])

    call(desk, PlaceKind.COURSE, value)
    with desk.kit.session() as session:
        session.get_one(ZoomPlace, desk.there(PlaceKind.COURSE).id).is_on = False
    assert code(404) == "CALL_NOT_YOURS"
    with desk.kit.session() as session:
        session.get_one(ZoomPlace, desk.there(PlaceKind.COURSE).id).is_on = True
    desk.use(PlaceKind.GROUP)
    assert code(403) == "ZOOM_KIND_OFF"
    desk.use(*KINDS, is_on=False)
    assert code(403) == "ZOOM_OFF"
    desk.use(*KINDS)
    operator_switches(desk.kit, on=False)
    assert code(403) == "ZOOM_OFF"
    operator_switches(desk.kit, on=True)
    call(desk, PlaceKind.COURSE, value)
    with desk.kit.session() as session:
        profile = session.get_one(ZoomProfile, desk.profile_id)
        profile.with_roster = False
    assert code(404) == "CALL_NOT_YOURS"
    with desk.kit.session() as session:
        session.get_one(ZoomProfile, desk.profile_id).with_roster = True
        session.get_one(Tool, session.get_one(ZoomProfile, desk.profile_id).tool_id).is_active = False
    assert code(401) == "CALL_TOOL_OFF"


def test_it_works_where_the_operator_has_not_enabled_lti(house: House) -> None:
    desk = ZoomDesk.set(house.academy(lti=False), with_roster=True)
    visitor = desk.visitor(in_group=False)
    assert set(members(desk, PlaceKind.GROUP)) == {sub_of(visitor, PlaceKind.GROUP)}
