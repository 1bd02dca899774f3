"""The gradebook of an activity: everybody who takes part, how far they are, and which LMS was told of it.

A page costs the same number of statements however many people there are, and no page is dearer than the first:
the next one begins after the last person of this one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.grades.services import Channels, Deliveries, Told
from tenants.learning.models import Attempt, AttemptState, Enrolment, Grading, OutsideResult, Verdict
from tenants.learning.standing import Reads

#: People on a page.
PAGE = 50
#: People read at once where all of them are wanted.
BATCH = 500
_NAME = (Person.family_name, Person.given_name, Person.id)
#: Where somebody stands in the order of a gradebook.
Place = tuple[str, str, UUID]


@dataclass(frozen=True, slots=True)
class Wanted:
    """``words``: a part of the name or the e-mail address."""

    state: Reads | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class GradebookRow:
    """One person. ``progress`` and ``score`` are percent; ``newer`` is a later score that changed nothing.

    ``source`` is the outside tool's name, empty where the activity is ours. ``told``: the newest word to each LMS.
    """

    person: Person
    state: Reads
    attempts: int
    progress: Decimal
    score: Decimal | None
    newer: Decimal | None
    outside: OutsideResult | None
    at: datetime
    told: Sequence[Told]

    @property
    def source(self) -> str:
        return self.outside.source if self.outside else ""

    @property
    def is_withdrawn(self) -> bool:
        return self.outside is not None and self.outside.withdrawn_at is not None

    @property
    def is_ungraded(self) -> bool:
        """The tool says that somebody must look at it first."""
        return self.outside is not None and self.outside.grading is Grading.AWAITED

    @property
    def is_ungradable(self) -> bool:
        return self.outside is not None and self.outside.grading is Grading.FAILED


class Gradebook:
    """Of one activity; ``session`` is the academy's."""

    def __init__(self, session: ScopedSession, channels: Channels, activity: Activity) -> None:
        self.session = session
        self.deliveries = Deliveries(session, channels)
        self.activity = activity

    def page(
        self, wanted: Wanted, after: Place | None = None, limit: int = PAGE
    ) -> tuple[Sequence[GradebookRow], Place | None]:
        """By name, the people after ``after``; and what the next page comes after, if there is one."""
        query = self._query(wanted).order_by(*_NAME).limit(limit + 1)
        if after is not None:
            query = query.where(sa.tuple_(*_NAME) > sa.tuple_(*after))
        found = self.session.execute(query).all()
        shown = found[:limit]
        told = self.deliveries.of_people(self.activity.id, [row.Person.id for row in shown])
        rows = [self._row(row, told.get(row.Person.id, ())) for row in shown]
        return rows, place_of(rows[-1].person) if len(found) > limit else None

    def place(self, person_id: UUID | None) -> Place | None:
        """For addresses, where a name has no business; None for whom there is not."""
        person = self.session.get(Person, person_id) if person_id else None
        return place_of(person) if person else None

    def counts(self) -> dict[Reads, int]:
        """How many are in each state, over all who take part."""
        inner = self._query(Wanted()).subquery()
        rows = self.session.execute(sa.select(inner.c.state, sa.func.count()).group_by(inner.c.state))
        return {Reads(state): count for state, count in rows}

    def all(self, wanted: Wanted) -> Iterator[GradebookRow]:
        """Everybody, a batch at a time."""
        after: Place | None = None
        while True:
            rows, after = self.page(wanted, after, BATCH)
            yield from rows
            if after is None:
                return

    def _query(self, wanted: Wanted) -> sa.Select[Any]:
        done = sa.func.max(sa.case((Attempt.state == AttemptState.COMPLETED, 1), else_=0)).label("done")
        best, furthest = sa.func.max(Attempt.score).label("best"), sa.func.max(Attempt.progress).label("progress")
        count, changed = (
            sa.func.count(Attempt.id).label("attempts"),
            sa.func.max(Attempt.changed_at).label("changed_at"),
        )
        tried = sa.select(Attempt.person_id, count, done, best, furthest, changed)
        own = tried.where(Attempt.activity_id == self.activity.id).group_by(Attempt.person_id).subquery()
        state = self._state(own)
        query = (
            sa.select(
                Person, OutsideResult, Enrolment.created_at, own.c.attempts, own.c.best, own.c.progress,
                own.c.changed_at, state.label("state"),
            )
            .select_from(Enrolment)
            .join(Person, Person.id == Enrolment.person_id)
            .outerjoin(own, own.c.person_id == Enrolment.person_id)
            .outerjoin(
                OutsideResult,
                sa.and_(
                    OutsideResult.person_id == Enrolment.person_id, OutsideResult.activity_id == self.activity.id
                ),
            )
            .where(Enrolment.activity_id == self.activity.id)
        )  # fmt: skip
        if wanted.state is not None:
            query = query.where(state == wanted.state.value)
        if wanted.words:
            name = Person.given_name + " " + Person.family_name + " " + sa.func.coalesce(Person.email, "")
            query = query.where(sa.func.lower(name).contains(wanted.words.lower(), autoescape=True))
        return query

    def _state(self, own: sa.Subquery) -> sa.Case[str]:
        """A word of `Reads`, as the person's own pages say it; here what was once completed counts."""
        began = own.c.attempts > 0
        if self.activity.is_exam:
            return sa.case(
                (OutsideResult.verdict == Verdict.PASSED, Reads.PASSED.value),
                (OutsideResult.verdict == Verdict.FAILED, Reads.FAILED.value),
                (sa.or_(began, OutsideResult.id.is_not(None)), Reads.WAITING.value),
                else_=Reads.NOT_STARTED.value,
            )
        return sa.case(
            (own.c.done == 1, Reads.COMPLETED.value),
            (began, Reads.IN_PROGRESS.value),
            else_=Reads.NOT_STARTED.value,
        )

    def _row(self, row: Any, told: Sequence[Told]) -> GradebookRow:
        outside, state = row.OutsideResult, Reads(row.state)
        score, later = _score(outside, state, row.best), outside.percent if outside else None
        return GradebookRow(
            person=row.Person,
            state=state,
            attempts=row.attempts or 0,
            progress=row.progress or Decimal(0),
            score=cut(score),
            newer=cut(later) if score is not None and later != score else None,
            outside=outside,
            at=outside.said_at if outside else row.changed_at or row.created_at,
            told=told,
        )


def place_of(person: Person) -> Place:
    return person.family_name, person.given_name, person.id


def _score(outside: OutsideResult | None, state: Reads, best: Decimal | None) -> Decimal | None:
    """As `tenants.learning.standing.Standing.score`: a pass keeps what it was reached with."""
    if outside is None or state is Reads.PASSED:
        return best if outside is None or outside.withdrawn_at is None else None
    if outside.withdrawn_at is not None:
        return None
    return best if outside.percent is None and state is Reads.COMPLETED else outside.percent


def cut(percent: Decimal | None) -> Decimal | None:
    """To two decimals and never up: what failed never looks like the minimum."""
    return None if percent is None else percent.quantize(Decimal("0.01"), ROUND_DOWN)
