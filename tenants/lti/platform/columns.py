"""The grade columns (line items) of tools here: AGS 2.0 §3.2."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.catalog.models import Activity
from tenants.lti.platform.models import LineItem, Tool, ToolLink
from tenants.lti.wire.line_items import LineItemIn

#: What the column made with a link is out of.
MAXIMUM = Decimal(100)
#: Columns of one tool in one course; a tool that makes more is out of order.
MOST = 1000


def coupled_column(session: ScopedSession, link: ToolLink) -> LineItem:
    """The column of a link to an LTI 1.3 tool, made at the first asking. A link that changed its tool gets another.

    ValueError for a link of LTI 1.2, whose results need no column.
    """
    if link.tool_id is None:
        raise ValueError("LTI 1.2 knows no line items")
    known = sa.select(LineItem).where(
        LineItem.tool_link_id == link.id, LineItem.tool_id == link.tool_id, LineItem.is_coupled
    )
    column = session.scalar(known)
    if column is not None:
        return column
    session.scalar(sa.select(ToolLink.id).where(ToolLink.id == link.id).with_for_update())
    column = session.scalar(known)
    if column is None:
        activity = session.get_one(Activity, link.activity_id)
        column = LineItem(
            tool_id=link.tool_id,
            course_id=activity.course_id,
            tool_link_id=link.id,
            is_coupled=True,
            label=activity.title,
            maximum=MAXIMUM,
        )
        session.add(column)
        session.flush()
    return column


class Columns:
    """Those one tool may see in one course; everything else does not exist for it."""

    def __init__(self, session: ScopedSession, tool: Tool, course_id: UUID) -> None:
        self.session = session
        self.tool = tool
        self.course_id = course_id

    def enter(self) -> None:
        """Raises `Refused` CALL_NOT_YOURS unless the tool has an activity in the course."""
        link = sa.select(ToolLink.id).join(Activity, Activity.id == ToolLink.activity_id)
        mine = link.where(ToolLink.tool_id == self.tool.id, Activity.course_id == self.course_id)
        if self.session.scalar(mine.limit(1)) is None:
            raise Refused("CALL_NOT_YOURS", seen=f"course {self.course_id}", wanted="a course with an activity of it")

    def link(self, resource_link_id: str) -> ToolLink:
        """Raises `Refused` CALL_NOT_YOURS for a link that is not the tool's, or not in this course."""
        query = sa.select(ToolLink).join(Activity, Activity.id == ToolLink.activity_id)
        link = self.session.scalar(
            query.where(
                ToolLink.resource_link_id == resource_link_id,
                ToolLink.tool_id == self.tool.id,
                Activity.course_id == self.course_id,
            )
        )
        if link is None:
            raise Refused("CALL_NOT_YOURS", seen=f"link {resource_link_id}", wanted="a link of its own in the course")
        return link

    def get(self, line_item_id: UUID, *, lock: bool = False) -> LineItem:
        """Raises `Refused` CALL_NOT_YOURS, also for the column of a link that opens another tool by now."""
        query = self._mine().where(LineItem.id == line_item_id)
        column: LineItem | None = self.session.scalar(query.with_for_update() if lock else query)
        if column is None:
            raise Refused("CALL_NOT_YOURS", seen=f"column {line_item_id}", wanted="a column of its own in the course")
        if column.tool_link_id is None:
            self.enter()
            return column
        opens = self.session.scalar(sa.select(ToolLink.tool_id).where(ToolLink.id == column.tool_link_id))
        if opens != self.tool.id:
            raise Refused("CALL_NOT_YOURS", seen=f"column {line_item_id}", wanted="a link that is still the tool's")
        return column

    def find(
        self, *, resource_link_id: str | None, resource_id: str | None, tag: str | None, after: UUID | None, limit: int
    ) -> Sequence[tuple[LineItem, str]]:
        """Columns with the resource link id of each (empty without a link), by id; one more than ``limit``.

        Those of links that open another tool by now are not there, as in `get`.
        """
        query = sa.select(LineItem, ToolLink.resource_link_id).outerjoin(ToolLink, ToolLink.id == LineItem.tool_link_id)
        query = query.where(*self._conditions())
        if resource_link_id is not None:
            query = query.where(ToolLink.resource_link_id == resource_link_id)
        if resource_id is not None:
            query = query.where(LineItem.resource_id == resource_id)
        if tag is not None:
            query = query.where(LineItem.tag == tag)
        if after is not None:
            query = query.where(LineItem.id > after)
        query = query.where(sa.or_(LineItem.tool_link_id.is_(None), ToolLink.tool_id == self.tool.id))
        rows = self.session.execute(query.order_by(LineItem.id).limit(limit + 1))
        return [(column, link or "") for column, link in rows]

    def resource_link_id(self, column: LineItem) -> str:
        if column.tool_link_id is None:
            return ""
        return self.session.scalar(sa.select(ToolLink.resource_link_id).where(ToolLink.id == column.tool_link_id)) or ""

    def create(self, said: LineItemIn) -> LineItem:
        """Raises `Refused` CALL_NOT_YOURS for a foreign link, CALL_COLUMNS_MANY for one column too many."""
        link = self.link(said.resource_link_id) if said.resource_link_id else None
        count = self.session.scalar(sa.select(sa.func.count(LineItem.id)).where(*self._conditions())) or 0
        if count >= MOST:
            raise Refused("CALL_COLUMNS_MANY", seen=f"{count} columns", wanted=f"at most {MOST} in a course")
        column = LineItem(
            tool_id=self.tool.id,
            course_id=self.course_id,
            tool_link_id=link.id if link else None,
            label=said.label,
            maximum=said.maximum,
        )
        said.tell(column)
        self.session.add(column)
        self.session.flush()
        return column

    def edit(self, column: LineItem, said: LineItemIn) -> None:
        """Its id and link stay (AGS 2.0 §3.2.5); scores stay as they were said, out of their own maximum."""
        column.label, column.maximum = said.label, said.maximum
        said.tell(column)
        self.session.flush()

    def delete(self, column: LineItem) -> None:
        """Raises `Refused` CALL_COLUMN_COUPLED for ours."""
        if column.is_coupled:
            raise Refused("CALL_COLUMN_COUPLED", seen=column.label, wanted="a column the tool made")
        self.session.delete(column)
        self.session.flush()

    def _mine(self) -> sa.Select[Any]:
        return sa.select(LineItem).where(*self._conditions())

    def _conditions(self) -> tuple[sa.ColumnElement[bool], ...]:
        return LineItem.tool_id == self.tool.id, LineItem.course_id == self.course_id
