"""Score delivery: results written to the ledger, told to the school by ``lyceum worker`` over real HTTP."""

import time
import urllib.request
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import count as numbers
from uuid import UUID

import orjson
import sqlalchemy as sa

from benchmarks import cpu
from benchmarks.measure import Burst, FailedError
from benchmarks.systems import Lyceum
from saas import clock
from saas.jobs.models import JobState, Outbox
from tenants.grades.services import Channels, Ledger
from tenants.learning.services import ProgressMade
from tenants.lti.tool.models import Participant
from tenants.lti.tool.models11 import OutcomeRoute

#: Seconds within which everything promised must have been done.
PATIENCE = 300
#: By AGS, and by Basic Outcomes.
SCORES = sa.select(Participant.person_id, Participant.sub)
OUTCOMES = sa.select(OutcomeRoute.person_id, OutcomeRoute.sourcedid)
#: When (monotonic seconds), for whom (``sub``), how many points.
Seen = tuple[float, str, float]


class Delivery:
    """The known people's results get better in each burst, so each has something new to be told.

    ``routes`` selects who they are here, and under which name the school hears of them.
    """

    def __init__(self, lyceum: Lyceum, sink: int, routes: sa.Select[UUID, str]) -> None:
        self.name, self.database = "lyceum", lyceum.database
        self.lyceum = lyceum
        self.sink = f"http://127.0.0.1:{sink}/seen"
        self.points = numbers(1)
        with lyceum.kit.session() as session:
            self.subs: dict[UUID, str] = {row[0]: row[1] for row in session.execute(routes)}
        with cpu.processors(lyceum.processors):
            self.worker = lyceum.installation.worker()
        self._settled()

    def close(self) -> None:
        self.worker.stop()

    def more(self) -> Mapping[str, float]:
        return {}

    def burst(self, count: int) -> Burst:
        people = list(self.subs)[:count]
        self._look()
        self._record(people)
        before = cpu.times(self._pids())
        self._settled()
        seen = self._told(people)
        return Burst(len(people) - 1, seen[-1][0] - seen[0][0], cpu.spent(before, cpu.times(self._pids())))

    def gently(self, count: int, rate: float) -> Sequence[float]:
        """From the moment a result was to be written to the score's arrival at the school."""
        people = list(self.subs)[:count]
        self._look()
        start, due = time.monotonic(), {}
        for turn, person in enumerate(people):
            due[self.subs[person]] = start + turn / rate
            time.sleep(max(0, start + turn / rate - time.monotonic()))
            self._record([person])
        self._settled()
        return [at - due[sub] for at, sub, _ in self._told(people)]

    def _pids(self) -> list[int]:
        return [*cpu.family(self.worker.process.pid), *self.lyceum.database_pids()]

    def _record(self, people: Sequence[UUID]) -> None:
        score, now = Decimal(next(self.points)) / 10, clock.now()
        with self.lyceum.kit.session() as session:
            ledger = Ledger(session, self.lyceum.runtime.part(Channels))
            for person in people:
                ledger.record(ProgressMade(person, self.lyceum.activity.id, completed=True, score=score, at=now))

    def _told(self, people: Sequence[UUID]) -> list[Seen]:
        seen = self._look()
        if len(seen) != len(people):
            raise FailedError(f"{self.name}: {len(seen)} scores arrived instead of {len(people)}")
        return seen

    def _look(self) -> list[Seen]:
        with urllib.request.urlopen(self.sink) as answer:
            return [(at, sub, points) for at, sub, points in orjson.loads(answer.read())]

    def _settled(self) -> None:
        """Waits until nothing is due any more."""
        deadline = time.monotonic() + PATIENCE
        while (waiting := self._waiting()) is not None:
            if time.monotonic() > deadline:
                raise FailedError(f"{self.name}: promised work was not done within {PATIENCE} s: {waiting}")
            time.sleep(0.02)

    def _waiting(self) -> str | None:
        """What the last try of something still to be done came to; None when all is done."""
        open_ = (Outbox.state.in_((JobState.DUE, JobState.LEASED)), Outbox.job.startswith("grades."))
        with self.lyceum.runtime.database.shell(write=False) as session:
            return session.scalar(sa.select(Outbox.error).where(*open_).order_by(Outbox.error.desc()).limit(1))
