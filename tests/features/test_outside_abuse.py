"""Words of outside tools that must not do more than they say: scores made up, taken back, judged by an old rule."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from saas.tenancy.models import Tenant
from tenants.access import Role
from tenants.catalog.models import Activity
from tenants.grades.services import Channels
from tenants.learning.flips import Flips
from tenants.learning.models import Grading
from tenants.learning.standing import Reads
from tenants.reports.services import Gradebook, Wanted
from tests.conformance.tools import Tool13
from tests.features.test_outside_results import FAILED, PASSED, Class, Sitting, route_12, route_13, said, told
from tests.house import House

# A score without a number


def test_what_waits_for_grading_is_completed_without_a_score(house: House) -> None:
    """A made-up score would stay for ever, for none ever falls, and every LMS before us would hear it first."""
    essay = Sitting(house.academy(), exam=False)
    modern, legacy = route_13(essay), route_12(essay)
    essay.take(said(grading=Grading.AWAITED))
    assert essay.attempts() == [(1, "completed", None)]
    assert told(essay.kit) == [(modern, "InProgress", None), (modern, "Completed", None)]
    page = essay.page()
    assert "Completed" in page
    assert "100 %" not in page
    essay.take(said("40"))
    assert essay.attempts() == [(1, "completed", Decimal(40))]
    assert set(told(essay.kit)[2:]) == {(modern, "Completed", Decimal(40)), (legacy, "Completed", Decimal(40))}
    assert "40 %" in essay.page()


@pytest.mark.parametrize("grading", [Grading.AWAITED, Grading.NONE, Grading.FAILED])
@pytest.mark.parametrize("first", ["0", "0.001"])
def test_the_first_real_score_stands_however_low(house: House, grading: Grading, first: str) -> None:
    lesson = Sitting(house.academy(), exam=False)
    legacy = route_12(lesson)
    lesson.take(said(grading=grading))
    lesson.take(said(grading=grading))
    lesson.take(said(first))
    assert lesson.attempts() == [(1, "completed", Decimal(first))]
    assert told(lesson.kit) == [(legacy, "Completed", Decimal(first))]


def test_by_ags_the_essay_of_nobody_yet_is_no_hundred(house: House) -> None:
    """The quick way of a score, too, sets what was none; a nought as well."""
    tool = Tool13.set(house.academy())
    seat = tool.sit()
    tool.score(seat, scoreGiven=None, scoreMaximum=None, activityProgress="Submitted", gradingProgress="PendingManual")
    lesson = Sitting.__new__(Sitting)
    lesson.kit, lesson.person, lesson.activity = tool.kit, seat.person, tool.activity
    assert lesson.attempts() == [(1, "completed", None)]
    tool.score(seat, scoreGiven=0)
    assert lesson.attempts() == [(1, "completed", Decimal(0))]
    result = lesson.ledger()
    assert result is not None
    assert result.score == 0


def test_a_playlist_goes_on_behind_what_is_completed_without_a_score(house: House) -> None:
    lesson = Sitting(house.academy(), exam=False)
    after = lesson.kit.activity("Afterwards")
    playlist = lesson.kit.playlist(lesson.activity, after, in_order=True)
    path = f"/activities/{playlist.id}"
    lesson.kit.signed_in(person=lesson.person).post(path, status=303)
    lesson.take(said(grading=Grading.AWAITED))
    assert "Continue with Afterwards" in lesson.page(path)
    lesson.take(said("40"))
    lesson.take(said(withdrawn=True))
    assert "Continue with Afterwards" in lesson.page(path)


# A score taken back


@pytest.mark.parametrize("completed", [False, True])
def test_a_withdrawn_score_passes_nobody_later(house: House, *, completed: bool) -> None:
    """Neither a lower minimum nor a lower score may bring it back: in the judging, on the page, in the gradebook."""
    exam = Sitting(house.academy(), minimum=95)
    exam.take(said("90"))
    exam.take(said(withdrawn=True, completed=completed, grading=Grading.NONE))
    assert exam.attempts() == [(1, "completed", None)]
    exam.take(said("40"))
    with exam.kit.session() as session:
        activity = session.get_one(Activity, exam.activity.id)
        activity.minimum_score = 80
        flips = Flips(session, activity, 80)
        assert flips.judge(10, take_away=True) == 0
        flips.settle()
    row = exam.take(said("82"))
    assert (row.verdict, row.minimum) == (PASSED, 80)
    page = exam.page()
    assert "82 %" in page
    assert "90 %" not in page
    assert "90 of" not in page
    with exam.kit.session() as session:
        book = Gradebook(session, exam.kit.runtime.part(Channels), exam.activity)
        (shown,), _more = book.page(Wanted())
    assert (shown.state, shown.score, shown.newer) == (Reads.PASSED, Decimal(82), None)


def test_all_attempts_lose_a_withdrawn_score(house: House) -> None:
    """A tool has one score of a person: taking it back leaves none of an attempt before."""
    exam = Sitting(house.academy(), minimum=95)
    exam.take(said("90"))
    exam.begin()
    exam.take(said("40"))
    exam.take(said(withdrawn=True))
    assert exam.attempts() == [(1, "completed", None), (2, "completed", None)]
    assert "Waiting for result" in exam.page()
    exam.take(said("96"))
    assert exam.attempts() == [(1, "completed", None), (2, "completed", Decimal(96))]


def test_a_pass_keeps_what_it_was_reached_with(house: House) -> None:
    exam = Sitting(house.academy(), minimum=70)
    exam.take(said("90"))
    assert exam.take(said(withdrawn=True)).verdict is PASSED
    assert exam.attempts() == [(1, "completed", Decimal(90))]


# A time no calendar shows


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("at", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)])
def test_a_time_at_the_end_of_the_calendar_is_shown(house: House, zone: str, at: datetime) -> None:
    """In the academy's own time it is a day before the first, or after the last."""
    exam = Sitting(house.academy())
    with house.runtime.database.shell() as session:
        session.get_one(Tenant, exam.kit.academy.id).timezone = zone
    house.runtime.tenants.forget()
    exam.take(said("85", at=at, comment="seen"))
    assert "seen" in exam.page()
    author = exam.kit.signed_in(Role.AUTHOR)
    for path in ("results", "results.csv"):
        assert author.get(f"/activities/{exam.activity.id}/{path}").status_int == 200


# A rule that was changed again


def test_people_are_judged_by_the_minimum_that_was_confirmed(house: House) -> None:
    """The second change asked for nobody to be judged; the job of the first runs after it."""
    group = Class(house.academy())
    author = group.kit.signed_in(Role.AUTHOR)
    author.post(group.path, {"minimum": "72", "judge": "again", "take_away": "1"}, status=303)
    author.post(group.path, {"minimum": "90", "judge": "new"}, status=303)
    group.kit.house.run_jobs()
    assert group.verdicts() == {"Ada": (PASSED, 70), "Ben": (FAILED, 70), "Cy": (FAILED, 70)}
    assert group.minimum() == 90
    group.change(author, 72, judge="again", take_away="1")
    assert group.verdicts() == {"Ada": (PASSED, 72), "Ben": (FAILED, 72), "Cy": (FAILED, 72)}


def test_a_change_in_between_ends_the_judging(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first of three people the minimum is another one: the other two stay as they were."""
    group = Class(house.academy())
    author = group.kit.signed_in(Role.AUTHOR)
    monkeypatch.setattr("tenants.learning.jobs.BATCH", 1)
    judge = Flips.judge
    judged: list[int] = []

    def judge_and_change(self: Flips, limit: int, *, take_away: bool) -> int:
        judged.append(judge(self, limit, take_away=take_away))
        self.session.execute(sa.update(Activity).where(Activity.id == group.activity.id).values(minimum_score=99))
        return judged[-1]

    monkeypatch.setattr(Flips, "judge", judge_and_change)
    author.post(group.path, {"minimum": "30", "judge": "again"}, status=303)
    group.kit.house.run_jobs()
    assert judged == [1]
    assert sorted(verdict for verdict, _minimum in group.verdicts().values() if verdict) == [FAILED, PASSED, PASSED]
