"""A score of an outside tool taken in with four statements: what `tenants.learning.outside` does, for the usual case.

Usual is somebody who began before, in no playlist, with a score that is a number. Everything else is refused here
(`NotSimpleError`) before or after writing, and is for `OutsideResults.take` in a transaction of its own. The rules are
those of `tenants.learning.outside`; only reading and writing are done here.
"""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.base import table_of, uuid7
from saas.db.hot import HotConnection
from saas.db.rows import Part, new_values, parameters_of, same, unchanged
from saas.db.statement import TENANT, ScopedInsert, ScopedStatement
from tenants.accounts.models import Person
from tenants.catalog.models import Activity, PlaylistItem
from tenants.learning.models import Attempt, Enrolment, OutsideResult
from tenants.learning.outside import OutsideScore, move, put_down
from tenants.learning.services import ProgressMade

_person, _enrolment, _attempt = table_of(Person), table_of(Enrolment), table_of(Attempt)
_result, _item = table_of(OutsideResult), table_of(PlaylistItem)
_others = _enrolment.alias("others")
#: What a tool's word changes, and what that was decided by.
_SAID = (
    "given", "maximum", "percent", "grading", "verdict", "minimum", "comment", "source", "withdrawn_at", "said_at",
    "received_at",
)  # fmt: skip
_JUDGED = ("verdict", "minimum")
_DONE = ("state", "progress", "score", "changed_at", "completed_at")
_REACHED = ("state", "score")
RESULT = Part(OutsideResult, "id", "person_id", "activity_id", "source", "said_at", *_JUDGED)
ATTEMPT = Part(Attempt, "id", "person_id", "activity_id", *_DONE)

#: Whatever is said of one person is taken in one after the other; a statement of its own, so that the next one sees it.
HOLD = ScopedStatement(
    "learning.hold_person",
    sa.select(_person.c.id).where(same(_person, id=sa.bindparam("the_person"))).with_for_update(key_share=True),
)

#: How far they are: no row for somebody who does not take part.
STANDING = ScopedStatement(
    "learning.find_standing",
    sa.select(
        *RESULT.columns,
        *ATTEMPT.columns,
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
            _result, same(_result, person_id=_enrolment.c.person_id, activity_id=_enrolment.c.activity_id)
        ).outerjoin(_attempt, same(_attempt, person_id=_enrolment.c.person_id, activity_id=_enrolment.c.activity_id))
    )
    .where(same(_enrolment, person_id=sa.bindparam("the_person"), activity_id=sa.bindparam("the_activity")))
    .order_by(_attempt.c.number.desc())
    .limit(1),
)

#: Both give back a row only where nobody has changed what was decided by.
CHANGE_RESULT = ScopedStatement(
    "learning.change_outside_result",
    sa.update(_result)
    .where(same(_result, id=sa.bindparam("the_result")), unchanged(_result, _JUDGED))
    .values(new_values(_result, _SAID))
    .returning(_result.c.id),
)
CHANGE_ATTEMPT = ScopedStatement(
    "learning.change_attempt",
    sa.update(_attempt)
    .where(same(_attempt, id=sa.bindparam("the_attempt")), unchanged(_attempt, _REACHED))
    .values(new_values(_attempt, _DONE))
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
        #: What the tool said before; known after `takes_part`.
        self.known: OutsideResult | None = None
        self._standing: Any = None

    def hold(self) -> bool:
        """False where the person is gone."""
        return self.connection.run(HOLD, the_person=self.person_id).first() is not None

    def takes_part(self) -> bool:
        """Asked when the person is held; `NotSimpleError` for a case that is not usual."""
        who = {"the_person": self.person_id, "the_activity": self.activity.id}
        self._standing = standing = self.connection.run(STANDING, **who).first()
        if standing is None:
            return False
        if standing.has_playlist or self.activity.is_playlist:
            raise NotSimpleError
        self.known = RESULT.read(standing)
        return True

    def take(self, score: OutsideScore) -> ProgressMade | None:
        """After `takes_part`. What is to be told of it, which is the caller's to do."""
        before, attempt = ATTEMPT.read(self._standing), ATTEMPT.read(self._standing)
        if before is None or attempt is None or score.given is None or score.withdrawn:
            raise NotSimpleError
        row = RESULT.read(self._standing) or OutsideResult(
            id=uuid7(), person_id=self.person_id, activity_id=self.activity.id
        )
        put_down(row, score)
        if row.percent is None:
            raise NotSimpleError
        made = move(self.activity, row, attempt, score, clock.now())
        self._write(row)
        self._change(before, attempt)
        return made

    def _write(self, row: OutsideResult) -> None:
        if self.known is None:
            self.connection.add(row)
            return
        values = parameters_of(self.known, _JUDGED, "seen") | parameters_of(row, _SAID, "new")
        if not self.connection.run(CHANGE_RESULT, the_result=row.id, **values):
            raise NotSimpleError

    def _change(self, before: Attempt, attempt: Attempt) -> None:
        new = parameters_of(attempt, _DONE, "new")
        if new == parameters_of(before, _DONE, "new"):
            return
        values = parameters_of(before, _REACHED, "seen") | new
        if not self.connection.run(CHANGE_ATTEMPT, the_attempt=attempt.id, **values):
            raise NotSimpleError
