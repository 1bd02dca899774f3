"""Moving from LTI 1.2 to 1.3: people by the signed claim ``lti1p1`` of a launch, or all of a key's at once by an admin.

LTI Advantage Migration Guide 1.0. Results stay with the person, so they come along; the grade column of the new link is
told what is true as soon as the person launches by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased, selectinload

from saas import clock
from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.secrets import Secrets
from tenants.access import STAFF
from tenants.accounts.models import Person, PersonStatus
from tenants.audit.services import note
from tenants.lti.tool.consumers import secrets_of
from tenants.lti.tool.models import Identity, Platform
from tenants.lti.tool.models11 import ConsumerKey
from tenants.lti.tool.people import Formerly
from tenants.lti.tool.statements11 import FIND_CONSUMER
from tenants.lti.wire.claims import LaunchClaims
from tenants.lti.wire.launch11 import issuer_of
from tenants.lti.wire.migration import Verdict, judge, read_lti1p1

_NOT_BELIEVED = {
    Verdict.UNSIGNED: "it is not signed",
    Verdict.UNKNOWN_KEY: "its key is not an active one of this academy",
    Verdict.NOT_GENUINE: "its signature is not genuine",
}


def formerly(connection: HotConnection, secrets: Secrets, launch: LaunchClaims) -> Formerly | None:
    """What the claim of this launch is worth; None without one. A key that is switched off proves nothing."""
    claim = read_lti1p1(launch)
    if claim is None:
        return None
    row = connection.run(FIND_CONSUMER, key=claim.key).one_or_none() if claim.key else None
    good: tuple[str, ...] = ()
    if row is not None and row.is_active:
        good = secrets_of(secrets, connection.tenant_id, row, clock.now())
    verdict = judge(launch, good)
    if verdict is not Verdict.PROVEN:
        return Formerly(f"the claim lti1p1 was not believed: {_NOT_BELIEVED[verdict]}")
    return Formerly(f"lti1p1 proven: {claim.user_id} of the key {claim.key}", (issuer_of(claim.key), claim.user_id))


class Fate(StrEnum):
    """What moving one person comes to. ``other_id`` and ``taken`` say that the ids of then are not those of now."""

    MOVES = "moves"
    THERE = "there"
    OTHER_ID = "other_id"
    TAKEN = "taken"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Mover:
    person_id: UUID
    name: str
    sub: str
    fate: Fate


@dataclass(frozen=True, slots=True)
class Plan:
    """A dry run: who would be known to the platform, under the id they had in LTI 1.2."""

    consumer: ConsumerKey
    platform: Platform
    movers: Sequence[Mover]

    def count(self, fate: Fate) -> int:
        return sum(mover.fate is fate for mover in self.movers)

    @property
    def doubtful(self) -> bool:
        """The ids differ between the two: moving by them would give people each other's results."""
        return bool(self.count(Fate.OTHER_ID) or self.count(Fate.TAKEN))


@dataclass(frozen=True, slots=True)
class Remaining:
    """A key with how many people it has brought, and how many of them some LTI 1.3 platform knows by now."""

    consumer: ConsumerKey
    people: int
    moved: int
    last_used_at: datetime | None


class Moves:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def remaining(self) -> list[Remaining]:
        """Every key, those in use first."""
        keys = self.session.scalars(sa.select(ConsumerKey).options(selectinload(ConsumerKey.activity))).all()
        people, moved = self._counts(), self._counts(only_moved=True)
        rows = [
            Remaining(key, people.get(issuer_of(key.key), 0), moved.get(issuer_of(key.key), 0), key.last_used_at)
            for key in keys
        ]
        return sorted(rows, key=lambda row: (row.last_used_at is None, row.consumer.label.lower()))

    def _counts(self, *, only_moved: bool = False) -> dict[str, int]:
        query = sa.select(Identity.issuer, sa.func.count(Identity.id)).where(Identity.issuer.startswith(issuer_of("")))
        if only_moved:
            other = aliased(Identity)
            known = sa.select(other.id).where(
                other.person_id == Identity.person_id, other.issuer.in_(sa.select(Platform.issuer))
            )
            query = query.where(known.exists())
        return dict(self.session.execute(query.group_by(Identity.issuer)).all())

    def plan(self, consumer: ConsumerKey, platform: Platform) -> Plan:
        """Who would move; nothing is written."""
        query = (
            sa.select(Identity.sub, Person)
            .join(Person, Person.id == Identity.person_id)
            .where(Identity.issuer == issuer_of(consumer.key))
            .order_by(Person.family_name, Person.given_name, Identity.sub)
        )
        there = self.session.execute(
            sa.select(Identity.sub, Identity.person_id).where(Identity.issuer == platform.issuer)
        ).all()
        by_sub, by_person = dict(there), {person_id: sub for sub, person_id in there}
        movers = [
            Mover(person.id, person.name, sub, _fate(person, sub, by_sub, by_person))
            for sub, person in self.session.execute(query)
        ]
        return Plan(consumer, platform, movers)

    def move(self, consumer: ConsumerKey, platform: Platform) -> Plan:
        """Carries the plan out and switches the key off. Raises `Refused` where the ids are doubtful."""
        plan = self.plan(consumer, platform)
        if plan.doubtful:
            raise Refused("LTI11_MOVE", seen=f"{plan.count(Fate.OTHER_ID) + plan.count(Fate.TAKEN)} of other ids")
        for mover in plan.movers:
            if mover.fate is Fate.MOVES:
                self.session.add(Identity(issuer=platform.issuer, sub=mover.sub, person_id=mover.person_id))
                note(
                    self.session, f"LTI: {platform.issuer}", "person.carried_over", mover.name,
                    person=str(mover.person_id), sub=mover.sub,
                )  # fmt: skip
        consumer.is_active = False
        self.session.flush()
        return plan


def _fate(person: Person, sub: str, by_sub: dict[str, UUID], by_person: dict[UUID, str]) -> Fate:
    if person.role in STAFF or person.status is not PersonStatus.ACTIVE:
        return Fate.CLOSED
    if sub in by_sub:
        return Fate.THERE if by_sub[sub] == person.id else Fate.TAKEN
    return Fate.OTHER_ID if person.id in by_person else Fate.MOVES
