"""Who a launch brings: the known person, or whom the connection's policy makes of somebody unknown (lti.md §1.5).

What the other LMS says is its own claim, so it never opens a staff account, never by e-mail an account the same LMS
already knows under another id, and never one that is suspended; an absent address matches nobody. What is in doubt is
asked: of the person, who signs in once (LTI_PERSON_SIGN_IN), or of our admin (`Referred`).
"""

from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from saas.db.base import uuid7
from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.access import STAFF, Role
from tenants.accounts.models import MadeBy, Person, PersonStatus
from tenants.accounts.names import clean_name, email_key, same_address
from tenants.accounts.services import People
from tenants.audit.services import Keeper, note
from tenants.lti.tool.cases import Cases, Referred, Who
from tenants.lti.tool.models import Identity
from tenants.lti.tool.people_models import CaseDecision, CaseKind, Newcomers
from tenants.lti.tool.policy import Entrance
from tenants.lti.wire.claims import Context, ResourceLink
from tenants.lti.wire.claims import Person as PersonThere
from tenants.lti.wire.roles import Roles


class Arrival(Protocol):
    """A believed launch of either protocol (`LaunchClaims`, `Launch11`), as far as landing somebody goes.

    ``issuer`` and ``sub`` together are the person's id there.
    """

    @property
    def issuer(self) -> str: ...
    @property
    def sub(self) -> str: ...
    @property
    def person(self) -> PersonThere: ...
    @property
    def roles(self) -> Roles: ...
    @property
    def is_staff_there(self) -> bool: ...
    @property
    def context(self) -> Context | None: ...
    @property
    def resource_link(self) -> ResourceLink | None: ...
    @property
    def return_url(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Formerly:
    """What the claim of a move from LTI 1.2 came to; ``identity`` is the issuer and sub of then, if it was proven."""

    words: str
    identity: tuple[str, str] | None = None


class Arrivals:
    """``session`` is the academy's; ``entrance`` the connection everybody comes by."""

    def __init__(self, session: ScopedSession, entrance: Entrance) -> None:
        self.session = session
        self.entrance = entrance
        self.policy = entrance.policy
        self.cases = Cases(session)

    def resolve(self, launch: Arrival, formerly: Formerly | None = None) -> tuple[Person, str]:
        """The person and, for the log, how they were found. Raises `Refused` LTI_PERSON_…"""
        identity = self._identity(launch.issuer, launch.sub)
        if identity is not None:
            person, said = self._admit(identity, launch)
            return person, f"known as {person.name}{said}{self._refresh(person, launch)}"
        then = self._identity(*formerly.identity) if formerly and formerly.identity else None
        if then is not None:
            person = self.session.get_one(Person, then.person_id)
            self._refuse_other_id(person, launch)
            identity = introduce(self.session, launch, person, "carried over", made_author=then.made_author)
            person, said = self._admit(identity, launch)
            return person, f"carried over: {person.name}{said}{self._refresh(person, launch, (then.issuer, then.sub))}"
        person, how, said = self._receive(launch)
        introduce(self.session, launch, person, how, made_author=how == "created" and person.role is Role.AUTHOR)
        self.session.flush()
        if said:
            self._ask_about_two(launch, person)
        return person, f"{how}: {person.name}{said}"

    def _identity(self, issuer: str, sub: str) -> Identity | None:
        return self.session.scalar(sa.select(Identity).where(Identity.issuer == issuer, Identity.sub == sub))

    def _admit(self, identity: Identity, launch: Arrival) -> tuple[Person, str]:
        """Somebody known, with the role that the policy gives today to what they are there today."""
        person = self.session.get_one(Person, identity.person_id)
        wanted, said = self.policy.role(is_staff_there=launch.is_staff_there), ""
        if (identity.made_author and person.role is Role.AUTHOR and wanted is Role.LEARNER) or (
            person.role is Role.LEARNER and wanted is Role.AUTHOR and self._was_made_by(person, launch)
        ):
            said = self._give_role(identity, person, wanted, launch)
        is_theirs = identity.made_author and person.role is Role.AUTHOR
        refuse_closed(Role.LEARNER if is_theirs else person.role, person.status)
        return person, said

    def _give_role(self, identity: Identity, person: Person, role: Role, launch: Arrival) -> str:
        """At once, also for open sessions (ASVS 8.3.2)."""
        People(self.session).set_role(person, role)
        identity.made_author = role is Role.AUTHOR
        note(self.session, f"LTI: {launch.issuer}", "person.role", person.name, role=role.value, sub=launch.sub)
        return f"; {role.value} here from now on"

    def _was_made_by(self, person: Person, launch: Arrival) -> bool:
        return person.made_by is MadeBy.LTI and self._first_identity(person) == (launch.issuer, launch.sub)

    def _receive(self, launch: Arrival) -> tuple[Person, str, str]:
        """Somebody unknown: the person, whether made or found, and what else the log should say."""
        if self.policy.newcomers is Newcomers.ASK:
            raise Refused("LTI_PERSON_SIGN_IN", seen="newcomers are asked to sign in once")
        key = email_key(launch.person.email)
        if key is None:
            raise Refused("LTI_PERSON_EMAIL", seen=launch.person.email or "none", wanted="the claim email")
        own = self.cases.own(launch.issuer, launch.sub, key)
        shared = self.cases.placeholder(launch.issuer, key)
        if shared is not None and shared.decision is None:
            raise Referred("LTI_PERSON_PLACEHOLDER", CaseKind.PLACEHOLDER, shared.person_id, seen=launch.person.email)
        if any(case is not None and case.decision is CaseDecision.APART for case in (own, shared)):
            person = self._create(launch, None)
            if own is not None:
                own.other_id = person.id
            return person, "created", ""
        holder = self.session.scalar(sa.select(Person).where(Person.email_key == key))
        if holder is None:
            return self._create(launch, key), "created", ""
        if self.policy.newcomers is Newcomers.CREATE:
            return self._create_beside(launch, key, holder)
        self._refuse_match(holder, launch, key)
        return holder, "found by e-mail", ""

    def _refuse_match(self, person: Person, launch: Arrival, key: str) -> None:
        refuse_closed(person.role, person.status, seen=launch.person.email)
        if not launch.person.email_verified:
            raise Refused("LTI_PERSON_SIGN_IN", seen=f"{launch.person.email}: not verified by the other LMS")
        if not same_address(launch.person.email, person.email):
            raise Refused("LTI_PERSON_SIGN_IN", seen=f"{launch.person.email}: spelled otherwise than here")
        if not self.policy.trusts(key):
            raise Refused("LTI_PERSON_SIGN_IN", seen=f"{launch.person.email}: its domain does not count for a match")
        self._refuse_other_id(person, launch)

    def _refuse_other_id(self, person: Person, launch: Arrival) -> None:
        """One person has one id in one LMS, unless our admin says otherwise."""
        same_lms = sa.select(Identity.sub).where(Identity.person_id == person.id, Identity.issuer == launch.issuer)
        if self.session.scalar(same_lms.where(Identity.sub != launch.sub).limit(1)) is None:
            return
        self._refuse_placeholder(person, launch)
        raise Referred("LTI_PERSON_CONFLICT", CaseKind.CONFLICT, person.id, seen=launch.person.email)

    def _refuse_placeholder(self, holder: Person, launch: Arrival) -> None:
        key = email_key(launch.person.email) or ""
        if key == holder.email_key and self.cases.is_placeholder(launch.issuer, launch.sub, key, holder.id):
            raise Referred("LTI_PERSON_PLACEHOLDER", CaseKind.PLACEHOLDER, holder.id, seen=launch.person.email)

    def _create_beside(self, launch: Arrival, key: str, holder: Person) -> tuple[Person, str, str]:
        """The policy makes an account for everybody; the address stays with whom it belongs to."""
        self._refuse_placeholder(holder, launch)
        return self._create(launch, None), "created", f"; {key} belongs to somebody else and was left out"

    def _ask_about_two(self, launch: Arrival, person: Person) -> None:
        """Whether the new account and that with the address are one person; nothing is ever merged onto staff."""
        who = who_of(launch)
        holder = self.session.scalar(sa.select(Person).where(Person.email_key == who.key))
        if holder is not None and holder.role not in STAFF:
            self.cases.open(self.entrance, who, CaseKind.DUPLICATE, holder.id, person.id)

    def _create(self, launch: Arrival, key: str | None) -> Person:
        if self.policy.newcomers is Newcomers.EXISTING:
            raise Refused("LTI_PERSON_UNKNOWN", seen=launch.person.email)
        person = new_person(launch, key, self.policy.role(is_staff_there=launch.is_staff_there))
        self.session.add(person)
        self.session.flush()
        return person

    def _refresh(self, person: Person, launch: Arrival, formerly: tuple[str, str] | None = None) -> str:
        """Names and address follow the LMS that made the account; an address somebody else has stays theirs."""
        makers = {(launch.issuer, launch.sub), formerly}
        if person.made_by is not MadeBy.LTI or self._first_identity(person) not in makers:
            return ""
        person.given_name = clean_name(launch.person.given_name) or person.given_name
        person.family_name = clean_name(launch.person.family_name) or person.family_name
        key = email_key(launch.person.email)
        if key is None or key == person.email_key:
            return ""
        if self.session.scalar(sa.select(Person.id).where(Person.email_key == key)) is not None:
            return "; the new e-mail belongs to somebody else and was not taken over"
        if (shared := self.cases.placeholder(launch.issuer, key)) and shared.decision is not CaseDecision.DISMISS:
            return "; the new e-mail is a placeholder and was not taken over"
        person.email, person.email_key = launch.person.email, key
        return "; e-mail updated"

    def _first_identity(self, person: Person) -> tuple[str, str] | None:
        """That which made the account; later ones were matched by an address, which another LMS may merely claim."""
        theirs = sa.select(Identity.issuer, Identity.sub).where(Identity.person_id == person.id)
        first = self.session.execute(theirs.order_by(Identity.created_at, Identity.id).limit(1)).one_or_none()
        return (first.issuer, first.sub) if first else None


def who_of(launch: Arrival) -> Who:
    """Whom a case is about."""
    course = launch.context.title or launch.context.label if launch.context else ""
    return Who(launch.issuer, launch.sub, launch.person, course, ", ".join(launch.roles.known))


def new_person(launch: Arrival, key: str | None, role: Role) -> Person:
    """A person as the launch describes them, not yet stored; ``key`` is their e-mail's, None to leave the address out.

    Raises `Refused`.
    """
    given, family = clean_name(launch.person.given_name), clean_name(launch.person.family_name)
    missing = [name for name, value in (("given_name", given), ("family_name", family)) if not value]
    if missing:
        raise Refused(
            "LTI_PERSON_NAME", seen=f"{', '.join(missing)} missing", wanted="the claims given_name and family_name"
        )
    return Person(
        id=uuid7(),
        email=launch.person.email if key else None,
        email_key=key,
        given_name=given,
        family_name=family,
        role=role,
        made_by=MadeBy.LTI,
        external_id=launch.sub,
    )


def introduce(keeper: Keeper, launch: Arrival, person: Person, how: str, *, made_author: bool = False) -> Identity:
    """From now on (issuer, sub) is this person; the audit log says ``how`` that came."""
    identity = Identity(issuer=launch.issuer, sub=launch.sub, person_id=person.id, made_author=made_author)
    keeper.add(identity)
    about = {"person": str(person.id), "sub": launch.sub, **({"role": person.role.value} if made_author else {})}
    note(keeper, f"LTI: {launch.issuer}", f"person.{how.replace(' ', '_')}", person.name, **about)
    return identity


def refuse_closed(role: Role | str, status: PersonStatus | str, *, seen: str = "") -> None:
    """Whom no LMS may sign in, however they are known: staff (also who became it since), and suspended people
    (CVE-2025-67848).
    """
    if role in STAFF:
        raise Refused("LTI_PERSON_STAFF", seen=seen)
    if status != PersonStatus.ACTIVE:
        raise Refused("LTI_PERSON_SUSPENDED")


def is_current(row: Any, launch: Arrival) -> bool:
    """Whether a known person's row says what the launch says, so that nothing need be written."""
    if row.made_by != MadeBy.LTI:
        return True
    person = launch.person
    same_name = all(
        not new or clean_name(new) == old
        for new, old in ((person.given_name, row.given_name), (person.family_name, row.family_name))
    )
    key = email_key(person.email)
    return same_name and (key is None or key == email_key(row.email))
