"""A score of an outside tool taken in with four statements: what `tenants.learning.outside` does, for the usual case.

Usual is somebody who began before, in no playlist, with a score that is a number. Everything else is refused here
(`NotSimpleError`) before or after writing, and is for `OutsideResults.take` in a transaction of its own.
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.base import table_of, uuid7
from saas.db.hot import HotConnection
from saas.db.statement import TENANT, ScopedInsert, ScopedStatement
from tenants.accounts.models import Person
from tenants.catalog.models import Activity, PlaylistItem
from tenants.learning.models import Attempt, AttemptState, Enrolment, OutsideResult
from tenants.learning.outside import ALL, OutsideScore, put_down, reached_by
from tenants.learning.services import ProgressMade

_person, _enrolment, _attempt = table_of(Person), table_of(Enrolment), table_of(Attempt)
_result, _item = table_of(OutsideResult), table_of(PlaylistItem)
_others = _enrolment.alias("others")
_SAID = (
    "given", "maximum", "percent", "grading", "verdict", "minimum", "comment", "source", "withdrawn_at", "said_at",
    "received_at",
)  # fmt: skip
_DONE = ("state", "progress", "score", "changed_at", "completed_at")


def _new(table: sa.Table, names: tuple[str, ...]) -> dict[str, sa.BindParameter[Any]]:
    return {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in names}


def _seen(table: sa.Table, name: str) -> sa.ColumnElement[bool]:
    """That a column still is as it was read."""
    return table.c[name].is_not_distinct_from(sa.bindparam(f"seen_{name}", type_=table.c[name].type))


#: Whatever is said of one person is taken in one after the other; a statement of its own, so that the next one sees it.
HOLD = ScopedStatement(
    "learning.hold_person",
    sa.select(_person.c.id)
    .where(_person.c.tenant_id == TENANT, _person.c.id == sa.bindparam("the_person"))
    .with_for_update(key_share=True),
)

#: How far they are: no row for somebody who does not take part.
STANDING = ScopedStatement(
    "learning.find_standing",
    sa.select(
        _result.c.id.label("result_id"),
        _result.c.verdict,
        _result.c.minimum,
        _result.c.source,
        _result.c.said_at,
        _attempt.c.id.label("attempt_id"),
        _attempt.c.state,
        _attempt.c.score,
        _attempt.c.completed_at,
        sa.exists()
        .where(
            _item.c.tenant_id == TENANT,
            _others.c.tenant_id == TENANT,
            _item.c.activity_id == sa.bindparam("the_activity"),
            _others.c.activity_id == _item.c.playlist_id,
            _others.c.person_id == sa.bindparam("the_person"),
        )
        .label("has_playlist"),
    )
    .select_from(
        _enrolment.outerjoin(
            _result,
            sa.and_(
                _result.c.tenant_id == TENANT,
                _result.c.person_id == _enrolment.c.person_id,
                _result.c.activity_id == _enrolment.c.activity_id,
            ),
        ).outerjoin(
            _attempt,
            sa.and_(
                _attempt.c.tenant_id == TENANT,
                _attempt.c.person_id == _enrolment.c.person_id,
                _attempt.c.activity_id == _enrolment.c.activity_id,
            ),
        )
    )
    .where(
        _enrolment.c.tenant_id == TENANT,
        _enrolment.c.person_id == sa.bindparam("the_person"),
        _enrolment.c.activity_id == sa.bindparam("the_activity"),
    )
    .order_by(_attempt.c.number.desc())
    .limit(1),
)

#: Both give back a row only where nobody has changed what was decided by.
CHANGE_RESULT = ScopedStatement(
    "learning.change_outside_result",
    sa.update(_result)
    .where(
        _result.c.tenant_id == TENANT,
        _result.c.id == sa.bindparam("the_result"),
        _seen(_result, "verdict"),
        _seen(_result, "minimum"),
    )
    .values(_new(_result, _SAID))
    .returning(_result.c.id),
)
CHANGE_ATTEMPT = ScopedStatement(
    "learning.change_attempt",
    sa.update(_attempt)
    .where(
        _attempt.c.tenant_id == TENANT,
        _attempt.c.id == sa.bindparam("the_attempt"),
        _seen(_attempt, "state"),
        _seen(_attempt, "score"),
    )
    .values(_new(_attempt, _DONE))
    .returning(_attempt.c.id),
)
ScopedInsert("outside_result.insert", OutsideResult)


class NotSimpleError(Exception):
    """Not the usual case: everything is to be undone, and done the long way."""


class QuickResults:
    """Of one person in one activity of a tool, in the transaction of ``connection``."""

    def __init__(self, connection: HotConnection, person_id: UUID, activity: Activity) -> None:
        self.connection = connection
        self.person_id = person_id
        self.activity = activity
        self.found: Any = None

    def hold(self) -> bool:
        """False where the person is gone."""
        return self.connection.run(HOLD, the_person=self.person_id).first() is not None

    def takes_part(self) -> bool:
        """Asked when the person is held; `NotSimpleError` for a case that is not usual."""
        who = {"the_person": self.person_id, "the_activity": self.activity.id}
        self.found = found = self.connection.run(STANDING, **who).first()
        if found is not None and (found.attempt_id is None or found.has_playlist or self.activity.is_playlist):
            raise NotSimpleError
        return found is not None

    def take(self, score: OutsideScore) -> ProgressMade | None:
        """After `takes_part`. What is to be told of it, which is the caller's to do."""
        found, now = self.found, clock.now()
        if score.given is None or score.withdrawn:
            raise NotSimpleError
        attempt = Attempt(state=found.state, score=found.score, completed_at=found.completed_at)
        row = OutsideResult(
            id=found.result_id or uuid7(), person_id=self.person_id, activity_id=self.activity.id,
            verdict=found.verdict, minimum=found.minimum,
        )  # fmt: skip
        put_down(row, score)
        if row.percent is None:
            raise NotSimpleError
        reached = reached_by(self.activity, attempt, row, score)
        self._write(row)
        stands = attempt.is_completed and attempt.score is not None and reached is not None and reached <= attempt.score
        if reached is not None and not stands:
            self._change(state=AttemptState.COMPLETED, score=reached, completed_at=attempt.completed_at or now, at=now)
            return ProgressMade(self.person_id, self.activity.id, completed=True, score=reached, at=now)
        if reached is None and score.completed and not attempt.is_completed:
            self._change(state=attempt.state, score=attempt.score, completed_at=attempt.completed_at, at=now)
        return None

    def _write(self, row: OutsideResult) -> None:
        found = self.found
        if found.result_id is None:
            self.connection.add(row)
            return
        new = {f"new_{name}": getattr(row, name) for name in _SAID}
        seen = {"seen_verdict": found.verdict, "seen_minimum": found.minimum}
        if not self.connection.run(CHANGE_RESULT, the_result=found.result_id, **seen, **new):
            raise NotSimpleError

    def _change(self, *, state: AttemptState, score: Decimal | None, completed_at: Any, at: Any) -> None:
        new = {
            "new_state": state, "new_progress": ALL, "new_score": score, "new_changed_at": at,
            "new_completed_at": completed_at,
        }  # fmt: skip
        seen = {"seen_state": self.found.state, "seen_score": self.found.score}
        if not self.connection.run(CHANGE_ATTEMPT, the_attempt=self.found.attempt_id, **seen, **new):
            raise NotSimpleError
