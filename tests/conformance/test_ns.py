"""NS: rosters that tools ask of us (docs/conformance.md)."""

import re
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from tenants.access import Role
from tenants.accounts.models import Person, PersonStatus
from tenants.catalog.models import Activity
from tenants.learning.services import Learning
from tenants.lti.platform.models import Tool, ToolUser
from tests.conformance.tools import LINE_ITEM, ROSTER, Seat, Tool13, at_once, query
from tests.house import House

MEDIA_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
LEARNER, INSTRUCTOR = MEMBERSHIP + "Learner", MEMBERSHIP + "Instructor"
TOLD = ("user_id", "name", "email")


@pytest.fixture
def tool(house: House) -> Tool13:
    return Tool13.set(house.academy())


def members(tool: Tool13, **asked: Any) -> list[dict[str, Any]]:
    answer = tool.call("GET", query(tool.memberships, **asked))
    assert answer.status_int == 200, answer.text
    return list(answer.json["members"])


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [each["user_id"] for each in found]


def test_the_roster(tool: Tool13) -> None:
    learner, teacher = tool.sit(consented=TOLD), tool.sit(Role.AUTHOR)
    tool.sit(enrolled=False)
    answer = tool.call("GET", tool.memberships)
    assert (answer.status_int, answer.content_type) == (200, MEDIA_TYPE)
    course = str(tool.activity.course_id)
    assert answer.json["id"] == f"{tool.kit.academy.url}{tool.memberships}"
    assert answer.json["context"] == {"id": course, "label": "A course with tools", "title": "A course with tools"}
    by_id = {each["user_id"]: each for each in answer.json["members"]}
    assert by_id == {
        learner.sub: {
            "status": "Active", "user_id": learner.sub, "roles": [LEARNER], "name": "Test Learner",
            "given_name": "Test", "family_name": "Learner", "email": learner.person.email,
        },
        teacher.sub: {"status": "Active", "user_id": teacher.sub, "roles": [INSTRUCTOR]},
    }  # fmt: skip
    call = tool.calls()[0]
    assert (call.row.service, call.row.code, call.row.seen) == ("roster", "", "2 members")


def test_who_never_launched_is_a_pseudonym(tool: Tool13) -> None:
    person = tool.kit.person()
    with tool.kit.session() as session:
        Learning(session, person.id).enrol(session.get_one(Activity, tool.activity.id))
    (told,) = members(tool)
    assert told == {"status": "Active", "user_id": told["user_id"], "roles": [LEARNER]}
    assert str(person.id) not in told["user_id"]
    assert members(tool) == [told], "the same one each time"
    assert tool.score(Seat(person, told["user_id"], "")).status_int == 204


def test_a_suspended_person_is_inactive(tool: Tool13) -> None:
    seat = tool.sit()
    with tool.kit.session() as session:
        session.get_one(Person, seat.person.id).status = PersonStatus.SUSPENDED
    assert members(tool)[0]["status"] == "Inactive"


@pytest.mark.case("NS-002")
def test_pages_stay_stable_while_people_come(tool: Tool13) -> None:
    there = {tool.sit().sub for _ in range(5)}
    sizes, found, url = [], [], query(tool.memberships, limit=2)
    while url:
        answer = tool.call("GET", url)
        sizes.append(len(answer.json["members"]))
        found += ids(answer.json["members"])
        link = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        url = link[1] if link else ""
        if len(sizes) == 1:
            tool.sit()
    assert sizes == [2, 2, 2]
    assert len(set(found)) == 6
    assert there < set(found)


@pytest.mark.case("NS-002")
def test_the_last_page_has_no_next(tool: Tool13) -> None:
    for _ in range(4):
        tool.sit()
    first = tool.call("GET", query(tool.memberships, limit=2, role="Learner"))
    assert "role=Learner" in first.headers["Link"]
    last = tool.call("GET", first.headers["Link"].partition(">")[0][1:])
    assert len(last.json["members"]) == 2
    assert "Link" not in last.headers


@pytest.mark.case("NS-003")
@pytest.mark.parametrize("limit", ["0", "-1", "abc", "", "1e3", "9" * 40, "²"])
def test_limits_that_are_none(tool: Tool13, limit: str) -> None:
    sub = tool.sit().sub
    answer = tool.call("GET", query(tool.memberships, limit=limit))
    assert ids(answer.json["members"]) == [sub]
    assert "Link" not in answer.headers


@pytest.mark.case("NS-004")
def test_roles(tool: Tool13) -> None:
    learner, teacher = tool.sit().sub, tool.sit(Role.ADMIN).sub
    for role, wanted in (
        ("Learner", [learner]),
        (LEARNER, [learner]),
        ("urn:lti:role:ims/lis/Learner", [learner]),
        ("Instructor", [teacher]),
        (INSTRUCTOR, [teacher]),
        ("Mentor", []),
        (f"{MEMBERSHIP}Mentor", []),
        ("x" * 3000, []),
    ):
        assert ids(members(tool, role=role)) == wanted, role[:60]


@pytest.mark.case("NS-005")
def test_of_one_link(tool: Tool13) -> None:
    other = Tool13.set(tool.kit, course_id=tool.activity.course_id, tool_id=tool.tool.id)
    here, there = tool.sit().sub, other.sit().sub
    assert set(ids(members(tool))) == {here, there}
    (told,) = members(tool, rlid=tool.link.resource_link_id)
    assert told["user_id"] == here
    (message,) = told["message"]
    assert message["https://purl.imsglobal.org/spec/lti/claim/message_type"] == "LtiResourceLinkRequest"
    assert all("message" not in each for each in members(tool))


@pytest.mark.case("NS-005")
def test_of_a_link_that_is_not_the_tools(house: House, tool: Tool13) -> None:
    neighbour, abroad = Tool13.set(tool.kit), Tool13.set(house.academy())
    for rlid in (neighbour.link.resource_link_id, abroad.link.resource_link_id, "nobody's"):
        answer = tool.call("GET", query(tool.memberships, rlid=rlid))
        assert (answer.status_int, answer.json["code"]) == (404, "CALL_NOT_YOURS")
        assert tool.calls()[0].row.code == "CALL_NOT_YOURS"
    for path in (
        neighbour.memberships,
        abroad.memberships,
        tool.memberships.replace(str(tool.activity.course_id), str(uuid4())),
    ):
        assert tool.call("GET", path).status_int == 404


@pytest.mark.case("NS-006")
@pytest.mark.parametrize("switch", ["send_name", "send_email"])
def test_nothing_is_told_that_is_switched_off(tool: Tool13, switch: str) -> None:
    seat = tool.sit(consented=TOLD)
    with tool.kit.session() as session:
        setattr(session.get_one(Tool, tool.tool.id), switch, False)
    (told,) = members(tool)
    assert ("name" in told, "given_name" in told, "family_name" in told) == (switch != "send_name",) * 3
    assert ("email" in told) is (switch != "send_email")
    assert told["user_id"] == seat.sub


@pytest.mark.case("NS-006")
def test_nothing_is_told_that_nobody_agreed_to(tool: Tool13) -> None:
    tool.sit(consented=("user_id",))
    assert set(members(tool)[0]) == {"status", "user_id", "roles"}


@pytest.mark.case("NS-008")
@pytest.mark.parametrize("accept", [MEDIA_TYPE, "*/*", "application/json", "text/html"])
def test_every_accept_header(tool: Tool13, accept: str) -> None:
    answer = tool.call("GET", tool.memberships, Accept=accept)
    assert (answer.status_int, answer.content_type) == (200, MEDIA_TYPE)


def test_a_token_for_grades_reads_no_roster(tool: Tool13) -> None:
    answer = tool.call("GET", tool.memberships, token=tool.token(LINE_ITEM))
    assert (answer.status_int, answer.json["code"]) == (403, "CALL_SCOPE")


def test_rosters_read_at_once_make_one_pseudonym_each(tool: Tool13) -> None:
    people = [tool.kit.person() for _ in range(5)]
    with tool.kit.session() as session:
        for person in people:
            Learning(session, person.id).enrol(session.get_one(Activity, tool.activity.id))
    token = tool.token(ROSTER)
    answers = at_once(6, lambda _: tool.call("GET", tool.memberships, token=token))
    assert [answer.status_int for answer in answers] == [200] * 6
    assert len({tuple(ids(answer.json["members"])) for answer in answers}) == 1
    with tool.kit.session() as session:
        assert session.scalar(sa.select(sa.func.count(ToolUser.id))) == 5
