"""An academy whose activity stands as a link in another LMS: people launch, learn, and their results travel.

The application runs in this process, the LMS in its own; they talk over real HTTP.
"""

import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from saas import clock
from saas.db.base import uuid7
from saas.jobs.execution import Execution
from saas.jobs.models import JobState, Outbox
from tenants.catalog.models import Activity
from tenants.grades.models import ScoreDelivery
from tenants.learning.services import ProgressMade
from tenants.lti.keys import KeyRing
from tenants.lti.tool.addresses import launch_url, login_url, resource_url
from tenants.lti.tool.models import Identity
from tenants.lti.tool.platforms import Platforms, PlatformValues
from tests.house import Kit
from tests.peers.lms.client import LMS, Link, Registered, Resource, Score

TITLE = "An e-learning"


@dataclass
class Academy:
    """One academy's jobs, run here and now, and its ledger."""

    kit: Kit

    def work(self, *, ahead: float = 0.5) -> int:
        """Runs this academy's jobs until none falls due within ``ahead`` seconds; returns how many runs there were."""
        ran = 0
        while (waits := self._seconds_to_next()) is not None and waits < ahead:
            time.sleep(max(0.0, waits))
            ran += self.work_once()
        return ran

    def work_once(self) -> int:
        """Runs what is due now, each job once."""
        leases = self._lease_due()
        for lease in leases:
            Execution(self.kit.runtime, *lease).perform()
        return len(leases)

    def confirm(self) -> None:
        """The LMS has had its moment: the score is read back now."""
        with self.kit.runtime.database.shell() as session:
            mine = sa.update(Outbox).where(Outbox.tenant_id == self.kit.academy.id, Outbox.job == "grades.confirm")
            session.execute(mine.where(Outbox.state == JobState.DUE).values(due_at=clock.now()))
        self.work()

    def _due(self) -> sa.Select[Outbox]:
        mine = sa.select(Outbox).where(Outbox.tenant_id == self.kit.academy.id, Outbox.state == JobState.DUE)
        recurring = [job.name for job in self.kit.runtime.jobs if job.every]
        return mine.where(Outbox.job.not_in(recurring)).order_by(Outbox.due_at)

    def _seconds_to_next(self) -> float | None:
        with self.kit.runtime.database.shell(write=False) as session:
            row = session.scalar(self._due().limit(1))
            return (row.due_at - clock.now()).total_seconds() if row else None

    def _lease_due(self) -> list[tuple[int, UUID, UUID]]:
        """As a relay does, but of this academy only."""
        leases = []
        with self.kit.runtime.database.shell() as session:
            for row in session.scalars(self._due().where(Outbox.due_at <= clock.now())):
                row.state, row.lease_id, row.leased_until = JobState.LEASED, uuid7(), clock.now()
                leases.append((row.tenant_id, row.id, row.lease_id))
        return leases

    def deliveries(self) -> list[ScoreDelivery]:
        """Oldest first, with their tries."""
        with self.kit.session() as session:
            query = sa.select(ScoreDelivery).options(selectinload(ScoreDelivery.tries))
            found = list(session.scalars(query.order_by(ScoreDelivery.created_at, ScoreDelivery.id)))
            session.expunge_all()
            return found

    def states(self) -> list[str]:
        return [each.state.value for each in self.deliveries()]

    def last(self) -> ScoreDelivery:
        return self.deliveries()[-1]

    def steps(self) -> list[tuple[str, str]]:
        """What was done for the newest delivery, and how it went."""
        return [(each.step, each.outcome) for each in self.last().tries]


@dataclass
class School(Academy):
    """``registration`` is what the LMS is told beyond the usual: quirks, scopes, ags."""

    lms: LMS
    registration: dict[str, Any] = field(default_factory=dict)
    audience: str = ""
    activity: Activity = field(init=False)
    registered: Registered = field(init=False)

    def __post_init__(self) -> None:
        academy, runtime = self.kit.academy, self.kit.runtime
        self.activity = self.kit.activity()
        self.registered = there = self.lms.register(
            login_url=login_url(academy),
            redirect_uris=[launch_url(academy)],
            public_key=runtime.part(KeyRing).public_pem(academy.id),
            resources=[self.resource()],
            **self.registration,
        )
        values = PlatformValues(
            name="School", issuer=there.issuer, client_id=there.client_id, auth_url=there.auth_url, token_url=there.token_url,
            jwks_url=there.jwks_url, token_audience=self.audience, deployment_ids=tuple(there.deployment_ids), is_active=True,
        )  # fmt: skip
        with self.kit.session() as session:
            Platforms(session, runtime.outbound).create(values)

    @property
    def link(self) -> Link:
        return self.registered.links[0]

    def resource(self, **more: Any) -> Resource:
        return Resource(TITLE, resource_url(self.kit.academy, self.activity.id), **more)

    def arrive(self, person: str = "anna", link: Link | None = None) -> UUID:
        """Launches somebody of the LMS; returns who they are here."""
        with httpx.Client(transport=httpx.WSGITransport(self.kit.house.application)) as browser:
            landed = self.lms.launch((link or self.link).id, person, browser)
        assert landed.status_code == 303, landed.text
        with self.kit.session() as session:
            found = session.scalar(sa.select(Identity.person_id).where(Identity.sub == self.lms.subject(person)))
        assert found is not None
        return found

    def begin(self, person_id: UUID) -> None:
        self._announce(person_id, None)

    def reach(self, person_id: UUID, percent: str | int) -> None:
        """The person has finished with this result."""
        self._announce(person_id, Decimal(percent))

    def _announce(self, person_id: UUID, score: Decimal | None) -> None:
        with self.kit.session() as session:
            made = ProgressMade(person_id, self.activity.id, score is not None, score, clock.now())
            session.announce(made)

    def score(self, person: str = "anna") -> Score | None:
        return self.lms.score(person, title=TITLE)
