"""Scores that tools send us: whose they are, whether they are the newest, and what is made of them (AGS 2.0 §3.4).

What a score means here is decided by `OutsideResults` alone.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Context, Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from saas import clock
from saas.db.base import table_of, uuid7
from saas.db.hot import HotConnection
from saas.db.rows import Part, Runner, new_values, same
from saas.db.scope import ScopedSession
from saas.db.statement import TENANT, ScopedStatement
from saas.problems import Refused
from tenants.access import STAFF, Role
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.grades.services import Channels
from tenants.learning.models import Enrolment, Grading, OutsideResult
from tenants.learning.outside import OutsideResults, OutsideScore
from tenants.learning.quick import NotSimpleError
from tenants.lti.platform.models import LineItem, ReceivedScore, Tool, ToolLink, ToolUser
from tenants.lti.platform.quick_results import QuickTelling
from tenants.lti.platform.users import audience_of_tool
from tenants.lti.wire.ags import GradingProgress
from tenants.lti.wire.scores_in import ScoreIn

GRADING = {
    GradingProgress.FULLY_GRADED: Grading.DECIDED,
    GradingProgress.PENDING_MANUAL: Grading.AWAITED,
    GradingProgress.FAILED: Grading.FAILED,
    GradingProgress.PENDING: Grading.NONE,
    GradingProgress.NOT_READY: Grading.NONE,
}
_score = table_of(ReceivedScore)
_SAID = ("given", "maximum", "activity_progress", "grading_progress", "comment", "said_at", "received_at")
_new = new_values(_score, _SAID)

#: Of scores that arrive at the same moment, in any order, the newest stays: a row comes back only for a newer one.
KEEP_NEWER = ScopedStatement(
    "lti_platform.keep_newer_score",
    insert(_score)
    .values(
        tenant_id=TENANT,
        id=sa.bindparam("new_id"),
        line_item_id=sa.bindparam("column"),
        person_id=sa.bindparam("person"),
        **_new,
    )
    .on_conflict_do_update(
        index_elements=[_score.c.tenant_id, _score.c.line_item_id, _score.c.person_id],
        set_=_new,
        where=sa.and_(_score.c.tenant_id == TENANT, _score.c.said_at < _new["said_at"]),
    )
    .returning(_score.c.id),
)


_column, _link, _activity = table_of(LineItem), table_of(ToolLink), table_of(Activity)
_user, _person = table_of(ToolUser), table_of(Person)
LINK, ACTIVITY = Part(ToolLink, "id", "tool_id", "results_until"), Part(Activity, "id", "type", "minimum_score")

#: A column of the tool in the course, with what it counts for.
FIND_COLUMN = ScopedStatement(
    "lti_platform.find_column",
    sa.select(_column.c.id, _column.c.tool_link_id, *LINK.columns, *ACTIVITY.columns)
    .select_from(
        _column.outerjoin(_link, same(_link, id=_column.c.tool_link_id)).outerjoin(
            _activity, same(_activity, id=_link.c.activity_id)
        )
    )
    .where(
        same(
            _column,
            id=sa.bindparam("the_column"),
            tool_id=sa.bindparam("the_tool"),
            course_id=sa.bindparam("the_course"),
        )
    ),
)

#: Whoever a tool knows, held until the commit as `OutsideResults` holds them.
FIND_PERSON = ScopedStatement(
    "lti_platform.find_person_of_tool",
    sa.select(_person.c.id, _person.c.role)
    .join_from(_user, _person, same(_person, id=_user.c.person_id))
    .where(same(_user, audience=sa.bindparam("the_audience"), sub=sa.bindparam("the_sub")))
    .with_for_update(of=_person, key_share=True),
)


class QuickScores:
    """A score in the column of a link, in scoped statements; `NotSimpleError` for what only `Scores` can do."""

    def __init__(self, connection: HotConnection, channels: Channels, tool: Tool) -> None:
        self.connection = connection
        self.channels = channels
        self.tool = tool

    def column(self, course_id: UUID, line_item_id: UUID) -> Any:
        """Raises `Refused` CALL_NOT_YOURS."""
        where = {"the_column": line_item_id, "the_tool": self.tool.id, "the_course": course_id}
        row = self.connection.run(FIND_COLUMN, **where).one_or_none()
        if row is None:
            raise not_yours(line_item_id, "a column of its own in the course")
        return row

    def counts_for(self, column: Any) -> tuple[ToolLink, Activity]:
        """`Refused` CALL_NOT_YOURS for a column whose link has gone to another tool."""
        link, activity = LINK.read(column), ACTIVITY.read(column)
        if link is None or activity is None:
            raise NotSimpleError
        if link.tool_id != self.tool.id:
            raise not_yours(column.id, "a link that is still the tool's")
        return link, activity

    def person(self, user_id: str, activity: Activity) -> QuickTelling:
        """As `Scores.person`; they are held from here on."""
        audience = audience_of_tool(self.tool.id)
        row = self.connection.run(FIND_PERSON, the_audience=audience, the_sub=user_id).one_or_none()
        if row is None:
            raise unknown(user_id)
        telling = QuickTelling(self.connection, self.channels, row.id, activity)
        require_learner(user_id, row.role, takes_part=telling.results.takes_part())
        return telling

    def take(self, said: ScoreIn, telling: QuickTelling, column: Any, link: ToolLink) -> None:
        """`Refused` CALL_SCORE_LATE, or CALL_SCORE_OLD for one that is not newer than the last."""
        now = clock.now()
        refuse_late(link, now)
        keep_newer(self.connection, said, column.id, telling.results.person_id, now)
        score = outside_score(said, self.tool.name)
        if not is_overtaken(score, telling.results.known):
            telling.take(score)


class Scores:
    """In one column of one tool. ``session`` is the academy's."""

    def __init__(self, session: ScopedSession, tool: Tool, column: LineItem) -> None:
        self.session = session
        self.tool = tool
        self.column = column

    def link(self) -> tuple[ToolLink, Activity] | None:
        """What the column counts for; None where it stands alone."""
        if self.column.tool_link_id is None:
            return None
        query = sa.select(ToolLink, Activity).join(Activity, Activity.id == ToolLink.activity_id)
        link, activity = self.session.execute(query.where(ToolLink.id == self.column.tool_link_id)).one()
        return link, activity

    def person(self, user_id: str, activity: Activity | None) -> Person:
        """Whoever the tool knows as ``user_id``, when they learn there. `Refused` CALL_PERSON with the reason.

        They are held before anything of theirs is, as on the quick way: else the two could wait for each other.
        """
        takes_part = sa.exists().where(Enrolment.person_id == Person.id)
        if activity is not None:
            takes_part = takes_part.where(Enrolment.activity_id == activity.id)
        else:
            takes_part = takes_part.where(Enrolment.activity_id.in_(activities_of(self.tool, self.column.course_id)))
        query = sa.select(Person, takes_part).join(ToolUser, ToolUser.person_id == Person.id)
        known = ToolUser.audience == audience_of_tool(self.tool.id), ToolUser.sub == user_id
        row = self.session.execute(query.where(*known).with_for_update(of=Person, key_share=True)).one_or_none()
        if row is None:
            raise unknown(user_id)
        person, is_in = row
        require_learner(user_id, person.role, takes_part=is_in)
        return person

    def take(self, said: ScoreIn, person: Person, counts_for: tuple[ToolLink, Activity] | None) -> None:
        """`Refused` CALL_SCORE_LATE, or CALL_SCORE_OLD for one that is not newer than the last."""
        now = clock.now()
        if counts_for is not None:
            refuse_late(counts_for[0], now)
        keep_newer(self.session, said, self.column.id, person.id, now)
        if counts_for is not None:
            self._tell(person.id, counts_for[1], said)

    def _tell(self, person_id: UUID, activity: Activity, said: ScoreIn) -> None:
        results = OutsideResults(self.session)
        known = results.of(person_id, activity.id)
        withdrawn = said.given is None and known is not None and known.given is not None
        score = outside_score(said, self.tool.name, withdrawn=withdrawn)
        if not is_overtaken(score, known):
            results.take(person_id, activity, score)

    def find(self, *, user_id: str, after: UUID | None, limit: int) -> Sequence[tuple[ReceivedScore, str]]:
        """Scores with the pseudonym of each person, by id; one more than ``limit``. An unknown person has none."""
        audience = audience_of_tool(self.tool.id)
        query = sa.select(ReceivedScore, ToolUser.sub).join(
            ToolUser, sa.and_(ToolUser.person_id == ReceivedScore.person_id, ToolUser.audience == audience)
        )
        query = query.where(ReceivedScore.line_item_id == self.column.id)
        if user_id:
            query = query.where(ToolUser.sub == user_id)
        if after is not None:
            query = query.where(ReceivedScore.id > after)
        rows = self.session.execute(query.order_by(ReceivedScore.id).limit(limit + 1))
        return [(score, sub) for score, sub in rows]


def keep_newer(runner: Runner, said: ScoreIn, column_id: UUID, person_id: UUID, now: datetime) -> None:
    """`Refused` CALL_SCORE_OLD."""
    kept = runner.run(
        KEEP_NEWER,
        new_id=uuid7(),
        column=column_id,
        person=person_id,
        new_given=None if said.given is None else str(said.given),
        new_maximum=None if said.maximum is None else str(said.maximum),
        new_activity_progress=said.activity.value,
        new_grading_progress=said.grading.value,
        new_comment=said.comment,
        new_said_at=said.at,
        new_received_at=now,
    )
    if kept.first() is None:
        raise Refused("CALL_SCORE_OLD", seen=said.at.isoformat(), wanted="a later timestamp than the last score's")


def outside_score(said: ScoreIn, source: str, *, withdrawn: bool = False) -> OutsideScore:
    return OutsideScore(
        given=said.given,
        maximum=said.maximum,
        completed=said.is_done,
        grading=GRADING[said.grading],
        at=said.at,
        source=source,
        comment=said.comment,
        withdrawn=withdrawn,
    )


def is_overtaken(score: OutsideScore, known: OutsideResult | None) -> bool:
    """Whether the tool said something later already, in another of the link's columns.

    Another tool that had the link before had another clock.
    """
    return known is not None and known.source == score.source and known.said_at > score.at


def not_yours(column_id: UUID, wanted: str) -> Refused:
    return Refused("CALL_NOT_YOURS", seen=f"column {column_id}", wanted=wanted)


def unknown(user_id: str, reason: str = "unknown to this tool") -> Refused:
    return Refused("CALL_PERSON", seen=f"{user_id[:100]}: {reason}", wanted="a learner of the activity")


def require_learner(user_id: str, role: Role, *, takes_part: bool) -> None:
    """`Refused` CALL_PERSON with the reason."""
    if role in STAFF:
        raise unknown(user_id, "no learner")
    if not takes_part:
        raise unknown(user_id, "does not take part")


def refuse_late(link: ToolLink, now: datetime) -> None:
    """`Refused` CALL_SCORE_LATE once the link takes no more results."""
    if link.results_until is not None and now > link.results_until:
        seen = f"past due: results were taken until {link.results_until.isoformat(' ', 'minutes')}"
        raise Refused("CALL_SCORE_LATE", seen=seen, wanted="a result in time")


def activities_of(tool: Tool, course_id: UUID) -> sa.Select[Any]:
    """Ids of the activities that open the tool in the course."""
    query = sa.select(ToolLink.activity_id).join(Activity, Activity.id == ToolLink.activity_id)
    return query.where(ToolLink.tool_id == tool.id, Activity.course_id == course_id)


def rescaled(score: ReceivedScore, maximum: Decimal) -> Decimal | None:
    """The score out of the column's maximum of today; None while it is not decided. For showing only."""
    if score.given is None or score.maximum is None or score.grading_progress != GradingProgress.FULLY_GRADED:
        return None
    exact = Context(prec=28)
    return exact.divide(exact.multiply(Decimal(score.given), maximum), Decimal(score.maximum))
