"""Rounds: every system of a path is up at once and visited in rotation: a slow moment of the machine meets all."""

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol

from benchmarks.cpu import spent, times
from benchmarks.load import Generator, Order, Outcome


class FailedError(Exception):
    """A system gave a wrong answer: its figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Burst:
    """``cpu`` is nanoseconds of the system's processes and their database together."""

    count: int
    seconds: float
    cpu: int

    @property
    def rate(self) -> float:
        return self.count / self.seconds


class Contestant(Protocol):
    """One system on one path. ``database`` groups what is compared; empty for the unit."""

    @property
    def name(self) -> str: ...

    @property
    def database(self) -> str: ...

    def burst(self, count: int) -> Burst:
        """As fast as it can."""

    def gently(self, count: int, rate: float) -> Sequence[float]:
        """Latencies in seconds at ``rate`` per second."""

    def more(self) -> Mapping[str, float]:
        """Figures of this path's own, once all is measured."""


@dataclass
class OverHttp:
    """``prepare`` renders that many requests, each to be sent once; ``accepted`` is the only right answer's status."""

    name: str
    database: str
    generator: Generator
    port: int
    pids: Callable[[], Iterable[int]]
    prepare: Callable[[int], Sequence[bytes]]
    accepted: int
    connections: int = 8

    def burst(self, count: int) -> Burst:
        order = Order(self.port, self.prepare(count), self.connections)
        before = times(self.pids())
        outcome = self._run(order)
        return Burst(count, outcome.seconds, spent(before, times(self.pids())))

    def gently(self, count: int, rate: float) -> Sequence[float]:
        return self._run(Order(self.port, self.prepare(count), 4 * self.connections, rate)).latencies

    def more(self) -> Mapping[str, float]:
        return {}

    def _run(self, order: Order) -> Outcome:
        outcome = self.generator.run(order)
        wrong = {status: count for status, count in outcome.statuses.items() if status != self.accepted}
        if wrong:
            raise FailedError(f"{self.name}: wrong answers {wrong} of {len(order.requests)}")
        return outcome


@dataclass(frozen=True, slots=True)
class Effort:
    """How much: ``rounds`` bursts of ``burst`` requests, then ``gentle`` requests at ``rate`` per second."""

    rounds: int
    burst: int
    gentle: int
    rate: float


@dataclass
class Figures:
    """``ratio`` to the peer on the same database and ``echo_units`` are medians of the rounds' own ratios."""

    bursts: list[Burst] = field(default_factory=list)
    latencies: Sequence[float] = ()
    more: Mapping[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return median(burst.rate for burst in self.bursts)

    def as_json(self, unit: "Figures | None", peer: "Figures | None") -> dict[str, float]:
        shown = {
            "per_second": round(self.rate, 1),
            "p50_ms": round(_percentile(self.latencies, 50) * 1000, 2),
            "p99_ms": round(_percentile(self.latencies, 99) * 1000, 2),
            "cpu_us": round(median(_cost(burst) for burst in self.bursts)),
        }
        if unit:
            pairs = zip(self.bursts, unit.bursts, strict=True)
            shown["echo_units"] = round(median(_cost(burst) / _cost(echo) for burst, echo in pairs), 2)
        if peer:
            pairs = zip(self.bursts, peer.bursts, strict=True)
            shown["ratio"] = round(median(burst.rate / other.rate for burst, other in pairs), 2)
        return {**shown, **self.more}


def _cost(burst: Burst) -> float:
    """Microseconds of processor time for one request; never nothing, whatever the clock's grain."""
    return max(burst.cpu, 1) / burst.count / 1000


def _percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


#: Name and database.
Key = tuple[str, str]


def contest(contestants: Sequence[Contestant], effort: Effort) -> dict[Key, Figures]:
    """One burst to warm up, the rounds, then the latencies."""
    figures = {(each.name, each.database): Figures() for each in contestants}
    for each in contestants:
        each.burst(effort.burst)
    for turn in range(effort.rounds):
        print(f"  round {turn + 1} of {effort.rounds}", file=sys.stderr, flush=True)
        first = turn % len(contestants)
        for each in (*contestants[first:], *contestants[:first]):
            figures[each.name, each.database].bursts.append(each.burst(effort.burst))
    for each in contestants:
        figures[each.name, each.database].latencies = each.gently(effort.gentle, effort.rate)
        figures[each.name, each.database].more = each.more()
    return figures
