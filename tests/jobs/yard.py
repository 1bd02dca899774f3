"""A house whose outbox belongs to one test: jobs made on the spot, rows looked at one by one, relays run by hand."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
import time_machine

from saas.jobs.execution import Execution
from saas.jobs.models import JobState, Outbox, Recurring
from saas.jobs.outbox import later
from saas.jobs.registry import Job
from saas.jobs.relay import Relay
from saas.runtime import Runtime
from tests.house import House, Kit

Lease = tuple[int, UUID, UUID]


@contextlib.contextmanager
def clock_moved(by: timedelta) -> Iterator[None]:
    """Our clock goes on from another time; the database's and the partners' do not."""
    with time_machine.travel(datetime.now(UTC) + by, tick=True):
        yield


@dataclass
class Yard:
    house: House
    kit: Kit = field(init=False)

    def __post_init__(self) -> None:
        with self.shell() as session:
            session.execute(sa.delete(Outbox))
            session.execute(sa.delete(Recurring))
        self.kit = self.house.academy(lti=False)

    @property
    def runtime(self) -> Runtime:
        return self.house.runtime

    def shell(self) -> Any:
        return self.runtime.database.shell()

    def job(self, function: Callable[..., None], **how: Any) -> str:
        """Registers a job under a name of its own."""
        name = f"test.{uuid4().hex}"
        self.runtime.jobs.add(Job(name, function, **how))
        return name

    def promise(self, job: str, kit: Kit | None = None, **ids: Any) -> UUID:
        with (kit or self.kit).session() as session:
            return later(session, job, **ids)

    def fill(self, job: str, count: int, kit: Kit) -> None:
        """Many rows at once, as they pile up while a partner is away."""
        at = datetime.now(UTC) - timedelta(hours=1)
        row = {
            "tenant_id": kit.academy.id,
            "job": job,
            "args": {},
            "state": JobState.DUE,
            "due_at": at,
            "created_at": at,
        }
        row |= {"give_up_at": at + timedelta(hours=72), "attempts": 0, "unfinished": 0, "error": ""}
        with self.shell() as session:
            session.execute(sa.insert(Outbox), [{**row, "id": uuid4()} for _ in range(count)])

    def row(self, outbox_id: UUID) -> Outbox:
        return next(row for row in self.rows() if row.id == outbox_id)

    def rows(self) -> list[Outbox]:
        with self.runtime.database.shell(write=False) as session:
            rows = list(session.scalars(sa.select(Outbox).order_by(Outbox.id)))
            session.expunge_all()
            return rows

    def states(self) -> list[str]:
        return [row.state.value for row in self.rows()]

    def change(self, outbox_id: UUID, **values: Any) -> None:
        with self.shell() as session:
            session.execute(sa.update(Outbox).where(Outbox.id == outbox_id).values(**values))

    def relay(self) -> tuple[Relay, list[Lease]]:
        """A relay and what it sends."""
        sent: list[Lease] = []
        return Relay(self.runtime, lambda *lease: sent.append(lease)), sent

    def lease(self) -> list[Lease]:
        """One round of a relay."""
        relay, sent = self.relay()
        relay.cycle()
        return sent

    def execute(self, lease: Lease) -> None:
        Execution(self.runtime, *lease).perform()

    def work(self) -> int:
        """One round of a relay, and the jobs it leased; returns how many."""
        leases = self.lease()
        for lease in leases:
            self.execute(lease)
        return len(leases)

    def crash(self) -> None:
        """A worker claims what is due, whatever lapsed before and however long it should wait, and dies over it."""
        leases = self.lease()
        self.make_due()
        for lease in leases + self.lease():
            assert Execution(self.runtime, *lease)._claim() is not None
        self.lapse()

    def lapse(self) -> None:
        past = datetime.now(UTC) - timedelta(seconds=1)
        with self.shell() as session:
            session.execute(sa.update(Outbox).where(Outbox.state == JobState.LEASED).values(leased_until=past))

    def make_due(self) -> None:
        with self.shell() as session:
            session.execute(sa.update(Outbox).where(Outbox.state == JobState.DUE).values(due_at=datetime.now(UTC)))
