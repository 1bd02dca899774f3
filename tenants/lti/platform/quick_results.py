"""What becomes of a tool's score where nobody but the ledger is to be told: the learner came from no other LMS.

It stands in for all that hears of `ProgressMade` and `Advanced`; a test holds it to what they do.
"""

from uuid import UUID

import sqlalchemy as sa

from saas.db.base import table_of
from saas.db.hot import HotConnection
from saas.db.statement import ScopedStatement
from tenants.catalog.models import Activity
from tenants.grades.models import Progress, Result
from tenants.grades.services import Channels
from tenants.learning.outside import OutsideScore
from tenants.learning.quick import NotSimpleError, QuickResults
from tenants.learning.services import ProgressMade
from tenants.lti.platform.rows import same
from tenants.lti.tool import landing11, landing13
from tenants.lti.tool.models import Participant, ResourceLink
from tenants.lti.tool.models11 import ConsumerKey, OutcomeRoute

_result, _participant, _link = table_of(Result), table_of(Participant), table_of(ResourceLink)
_route, _consumer = table_of(OutcomeRoute), table_of(ConsumerKey)
#: The channels whose routes `ROUTES` looks for.
KNOWN_CHANNELS = frozenset({landing11.CHANNEL, landing13.CHANNEL})
_who, _what = sa.bindparam("the_person", type_=sa.Uuid()), sa.bindparam("the_activity", type_=sa.Uuid())

#: A way to an LMS that must hear of this person's result, by either version.
ROUTES = ScopedStatement(
    "grades.find_routes",
    sa.union_all(
        sa.select(_participant.c.id)
        .join_from(_participant, _link, same(_link, id=_participant.c.resource_link_id, activity_id=_what))
        .where(same(_participant, person_id=_who)),
        sa.select(_route.c.id)
        .join_from(_route, _consumer, same(_consumer, id=_route.c.consumer_key_id, activity_id=_what))
        .where(same(_route, person_id=_who)),
    ),
)
_score = sa.bindparam("new_score", type_=_result.c.score.type)

#: As `tenants.grades.services.Ledger` does it: a row comes back where the result rose.
RAISE = ScopedStatement(
    "grades.raise_result",
    sa.update(_result)
    .where(
        same(_result, person_id=_who, activity_id=_what),
        sa.or_(
            _result.c.progress != Progress.COMPLETED,
            _result.c.score.is_(None),
            _result.c.score < _score,
        ),
    )
    .values(progress=Progress.COMPLETED, score=_score, achieved_at=sa.bindparam("at", type_=_result.c.achieved_at.type))
    .returning(_result.c.id),
)
KNOWN = ScopedStatement(
    "grades.find_result", sa.select(_result.c.id).where(same(_result, person_id=_who, activity_id=_what))
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
            self._raise(made)

    def _raise(self, made: ProgressMade) -> None:
        who = {"the_person": made.person_id, "the_activity": made.activity_id}
        raised = self.connection.run(RAISE, new_score=made.score, at=made.at, **who)
        if not raised and self.connection.run(KNOWN, **who):
            return  # it never falls
        if not raised or self.connection.run(ROUTES, **who):
            raise NotSimpleError
