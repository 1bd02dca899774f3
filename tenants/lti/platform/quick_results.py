"""What becomes of a tool's score where nobody but the ledger is to be told: the learner came from no other LMS.

It stands in for all that hears of `ProgressMade` and `Advanced`; a test holds it to what they do. Whether a result
rises is the ledger's rule (`tenants.grades.services.improves`).
"""

from uuid import UUID

import sqlalchemy as sa

from saas.db.base import table_of
from saas.db.hot import HotConnection
from saas.db.rows import Part, new_values, parameters_of, same, unchanged
from saas.db.statement import ScopedStatement
from tenants.catalog.models import Activity
from tenants.grades.models import Result
from tenants.grades.services import Channels, improves, put_down
from tenants.learning.outside import OutsideScore
from tenants.learning.quick import NotSimpleError, QuickResults
from tenants.learning.services import ProgressMade
from tenants.lti.tool import landing11, landing13
from tenants.lti.tool.models import Participant, ResourceLink
from tenants.lti.tool.models11 import ConsumerKey, OutcomeRoute

_result, _participant, _link = table_of(Result), table_of(Participant), table_of(ResourceLink)
_route, _consumer = table_of(OutcomeRoute), table_of(ConsumerKey)
#: The channels whose routes `FIND_RESULT` looks for.
KNOWN_CHANNELS = frozenset({landing11.CHANNEL, landing13.CHANNEL})
_TRUE = ("progress", "score")
_RAISED = (*_TRUE, "achieved_at")
RESULT = Part(Result, "id", *_TRUE)
_who, _what = sa.bindparam("the_person", type_=sa.Uuid()), sa.bindparam("the_activity", type_=sa.Uuid())

#: The result, and whether there is a way to an LMS that must hear of it, by either version.
FIND_RESULT = ScopedStatement(
    "grades.find_result",
    sa.select(
        *RESULT.columns,
        sa.or_(
            sa.exists(
                sa.select(_participant.c.id)
                .join_from(_participant, _link, same(_link, id=_participant.c.resource_link_id, activity_id=_what))
                .where(same(_participant, person_id=_who))
            ),
            sa.exists(
                sa.select(_route.c.id)
                .join_from(_route, _consumer, same(_consumer, id=_route.c.consumer_key_id, activity_id=_what))
                .where(same(_route, person_id=_who))
            ),
        ).label("has_routes"),
    ).where(same(_result, person_id=_who, activity_id=_what)),
)

#: A row comes back only where nobody has changed what was decided by.
RAISE = ScopedStatement(
    "grades.raise_result",
    sa.update(_result)
    .where(same(_result, id=sa.bindparam("the_result")), unchanged(_result, _TRUE))
    .values(new_values(_result, _RAISED))
    .returning(_result.c.id),
)


class QuickTelling:
    """``take`` raises `NotSimpleError` where more is to be done than can be done here."""

    def __init__(self, connection: HotConnection, channels: Channels, person_id: UUID, activity: Activity) -> None:
        if {channel.name for channel in channels.all()} - KNOWN_CHANNELS:
            raise NotSimpleError
        self.connection = connection
        self.results = QuickResults(connection, person_id, activity)

    def take(self, score: OutsideScore) -> None:
        made = self.results.take(score)
        if made is not None:
            self._record(made)

    def _record(self, made: ProgressMade) -> None:
        """As `Ledger.record` does it, where there is nobody to tell."""
        who = {"the_person": made.person_id, "the_activity": made.activity_id}
        row = self.connection.run(FIND_RESULT, **who).first()
        result = RESULT.read(row) if row is not None else None
        if result is None:
            raise NotSimpleError
        if not improves(result, made):
            return
        if row.has_routes:
            raise NotSimpleError
        seen = parameters_of(result, _TRUE, "seen")
        put_down(result, made)
        if not self.connection.run(RAISE, the_result=result.id, **seen, **parameters_of(result, _RAISED, "new")):
            raise NotSimpleError
