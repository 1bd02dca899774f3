"""Somebody unknown says once, by signing in with their account here, who they are; then the launch goes on.

The address of the page is a secret of 256 bits, but whoever has it could send it to somebody else, whose account would
then open for them. So the browser that came must be the one that says yes (its cookie proves it), or the account must
have the e-mail address the other LMS names and does not call unverified; else our admin is asked.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.sessions import hash_token
from tenants.accounts.models import Person
from tenants.accounts.names import same_address
from tenants.lti.tool.cases import Cases, Referred
from tenants.lti.tool.models import Identity
from tenants.lti.tool.people import Arrival, introduce, refuse_closed, who_of
from tenants.lti.tool.people_models import CaseDecision, CaseKind, Introduction
from tenants.lti.tool.policy import Entrance

LIFETIME = timedelta(minutes=30)


class SignInAsked(Refused):
    """The launch ends on the page that asks to sign in; ``token`` names it."""

    def __init__(self, refusal: Refused, token: str) -> None:
        super().__init__(refusal.code, seen=refusal.seen, wanted=refusal.wanted)
        self.token = token


@dataclass(frozen=True, slots=True)
class Pending:
    """Where a launch was when it was interrupted. ``message``: what was proven, to go on from."""

    launch_id: UUID
    activity_id: UUID
    message: Mapping[str, Any]


def begin(connection: HotConnection, entrance: Entrance, launch: Arrival, pending: Pending) -> str:
    """The token of the page."""
    token = secrets.token_urlsafe(32)
    connection.add(
        Introduction(
            token_hash=hash_token(token),
            issuer=launch.issuer,
            sub=launch.sub,
            platform_id=entrance.platform_id,
            consumer_key_id=entrance.consumer_key_id,
            activity_id=pending.activity_id,
            launch_id=pending.launch_id,
            lms_name=entrance.lms,
            message=dict(pending.message),
            expires_at=clock.now() + LIFETIME,
        )
    )
    return token


class Introductions:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def open(self, token: str) -> Introduction:
        """`Refused` LTI_INTRODUCTION for one that is used, over, or never was."""
        now = clock.now()
        mine = sa.select(Introduction).where(Introduction.token_hash == hash_token(token))
        found = self.session.scalar(mine.where(Introduction.used_at.is_(None), Introduction.expires_at > now))
        if found is None:
            raise Refused("LTI_INTRODUCTION")
        return found

    def forget(self) -> None:
        """What the message said of a person is of no use any more."""
        self.session.execute(sa.delete(Introduction).where(Introduction.expires_at < clock.now() - LIFETIME))

    def take(self, introduction: Introduction) -> None:
        """Of two clicks at the same moment one is the first."""
        used = (
            sa.update(Introduction)
            .where(Introduction.id == introduction.id, Introduction.used_at.is_(None))
            .values(used_at=clock.now())
            .returning(Introduction.id)
        )
        if self.session.scalar(used) is None:
            raise Refused("LTI_INTRODUCTION")

    def link(self, launch: Arrival, person_id: UUID, *, is_same_browser: bool) -> None:
        """From now on ``launch``'s id is this person. Raises `Refused`, and `Referred` where our admin is asked."""
        person = self.session.get_one(Person, person_id)
        refuse_closed(person.role, person.status)
        known = sa.select(Identity).where(Identity.issuer == launch.issuer)
        identity = self.session.scalar(known.where(Identity.sub == launch.sub))
        if identity is not None and identity.person_id == person.id:
            return
        another = self.session.scalar(known.where(Identity.person_id == person.id).limit(1))
        if identity is not None:
            raise Refused("LTI_PERSON_CONFLICT", seen=launch.sub)
        if another is not None:
            raise Referred("LTI_PERSON_CONFLICT", CaseKind.CONFLICT, person.id, seen=person.email or person.name)
        claimed = launch.person
        is_theirs = claimed.email_verified and claimed.email and same_address(claimed.email, person.email)
        if not is_same_browser and not is_theirs:
            raise Referred("LTI_PERSON_DOUBT", CaseKind.DOUBT, person.id, seen=person.email or person.name)
        self._refuse_kept_apart(launch, person)
        introduce(self.session, launch, person, "linked by sign-in")
        self.session.flush()

    def _refuse_kept_apart(self, launch: Arrival, person: Person) -> None:
        """What our admin decided about the two stands."""
        who = who_of(launch)
        case = Cases(self.session).own(who.issuer, who.sub, who.key)
        if case is not None and case.decision is CaseDecision.APART and case.person_id == person.id:
            raise Refused("LTI_PERSON_DOUBT", seen=person.email or person.name)
