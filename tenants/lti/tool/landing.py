"""From a believed launch to a person on an activity: the last steps, the same for both protocols.

Somebody known whose route for scores, enrolment and names are unchanged costs one insert; a newcomer on a known link
a few more. Anything else goes through the ORM, on the same connection and in the same transaction.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Generic, NoReturn, Protocol, TypeVar
from uuid import UUID

import sqlalchemy as sa

from saas import clock, locales
from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.runtime import Runtime
from saas.sessions import OPEN_SESSION, NewSession
from saas.tenancy.resolve import Academy
from tenants.access import Role
from tenants.accounts.models import MadeBy, Person
from tenants.accounts.names import email_key
from tenants.catalog.models import Activity, ActivityType, Status
from tenants.learning.models import EnrolledBy, Enrolment
from tenants.learning.services import Learning
from tenants.lti.tool.addresses import origin_of
from tenants.lti.tool.cases import Cases, Referred
from tenants.lti.tool.introductions import Pending, SignInAsked, begin
from tenants.lti.tool.people import (
    Arrival,
    Arrivals,
    Formerly,
    introduce,
    is_current,
    new_person,
    refuse_closed,
    who_of,
)
from tenants.lti.tool.people_models import Newcomers
from tenants.lti.tool.policy import Entrance
from tenants.lti.tool.statements import FIND_OBSTACLE
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.claims import PlatformInstance
from tenants.lti.wire.custom import due_in
from tenants.lti.wire.dialects import Need, switch_for
from tenants.lti.wire.locales import best_language

SESSION_LIFETIME = timedelta(hours=12)
#: A class that clicks at once collides on the person, the link or the route, once on each at worst.
SETTLE_ATTEMPTS = 4
LACKING = {"LTI_PERSON_EMAIL": Need.EMAIL, "LTI_PERSON_NAME": Need.GIVEN_NAME}


class Landable(Arrival, Protocol):
    """What a landing reads besides: the link's parameters and the language asked for."""

    @property
    def custom(self) -> Mapping[str, str]: ...
    @property
    def locale(self) -> str: ...
    @property
    def platform(self) -> PlatformInstance: ...


A = TypeVar("A", bound=Landable)


@dataclass(frozen=True, slots=True)
class Landed:
    person_id: UUID
    person_name: str
    activity_id: UUID
    session: NewSession


class Landing(ABC, Generic[A]):
    """``entrance`` is the connection. A row is what the protocol's own look-up found of all this."""

    def __init__(
        self,
        connection: HotConnection,
        runtime: Runtime,
        academy: Academy,
        checks: Checklist,
        launch: A,
        entrance: Entrance,
    ) -> None:
        self.connection = connection
        self.runtime = runtime
        self.academy = academy
        self.checks = checks
        self.launch = launch
        self.entrance = entrance
        self.policy = entrance.policy

    #: Of the pages around ours, where the launch names no address to return to.
    origin = ""

    @abstractmethod
    def is_kept(self, row: Any) -> bool:
        """Whether nothing about the route of scores need be written for somebody known."""

    @abstractmethod
    def is_simple(self, row: Any) -> bool:
        """Whether `add_route` is all that a newcomer needs."""

    @abstractmethod
    def add_route(self, row: Any, person: Person) -> None:
        """Inserts the newcomer's route."""

    @abstractmethod
    def write_route(self, session: ScopedSession, activity_id: UUID, person: Person) -> None:
        """Makes or renews the link and the route, whatever there is already, and lets what is true be told over it."""

    @abstractmethod
    def message(self) -> Mapping[str, Any]:
        """What was proven, as JSON, for `Introduction.message`."""

    @abstractmethod
    def scores(self) -> str:
        """In words, where scores go."""

    def check_available(self, row: Any, closed: str = "") -> None:
        """Step "available"; ``closed`` is what the protocol itself has against it."""
        reasons = {
            "LTI is off for this academy": not self.academy.has("lti"),
            closed: bool(closed),
            "the activity is a draft": row.activity_status != Status.PUBLISHED,
            "“Available for LTI” is off": not row.lti_available,
        }
        wrong = next((reason for reason, applies in reasons.items() if applies), "")
        self.checks.require("available", not wrong, "LTI_NOT_AVAILABLE", seen=wrong or row.activity_title)

    def settle(self, row: Any, launch_id: UUID, formerly: Formerly | None = None) -> Landed:
        """Steps "person" to "scores". Raises `Refused`."""
        said = f"; {formerly.words}" if formerly else ""
        if self._is_known(row):
            person_id, name = row.person_id, f"{row.given_name} {row.family_name}".strip()
            how, enrolled = f"known as {name}", "enrolled already"
        elif person := self._welcome(row, formerly):
            person_id, name, how, enrolled = person.id, person.name, f"created: {person.name}", "enrolled now"
        else:
            try:
                person_id, name, how, enrolled = self._settle(row, formerly)
            except Refused as refusal:
                self._refuse(refusal, row, launch_id)
        self.checks.note("person", how + said)
        self.checks.note("enrolment", enrolled)
        self.checks.note("scores", f"{self.scores()}{' (a test user)' if self.launch.roles.test_user else ''}")
        return Landed(person_id, name, row.activity_id, self._open_session(person_id, launch_id, row.activity_id))

    def _wanted(self, refusal: Refused) -> str:
        """A claim that is missing is named with the switch of that LMS which sends it."""
        need = LACKING.get(refusal.code)
        family = self.launch.platform.product_family_code
        return f"the claim {need.claim}; {switch_for(need, family)}" if need else refusal.wanted

    def _is_known(self, row: Any) -> bool:
        """Whether nothing at all need be written but the session."""
        if row.person_id is None or row.enrolment_id is None:
            return False
        role = self.policy.role(is_staff_there=self.launch.is_staff_there)
        if row.person_role != role and (row.made_author or row.made_by == MadeBy.LTI):
            return False  # the policy may give them another role
        try:
            refuse_closed(Role.LEARNER if row.made_author else row.person_role, row.person_status)
        except Refused as refusal:
            self.checks.refuse("person", refusal.code)
        return is_current(row, self.launch) and self.is_kept(row)

    def _refuse(self, refusal: Refused, row: Any, launch_id: UUID) -> NoReturn:
        """Step "person": our admin is asked, or the person, where only they can know."""
        token = ""
        if isinstance(refusal, Referred):
            with ScopedSession(self.connection.core, self.academy.id, self.runtime.events) as session:
                who = replace(who_of(self.launch), launch_id=launch_id)
                Cases(session).open(self.entrance, who, refusal.kind, refusal.person_id)
        elif refusal.code == "LTI_PERSON_SIGN_IN":
            pending = Pending(launch_id, row.activity_id, self.message())
            token = begin(self.connection, self.entrance, self.launch, pending)
        try:
            self.checks.refuse("person", refusal.code, seen=refusal.seen, wanted=self._wanted(refusal))
        except Refused as told:
            raise SignInAsked(told, token) if token else told from None

    def _welcome(self, row: Any, formerly: Formerly | None) -> Person | None:
        """A newcomer on a link that is known as it is: a class on its first day. None: not that simple.

        Also when another launch of the same moment was quicker, which `_settle` then finds. There is nothing to tell
        the other LMS yet: somebody new has no result.
        """
        key = email_key(self.launch.person.email)
        if row.activity_type == ActivityType.PLAYLIST:
            return None  # whose activities the newcomer is enrolled in as well
        if row.person_id is not None or (formerly and formerly.identity) or not self.is_simple(row):
            return None
        if self.policy.newcomers not in (Newcomers.CREATE, Newcomers.MATCH) or key is None:
            return None
        if self.connection.run(FIND_OBSTACLE, email_key=key, issuer=self.launch.issuer):
            return None
        role = self.policy.role(is_staff_there=self.launch.is_staff_there)
        try:
            with self.connection.savepoint():
                return self._insert(new_person(self.launch, key, role), row)
        except Refused as refusal:
            self.checks.refuse("person", refusal.code, seen=refusal.seen, wanted=self._wanted(refusal))
        except sa.exc.IntegrityError:
            return None

    def _insert(self, person: Person, row: Any) -> Person:
        add = self.connection.add
        add(person)
        introduce(self.connection, self.launch, person, "created", made_author=person.role is Role.AUTHOR)
        add(Enrolment(person_id=person.id, activity_id=row.activity_id, enrolled_by=EnrolledBy.LTI))
        self.add_route(row, person)
        return person

    def _settle(self, row: Any, formerly: Formerly | None) -> tuple[UUID, str, str, str]:
        """Again when another launch of the same moment wrote the same rows first: then they are there to be found."""
        with ScopedSession(self.connection.core, self.academy.id, self.runtime.events) as session:
            for attempts_left in reversed(range(SETTLE_ATTEMPTS)):
                try:
                    with session.begin_nested():
                        person, how, enrolled = self._write(session, row.activity_id, formerly)
                    break
                except sa.exc.IntegrityError:
                    if not attempts_left:
                        raise
            return person.id, person.name, how, enrolled

    def _write(self, session: ScopedSession, activity_id: UUID, formerly: Formerly | None) -> tuple[Person, str, str]:
        """Finds or makes the person, the enrolment and the route."""
        person, how = Arrivals(session, self.entrance).resolve(self.launch, formerly)
        enrolled = self._enrol(session, person.id, activity_id)
        self.write_route(session, activity_id, person)
        session.flush()
        return person, how, enrolled

    def _enrol(self, session: ScopedSession, person_id: UUID, activity_id: UUID) -> str:
        known = sa.select(Enrolment.id).where(Enrolment.person_id == person_id, Enrolment.activity_id == activity_id)
        if session.scalar(known) is not None:
            return "enrolled already"
        Learning(session, person_id).enrol(session.get_one(Activity, activity_id), EnrolledBy.LTI)
        return "enrolled now"

    def _open_session(self, person_id: UUID, launch_id: UUID, activity_id: UUID) -> NewSession:
        fresh, now = NewSession.draw(), clock.now()
        about = {
            "launch": str(launch_id),
            "activity": str(activity_id),
            "platform": self.entrance.lms,
            "return_url": self.launch.return_url,
            "origin": origin_of(self.launch.return_url) or self.origin,
            **self._asked_for(),
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

    def _asked_for(self) -> dict[str, str]:
        """Of the launch's wishes those we can serve: a language of ours, and the day it is due there."""
        locale, due = best_language(self.launch.locale, locales.LOCALES), due_in(self.launch.custom)
        wishes = {"locale": locale, "due": due.isoformat() if due else ""}
        return {name: value for name, value in wishes.items() if value}


def context_title(launch: Arrival) -> str:
    """The course's name there."""
    return launch.context.title or launch.context.label if launch.context else ""


def link_title(launch: Arrival) -> str:
    return launch.resource_link.title if launch.resource_link else ""
