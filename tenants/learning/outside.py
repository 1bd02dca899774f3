"""What an outside tool's word about a person means here (docs/embedding.md): one place for both LTI versions.

An e-learning is completed, an exam passed or failed against its minimum score. Nothing is ever inferred from opening.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Context, Decimal
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.base import FixedPoint
from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.learning.models import Attempt, AttemptState, Grading, OutsideResult, Verdict
from tenants.learning.services import Learning, ProgressMade

ALL = Decimal(100)
#: More digits than are kept, and never up: cut off twice is cut off once.
_DIVISION = Context(prec=60, rounding=ROUND_DOWN)


@dataclass(frozen=True, slots=True)
class OutsideScore:
    """What a tool said. ``completed``: *Completed* or *Submitted*. ``at`` is its time, ``source`` its name here.

    ``withdrawn``: the tool takes back what it said before.
    """

    given: Decimal | None
    maximum: Decimal | None
    completed: bool
    grading: Grading
    at: datetime
    source: str
    comment: str = ""
    withdrawn: bool = False


def percent_of(given: Decimal | None, maximum: Decimal | None) -> Decimal | None:
    """``given`` of ``maximum`` in percent, capped to 0–100 and cut off (never rounded) after eight decimals.

    Because it is cut off, it reaches a whole percent exactly when ``given × 100 ≥ percent × maximum``: 69.999 of 100
    and 0.69999 of 1 stay below 70, 7 of 10 is 70. None where there is no score.
    """
    if given is None or maximum is None or not (given.is_finite() and maximum.is_finite()) or maximum <= 0:
        return None
    if given <= 0:
        return Decimal(0)
    if given >= maximum:
        return ALL
    return FixedPoint.exact(_DIVISION.scaleb(_DIVISION.divide(given, maximum), 2))


def verdict_on(percent: Decimal, minimum: int) -> Verdict:
    """``percent`` as `percent_of` makes it; ``minimum`` is whole percent, 1 to 100."""
    return Verdict.PASSED if percent >= minimum else Verdict.FAILED


def put_down(row: OutsideResult, score: OutsideScore) -> None:
    """What was said, before anything is made of it."""
    row.said_at, row.received_at = score.at, clock.now()
    row.source, row.comment = score.source, score.comment
    row.given, row.maximum = (None, None) if score.withdrawn else (_text(score.given), _text(score.maximum))
    row.percent = None if score.withdrawn else percent_of(score.given, score.maximum)
    row.grading, row.withdrawn_at = score.grading, score.at if score.withdrawn else None


def move(
    activity: Activity, row: OutsideResult, attempt: Attempt, score: OutsideScore, now: datetime
) -> ProgressMade | None:
    """What was said, and `put_down` in the row, moves the attempt; an exam's row gets its verdict.

    What is to be announced of it: None where the attempt neither ended nor rose. Of values alone, so that the rule is
    the same whoever reads and writes the rows: `OutsideResults`, or the quick way (`tenants.learning.quick`).
    """
    reached = _judge(activity, row) if activity.is_exam else _completed(attempt, row, score)
    if reached is not None or (score.completed and not activity.is_exam):
        return _end(attempt, reached, now)
    if score.completed and not attempt.is_completed:
        attempt.progress, attempt.changed_at = ALL, now
    return None


def _end(attempt: Attempt, reached: Decimal | None, now: datetime) -> ProgressMade | None:
    """With a score in percent; a completed attempt only rises to it.

    Without a score (None) it is completed all the same, and the first one that comes stands.
    """
    if attempt.is_completed and (reached is None or (attempt.score is not None and reached <= attempt.score)):
        return None
    attempt.state, attempt.completed_at = AttemptState.COMPLETED, attempt.completed_at or now
    attempt.progress, attempt.score, attempt.changed_at = ALL, reached, now
    return ProgressMade(attempt.person_id, attempt.activity_id, completed=True, score=reached, at=now)


def _judge(activity: Activity, row: OutsideResult) -> Decimal | None:
    """Of an exam: the score that is decided, in percent. A pass stays a pass, with the rule it was reached by."""
    if row.grading is not Grading.DECIDED or row.percent is None or activity.minimum_score is None:
        if row.verdict is not Verdict.PASSED:
            row.verdict = row.minimum = None
        return None
    verdict = verdict_on(row.percent, activity.minimum_score)
    if verdict is Verdict.PASSED or row.verdict is not Verdict.PASSED:
        row.verdict, row.minimum = verdict, activity.minimum_score
    return row.percent


def _completed(attempt: Attempt, row: OutsideResult, score: OutsideScore) -> Decimal | None:
    """Of an e-learning: the score it is completed with, in percent; all of it where a tool without scores decides."""
    is_decided = score.grading is Grading.DECIDED
    if row.percent is None:
        return ALL if is_decided and not score.withdrawn and not attempt.is_completed else None
    return row.percent if score.completed or is_decided else None


class OutsideResults:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def of(self, person_id: UUID, activity_id: UUID) -> OutsideResult | None:
        return self.session.scalar(self._of(person_id, activity_id))

    def of_person(self, person_id: UUID, activity_ids: Sequence[UUID] | None = None) -> dict[UUID, OutsideResult]:
        """By activity; of some activities or of all."""
        query = sa.select(OutsideResult).where(OutsideResult.person_id == person_id)
        if activity_ids is not None:
            query = query.where(OutsideResult.activity_id.in_(activity_ids))
        return {row.activity_id: row for row in self.session.scalars(query)}

    def begin(self, person_id: UUID, activity: Activity) -> Attempt:
        """At a launch: takes part, and is in progress; again where the exam was failed. Says nothing about a result."""
        self._hold(person_id)
        known = self.of(person_id, activity.id)
        failed = known is not None and known.verdict is Verdict.FAILED
        return Learning(self.session, person_id).open_attempt(activity, again=failed)

    def take(self, person_id: UUID, activity: Activity, score: OutsideScore) -> OutsideResult:
        """The newest word of the tool; whether it is the newest is the caller's to know. Moves the attempt, announces.

        Raises `Refused` where the person is gone.
        """
        self._hold(person_id)
        row = self._row(person_id, activity.id, score)
        before = row.verdict
        put_down(row, score)
        if score.withdrawn:
            self._take_back(row)
        if score.withdrawn and not score.completed:
            self._withdraw(row)
            return row
        learning = Learning(self.session, person_id)
        made = move(activity, row, learning.open_attempt(activity), score, clock.now())
        self.session.flush()
        if made is not None:
            self.session.announce(made)
            learning.advanced(activity.id)
        if row.verdict is not before:
            learning.advanced(activity.id)
        return row

    def _take_back(self, row: OutsideResult) -> None:
        """Nobody is judged by what the tool no longer says: it has one score of a person, so no attempt keeps one.

        Only a pass keeps what it was reached with.
        """
        if row.verdict is Verdict.PASSED:
            return
        mine = sa.update(Attempt).where(Attempt.person_id == row.person_id, Attempt.activity_id == row.activity_id)
        self.session.execute(mine.where(Attempt.score.is_not(None)).values(score=None))

    def _withdraw(self, row: OutsideResult) -> None:
        """Completion and a pass stay; who had failed waits for a result again."""
        if row.grading is Grading.DECIDED:
            row.grading = Grading.NONE
        if row.verdict is not Verdict.PASSED:
            row.verdict = row.minimum = None
        self.session.flush()

    def _hold(self, person_id: UUID) -> None:
        """Whatever is said of one person is taken in one after the other. Rows that point to them stay writable."""
        held = sa.select(Person.id).where(Person.id == person_id).with_for_update(key_share=True)
        if self.session.scalar(held) is None:
            raise Refused("PERSON_UNKNOWN")

    def _row(self, person_id: UUID, activity_id: UUID, score: OutsideScore) -> OutsideResult:
        query = self._of(person_id, activity_id).with_for_update().execution_options(populate_existing=True)
        row = self.session.scalar(query)
        if row is None:
            row = OutsideResult(person_id=person_id, activity_id=activity_id, said_at=score.at, grading=score.grading)
            self.session.add(row)
        return row

    @staticmethod
    def _of(person_id: UUID, activity_id: UUID) -> sa.Select[OutsideResult]:
        own = sa.select(OutsideResult).where(OutsideResult.person_id == person_id)
        return own.where(OutsideResult.activity_id == activity_id)


def _text(value: Decimal | None) -> str | None:
    """Raw, as the tool meant it: what is above the maximum is kept."""
    return None if value is None else str(value)
