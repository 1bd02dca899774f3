"""People: finding, making, changing, erasing them; and the ways they sign in."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.sessions import close_all, hash_token
from tenants.access import Role
from tenants.accounts.models import MadeBy, Person, PersonStatus, SignInLink
from tenants.accounts.names import clean_name, email_key, required_email
from tenants.accounts.passwords import hash_password, needs_renewal, verify_password

LINK_LIFETIME = timedelta(hours=24)
INVITATION_LIFETIME = timedelta(days=7)
#: Roles an academy's admin can give.
ACADEMY_ROLES = (Role.LEARNER, Role.AUTHOR, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class PersonErased:
    """Announced before the row goes, so that whoever still owes this person something can let go of it."""

    person_id: UUID


class People:
    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def all(self, search: str = "") -> Sequence[Person]:
        query = sa.select(Person).order_by(Person.family_name, Person.given_name, Person.id)
        if search.strip():
            found = sa.func.lower(
                Person.given_name + " " + Person.family_name + " " + sa.func.coalesce(Person.email, "")
            )
            query = query.where(found.contains(search.strip().lower(), autoescape=True))
        return self.session.scalars(query.limit(500)).all()

    def get(self, person_id: UUID) -> Person:
        person = self.session.get(Person, person_id)
        if person is None:
            raise Refused("PERSON_UNKNOWN")
        return person

    def by_email(self, email: str) -> Person | None:
        key = email_key(email)
        return self.session.scalar(sa.select(Person).where(Person.email_key == key)) if key else None

    def create(self, email: str, given_name: str, family_name: str, role: Role = Role.LEARNER) -> Person:
        written, key = required_email(email)
        if self.session.scalar(sa.select(Person.id).where(Person.email_key == key)) is not None:
            raise Refused("PERSON_EXISTS", seen=written)
        given_name, family_name = clean_name(given_name), clean_name(family_name)
        if not given_name and not family_name:
            raise Refused("PERSON_NAME")
        person = Person(
            email=written,
            email_key=key,
            given_name=given_name,
            family_name=family_name,
            role=role,
            made_by=MadeBy.ACADEMY,
        )
        self.session.add(person)
        self.session.flush()
        return person

    def set_role(self, person: Person, role: Role) -> None:
        """At once for open sessions too: they end (ASVS 8.3.2). The last admin stays one."""
        if role not in ACADEMY_ROLES:
            raise Refused("PERSON_ROLE", seen=role)
        if person.role is role:
            return
        self._keep_an_admin(person)
        person.role = role
        close_all(self.session, person.id)

    def suspend(self, person: Person) -> None:
        self._keep_an_admin(person)
        person.status = PersonStatus.SUSPENDED
        close_all(self.session, person.id)

    def resume(self, person: Person) -> None:
        person.status = PersonStatus.ACTIVE

    def erase(self, person: Person) -> None:
        """Everything that belongs to the person goes with the row (foreign keys cascade)."""
        self._keep_an_admin(person)
        close_all(self.session, person.id)
        self.session.announce(PersonErased(person.id))
        self.session.flush()
        self.session.execute(sa.delete(Person).where(Person.id == person.id))
        self.session.expire_all()

    def _keep_an_admin(self, person: Person) -> None:
        """Locks the admins, always in one order: of two who end each other's role at once the second is refused."""
        if person.role is not Role.ADMIN:
            return
        admins = sa.select(Person.id).where(Person.role == Role.ADMIN, Person.status == PersonStatus.ACTIVE)
        if set(self.session.scalars(admins.order_by(Person.id).with_for_update())) <= {person.id}:
            raise Refused("PERSON_LAST_ADMIN")


class SignIn:
    """Every way in ends with a `Person` who is active, or with a refusal that says no more than needed."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def with_password(self, email: str, password: str) -> Person:
        person = People(self.session).by_email(email)
        valid = verify_password(person.password_hash if person else None, password)
        if person is None or not valid or person.status is not PersonStatus.ACTIVE:
            raise Refused("SIGN_IN_FAILED")
        if needs_renewal(person.password_hash or ""):
            person.password_hash = hash_password(password)
        return person

    def issue_link(self, person: Person, lifetime: timedelta = LINK_LIFETIME) -> str:
        """The path of a one-time link; the token in it is not kept."""
        token = secrets.token_urlsafe(32)
        self.session.add(
            SignInLink(token_hash=hash_token(token), person_id=person.id, expires_at=clock.now() + lifetime)
        )
        return f"/sign-in/{token}"

    def redeem(self, token: str) -> Person:
        """Uses the link up, atomically: of two clicks at the same moment one gets in."""
        now = clock.now()
        used = (
            sa.update(SignInLink)
            .where(
                SignInLink.token_hash == hash_token(token), SignInLink.used_at.is_(None), SignInLink.expires_at > now
            )
            .values(used_at=now)
            .returning(SignInLink.person_id)
        )
        person_id = self.session.scalar(used)
        person = self.session.get(Person, person_id) if person_id else None
        if person is None or person.status is not PersonStatus.ACTIVE:
            raise Refused("SIGN_IN_LINK")
        return person

    def set_password(self, person: Person, password: str) -> None:
        person.password_hash = hash_password(password)

    def purge(self) -> None:
        self.session.execute(sa.delete(SignInLink).where(SignInLink.expires_at < clock.now() - LINK_LIFETIME))
