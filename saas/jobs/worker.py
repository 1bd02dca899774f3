"""One process's share of the work: a Dramatiq worker, a relay and the clock of the recurring jobs."""

import os
import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import dramatiq
import redis
import sqlalchemy as sa
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker

from saas import clock
from saas.jobs import recurring
from saas.jobs.execution import Execution
from saas.jobs.models import Heartbeat
from saas.jobs.outbox import WorkPromised
from saas.jobs.relay import Relay
from saas.settings import JobSettings

if TYPE_CHECKING:
    from saas.runtime import Runtime

log = structlog.get_logger()
#: Dramatiq's queue; Redis holds nothing but ``(tenant, outbox id, lease)``.
QUEUE = "lyceum"
#: Messages a process fetches per thread: enough to keep threads busy, few enough to leave some to other processes.
PREFETCH = 4
HEARTBEAT_SECONDS = 10
CLEAN_SECONDS = 300
#: A run is kept leased no longer than this; one that hangs is then given to another worker.
LONGEST_RUN_SECONDS = 900
#: How long running jobs may take to end once we are told to stop.
STOP_SECONDS = 20


class Worker:
    """Runs in its own process (``lyceum worker``) or inside the web process (embedded mode)."""

    def __init__(self, runtime: "Runtime") -> None:
        self.runtime = runtime
        self.settings = runtime.settings.jobs
        self.broker = make_broker(self.settings)
        self._actor = dramatiq.Actor(
            self._perform, broker=self.broker, actor_name="outbox", queue_name=QUEUE, priority=0, options={}
        )
        self.relay = Relay(runtime, self._send)
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._running: dict[Execution, float] = {}
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._relay, name="relay", daemon=True),
            threading.Thread(target=self._keep_leases, name="leases", daemon=True),
        ]
        self._worker = dramatiq.Worker(self.broker, worker_threads=self.settings.threads, worker_timeout=200)
        self._worker.queue_prefetch = PREFETCH * self.settings.threads
        runtime.events.subscribe(WorkPromised, lambda _session, _event: self._wake.set())

    def start(self) -> None:
        self._worker.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets running jobs end, and keeps their leases meanwhile; what they do not finish runs again elsewhere."""
        self._stopping.set()
        self._wake.set()
        self._threads[0].join(timeout=10)
        self._worker.stop(timeout=STOP_SECONDS * 1000)
        self._ended.set()
        self._threads[1].join(timeout=10)
        self.broker.close()
        self._leave()

    def _send(self, tenant_id: int, outbox_id: UUID, lease_id: UUID) -> None:
        self._actor.send(str(tenant_id), str(outbox_id), str(lease_id))

    def _perform(self, tenant_id: str, outbox_id: str, lease_id: str) -> None:
        execution = Execution(self.runtime, int(tenant_id), UUID(outbox_id), UUID(lease_id))
        self._running[execution] = time.monotonic()
        try:
            execution.perform()
        finally:
            del self._running[execution]
            self._wake.set()

    def _relay(self) -> None:
        beat = clean = 0.0
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                if time.monotonic() >= beat:
                    self._beat()
                    recurring.tick(self.runtime)
                    beat = time.monotonic() + HEARTBEAT_SECONDS
                if time.monotonic() >= clean:
                    self.relay.clean()
                    clean = time.monotonic() + CLEAN_SECONDS
                sent = self.relay.cycle()
            except Exception:
                log.exception("relay failed; trying again")
                self._stopping.wait(min(5.0, self.settings.poll_seconds * 5))
                continue
            if not sent:
                self._wake.wait(self.settings.poll_seconds)

    def _keep_leases(self) -> None:
        """A thread of its own, so that nothing the relay waits for costs a running job its lease."""
        while not self._ended.wait(self.settings.lease_seconds / 3):
            earliest = time.monotonic() - LONGEST_RUN_SECONDS
            try:
                self.relay.renew([run.lease_id for run, began in self._running.copy().items() if began > earliest])
            except Exception:
                log.exception("leases could not be renewed; trying again")

    def _beat(self) -> None:
        now = clock.now()
        with self.runtime.database.shell() as session:
            session.merge(Heartbeat(worker=self.name, seen_at=now))
            session.execute(sa.delete(Heartbeat).where(Heartbeat.seen_at < now - timedelta(hours=1)))

    def _leave(self) -> None:
        with suppress(sa.exc.SQLAlchemyError), self.runtime.database.shell() as session:
            session.execute(sa.delete(Heartbeat).where(Heartbeat.worker == self.name))


def make_broker(settings: JobSettings) -> dramatiq.Broker:
    """Redis with time-outs, so that a network that swallows packets does not hold up the relay; or this process."""
    if not settings.broker:
        return StubBroker(middleware=[])
    client = redis.Redis.from_url(settings.broker, socket_timeout=5, socket_connect_timeout=5)
    return RedisBroker(client=client, middleware=[])  # type: ignore[no-untyped-call]  # -- dramatiq leaves it untyped
