"""Roster preview: 10,000 members read page by page by ``lyceum worker``, laid beside what is here, and shown."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from benchmarks import cpu
from benchmarks.load import Generator
from benchmarks.measure import Burst, FailedError, OverHttp
from benchmarks.school import DEPLOYMENT, get
from benchmarks.systems import Lyceum
from saas.jobs.outbox import later
from tenants.access import Role
from tenants.lti.tool.models import ResourceLink
from tenants.lti.tool.rosters import Rosters
from tenants.lti.tool.sharing_models import PullState

#: Members read for each request another path would send: 100 are 10,000.
MEMBERS = 100
PATIENCE = 300


class RosterPreview:
    """``per_second`` counts members; the latencies are those of the preview's page."""

    def __init__(self, lyceum: Lyceum, generator: Generator, sink: int) -> None:
        self.name, self.database = "lyceum", lyceum.database
        self.lyceum, self.generator = lyceum, generator
        self.services = f"http://127.0.0.1:{sink}"
        self.pull = self.link = UUID(int=0)
        self.grown = 0.0
        with lyceum.kit.session() as session:
            link = ResourceLink(
                platform_id=lyceum.platform_id,
                deployment_id=DEPLOYMENT,
                resource_link_id="roster",
                activity_id=lyceum.activity.id,
            )
            session.add(link)
            session.flush()
            self.link = link.id
        with cpu.processors(lyceum.processors):
            self.worker = lyceum.installation.worker()
        self._read(10 * MEMBERS)  # what a worker loads with its first pages is no growth

    def close(self) -> None:
        self.worker.stop()

    def more(self) -> Mapping[str, float]:
        """The worker's most memory during a reading above what it held before."""
        return {"grown_mb": round(self.grown, 1)}

    def burst(self, count: int) -> Burst:
        members, family = count * MEMBERS, cpu.family(self.worker.process.pid)
        pids, held = [*family, *self.lyceum.database_pids()], cpu.memory(family)
        before, start = cpu.times(pids), time.perf_counter()
        self._read(members)
        seconds = time.perf_counter() - start
        self.grown = max(self.grown, cpu.memory(family, peak=True) - held)
        return Burst(members, seconds, cpu.spent(before, cpu.times(pids)))

    def gently(self, count: int, rate: float) -> Sequence[float]:
        host = self.lyceum.tool.host
        page = get(host, f"/integrations/lti-1.3/rosters/{self.pull}", self.lyceum.signed_in(Role.ADMIN))
        pages = partial(self._pages, page)
        shown = OverHttp(self.name, self.database, self.generator, self.lyceum.port, self.lyceum.pids, pages, 200)
        return shown.gently(count, rate)

    @staticmethod
    def _pages(page: bytes, count: int) -> Sequence[bytes]:
        return [page] * count

    def _read(self, members: int) -> None:
        with self.lyceum.kit.session() as session:
            link = session.get_one(ResourceLink, self.link)
            link.memberships_url = f"{self.services}/people?members={members}&from=0"
            self.pull = Rosters(session).start(link, "the benchmark").id
            later(session, "lti.read_roster", pull_id=self.pull)
        deadline = time.monotonic() + PATIENCE
        while (read := self._state())[0] is PullState.READING:
            if time.monotonic() > deadline:
                raise FailedError(f"{self.name}: the roster was not read within {PATIENCE} s")
            time.sleep(0.02)
        if read != (PullState.READY, members):
            raise FailedError(f"{self.name}: {read[0]} with {read[1]} of {members} members")

    def _state(self) -> tuple[PullState, int]:
        with self.lyceum.kit.session() as session:
            pull = Rosters(session).pull(self.pull)
            return pull.state, pull.entries
