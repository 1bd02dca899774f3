"""What tools asked of our services, kept for people: accepted or refused, with the cause."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa

from saas.db.base import table_of
from saas.db.rows import Keeper, Part, same
from saas.db.scope import ScopedSession, TenantScoped
from saas.db.statement import ScopedInsert, ScopedStatement
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.lti.platform.models import ServiceCall, Tool, ToolLink
from tenants.lti.wire.text import clean

RowT = TypeVar("RowT", bound=TenantScoped)
PAGE = 50
SEEN_LIMIT = 300
LINK = Part(ToolLink, "id", "tool_id", "key")

FIND_LINK = ScopedStatement(
    "lti_platform.find_link_of_call",
    sa.select(*LINK.columns).where(same(table_of(ToolLink), id=sa.bindparam("the_link"))),
)
ScopedInsert("lti_service_call.insert", ServiceCall)


class Service(StrEnum):
    """The door that was knocked at."""

    TOKEN = "token"  # noqa: S105 -- a word of the log
    SCORE = "score"
    LINE_ITEM = "line-item"
    RESULT = "result"
    ROSTER = "roster"
    OUTCOME = "outcome"
    CONTENT = "content"
    REGISTRATION = "registration"
    #: Zoom's calls of Moodle's web service, and readers of our key set at Moodle's address.
    CALENDAR = "calendar"
    KEYS = "keys"


def note_call(  # noqa: PLR0913 -- the columns of a row
    keeper: Keeper,
    service: Service,
    *,
    status: int,
    code: str = "",
    seen: str = "",
    tool: Tool | None = None,
    link: ToolLink | None = None,
    link_id: UUID | None = None,
    person_id: UUID | None = None,
) -> None:
    """One row; ``code`` empty for what was done. ``seen`` must be free of secrets; it is cleaned and cut here.

    ``tool`` and ``link`` may be of a session that is over, or of none; ``link_id`` is enough where there is a tool.
    """
    if link is None and tool is None and link_id is not None:
        link = LINK.read(found) if (found := keeper.run(FIND_LINK, the_link=link_id).first()) is not None else None
        link_id = None
    keeper.add(
        ServiceCall(
            service=service.value,
            tool_id=tool.id if tool else link.tool_id if link else None,
            tool_link_id=link.id if link else link_id,
            tool_name=tool.name if tool else link.key if link else "",
            person_id=person_id,
            status=status,
            code=code,
            seen=clean(seen, SEEN_LIMIT),
        )
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the log is narrowed to; what is None or empty narrows nothing.

    ``refused``: only what was refused, or only what was done. ``before``: (time, id) of the last call of the page
    before.
    """

    tool_id: UUID | None = None
    tool_link_id: UUID | None = None
    service: Service | None = None
    refused: bool | None = None
    code: str = ""
    before: tuple[datetime, UUID] | None = None

    def conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        same = {
            "tool_id": self.tool_id,
            "tool_link_id": self.tool_link_id,
            "service": self.service and self.service.value,
            "code": self.code or None,
        }
        yield from (getattr(ServiceCall, name) == value for name, value in same.items() if value is not None)
        if self.refused is not None:
            yield ServiceCall.code != "" if self.refused else ServiceCall.code == ""
        if self.before is not None:
            at, last = self.before
            yield sa.or_(ServiceCall.at < at, sa.and_(ServiceCall.at == at, ServiceCall.id < last))


@dataclass(frozen=True, slots=True)
class Call:
    """A row and what it speaks of, as far as that is still there."""

    row: ServiceCall
    person: str
    activity: Activity | None


class ServiceCalls:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def find(self, wanted: Wanted, limit: int = PAGE) -> Sequence[Call]:
        """Newest first, in three statements however many."""
        query = sa.select(ServiceCall).where(*wanted.conditions())
        rows = self.session.scalars(query.order_by(ServiceCall.at.desc(), ServiceCall.id.desc()).limit(limit)).all()
        people = {each.id: each.name for each in self._all(Person, {row.person_id for row in rows})}
        links = {each.id: each.activity_id for each in self._all(ToolLink, {row.tool_link_id for row in rows})}
        activities = {each.id: each for each in self._all(Activity, set(links.values()))}
        return [
            Call(
                row,
                people.get(row.person_id, "") if row.person_id else "",
                activities.get(links[row.tool_link_id]) if row.tool_link_id in links else None,
            )
            for row in rows
        ]

    def _all(self, kind: type[RowT], ids: Iterable[UUID | None]) -> Sequence[RowT]:
        wanted = [each for each in ids if each is not None]
        return self.session.scalars(sa.select(kind).where(kind.id.in_(wanted))).all() if wanted else ()
