"""From believed claims to a person on an activity: the last steps of a launch.

Somebody known whose link, enrolment and names are unchanged costs one read and one insert. Anything new goes through
the ORM, on the same connection and in the same transaction.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.engine import HotConnection
from saas.db.scope import ScopedSession
from saas.jobs.outbox import later
from saas.problems import Refused
from saas.runtime import Runtime
from saas.sessions import OPEN_SESSION, NewSession
from saas.tenancy.resolve import Academy
from tenants.catalog.models import Status
from tenants.learning.models import EnrolledBy, Enrolment
from tenants.lti.tool.addresses import activity_in, is_ours
from tenants.lti.tool.models import Participant, Platform, ResourceLink
from tenants.lti.tool.people import Arrivals, is_current, refuse_suspended
from tenants.lti.tool.platforms import accept_deployment
from tenants.lti.tool.registrations import KnownPlatform
from tenants.lti.tool.statements import RESOLVE
from tenants.lti.wire.ags import SCORE_SCOPE
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.claims import LaunchClaims
from tenants.lti.wire.text import shown

SESSION_LIFETIME = timedelta(hours=12)
CHANNEL = "lti13"


@dataclass(frozen=True, slots=True)
class Landed:
    person_id: UUID
    person_name: str
    activity_id: UUID
    session: NewSession


@dataclass(frozen=True, slots=True)
class _Grading:
    """Where this link's scores go, as the launch says it; empty when they go nowhere."""

    line_item: str
    line_items: str
    scopes: list[str]


class Landing:
    def __init__(
        self, connection: HotConnection, runtime: Runtime, academy: Academy, checks: Checklist, platform: KnownPlatform
    ) -> None:
        self.connection = connection
        self.runtime = runtime
        self.academy = academy
        self.checks = checks
        self.platform = platform

    def land(self, launch: LaunchClaims, launch_id: UUID) -> Landed:
        """Steps "target" to "scores". Raises `Refused`."""
        row = self._resolve(launch)
        self._check_available(row)
        grading = self._grading(launch)
        if self._is_known(row, launch, grading):
            person_id, name = row.person_id, f"{row.given_name} {row.family_name}".strip()
            self.checks.note("person", f"known as {name}")
            self.checks.note("enrolment", "enrolled already")
        else:
            person_id, name = self._settle(row, launch, grading)
        self._note_scores(launch, grading)
        session = self._open_session(person_id, launch, launch_id, row.activity_id)
        return Landed(person_id, name, row.activity_id, session)

    def _resolve(self, launch: LaunchClaims) -> Any:
        """The signed target decides, whatever the login said."""
        ours = is_ours(self.academy, self.runtime.settings.web, launch.target_link_uri)
        activity_id = activity_in(launch.target_link_uri) if ours else None
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

    def _check_available(self, row: Any) -> None:
        reasons = {
            "LTI is off for this academy": not self.academy.has("lti"),
            "the platform is not activated": not self.platform.is_active,
            "the activity is a draft": row.activity_status != Status.PUBLISHED,
            "“Available for LTI” is off": not row.lti_available,
        }
        wrong = next((reason for reason, applies in reasons.items() if applies), "")
        self.checks.require("available", not wrong, "LTI_NOT_AVAILABLE", seen=wrong or row.activity_title)

    def _grading(self, launch: LaunchClaims) -> _Grading | None:
        """None for those whose scores a platform does not keep: its own staff."""
        if launch.is_staff_there:
            return None
        ags = launch.ags
        return _Grading(ags.lineitem, ags.lineitems, sorted(ags.scopes)) if ags else _Grading("", "", [])

    def _is_known(self, row: Any, launch: LaunchClaims, grading: _Grading | None) -> bool:
        """Whether nothing at all need be written but the session."""
        if row.person_id is None or row.enrolment_id is None or launch.new_deployment:
            return False
        self._refuse_suspended(row)
        link = launch.resource_link
        return (
            is_current(row, launch)
            and row.link_id is not None
            and row.link_title == (link.title if link else "")
            and row.context_title == _context_title(launch)
            and (grading is None or self._same_grading(row, launch, grading))
        )

    def _refuse_suspended(self, row: Any) -> None:
        try:
            refuse_suspended(row.person_status)
        except Refused as refusal:
            self.checks.refuse("person", refusal.code)

    def _same_grading(self, row: Any, launch: LaunchClaims, grading: _Grading) -> bool:
        if row.participant_id is None or row.participant_sub != launch.sub:
            return False
        return (
            row.line_items == grading.line_items
            and list(row.scopes) == grading.scopes
            and grading.line_item in ("", row.line_item)
        )

    def _settle(self, row: Any, launch: LaunchClaims, grading: _Grading | None) -> tuple[UUID, str]:
        """Finds or makes the person, the enrolment, the link and the participant."""
        with ScopedSession(self.connection.core, self.academy.id, self.runtime.events) as session:
            try:
                person, how = Arrivals(session).resolve(launch)
            except Refused as refusal:
                self.checks.refuse("person", refusal.code, seen=refusal.seen, wanted=refusal.wanted)
            self.checks.note("person", how)
            self.checks.note("enrolment", self._enrol(session, person.id, row.activity_id))
            if launch.new_deployment:
                accept_deployment(session, session.get_one(Platform, self.platform.id), launch.deployment_id)
            link = self._link(session, row.activity_id, launch, grading)
            if grading is not None:
                self._participant(session, link, person.id, launch)
            session.flush()
            return person.id, person.name

    def _enrol(self, session: ScopedSession, person_id: UUID, activity_id: UUID) -> str:
        known = sa.select(Enrolment.id).where(Enrolment.person_id == person_id, Enrolment.activity_id == activity_id)
        if session.scalar(known) is not None:
            return "enrolled already"
        session.add(Enrolment(person_id=person_id, activity_id=activity_id, enrolled_by=EnrolledBy.LTI))
        return "enrolled now"

    def _link(
        self, session: ScopedSession, activity_id: UUID, launch: LaunchClaims, grading: _Grading | None
    ) -> ResourceLink:
        resource = launch.resource_link
        key = {
            "platform_id": self.platform.id,
            "deployment_id": launch.deployment_id,
            "resource_link_id": resource.id if resource else "",
            "activity_id": activity_id,
        }
        link = session.scalar(sa.select(ResourceLink).filter_by(**key))
        if link is None:
            link = ResourceLink(**key)
            session.add(link)
        link.title = resource.title if resource else ""
        link.context_id = launch.context.id if launch.context else ""
        link.context_title = _context_title(launch)
        link.changed_at = clock.now()
        if grading is not None:
            link.line_items, link.scopes = grading.line_items, grading.scopes
            link.line_item = grading.line_item or link.line_item or ""
        session.flush()
        return link

    def _participant(self, session: ScopedSession, link: ResourceLink, person_id: UUID, launch: LaunchClaims) -> None:
        known = sa.select(Participant).where(
            Participant.resource_link_id == link.id, Participant.person_id == person_id
        )
        participant = session.scalar(known)
        if participant is None:
            participant = Participant(resource_link_id=link.id, person_id=person_id, sub=launch.sub)
            session.add(participant)
            session.flush()
            later(session, "grades.tell_route", channel=CHANNEL, route_id=participant.id)
        participant.sub = launch.sub

    def _note_scores(self, launch: LaunchClaims, grading: _Grading | None) -> None:
        if grading is None:
            words = "not sent: this person is staff there"
        elif SCORE_SCOPE not in grading.scopes:
            words = "not sent: the platform gives us no right to send scores"
        elif grading.line_item:
            words = "to the grade column of this link"
        elif grading.line_items:
            words = "to a grade column we find or make"
        else:
            words = "not sent: the platform gave no grade column"
        self.checks.note("scores", f"{words}{' (a test user)' if launch.roles.test_user else ''}")

    def _open_session(self, person_id: UUID, launch: LaunchClaims, launch_id: UUID, activity_id: UUID) -> NewSession:
        fresh, now = NewSession.draw(), clock.now()
        about = {
            "launch": str(launch_id),
            "activity": str(activity_id),
            "platform": self.platform.name,
            "return_url": launch.return_url,
        }
        self.connection.run(
            OPEN_SESSION,
            session_id=fresh.id,
            session_hash=fresh.token_hash,
            subject=person_id,
            came_by="lti",
            session_about=about,
            at=now,
            until=now + SESSION_LIFETIME,
        )
        return fresh


def _context_title(launch: LaunchClaims) -> str:
    return launch.context.title or launch.context.label if launch.context else ""
