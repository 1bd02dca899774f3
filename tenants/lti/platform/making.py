"""The message that answers an authentication request: steps "enrolled" and "message", usually one statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm.attributes import set_committed_value

from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.accounts.models import Person
from tenants.catalog.models import Course, Status
from tenants.lti.launches.models import Launch
from tenants.lti.platform.authorize_statements import ACTIVITY, COLUMN, FIND_SEAT, LINK, PERSON
from tenants.lti.platform.columns import coupled_column
from tenants.lti.platform.messages import (
    Asked,
    MessageKinds,
    Seat,
    occasion_of,
    resource_link_message,
    with_services,
)
from tenants.lti.platform.models import LineItem, Tool, ToolKind, ToolLink, ToolUser
from tenants.lti.platform.users import ToolUsers, audience_of_tool, shares_with
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.launch13 import RESOURCE_LINK_REQUEST


@dataclass(frozen=True, slots=True)
class Making:
    """For one launch. Refusals go through ``checks``."""

    connection: HotConnection
    runtime: Runtime
    academy: Academy
    checks: Checklist
    tool: Tool
    launch: Launch

    def claims(self, user: ToolUser | None) -> Mapping[str, object]:
        """``user``: the person as the tool knows them, None where that is still to be looked for or made."""
        launch = self.launch
        whom = {"the_person": launch.person_id, "the_link": launch.tool_link_id, "the_activity": launch.activity_id}
        row = self.connection.run(FIND_SEAT, **whom).first()
        person = PERSON.read(row) if row is not None else None
        if person is None:
            self.checks.refuse("enrolled", "TOOL_CLOSED", seen="the person is gone")
        if launch.message_type == RESOURCE_LINK_REQUEST and self.tool.kind is ToolKind.LTI:
            return self._resource_link(person, row, user or self._user(person))
        maker = self.runtime.part(MessageKinds).maker(launch.message_type, self.tool.kind)
        if maker is None:
            self.checks.refuse("message", "TOOL_HINT", seen=launch.message_type)
        self.checks.note("enrolled", person.role.value)
        try:
            with self._session() as session:
                claims = maker(Asked(session, self.academy, self.tool, launch, person))
                session.flush()
        except Refused as refusal:
            self.checks.refuse("message", refusal.code, seen=refusal.seen, wanted=refusal.wanted)
        self.checks.note("message", launch.message_type)
        return claims

    def _resource_link(self, person: Person, row: Any, user: ToolUser) -> Mapping[str, object]:
        tool, launch = self.tool, self.launch
        link, activity = LINK.read(row), ACTIVITY.read(row)
        # it may have been withdrawn, or the person taken out, since the launch began
        open_to = link is not None and link.tool_id == tool.id and activity is not None
        takes_part = activity is not None and (
            person.is_staff or (activity.status is Status.PUBLISHED and row.enrolment_id is not None)
        )
        if link is None or activity is None or not open_to or not takes_part:
            self.checks.refuse(
                "enrolled", "TOOL_CLOSED", seen=activity.title if activity else "the activity is gone",
                wanted="a published activity of this tool in which the person takes part",
            )  # fmt: skip
        self.checks.note("enrolled", activity.title)
        set_committed_value(link, "tool", tool)
        set_committed_value(activity, "course", Course(title=row.course_title))
        occasion = occasion_of(self.academy, link, activity, person, Seat.of(launch), sub=user.sub)
        occasion = with_services(occasion, self.academy, tool, activity, self._column(link, row))
        self.checks.note("message", launch.message_type)
        return resource_link_message(occasion, self.academy, tool, launch.target, shares_with(link, person, user))

    def _user(self, person: Person) -> ToolUser:
        with self._session() as session:
            user = ToolUsers(session).known_as(person.id, audience_of_tool(self.tool.id))
            session.expunge(user)
            return user

    def _column(self, link: ToolLink, row: Any) -> LineItem | None:
        """Where the tool was granted grades; made at the first launch."""
        if not self.tool.is_graded:
            return None
        known = COLUMN.read(row)
        if known is not None:
            return known
        with self._session() as session:
            column = coupled_column(session, session.get_one(ToolLink, link.id))
            session.expunge(column)
            return column

    def _session(self) -> ScopedSession:
        """In the same transaction, for what is seldom."""
        return ScopedSession(self.connection.core, self.academy.id, self.runtime.events)
