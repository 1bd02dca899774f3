"""The roster of a course there, laid beside our enrolments: read, shown as a difference, enrolled on request.

Nobody is ever removed or deleted: who is missing from a roster keeps their place, and an answer that is no roster
changes nothing at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.jobs.outbox import later
from saas.problems import Refused
from tenants.access import STAFF
from tenants.accounts.models import Person, PersonStatus
from tenants.accounts.names import clean_name, email_key, same_address
from tenants.catalog.models import Activity
from tenants.learning.models import EnrolledBy, Enrolment
from tenants.learning.services import Learning
from tenants.lti.tool.cases import PLACEHOLDER_IDS, Cases, Referred
from tenants.lti.tool.landing13 import CHANNEL
from tenants.lti.tool.models import Identity, Participant, Platform, ResourceLink
from tenants.lti.tool.people import Arrivals, who_of
from tenants.lti.tool.people_models import CaseKind, Newcomers, PersonCase
from tenants.lti.tool.policy import Entrance, Policy
from tenants.lti.tool.sharing_models import Change, PullState, RosterEntry, RosterPull
from tenants.lti.wire.claims import Context
from tenants.lti.wire.claims import Person as PersonThere
from tenants.lti.wire.claims import ResourceLink as LinkThere
from tenants.lti.wire.nrps import Member
from tenants.lti.wire.roles import Roles, read_roles

#: What is enrolled when an admin says so.
ENROLLED_ON_REQUEST = (Change.CREATE, Change.MATCH, Change.ENROL)
BATCH = 200
PAGE = 100


@dataclass(frozen=True, slots=True)
class Comer:
    """A member of a roster as `Arrivals` wants somebody who launches: a learner, without a course of their own."""

    issuer: str
    sub: str
    person: PersonThere
    roles: Roles = field(default_factory=lambda: read_roles(()))
    is_staff_there: bool = False
    context: Context | None = None
    resource_link: LinkThere | None = None
    return_url: str = ""


class Rosters:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def links(self, platform_id: UUID | None = None) -> Sequence[ResourceLink]:
        """Links whose platform offers a roster, the newest used first."""
        query = sa.select(ResourceLink).where(ResourceLink.memberships_url != "")
        if platform_id is not None:
            query = query.where(ResourceLink.platform_id == platform_id)
        return self.session.scalars(query.order_by(ResourceLink.changed_at.desc()).limit(PAGE)).all()

    def link(self, link_id: UUID) -> ResourceLink:
        found = self.session.get(ResourceLink, link_id)
        if found is None:
            raise Refused("WEB_NOT_FOUND")
        return found

    def pulls(self, link: ResourceLink) -> Sequence[RosterPull]:
        """Newest first."""
        query = sa.select(RosterPull).where(RosterPull.resource_link_id == link.id)
        return self.session.scalars(query.order_by(RosterPull.started_at.desc(), RosterPull.id.desc()).limit(10)).all()

    def pull(self, pull_id: UUID) -> RosterPull:
        found = self.session.get(RosterPull, pull_id)
        if found is None:
            raise Refused("WEB_NOT_FOUND")
        return found

    def start(self, link: ResourceLink, asked_by: str) -> RosterPull:
        """A reading for `roster_reader`; `Refused` NRPS_NO_ROSTER where the platform offers none."""
        if not link.memberships_url:
            raise Refused("NRPS_NO_ROSTER", seen=link.title or link.resource_link_id)
        pull = RosterPull(resource_link_id=link.id, asked_by=asked_by)
        self.session.add(pull)
        self.session.flush()
        return pull

    def counts(self, pull: RosterPull) -> Mapping[Change, int]:
        query = sa.select(RosterEntry.change, sa.func.count(RosterEntry.id)).where(RosterEntry.pull_id == pull.id)
        found = {row[0]: row[1] for row in self.session.execute(query.group_by(RosterEntry.change))}
        return {change: found[change] for change in Change if change in found}

    def entries(self, pull: RosterPull, change: Change | None = None, page: int = 1) -> Sequence[RosterEntry]:
        query = sa.select(RosterEntry).where(RosterEntry.pull_id == pull.id)
        if change is not None:
            query = query.where(RosterEntry.change == change)
        ordered = query.order_by(RosterEntry.family_name, RosterEntry.given_name, RosterEntry.id)
        return self.session.scalars(ordered.limit(PAGE).offset((page - 1) * PAGE)).all()

    def absent(self, pull: RosterPull) -> int:
        """People who came by this link and are not in the roster; nothing happens to them."""
        named = sa.select(RosterEntry.sub).where(RosterEntry.pull_id == pull.id)
        gone = sa.select(sa.func.count(Participant.id)).where(
            Participant.resource_link_id == pull.resource_link_id, Participant.sub.not_in(named)
        )
        return self.session.scalar(gone) or 0

    def ask_to_enrol(self, pull: RosterPull) -> None:
        """A job does it; only a roster that was read to its end, and once."""
        ready = sa.update(RosterPull).where(RosterPull.id == pull.id, RosterPull.state == PullState.READY)
        if self.session.scalar(ready.values(state=PullState.ENROLLING).returning(RosterPull.id)) is None:
            raise Refused("WEB_CONFLICT")
        later(self.session, "lti.enrol_roster", pull_id=pull.id)


@dataclass(slots=True)
class _Here:
    """What is here already of one page's members. ``taken``: addresses that an earlier member has; ``paused``: those
    that are nobody's (`CaseKind.PLACEHOLDER`).
    """

    people: Mapping[str, Person]
    by_key: Mapping[str, Person]
    linked: frozenset[UUID]
    enrolled: frozenset[UUID]
    taken: set[str]
    paused: frozenset[str]
    policy: Policy

    def change(self, member: Member) -> Change:
        person = self.people.get(member.user_id)
        if not member.active:
            return Change.INACTIVE
        if member.roles.staff:
            return Change.STAFF
        if person is None:
            return self._of_stranger(member.person)
        if _is_closed(person):
            return Change.CLOSED
        return Change.ENROLLED if person.id in self.enrolled else Change.ENROL

    def _of_stranger(self, there: PersonThere) -> Change:
        """The same as `Arrivals` makes of them, as far as a page at once can tell."""
        if self.policy.newcomers is Newcomers.ASK:
            return Change.ASKS
        key = email_key(there.email)
        if key is None:
            return Change.WITHOUT_EMAIL
        if key in self.paused or key in self.taken:
            return Change.PLACEHOLDER if key in self.paused else Change.CONFLICT
        self.taken.add(key)
        match = self.by_key.get(key)
        if match is not None and self.policy.newcomers is not Newcomers.CREATE:
            return self._of_match(match, key, there)
        return self._of_newcomer(there)

    def _of_newcomer(self, there: PersonThere) -> Change:
        if self.policy.newcomers is Newcomers.EXISTING:
            return Change.UNKNOWN
        is_named = clean_name(there.given_name) and clean_name(there.family_name)
        return Change.CREATE if is_named else Change.WITHOUT_NAME

    def _of_match(self, match: Person, key: str, there: PersonThere) -> Change:
        if _is_closed(match):
            return Change.CLOSED
        if match.id in self.linked:
            return Change.CONFLICT
        is_believed = there.email_verified and same_address(there.email, match.email) and self.policy.trusts(key)
        return Change.MATCH if is_believed else Change.ASKS


def _is_closed(person: Person) -> bool:
    return person.role in STAFF or person.status is not PersonStatus.ACTIVE


class Comparison:
    """Lays one page of members beside what is here, in as many statements for a thousand as for one."""

    def __init__(self, session: ScopedSession, link: ResourceLink, platform: Platform) -> None:
        self.session = session
        self.link = link
        self.issuer = platform.issuer
        self.policy = Policy.of(platform)

    def add(self, pull: RosterPull, members: Iterable[Member]) -> int:
        """Writes an entry for each member; one who was on an earlier page already is passed over. Returns how many."""
        listed = {each.user_id: each for each in members}
        read = self._column(RosterEntry.sub, RosterEntry.pull_id == pull.id, RosterEntry.sub.in_(listed))
        new = [each for sub, each in listed.items() if sub not in read]
        here = self._here(pull, new)
        self.session.add_all([_entry(pull, member, here.change(member)) for member in new])
        self.session.flush()
        self.session.expunge_all()
        return len(new)

    def _here(self, pull: RosterPull, members: Sequence[Member]) -> _Here:
        identity, entry = Identity.issuer == self.issuer, RosterEntry.pull_id == pull.id
        subs = [each.user_id for each in members]
        keys = {key for each in members if (key := email_key(each.person.email))}
        emails = {each.person.email for each in members if each.person.email}
        known = sa.select(Identity.sub, Person).join(Person, Person.id == Identity.person_id)
        people = {row[0]: row[1] for row in self.session.execute(known.where(identity, Identity.sub.in_(subs)))}
        same = self.session.scalars(sa.select(Person).where(Person.email_key.in_(keys))).all()
        taken = self._column(RosterEntry.email, entry, RosterEntry.email.in_(emails))
        return _Here(
            people,
            {each.email_key: each for each in same if each.email_key},
            self._column(Identity.person_id, identity, Identity.person_id.in_([each.id for each in same])),
            self._column(
                Enrolment.person_id,
                Enrolment.activity_id == self.link.activity_id,
                Enrolment.person_id.in_([each.id for each in people.values()]),
            ),
            {key for email in taken if (key := email_key(email))},
            self._paused(keys),
            self.policy,
        )

    def _paused(self, keys: set[str]) -> frozenset[str]:
        about = (PersonCase.issuer == self.issuer, PersonCase.sub == "", PersonCase.decision.is_(None))
        return self._column(PersonCase.email_key, *about, PersonCase.email_key.in_(keys))

    def _column(self, column: Any, *conditions: sa.ColumnElement[bool]) -> frozenset[Any]:
        return frozenset(self.session.scalars(sa.select(column).where(*conditions)))


def _entry(pull: RosterPull, member: Member, change: Change) -> RosterEntry:
    person = member.person
    return RosterEntry(
        pull_id=pull.id,
        sub=member.user_id,
        given_name=person.given_name,
        family_name=person.family_name,
        email=person.email,
        change=change,
    )


class Enrolling:
    """Enrols what the preview showed, under the same rules as a launch; what no longer fits is noted and left."""

    def __init__(self, session: ScopedSession, pull: RosterPull) -> None:
        self.session = session
        self.link = session.get_one(ResourceLink, pull.resource_link_id)
        self.platform = session.get_one(Platform, self.link.platform_id)
        self.activity = session.get_one(Activity, self.link.activity_id)
        self.entrance = Entrance(Policy.of(self.platform), self.platform.name, platform_id=self.platform.id)
        self.pull = pull

    def some(self) -> int:
        """At most `BATCH` members, each on their own; 0 when all are done."""
        due = (
            sa.select(RosterEntry)
            .where(
                RosterEntry.pull_id == self.pull.id,
                RosterEntry.change.in_(ENROLLED_ON_REQUEST),
                RosterEntry.enrolled_at.is_(None),
                RosterEntry.code == "",
            )
            .order_by(RosterEntry.id)
            .limit(BATCH)
        )
        entries = self.session.scalars(due).all()
        shared = self._shared() if entries else frozenset()
        for entry in entries:
            try:
                with self.session.begin_nested():
                    self._enrol(entry, shared)
                entry.enrolled_at = clock.now()
            except Refused as refusal:
                entry.code = refusal.code
                if isinstance(refusal, Referred):
                    who = who_of(self._comer(entry))
                    Cases(self.session).open(self.entrance, who, refusal.kind, refusal.person_id)
        self.session.flush()
        return len(entries)

    def _comer(self, entry: RosterEntry) -> Comer:
        there = PersonThere(entry.given_name, entry.family_name, "", entry.email)
        return Comer(self.platform.issuer, entry.sub, there)

    def _enrol(self, entry: RosterEntry, shared: frozenset[str]) -> None:
        if entry.email in shared and entry.change is not Change.ENROL:
            raise Referred("LTI_PERSON_PLACEHOLDER", CaseKind.PLACEHOLDER, None, seen=entry.email)
        person, _how = Arrivals(self.session, self.entrance).resolve(self._comer(entry))
        Learning(self.session, person.id).enrol(self.activity, EnrolledBy.LTI)
        self._participant(person.id, entry.sub)
        self.session.flush()

    def _shared(self) -> frozenset[str]:
        """Addresses that many members of the roster have are nobody's, also not of the first who has one."""
        listed = sa.select(RosterEntry.email).where(RosterEntry.pull_id == self.pull.id, RosterEntry.email != "")
        many = listed.group_by(RosterEntry.email).having(sa.func.count(RosterEntry.id) >= PLACEHOLDER_IDS)
        return frozenset(self.session.scalars(many))

    def _participant(self, person_id: UUID, sub: str) -> None:
        """So that their result finds its way, also if they learn here without coming over the link."""
        known = sa.select(Participant).where(
            Participant.resource_link_id == self.link.id, Participant.person_id == person_id
        )
        if self.session.scalar(known) is None:
            participant = Participant(resource_link_id=self.link.id, person_id=person_id, sub=sub)
            self.session.add(participant)
            self.session.flush()
            later(self.session, "grades.tell_route", channel=CHANNEL, route_id=participant.id)
