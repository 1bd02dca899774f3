"""The academy as an outside tool finds it, for one message: a stand-in of the tool, an activity of it, and others'.

The stand-in has the registration's scopes and addresses, is activated, and signs with a key made here. What it sends is
judged by the services' own classes, in one transaction that is undone.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import cast
from uuid import UUID, uuid4

from saas.db.base import uuid7
from saas.db.engine import Database
from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.observe import Metrics
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.catalog.models import Activity, ActivityType, Content, Course, Status
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.columns import coupled_column
from tenants.lti.platform.launch13 import open_by_login
from tenants.lti.platform.messages import Seat
from tenants.lti.platform.models import OpensIn, Tool, ToolLink
from tenants.lti.platform.opening import Opening, Sitting
from tenants.lti.platform.users import ToolUsers, audience_of_tool
from tenants.lti.selftest.rehearsal import BROWSER, OneTransaction, StandIn
from tenants.lti.wire.keys import public_pem
from tenants.lti.wire.login_initiation import LoginInitiation

#: Nobody's: the domain can never exist (RFC 2606 §2).
ELSEWHERE = "https://elsewhere.invalid/launch"


@dataclass(frozen=True, slots=True)
class Call:
    """A tool's request at a grade service: ``route`` is the view's, ``names`` are what its address names."""

    runtime: Runtime
    academy: Academy
    route: str
    names: Mapping[str, UUID]
    body: bytes
    content_type: str
    authorization: str


@dataclass(frozen=True, slots=True)
class Said:
    """``code`` is empty where the service did it."""

    code: str
    words: str = ""


@dataclass(frozen=True)
class ServiceDoors:
    """The grade services' own views, put into the runtime by the web, which nothing here knows."""

    knock: Callable[[Call], Said]


@dataclass(frozen=True, slots=True)
class Own:
    """A tool's link and grade column."""

    activity: Activity
    link: ToolLink
    column_id: UUID


@dataclass(frozen=True, slots=True)
class Props:
    """What is there for the length of a message. ``bystander``: the pseudonym of somebody who does not take part."""

    tool: Tool
    own: Own
    foreign: Own
    course_id: UUID
    sitting: Sitting
    login: LoginInitiation
    bystander: str

    @property
    def redirect_uri(self) -> str:
        return next(iter(self.tool.redirect_urls), self.own.link.url)


class Stage:
    """One transaction's worth of what a tool sends."""

    def __init__(self, runtime: Runtime, academy: Academy, connection: HotConnection, stand_in: StandIn) -> None:
        database = cast("Database", OneTransaction(connection, runtime.events))
        self.runtime = replace(runtime, database=database, metrics=Metrics())
        self.academy = academy
        self.stand_in = stand_in
        self._connection = connection

    @contextmanager
    def session(self) -> Iterator[ScopedSession]:
        with ScopedSession(self._connection.core, self.academy.id, self.runtime.events) as session:
            yield session
            session.flush()
            session.expunge_all()

    def furnish(self, registered: Tool) -> Props:
        with self.session() as session:
            course = Course(id=uuid7(), title="Self-test", status=Status.PUBLISHED)
            tool, other = self._tool(registered), self._tool(registered)
            people = [Person(id=uuid7(), given_name="Self", family_name="Test", role=Role.LEARNER) for _ in range(2)]
            session.add_all([course, tool, other, *people])
            session.flush()
            own, foreign = self._own(session, course, tool), self._own(session, course, other)
            seat = Seat(OpensIn.FRAME, self.academy.locale, self.academy.url)
            sitting = Sitting(people[0], uuid7(), seat, BROWSER)
            opening = Opening(session, self.runtime, self.academy, own.activity)
            login = open_by_login(opening, opening.link(), tool, sitting)
            bystander = ToolUsers(session).known_as(people[1].id, audience_of_tool(tool.id)).sub
        return Props(tool, own, foreign, course.id, sitting, login, bystander)

    def _tool(self, registered: Tool) -> Tool:
        """Its keys are not asked for: they are looked at where its addresses are."""
        kept = ("name", "login_url", "target_url", "redirect_urls", "scopes", "send_name", "send_email", "custom")
        return Tool(
            id=uuid7(),
            client_id=f"self-test-{uuid4().hex}",
            deployment_id="self-test",
            pasted_key=public_pem(self.stand_in.key),
            is_active=True,
            **{name: getattr(registered, name) for name in kept},
        )

    @staticmethod
    def _own(session: ScopedSession, course: Course, tool: Tool) -> Own:
        activity = Activity(
            id=uuid7(), course_id=course.id, type=ActivityType.E_LEARNING, title="Self-test", position=1,
            status=Status.PUBLISHED, content=Content.LTI,
        )  # fmt: skip
        session.add(activity)
        session.flush()
        url = tool.target_url or next(iter(tool.redirect_urls), tool.login_url)
        link = ToolLink(
            id=uuid7(), activity_id=activity.id, lti_version=Protocol.LTI_13, tool_id=tool.id, url=url,
            resource_link_id=uuid4().hex,
        )  # fmt: skip
        session.add(link)
        session.flush()
        return Own(activity, link, coupled_column(session, link).id)
