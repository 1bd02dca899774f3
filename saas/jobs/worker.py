"""One process's share of the work: a Dramatiq worker, a relay and the clock of the recurring jobs."""

import os
import socket
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

# Read when dramatiq is imported: with its default a worker sleeps whenever two messages per thread are outstanding.
os.environ.setdefault("dramatiq_queue_prefetch", "64")

import dramatiq
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker

from saas import clock
from saas.jobs import recurring
from saas.jobs.execution import Execution
from saas.jobs.models import Heartbeat
from saas.jobs.outbox import WorkPromised
from saas.jobs.relay import Relay

if TYPE_CHECKING:
    from saas.runtime import Runtime

log = structlog.get_logger()
#: Dramatiq's queue; Redis holds nothing but ``(tenant, outbox id, lease)``.
QUEUE = "lyceum"
HEARTBEAT_SECONDS = 10
CLEAN_SECONDS = 300


class Worker:
    """Runs in its own process (``lyceum worker``) or inside the web process (embedded mode)."""

    def __init__(self, runtime: "Runtime") -> None:
        self.runtime = runtime
        self.settings = runtime.settings.jobs
        self.broker: dramatiq.Broker = (
            RedisBroker(url=self.settings.broker, middleware=[])  # type: ignore[no-untyped-call]  # -- dramatiq leaves it untyped
            if self.settings.broker
            else StubBroker(middleware=[])
        )
        self._actor = dramatiq.Actor(
            self._perform, broker=self.broker, actor_name="outbox", queue_name=QUEUE, priority=0, options={}
        )
        self.relay = Relay(runtime, self._send)
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="relay", daemon=True)
        self._worker = dramatiq.Worker(self.broker, worker_threads=self.settings.threads, worker_timeout=200)
        runtime.events.subscribe(WorkPromised, lambda _session, _event: self._wake.set())

    def start(self) -> None:
        self._worker.start()
        self._thread.start()

    def stop(self) -> None:
        """Lets running jobs end; what they do not finish is leased again elsewhere."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout=10)
        self._worker.stop(timeout=20_000)
        self.broker.close()

    def _send(self, tenant_id: int, outbox_id: UUID, lease_id: UUID) -> None:
        self._actor.send(str(tenant_id), str(outbox_id), str(lease_id))

    def _perform(self, tenant_id: str, outbox_id: str, lease_id: str) -> None:
        try:
            Execution(self.runtime, int(tenant_id), UUID(outbox_id), UUID(lease_id)).perform()
        finally:
            self._wake.set()

    def _loop(self) -> None:
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

    def _beat(self) -> None:
        with self.runtime.database.shell() as session:
            session.merge(Heartbeat(worker=self.name, seen_at=clock.now()))
            gone = clock.now() - timedelta(hours=1)
            for other in session.query(Heartbeat).where(Heartbeat.seen_at < gone):
                session.delete(other)
