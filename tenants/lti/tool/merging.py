"""Two accounts become one, and can become two again: every row that moves is written down with what it was.

The second account is not deleted; it is suspended and keeps what the first has already of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas.db.base import Base
from saas.db.scope import ScopedSession
from saas.jobs.outbox import later
from saas.sessions import close_all
from tenants.accounts.models import Person, PersonStatus
from tenants.grades.models import Progress, Result
from tenants.learning.models import Attempt, Enrolment, Grading, OutsideResult
from tenants.learning.models import Verdict as ExamVerdict
from tenants.learning.services import Advanced, ProgressMade
from tenants.lti.platform.models import ReceivedScore, ToolUser
from tenants.lti.tool import landing11, landing13
from tenants.lti.tool.models import Identity, Participant
from tenants.lti.tool.models11 import OutcomeRoute

#: What belongs to a person, and what of it one person can have only once.
MOVED: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
    (Identity, ("issuer", "sub")),
    (Enrolment, ("activity_id",)),
    (Participant, ("resource_link_id",)),
    (OutcomeRoute, ("consumer_key_id", "resource_link_id")),
    (Result, ("activity_id",)),
    (OutsideResult, ("activity_id",)),
    (ToolUser, ("audience",)),
    (ReceivedScore, ("line_item_id",)),
)
#: Of an `OutsideResult`.
_TIMES = ("said_at", "received_at", "withdrawn_at")
CHANNELS: dict[type[Base], str] = {Participant: landing13.CHANNEL, OutcomeRoute: landing11.CHANNEL}


@dataclass(frozen=True, slots=True)
class Merger:
    """``second`` goes up in ``first``."""

    session: ScopedSession
    first: Person
    second: Person

    def merge(self) -> dict[str, Any]:
        """What takes it back, for `separate`."""
        record: dict[str, Any] = {"status": self.second.status.value, "moved": {}}
        for model, once in MOVED:
            rows = self._to_move(model, once)
            for row in rows:
                row.person_id = self.first.id
            record["moved"][model.__tablename__] = [str(row.id) for row in rows]
            self.session.flush()
        record["moved_results"] = self._values(record["moved"][Result.__tablename__])
        record["better_results"] = self._take_better_results()
        record["passes"] = self._take_passes()
        record["attempts"] = self._renumber()
        self.second.status = PersonStatus.SUSPENDED
        self._tell(record)
        self._end_sessions()
        return record

    def separate(self, record: dict[str, Any]) -> None:
        """Back as it was, as far as it is still there; what came since stays with the first."""
        for model, _once in MOVED:
            for row in self._by_id(model, record["moved"].get(model.__tablename__, ())):
                if row.person_id == self.first.id:
                    row.person_id = self.second.id
        self.session.flush()
        self._part_results(record["moved_results"])
        self._give_back_results(record["better_results"])
        self._give_back_passes(record.get("passes", ()))
        self._restore_attempts(record["attempts"])
        self.second.status = PersonStatus(record["status"])
        self._tell(record)
        self._end_sessions()

    def _rows(self, model: type[Any], person: Person) -> Sequence[Any]:
        return self.session.scalars(sa.select(model).where(model.person_id == person.id).order_by(model.id)).all()

    def _by_id(self, model: type[Any], ids: Iterable[str]) -> Sequence[Any]:
        wanted = [UUID(each) for each in ids]
        return self.session.scalars(sa.select(model).where(model.id.in_(wanted))).all() if wanted else ()

    def _to_move(self, model: type[Any], once: tuple[str, ...]) -> list[Any]:
        def key(row: Any) -> tuple[Any, ...]:
            return tuple(getattr(row, name) for name in once)

        has = {key(row) for row in self._rows(model, self.first)}
        return [row for row in self._rows(model, self.second) if key(row) not in has]

    def _tell(self, record: dict[str, Any]) -> None:
        """The other LMS hears what is true of whom its grade column belongs to now."""
        for model, channel in CHANNELS.items():
            for row in self._by_id(model, record["moved"][model.__tablename__]):
                later(self.session, "grades.tell_route", channel=channel, route_id=row.id, again=True)

    def _values(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        return {str(row.id): _value(row) for row in self._by_id(Result, ids)}

    def _take_better_results(self) -> list[list[Any]]:
        """Where both have a result the better one counts, and is told; [id, what it was, what it became]."""
        own = {row.activity_id: row for row in self._rows(Result, self.first)}
        changed: list[list[Any]] = []
        for other in self._rows(Result, self.second):
            mine, is_done = own[other.activity_id], other.progress is Progress.COMPLETED
            before = _value(mine)
            self.session.announce(
                ProgressMade(self.first.id, other.activity_id, is_done, other.score, other.achieved_at)
            )
            if _value(mine) != before:
                changed.append([str(mine.id), before, _value(mine)])
        return changed

    def _give_back_results(self, changed: Sequence[Sequence[Any]]) -> None:
        """What has grown since is the first's own by now."""
        was = {row[0]: (row[1], row[2]) for row in changed}
        for row in self._by_id(Result, was):
            before, became = was[str(row.id)]
            if _value(row) == became:
                _set_value(row, before)
        self.session.flush()

    def _take_passes(self) -> list[list[Any]]:
        """Where both sat an exam and the second has passed it, so has the first; [id, what it was, what it became]."""
        own = {row.activity_id: row for row in self._rows(OutsideResult, self.first)}
        changed: list[list[Any]] = []
        for other in self._rows(OutsideResult, self.second):
            mine = own[other.activity_id]
            if other.verdict is ExamVerdict.PASSED and mine.verdict is not ExamVerdict.PASSED:
                before = _word(mine)
                _set_word(mine, _word(other))
                changed.append([str(mine.id), before, _word(mine)])
        self.session.flush()
        return changed

    def _give_back_passes(self, changed: Sequence[Sequence[Any]]) -> None:
        """What the tool has said since is the first's own by now."""
        was = {row[0]: (row[1], row[2]) for row in changed}
        for row in self._by_id(OutsideResult, was):
            before, became = was[str(row.id)]
            if _word(row) == became:
                _set_word(row, before)
        self.session.flush()

    def _part_results(self, were: dict[str, dict[str, Any]]) -> None:
        """A result that went back to the second, and had grown since: the first has earned that."""
        for row in self._by_id(Result, were):
            now, then = _value(row), were[str(row.id)]
            if now != then:
                earned = Result(person_id=self.first.id, activity_id=row.activity_id)
                _set_value(earned, now)
                self.session.add(earned)
                _set_value(row, then)
        self.session.flush()

    def _renumber(self) -> list[list[Any]]:
        """All attempts in the order they were begun; [id, whose, number] as it was."""
        both = sorted(
            [*self._rows(Attempt, self.first), *self._rows(Attempt, self.second)],
            key=lambda each: (each.activity_id.hex, each.started_at, each.id.hex),
        )
        mixed = {each.activity_id for each in both if each.person_id == self.second.id}
        both = [each for each in both if each.activity_id in mixed]
        before = [[str(each.id), str(each.person_id), each.number] for each in both]
        self._park(both)
        numbers: dict[UUID, int] = {}
        for each in both:
            numbers[each.activity_id] = numbers.get(each.activity_id, 0) + 1
            each.person_id, each.number = self.first.id, numbers[each.activity_id]
        self.session.flush()
        for activity_id in sorted(mixed, key=str):
            self.session.announce(Advanced(self.first.id, activity_id))
        return before

    def _restore_attempts(self, before: Sequence[Sequence[Any]]) -> None:
        was = {row[0]: (UUID(row[1]), row[2]) for row in before}
        attempts = self._by_id(Attempt, was)
        self._park(attempts)
        for each in attempts:
            each.person_id, each.number = was[str(each.id)]
        self.session.flush()

    def _park(self, attempts: Sequence[Attempt]) -> None:
        """Out of each other's way: a number is unique per person and activity."""
        for place, each in enumerate(attempts, 1):
            each.number = -place
        self.session.flush()

    def _end_sessions(self) -> None:
        for person in (self.first, self.second):
            close_all(self.session, person.id)
        self.session.flush()


def _value(result: Result) -> dict[str, Any]:
    score = None if result.score is None else str(result.score)
    return {"progress": result.progress.value, "score": score, "achieved_at": result.achieved_at.isoformat()}


def _set_value(result: Result, value: dict[str, Any]) -> None:
    result.progress = Progress(value["progress"])
    result.score = None if value["score"] is None else Decimal(value["score"])
    result.achieved_at = datetime.fromisoformat(value["achieved_at"])


def _word(row: OutsideResult) -> dict[str, Any]:
    """Everything an outside tool said, and what it meant, as JSON."""
    said = {name: getattr(row, name) for name in ("given", "maximum", "minimum", "comment", "source")}
    times = {name: value and value.isoformat() for name in _TIMES for value in [getattr(row, name)]}
    percent = None if row.percent is None else str(row.percent)
    verdict = row.verdict.value if row.verdict else None
    return {**said, **times, "percent": percent, "grading": row.grading.value, "verdict": verdict}


def _set_word(row: OutsideResult, word: dict[str, Any]) -> None:
    for name in ("given", "maximum", "minimum", "comment", "source"):
        setattr(row, name, word[name])
    for name in _TIMES:
        setattr(row, name, word[name] and datetime.fromisoformat(word[name]))
    row.percent = None if word["percent"] is None else Decimal(word["percent"])
    row.grading = Grading(word["grading"])
    row.verdict = ExamVerdict(word["verdict"]) if word["verdict"] else None
