"""Who a launch brings: the known person, one found by e-mail, or a new one. Order and limits: lti.md §1.5.

An e-mail address is a claim of the other LMS, so it never opens a staff account, never an account the same LMS already
knows under another id, and never one that is suspended; an absent address matches nobody.
"""

from typing import Any

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.access import Role
from tenants.accounts.models import MadeBy, Person, PersonStatus
from tenants.accounts.names import clean_name, email_key
from tenants.audit.services import note
from tenants.lti.tool.models import Identity
from tenants.lti.wire.claims import LaunchClaims


class Arrivals:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def resolve(self, launch: LaunchClaims) -> tuple[Person, str]:
        """The person and, for the log, how they were found. Raises `Refused` LTI_PERSON_…"""
        identity = self.session.scalar(
            sa.select(Identity).where(Identity.issuer == launch.issuer, Identity.sub == launch.sub)
        )
        if identity is not None:
            person = self.session.get_one(Person, identity.person_id)
            refuse_suspended(person.status)
            return person, f"known as {person.name}{self._refresh(person, launch)}"
        key = email_key(launch.person.email)
        if key is None:
            raise Refused("LTI_PERSON_EMAIL", seen=launch.person.email or "none", wanted="the claim email")
        known = self.session.scalar(sa.select(Person).where(Person.email_key == key))
        if known is not None:
            self._refuse_match(known, launch)
        person, how = (known, "found by e-mail") if known is not None else (self._create(launch, key), "created")
        self.session.add(Identity(issuer=launch.issuer, sub=launch.sub, person_id=person.id))
        self.session.flush()
        note(
            self.session,
            f"LTI: {launch.issuer}",
            f"person.{how.replace(' ', '_')}",
            person.name,
            person=str(person.id),
            sub=launch.sub,
        )
        return person, f"{how}: {person.name}"

    def _refuse_match(self, person: Person, launch: LaunchClaims) -> None:
        if person.is_staff:
            raise Refused("LTI_PERSON_STAFF", seen=launch.person.email)
        refuse_suspended(person.status)
        other = sa.select(Identity.sub).where(Identity.person_id == person.id, Identity.issuer == launch.issuer)
        if self.session.scalar(other) is not None:
            raise Refused("LTI_PERSON_CONFLICT", seen=launch.person.email)

    def _create(self, launch: LaunchClaims, key: str) -> Person:
        given, family = clean_name(launch.person.given_name), clean_name(launch.person.family_name)
        missing = [name for name, value in (("given_name", given), ("family_name", family)) if not value]
        if missing:
            raise Refused(
                "LTI_PERSON_NAME", seen=f"{', '.join(missing)} missing", wanted="the claims given_name and family_name"
            )
        person = Person(
            email=launch.person.email,
            email_key=key,
            given_name=given,
            family_name=family,
            role=Role.LEARNER,
            made_by=MadeBy.LTI,
            external_id=launch.sub,
        )
        self.session.add(person)
        self.session.flush()
        return person

    def _refresh(self, person: Person, launch: LaunchClaims) -> str:
        """Names and address follow the LMS, for accounts it made; an address somebody else has stays theirs."""
        if person.made_by is not MadeBy.LTI:
            return ""
        person.given_name = clean_name(launch.person.given_name) or person.given_name
        person.family_name = clean_name(launch.person.family_name) or person.family_name
        key = email_key(launch.person.email)
        if key is None or key == person.email_key:
            return ""
        if self.session.scalar(sa.select(Person.id).where(Person.email_key == key)) is not None:
            return "; the new e-mail belongs to somebody else and was not taken over"
        person.email, person.email_key = launch.person.email, key
        return "; e-mail updated"


def refuse_suspended(status: PersonStatus | str) -> None:
    """The same check on every way in (CVE-2025-67848)."""
    if status != PersonStatus.ACTIVE:
        raise Refused("LTI_PERSON_SUSPENDED")


def is_current(row: Any, launch: LaunchClaims) -> bool:
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
