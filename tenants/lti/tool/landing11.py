"""Landing a launch of LTI 1.2: the key names the activity, and the score of each person has an address of its own."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.jobs.outbox import later
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.accounts.models import Person
from tenants.accounts.names import email_key
from tenants.lti.tool.landing import Landed, Landing, context_title, link_title
from tenants.lti.tool.models11 import OutcomeRoute
from tenants.lti.tool.people_models import Newcomers
from tenants.lti.tool.policy import Entrance
from tenants.lti.tool.statements import FIND_EMAIL
from tenants.lti.tool.statements11 import RESOLVE11
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.launch11 import Launch11, check_person

CHANNEL = "lti11"


class ConsumerLanding(Landing[Launch11]):
    def __init__(
        self, connection: HotConnection, runtime: Runtime, academy: Academy, checks: Checklist, launch: Launch11,
        consumer_id: UUID, entrance: Entrance,
    ) -> None:  # fmt: skip
        super().__init__(connection, runtime, academy, checks, launch, entrance)
        self.consumer_id = consumer_id
        self.outcome = None if launch.is_staff_there else launch.outcome

    def land(self, launch_id: UUID) -> Landed:
        """Steps "email" to "scores". Raises `Refused`."""
        row = self.connection.run(
            RESOLVE11,
            consumer=self.consumer_id,
            issuer=self.launch.issuer,
            sub=self.launch.sub,
            resource_link=self._link_id,
        ).one_or_none()
        check_person(self.checks, self.launch, known=self._has_account(row))
        self.check_available(row)
        return self.settle(row, launch_id)

    @property
    def _link_id(self) -> str:
        return self.launch.resource_link.id if self.launch.resource_link else ""

    def _has_account(self, row: Any) -> bool:
        """Names are needed to make a person only; whoever is found by e-mail, or signs in, has them."""
        person, newcomers = self.launch.person, self.policy.newcomers
        if newcomers is Newcomers.ASK:
            return True
        if row.person_id is not None or (person.given_name and person.family_name):
            return row.person_id is not None
        key = email_key(person.email) if newcomers is not Newcomers.CREATE else None
        return key is not None and bool(self.connection.run(FIND_EMAIL, email_key=key))

    def is_kept(self, row: Any) -> bool:
        if self.outcome is None:
            return True
        there = (row.service_url, row.sourcedid, row.link_title, row.context_title)
        return there == (self.outcome.url, self.outcome.sourcedid, link_title(self.launch), context_title(self.launch))

    def is_simple(self, _row: Any) -> bool:
        """A link has no row of its own."""
        return True

    def add_route(self, _row: Any, person: Person) -> None:
        if self.outcome is not None:
            self.connection.add(OutcomeRoute(**self._key(person.id), **self._said()))

    def write_route(self, session: ScopedSession, _activity_id: UUID, person: Person) -> None:
        if self.outcome is None:
            return
        route = session.scalar(sa.select(OutcomeRoute).filter_by(**self._key(person.id)))
        if route is None:
            route = OutcomeRoute(**self._key(person.id))
            session.add(route)
        for name, value in self._said().items():
            setattr(route, name, value)
        session.flush()
        later(session, "grades.tell_route", channel=CHANNEL, route_id=route.id)

    def _key(self, person_id: UUID) -> dict[str, Any]:
        return {"consumer_key_id": self.consumer_id, "resource_link_id": self._link_id, "person_id": person_id}

    def _said(self) -> dict[str, str]:
        if self.outcome is None:
            raise AssertionError("asked only where a score has an address")
        return {
            "service_url": self.outcome.url,
            "sourcedid": self.outcome.sourcedid,
            "link_title": link_title(self.launch),
            "context_title": context_title(self.launch),
        }

    def message(self) -> Mapping[str, Any]:
        return self.launch.raw

    def scores(self) -> str:
        if self.launch.is_staff_there:
            return "not sent: this person is staff there"
        if self.outcome is not None:
            return f"to {self.outcome.url}"
        named = [name for name in ("lis_outcome_service_url", "lis_result_sourcedid") if self.launch.raw.get(name)]
        lacking = {
            (): "the LMS gave no lis_outcome_service_url and no lis_result_sourcedid",
            ("lis_outcome_service_url",): "the LMS gave no lis_result_sourcedid",
            ("lis_result_sourcedid",): "the LMS gave no lis_outcome_service_url",
        }
        return f"not sent: {lacking.get(tuple(named), 'the address or id the LMS gave cannot be used')}"
