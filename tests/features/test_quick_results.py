"""The quick way of a tool's score against the long one: the same words leave the same rows, whatever was there before."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from saas import clock
from saas.db.base import table_of
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.catalog.models import Activity, Status
from tenants.grades.models import Result, ScoreDelivery
from tenants.grades.services import Channels
from tenants.learning.models import Attempt, Enrolment, Grading, OutsideResult, Verdict
from tenants.learning.outside import OutsideResults, OutsideScore
from tenants.learning.quick import NotSimpleError
from tenants.learning.services import Advanced, Learning, ProgressMade
from tenants.lti.platform.quick_results import KNOWN_CHANNELS, QuickTelling
from tests.conformance.tools import Tool13, outside_activity
from tests.features.test_gradebook import came_from_north
from tests.house import House, Kit

START = clock.now() - timedelta(hours=1)
#: What is known of a person in an activity of a tool.
KEPT: tuple[type[Any], ...] = (OutsideResult, Attempt, Result)
#: Of a person's rows, what no two people and no two moments share.
PASSING = {"tenant_id", "id", "person_id", "received_at", "started_at", "changed_at", "completed_at", "achieved_at"}


def said(given: str | None, number: int = 0, **more: Any) -> OutsideScore:
    values = {
        "maximum": None if given is None else Decimal(100),
        "completed": True,
        "grading": Grading.DECIDED,
        "at": START + timedelta(seconds=number),
        "source": "Vendor",
        "comment": f"number {number}",
    }
    return OutsideScore(None if given is None else Decimal(given), **{**values, **more})


def learner(kit: Kit, activity: Activity) -> UUID:
    person = kit.person(Role.LEARNER)
    with kit.session() as session:
        OutsideResults(session).begin(person.id, session.get_one(Activity, activity.id))
    return person.id


def slowly(kit: Kit, person_id: UUID, activity: Activity, score: OutsideScore) -> None:
    with kit.session() as session:
        OutsideResults(session).take(person_id, session.get_one(Activity, activity.id), score)


def quickly(kit: Kit, person_id: UUID, activity: Activity, score: OutsideScore) -> None:
    with kit.runtime.database.hot(kit.academy.id) as connection:
        telling = QuickTelling(connection, kit.runtime.part(Channels), person_id, activity)
        assert telling.results.hold()
        assert telling.results.takes_part()
        telling.take(score)


def rows(kit: Kit, person_id: UUID, activity: Activity) -> list[dict[str, Any]]:
    """All that is kept of the person there, without what may differ; but whether it ended must not."""
    found = []
    with kit.session() as session:
        for model in KEPT:
            mine: Any = sa.select(model).where(model.person_id == person_id, model.activity_id == activity.id)
            for row in session.scalars(mine):
                kept = {column.name: getattr(row, column.name) for column in table_of(model).columns}
                shown = {name: value for name, value in kept.items() if name not in PASSING}
                found.append({**shown, "has_ended": kept.get("completed_at") is not None})
    return found


STORIES = {
    "passed at once": [said("80")],
    "failed, then passed": [said("20", 1), said("80", 2)],
    "passed, then worse": [said("80", 1), said("20", 2)],
    "the same again": [said("70", 1), said("70", 2)],
    "nothing": [said("0", 1), said("0.5", 2)],
    "above the maximum": [said("120", 1)],
    "to be graded": [said("80", 1, grading=Grading.AWAITED), said("81", 2)],
    "graded, then not": [said("80", 1), said("90", 2, grading=Grading.AWAITED), said("60", 3)],
    "failed, then to be graded": [said("20", 1), said("30", 2, grading=Grading.NONE), said("40", 3)],
    "under way": [said("30", 1, completed=False, grading=Grading.NONE), said("50", 2, completed=False)],
    "completed without a score, then nothing": [said(None, 1), said("0", 2)],
    "completed without a score, then one": [said(None, 1, grading=Grading.NONE), said("50", 2), said("40", 3)],
    "taken back, then again": [said("50", 1), said(None, 2, withdrawn=True, completed=False), said("0", 3)],
    "a pass taken back": [said("90", 1), said(None, 2, withdrawn=True), said("80", 3), said("95", 4)],
    "no score was possible": [said("30", 1, grading=Grading.FAILED), said("50", 2, completed=False)],
}


@pytest.mark.parametrize("minimum", [None, 70], ids=["e-learning", "exam"])
@pytest.mark.parametrize("story", list(STORIES))
def test_both_ways_leave_the_same(house: House, minimum: int | None, story: str) -> None:
    kit = house.academy()
    activity = outside_activity(kit, minimum)
    one, other = learner(kit, activity), learner(kit, activity)
    for score in STORIES[story]:
        slowly(kit, one, activity, score)
        (slowly if score.given is None else quickly)(kit, other, activity, score)
        long_way = rows(kit, one, activity)
        assert rows(kit, other, activity) == long_way
        assert len(long_way) == 3


def leave(kit: Kit, person_id: UUID, _activity: Activity) -> None:
    with kit.session() as session:
        session.execute(sa.delete(Attempt).where(Attempt.person_id == person_id))


def forget(kit: Kit, person_id: UUID, _activity: Activity) -> None:
    with kit.session() as session:
        session.execute(sa.delete(Result).where(Result.person_id == person_id))


def join_playlist(kit: Kit, person_id: UUID, activity: Activity) -> None:
    with kit.session() as session:
        session.get_one(Activity, activity.id).status = Status.PUBLISHED
    playlist = kit.playlist(activity)
    with kit.session() as session:
        Learning(session, person_id).enrol(session.get_one(Activity, playlist.id))


def come_from_an_lms(kit: Kit, person_id: UUID, activity: Activity) -> None:
    with kit.session() as session:
        came_from_north(kit, session, session.get_one(Activity, activity.id), session.get_one(Person, person_id))


UNUSUAL = {
    "never began": leave,
    "the ledger knows nothing": forget,
    "in a playlist": join_playlist,
    "from an LMS": come_from_an_lms,
}


@pytest.mark.parametrize("change", UNUSUAL.values(), ids=UNUSUAL)
def test_the_unusual_goes_the_long_way(house: House, change: Callable[[Kit, UUID, Activity], None]) -> None:
    kit = house.academy()
    activity = outside_activity(kit, 70)
    person_id = learner(kit, activity)
    change(kit, person_id, activity)
    before = rows(kit, person_id, activity)
    with pytest.raises(NotSimpleError):
        quickly(kit, person_id, activity, said("80"))
    assert rows(kit, person_id, activity) == before


@pytest.mark.parametrize("score", [said(None), said("80", withdrawn=True)], ids=["no score", "withdrawn"])
def test_what_takes_a_score_away_goes_the_long_way(house: House, score: OutsideScore) -> None:
    kit = house.academy()
    activity = outside_activity(kit, 70)
    person_id = learner(kit, activity)
    with pytest.raises(NotSimpleError):
        quickly(kit, person_id, activity, score)


@pytest.mark.parametrize("case", ["in a playlist", "from an LMS"])
def test_the_long_way_is_taken_by_itself(house: House, case: str) -> None:
    """What a tool posts is taken in, told and counted, whoever else is to hear of it."""
    tool = Tool13.set(house.academy(), minimum=70)
    seat = tool.sit()
    UNUSUAL[case](tool.kit, seat.person.id, tool.activity)
    assert tool.score(seat, scoreGiven=80).status_int == 204
    assert tool.told(seat).verdict is Verdict.PASSED
    with tool.kit.session() as session:
        told = session.scalars(sa.select(ScoreDelivery)).all()
        counted = sa.select(Attempt).where(Attempt.person_id == seat.person.id, Attempt.progress == Decimal(100))
        assert len(told) == (case == "from an LMS")
        assert len(session.scalars(counted).all()) == (2 if case == "in a playlist" else 1)
    assert [call.row.status for call in tool.calls() if call.row.service == "score"] == [204]


def test_who_does_not_take_part_is_said_to(house: House) -> None:
    kit = house.academy()
    activity = outside_activity(kit, 70)
    person_id = learner(kit, activity)
    with kit.session() as session:
        session.execute(sa.delete(Enrolment).where(Enrolment.person_id == person_id))
    with kit.runtime.database.hot(kit.academy.id) as connection:
        telling = QuickTelling(connection, kit.runtime.part(Channels), person_id, activity)
        assert not telling.results.takes_part()


def test_everybody_who_hears_of_progress_is_thought_of(house: House) -> None:
    """The ledger and the playlists; whoever else subscribes must be told on the quick way, too, or end it."""
    events = house.runtime.events
    assert len(events._observers[ProgressMade]) == 1
    assert len(events._observers[Advanced]) == 1
    assert {channel.name for channel in house.runtime.part(Channels).all()} == KNOWN_CHANNELS
