"""The grade column: found or made once, found again on any page, made anew when it was deleted (lti.md AC)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import httpx
import orjson
import pytest

from saas import clock
from saas.jobs.execution import Execution
from tenants.grades.models import DeliveryState
from tenants.lti.keys import KeyRing
from tenants.lti.tool.channel import CLAIM
from tenants.lti.tool.models import ResourceLink
from tenants.lti.tool.tokens import Tokens
from tenants.lti.wire.ags import SCOPES
from tests.house import House
from tests.jobs.conftest import MakeSchool
from tests.jobs.school import TITLE, School
from tests.jobs.scripted import Reply, ScriptedPlatform, reach
from tests.peers.lms.client import Column


def ours(school: School) -> list[Column]:
    return [column for column in school.lms.gradebook() if column.line_item["label"] == TITLE]


@pytest.mark.case("AC-002")
def test_with_only_a_container_the_column_is_made_once_and_used_again(school_with: MakeSchool) -> None:
    school = school_with(ags="lineitems")
    anna, bruno = school.arrive("anna"), school.arrive("bruno")
    assert ours(school) == []
    school.begin(anna)
    school.work()
    school.reach(anna, 80)
    school.reach(bruno, 60)
    school.work()
    [column] = ours(school)
    assert column.line_item["resourceId"] == str(school.activity.id)
    assert column.line_item["resourceLinkId"] == school.link.id
    assert {person: score.given for person, score in column.scores.items()} == {"anna": 80, "bruno": 60}
    assert [seen.method for seen in school.lms.journal("lineitems")] == ["GET", "POST"]


@pytest.mark.case("AC-002")
def test_a_column_of_ours_that_is_there_already_is_found(school_with: MakeSchool) -> None:
    """Made by a job that died before it could note where."""
    school = school_with(ags="lineitems")
    anna = school.arrive()
    school.begin(anna)
    school.work()
    _change_link(school, line_item="")
    school.reach(anna, 80)
    school.work()
    assert len(ours(school)) == 1
    assert [seen.method for seen in school.lms.journal("lineitems")] == ["GET", "POST", "GET"]


@pytest.mark.case("AC-003")
def test_of_parallel_first_scores_one_makes_the_column(school_with: MakeSchool) -> None:
    school = school_with(ags="lineitems")
    learners = ["anna", "bruno", "layla", "carl"]
    school.lms.add_person("carl", "Carl Larsson")
    people = [school.arrive(key) for key in learners]
    school.lms.fail("lineitems", {"delay": 0.3}, {"delay": 0.3})
    for percent, person_id in enumerate(people, start=50):
        school.reach(person_id, percent)
    leases = school._lease_due()
    begin = Barrier(len(leases))

    def perform(lease: Any) -> None:
        begin.wait()
        Execution(school.kit.runtime, *lease).perform()

    with ThreadPoolExecutor(len(leases)) as pool:
        list(pool.map(perform, leases))
    school.work(ahead=2)
    [column] = ours(school)
    assert {person: score.given for person, score in column.scores.items()} == dict(
        zip(learners, range(50, 54), strict=True)
    )
    assert set(school.states()) == {"sent"}
    assert len([seen for seen in school.lms.journal("lineitems") if seen.method == "POST"]) == 1


def test_a_claim_left_by_a_dead_job_holds_nobody_up_for_long(school_with: MakeSchool) -> None:
    """Neither is a claim believed that a clock, gone back since, has dated an hour ahead."""
    school = school_with(ags="lineitems")
    anna = school.arrive()
    for claimed_at, states in (
        (clock.now(), ["waiting"]),
        (clock.now() - CLAIM, ["superseded", "sent"]),
        (clock.now() + timedelta(hours=1), ["superseded", "sent", "sent"]),
    ):
        _change_link(school, claimed_at=claimed_at, line_item="")
        school.reach(anna, 50 + len(states))
        school.work(ahead=0.02)
        assert school.states() == states


def _change_link(school: School, **values: Any) -> None:
    with school.kit.session() as session:
        [link] = session.query(ResourceLink).all()
        for name, value in values.items():
            setattr(link, name, value)


def item(platform: ScriptedPlatform, activity_id: object, path: str = "/item") -> dict[str, object]:
    return {
        "id": platform.url + path,
        "label": "x",
        "scoreMaximum": 100,
        "resourceLinkId": "link-1",
        "resourceId": str(activity_id),
    }


@pytest.mark.parametrize(
    ("link", "second"),
    [
        pytest.param("<{url}/AGS/LineItems?type_id=1&amp;page=2>; rel=“next”", "/AGS/LineItems", marks=pytest.mark.case("AC-005"), id="Moodle"),
        pytest.param("<{url}/AGS/Lineitems/PAGE2>; rel=next", "/AGS/Lineitems/PAGE2", marks=pytest.mark.case("AC-006"), id="upper case"),
    ],
)  # fmt: skip
def test_our_column_on_the_second_page_is_found(house: House, link: str, second: str) -> None:
    kit = house.academy()
    with ScriptedPlatform() as platform:
        person_id, activity_id, _link = platform.route(kit, line_item="", line_items="/AGS/LineItems?type_id=1")
        header = link.format(url=platform.url).encode().decode("latin-1")
        first = Reply.of([{"id": f"{platform.url}/other", "label": "Other", "scoreMaximum": 1}], Link=header)
        last = Reply.of([item(platform, activity_id)])
        platform.on("/AGS/LineItems", first, last)
        platform.on("/AGS/Lineitems/PAGE2", last)
        platform.on("/item/scores", Reply(204))
        school = reach(kit, person_id, activity_id)
        assert school.states() == ["sent"]
        asked = [request.target for request in platform.requests if request.method == "GET"]
        assert len(asked) == 2
        assert asked[0].startswith("/AGS/LineItems?type_id=1&resource_link_id=link-1&resource_id=")
        assert asked[1] == (f"{second}?type_id=1&page=2" if "type_id" in link else second)


def test_pages_without_end_are_not_followed_for_ever(house: House) -> None:
    kit = house.academy()
    with ScriptedPlatform() as platform:
        person_id, activity_id, _link = platform.route(kit, line_item="", line_items="/items")
        pages = [Reply.of([], Link=f'<{platform.url}/items?page={number}>; rel="next"') for number in range(40)]
        platform.on("/items", *pages, Reply.of({"error": "enough"}, 500))
        reach(kit, person_id, activity_id)
        asked = [request.method for request in platform.seen("/items")]
        assert asked[:21] == ["GET"] * 20 + ["POST"]


def test_a_next_page_on_another_origin_is_not_given_our_token(house: House) -> None:
    kit = house.academy()
    with ScriptedPlatform() as platform, ScriptedPlatform() as other:
        person_id, activity_id, _link = platform.route(kit, line_item="", line_items="/items")
        made = Reply.of(item(platform, activity_id), 201)
        platform.on("/items", Reply.of([], Link=f'<{other.url}/items>; rel="next"'), made)
        platform.on("/item/scores", Reply(204))
        school = reach(kit, person_id, activity_id)
        assert school.states() == ["sent"]
        assert other.requests == []


@pytest.mark.case("AC-017")
def test_a_deleted_column_is_made_anew(school_with: MakeSchool) -> None:
    school = school_with(ags="lineitems")
    anna = school.arrive()
    school.begin(anna)
    school.work()
    [old] = ours(school)
    _delete(school, old)
    school.reach(anna, 64)
    school.work()
    [new] = ours(school)
    assert new.number != old.number
    assert new.scores["anna"].given == 64
    assert [step for step in school.steps() if step[0] != "token"] == [
        ("score", "line_item_gone"), ("find", "final"), ("find", "delivered"), ("create", "delivered"), ("score", "delivered"),
    ]  # fmt: skip


@pytest.mark.case("AC-017")
def test_a_deleted_column_that_may_not_be_made_anew_is_told_to_the_admin(school_with: MakeSchool) -> None:
    scope = "https://purl.imsglobal.org/spec/lti-ags/scope/"
    school = school_with(scopes=[f"{scope}score", f"{scope}lineitem.readonly"])
    anna = school.arrive()
    for place in ("scores", "lineitem"):
        school.lms.fail(place, {"status": 404, "body": {"error": "no line item"}})
    school.reach(anna, 64)
    school.work()
    told = school.last()
    assert (told.state, told.code) == (DeliveryState.DEAD, "AGS_NO_LINE_ITEM")
    assert "does not let us make one" in told.cause
    assert [seen.method for seen in school.lms.journal("lineitems")] == ["GET"]


def test_a_404_that_means_the_person_makes_no_second_column(school: School) -> None:
    """Else everybody's next score would go to a column of our own instead of the link's."""
    bruno, anna = school.arrive("bruno"), school.arrive("anna")
    school.lms.enrol("bruno", enrolled=False)
    school.reach(bruno, 64)
    school.work()
    assert (school.last().state, school.last().code) == (DeliveryState.DEAD, "AGS_NOT_ENROLLED")
    school.reach(anna, 70)
    school.work()
    [column] = ours(school)
    assert {person: score.given for person, score in column.scores.items()} == {"anna": 70}
    assert school.lms.journal("lineitems") == []


def _delete(school: School, column: Column) -> None:
    """With a token of ours: the LMS lets a tool delete its own columns."""
    runtime, there = school.kit.runtime, school.registered
    tokens = Tokens(runtime.secrets, runtime.outbound, runtime.part(KeyRing))
    answer = tokens.ask(school.kit.academy.id, there.client_id, there.token_url, "", SCOPES)
    token = orjson.loads(answer.body)["access_token"]
    httpx.delete(str(column.line_item["id"]), headers={"authorization": f"Bearer {token}"}).raise_for_status()
