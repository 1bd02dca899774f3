"""How far somebody is in an activity, in the words that stand on every page: completed, or passed and failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from uuid import UUID

from tenants.catalog.models import Activity
from tenants.learning.models import Attempt, Grading, OutsideResult, Verdict
from tenants.learning.outside import verdict_on


class Reads(StrEnum):
    """The word for how far somebody is, as it stands on every page."""

    NOT_STARTED = "not-started"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    PASSED = "passed"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Standing:
    """One attempt of a person at an activity (None: not begun), with what an outside tool said about them there.

    ``is_newest``: no later attempt was begun. ``best``: the highest score over all attempts, percent.
    """

    activity: Activity
    attempt: Attempt | None
    outside: OutsideResult | None = None
    is_newest: bool = True
    best: Decimal | None = None

    @property
    def reads(self) -> Reads:
        if self.activity.is_exam:
            return self._exam()
        if self.attempt is None:
            return Reads.NOT_STARTED
        return Reads.COMPLETED if self.attempt.is_completed else Reads.IN_PROGRESS

    def _exam(self) -> Reads:
        if self.outside is not None and self.outside.verdict is not None:
            return Reads(self.outside.verdict.value)
        return Reads.NOT_STARTED if self.attempt is None and self.outside is None else Reads.WAITING

    @property
    def attempt_reads(self) -> Reads:
        """Of this attempt alone, where there may be others."""
        if not self.activity.is_exam or self.attempt is None:
            return self.reads
        if not self.attempt.is_completed:
            return Reads.WAITING
        if self.attempt.score is None and not self.is_newest:
            return Reads.WAITING  # the tool took it back
        if self.attempt.score is None or self.minimum is None or (self.is_newest and self.reads is Reads.WAITING):
            return self.reads
        return Reads(verdict_on(self.attempt.score, self.minimum).value)

    @property
    def minimum(self) -> int | None:
        """Percent: the rule a verdict was reached by, else the one that holds now."""
        judged = self.outside.minimum if self.outside else None
        return judged if judged is not None else self.activity.minimum_score

    @property
    def is_done(self) -> bool:
        return self.reads in (Reads.COMPLETED, Reads.PASSED)

    @property
    def may_repeat(self) -> bool:
        return self.reads is Reads.FAILED

    @property
    def score(self) -> Decimal | None:
        """Percent: what counts (`score_that_counts`)."""
        return score_that_counts(self.outside, self.reads, self.attempt.score if self.attempt else None, self.best)

    @property
    def shown(self) -> Decimal | None:
        """The score for people (`cut`)."""
        return cut(self.score) if self.activity.is_exam else self.score

    @property
    def attempt_shown(self) -> Decimal | None:
        """The score of this attempt alone; none where the tool took back what it said of the newest."""
        if self.attempt is None or not self.attempt.is_completed or (self.is_newest and self.is_withdrawn):
            return None
        return cut(self.attempt.score) if self.activity.is_exam else self.attempt.score

    @property
    def newer(self) -> Decimal | None:
        return newer_score(self.outside, self.score)

    @property
    def is_withdrawn(self) -> bool:
        return self.outside is not None and self.outside.withdrawn_at is not None

    @property
    def grading(self) -> str:
        """While the tool has not decided: "awaited" or "failed"; empty where there is nothing to say about it."""
        if self.outside is None or self.outside.grading not in (Grading.AWAITED, Grading.FAILED):
            return ""
        return self.outside.grading.value


def standings(attempts: Sequence[Attempt], outside: Mapping[UUID, OutsideResult]) -> list[Standing]:
    """``attempts`` newest first, of one person; ``outside`` by activity."""
    best: dict[UUID, Decimal] = {}
    for attempt in attempts:
        if attempt.score is not None:
            best[attempt.activity_id] = max(attempt.score, best.get(attempt.activity_id, Decimal(0)))
    met: set[UUID] = set()
    found = []
    for attempt in attempts:
        is_newest = attempt.activity_id not in met
        met.add(attempt.activity_id)
        said = outside.get(attempt.activity_id)
        found.append(Standing(attempt.activity, attempt, said, is_newest, best.get(attempt.activity_id)))
    return found


def score_that_counts(
    outside: OutsideResult | None, reads: Reads, own: Decimal | None, best: Decimal | None
) -> Decimal | None:
    """In percent; of a pass the score it was reached with, even where a lower one came later.

    ``own``: of the attempts looked at; ``best``: over all of them.
    """
    if outside is None:
        return own
    if outside.withdrawn_at is not None:
        return None
    if outside.verdict is Verdict.PASSED and best is not None:
        return best
    return own if outside.percent is None and reads is Reads.COMPLETED else outside.percent


def newer_score(outside: OutsideResult | None, score: Decimal | None) -> Decimal | None:
    """In percent: what the tool said later and changed nothing; ``score`` is what counts."""
    later = outside.percent if outside else None
    return None if score is None or later == score else cut(later)


def cut(percent: Decimal | None) -> Decimal | None:
    """To two decimals and never up: what failed never looks like the minimum."""
    return None if percent is None else percent.quantize(Decimal("0.01"), ROUND_DOWN)
