"""Landing a launch of LTI 1.3: the signed target, and a link with its grade column (AGS)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.jobs.outbox import later
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.accounts.models import Person
from tenants.lti.tool.addresses import activity_in, is_for_all, is_ours, origin_of
from tenants.lti.tool.landing import Landed, Landing, context_title, link_title
from tenants.lti.tool.migration import formerly
from tenants.lti.tool.models import Participant, Platform, ResourceLink
from tenants.lti.tool.platforms import accept_deployment
from tenants.lti.tool.policy import Entrance
from tenants.lti.tool.registrations import KnownPlatform
from tenants.lti.tool.statements import RESOLVE
from tenants.lti.wire import custom
from tenants.lti.wire.ags import SCORE_SCOPE
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.claims import LaunchClaims
from tenants.lti.wire.text import shown

CHANNEL = "lti13"


@dataclass(frozen=True, slots=True)
class _Grading:
    """Where this link's scores go, as the launch says it; empty when they go nowhere."""

    line_item: str
    line_items: str
    scopes: list[str]


class PlatformLanding(Landing[LaunchClaims]):
    def __init__(
        self, connection: HotConnection, runtime: Runtime, academy: Academy, checks: Checklist, launch: LaunchClaims,
        platform: KnownPlatform,
    ) -> None:  # fmt: skip
        super().__init__(connection, runtime, academy, checks, launch, entrance_of(platform))
        self.platform = platform
        self.grading = _grading(launch)
        self.origin = origin_of(platform.auth_url)

    def land(self, launch_id: UUID) -> Landed:
        """Steps "target" to "scores". Raises `Refused`."""
        row = self._resolve()
        self.check_available(row, "" if self.platform.is_active else "the platform is not activated")
        past = formerly(self.connection, self.runtime.secrets, self.launch) if row.person_id is None else None
        return self.settle(row, launch_id, past)

    def _resolve(self) -> Any:
        """The signed target decides, whatever the login said; if it is that of all activities, the link's parameter."""
        launch = self.launch
        ours = is_ours(self.academy, self.runtime.settings.web, launch.target_link_uri)
        activity_id = activity_in(launch.target_link_uri) if ours else None
        if ours and is_for_all(launch.target_link_uri):
            activity_id = custom.activity_in(launch.custom)
        row = self.connection.run(
            RESOLVE,
            platform=self.platform.id,
            activity=activity_id,
            issuer=launch.issuer,
            sub=launch.sub,
            deployment=launch.deployment_id,
            resource_link=launch.resource_link.id if launch.resource_link else "",
        ).one_or_none()
        found = row is not None and row.activity_id is not None
        self.checks.require(
            "target",
            found,
            "LTI13_TARGET",
            seen=shown(launch.target_link_uri),
            wanted="an activity's LTI 1.3 Resource URL",
        )
        return row

    def is_kept(self, row: Any) -> bool:
        if not self.is_simple(row):
            return False
        return self.grading is None or (row.participant_id is not None and row.participant_sub == self.launch.sub)

    def is_simple(self, row: Any) -> bool:
        """Whether the link is here already, with all that the launch says of it."""
        launch, grading = self.launch, self.grading
        here = (row.link_title, row.context_title)
        if launch.new_deployment or row.link_id is None or here != (link_title(launch), context_title(launch)):
            return False
        if launch.nrps_url not in ("", row.memberships_url):
            return False
        return grading is None or (
            row.line_items == grading.line_items
            and list(row.scopes) == grading.scopes
            and grading.line_item in ("", row.line_item)
        )

    def add_route(self, row: Any, person: Person) -> None:
        if self.grading is not None:
            self.connection.add(Participant(resource_link_id=row.link_id, person_id=person.id, sub=self.launch.sub))

    def write_route(self, session: ScopedSession, activity_id: UUID, person: Person) -> None:
        if self.launch.new_deployment:
            accept_deployment(session, session.get_one(Platform, self.platform.id), self.launch.deployment_id)
        link = self._link(session, activity_id)
        if self.grading is not None:
            self._participant(session, link, person.id)

    def _link(self, session: ScopedSession, activity_id: UUID) -> ResourceLink:
        launch, grading = self.launch, self.grading
        key = {
            "platform_id": self.platform.id,
            "deployment_id": launch.deployment_id,
            "resource_link_id": launch.resource_link.id if launch.resource_link else "",
            "activity_id": activity_id,
        }
        link = session.scalar(sa.select(ResourceLink).filter_by(**key))
        if link is None:
            link = ResourceLink(**key)
            session.add(link)
        link.title = link_title(launch)
        link.context_id = launch.context.id if launch.context else ""
        link.context_title = context_title(launch)
        link.memberships_url = launch.nrps_url or link.memberships_url or ""
        link.changed_at = clock.now()
        if grading is not None:
            link.line_items, link.scopes = grading.line_items, grading.scopes
            link.line_item = grading.line_item or link.line_item or ""
        session.flush()
        return link

    def _participant(self, session: ScopedSession, link: ResourceLink, person_id: UUID) -> None:
        known = sa.select(Participant).where(
            Participant.resource_link_id == link.id, Participant.person_id == person_id
        )
        participant = session.scalar(known)
        if participant is None:
            participant = Participant(resource_link_id=link.id, person_id=person_id, sub=self.launch.sub)
            session.add(participant)
            session.flush()
        participant.sub = self.launch.sub
        later(session, "grades.tell_route", channel=CHANNEL, route_id=participant.id)

    def message(self) -> Mapping[str, Any]:
        return self.launch.raw

    def scores(self) -> str:
        grading = self.grading
        if grading is None:
            return "not sent: this person is staff there"
        if SCORE_SCOPE not in grading.scopes:
            return "not sent: the platform gives us no right to send scores"
        if grading.line_item:
            return "to the grade column of this link"
        if grading.line_items:
            return "to a grade column we find or make"
        return "not sent: the platform gave no grade column"


def entrance_of(platform: KnownPlatform) -> Entrance:
    return Entrance(platform.policy, platform.name, platform_id=platform.id)


def _grading(launch: LaunchClaims) -> _Grading | None:
    """None for those whose scores a platform does not keep: its own staff."""
    if launch.is_staff_there:
        return None
    ags = launch.ags
    return _Grading(ags.lineitem, ags.lineitems, sorted(ags.scopes)) if ags else _Grading("", "", [])
