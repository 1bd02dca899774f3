"""The gradebook of an activity: everybody who takes part, how far they are, and which LMS was told of it.

A page costs the same number of statements however many people there are, and no page is dearer than the first:
the next one begins after the last person of this one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.grades.services import Channels, Deliveries, Told
from tenants.learning.models import Attempt, AttemptState, Enrolment, Grading, OutsideResult, Verdict
from tenants.learning.standing import Reads, cut, newer_score, score_that_counts

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
class Tried:
    """Somebody's attempts together; ``best`` and ``progress`` are percent."""

    count: int
    best: Decimal | None
    progress: Decimal | None
    changed_at: datetime | None


_NEVER = Tried(0, None, None, None)


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
        query = self._members(wanted, Enrolment.person_id, Enrolment.created_at).order_by(*_NAME).limit(limit + 1)
        if after is not None:
            query = query.where(sa.tuple_(*_NAME) > sa.tuple_(*after))
        found = self.session.execute(self._in_full(query.subquery())).all()
        shown = found[:limit]
        people = [row.Person.id for row in shown]
        tried, told = self._tried(people), self.deliveries.of_people(self.activity.id, people)
        rows = [self._row(row, tried.get(row.Person.id, _NEVER), told.get(row.Person.id, ())) for row in shown]
        return rows, place_of(rows[-1].person) if len(found) > limit else None

    def place(self, person_id: UUID | None) -> Place | None:
        """For addresses, where a name has no business; None for whom there is not."""
        person = self.session.get(Person, person_id) if person_id else None
        return place_of(person) if person else None

    def counts(self) -> dict[Reads, int]:
        """How many are in each state, over all who take part."""
        inner = self._members(Wanted(), self._state(Enrolment.person_id).label("state"), judged=True).subquery()
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

    def _members(self, wanted: Wanted, *columns: Any, judged: bool = False) -> sa.Select[Any]:
        """Everybody who takes part, with nothing that is not asked for: there may be ten thousand for a page of fifty.

        ``judged``: `_state` is among the columns, and none of the person's.
        """
        query = sa.select(*columns).select_from(Enrolment).where(Enrolment.activity_id == self.activity.id)
        if not judged:
            query = query.join(Person, Person.id == Enrolment.person_id)
        if judged or wanted.state is not None:
            query = query.outerjoin(OutsideResult, self._outside(Enrolment.person_id))
        if wanted.state is not None:
            query = query.where(self._state(Enrolment.person_id) == wanted.state.value)
        if wanted.words:
            name = Person.given_name + " " + Person.family_name + " " + sa.func.coalesce(Person.email, "")
            query = query.where(sa.func.lower(name).contains(wanted.words.lower(), autoescape=True))
        return query

    def _in_full(self, members: sa.Subquery) -> sa.Select[Any]:
        state = self._state(members.c.person_id).label("state")
        return (
            sa.select(Person, OutsideResult, members.c.created_at, state)
            .join(members, members.c.person_id == Person.id)
            .outerjoin(OutsideResult, self._outside(members.c.person_id))
            .order_by(*_NAME)
        )

    def _outside(self, person_id: Any) -> sa.ColumnElement[bool]:
        return sa.and_(OutsideResult.person_id == person_id, OutsideResult.activity_id == self.activity.id)

    def _tried(self, people: Sequence[UUID]) -> dict[UUID, Tried]:
        """What the attempts of these people come to."""
        query = sa.select(
            Attempt.person_id,
            sa.func.count(Attempt.id),
            sa.func.max(Attempt.score),
            sa.func.max(Attempt.progress),
            sa.func.max(Attempt.changed_at),
        )
        own = query.where(Attempt.activity_id == self.activity.id, Attempt.person_id.in_(people))
        return {row[0]: Tried(*row[1:]) for row in self.session.execute(own.group_by(Attempt.person_id))}

    def _state(self, person_id: Any) -> sa.Case[str]:
        """A word of `Reads`, as the person's own pages say it; here what was once completed counts."""
        own = sa.exists().where(Attempt.person_id == person_id, Attempt.activity_id == self.activity.id)
        if self.activity.is_exam:
            return sa.case(
                (OutsideResult.verdict == Verdict.PASSED, Reads.PASSED.value),
                (OutsideResult.verdict == Verdict.FAILED, Reads.FAILED.value),
                (sa.or_(OutsideResult.id.is_not(None), own), Reads.WAITING.value),
                else_=Reads.NOT_STARTED.value,
            )
        return sa.case(
            (own.where(Attempt.state == AttemptState.COMPLETED), Reads.COMPLETED.value),
            (own, Reads.IN_PROGRESS.value),
            else_=Reads.NOT_STARTED.value,
        )

    def _row(self, row: Any, tried: Tried, told: Sequence[Told]) -> GradebookRow:
        outside, state = row.OutsideResult, Reads(row.state)
        score = score_that_counts(outside, state, tried.best, tried.best)
        return GradebookRow(
            person=row.Person,
            state=state,
            attempts=tried.count,
            progress=tried.progress or Decimal(0),
            score=cut(score),
            newer=newer_score(outside, score),
            outside=outside,
            at=outside.said_at if outside else tried.changed_at or row.created_at,
            told=told,
        )


def place_of(person: Person) -> Place:
    return person.family_name, person.given_name, person.id
