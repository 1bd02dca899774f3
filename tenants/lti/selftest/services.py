"""Runs of the self-test: begun, written down line by line, found again, forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Self
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.lti.platform.models import Tool
from tenants.lti.selftest.models import Part, RunState, SelfTest, SelfTestRow, Verdict
from tenants.lti.selftest.titles import (
    ADDRESSES,
    KEY_MESSAGES,
    PLATFORM_MESSAGES,
    TOOL_ADDRESSES,
    TOOL_MESSAGES,
)
from tenants.lti.tool.models import Platform
from tenants.lti.tool.models11 import ConsumerKey

Subject = Platform | ConsumerKey | Tool

#: The column that names what is tested, and how many lines its report has.
_KINDS: Mapping[type[Subject], tuple[str, int]] = MappingProxyType(
    {
        Platform: ("platform_id", len(PLATFORM_MESSAGES) + len(ADDRESSES)),
        ConsumerKey: ("consumer_key_id", len(KEY_MESSAGES)),
        Tool: ("tool_id", len(TOOL_MESSAGES) + len(TOOL_ADDRESSES)),
    }
)
#: A run that has not ended by then never will; another may begin.
LONGEST = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Line:
    """A row to be: what `SelfTestRow` says of it."""

    part: Part
    name: str
    verdict: Verdict
    expected: str = ""
    happened: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A run as people see it."""

    test: SelfTest
    rows: Sequence[SelfTestRow]

    @classmethod
    def of(cls, session: ScopedSession, test: SelfTest) -> Self:
        query = sa.select(SelfTestRow).where(SelfTestRow.test_id == test.id).order_by(SelfTestRow.position)
        return cls(test, session.scalars(query).all())

    @property
    def busy(self) -> bool:
        return self.test.state is RunState.RUNNING and self.test.started_at > clock.now() - LONGEST

    @property
    def passed(self) -> bool:
        """Ended, with nothing red; what is to look at does not count."""
        return self.test.state is RunState.DONE and not self.count(Verdict.FAILED)

    def count(self, verdict: Verdict) -> int:
        return sum(row.verdict == verdict for row in self.rows)

    def of_part(self, part: str) -> list[SelfTestRow]:
        return [row for row in self.rows if row.part == part]

    def title(self, row: SelfTestRow) -> str:
        """In English; the page translates it."""
        if row.part is Part.ADDRESSES:
            return ADDRESSES.get(row.name, row.name)
        of_tool = TOOL_MESSAGES if self.test.tool_id else KEY_MESSAGES
        return (PLATFORM_MESSAGES if self.test.platform_id else of_tool).get(row.name, row.name)


class SelfTests:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def begin(self, subject: Subject, asked_by: str) -> tuple[SelfTest, bool]:
        """A new run, or the one that is under way; True when it is new and wants to be run."""
        latest = self.latest(subject)
        return (latest.test, False) if latest is not None and latest.busy else (self.add(subject, asked_by), True)

    def add(self, subject: Subject, asked_by: str) -> SelfTest:
        column, planned = _KINDS[type(subject)]
        test = SelfTest(**{column: subject.id}, asked_by=asked_by, planned=planned)
        self.session.add(test)
        self.session.flush()
        return test

    def get(self, test_id: UUID) -> SelfTest:
        found = self.session.get(SelfTest, test_id)
        if found is None:
            raise Refused("WEB_NOT_FOUND")
        return found

    def latest(self, subject: Subject) -> Report | None:
        column, _planned = _KINDS[type(subject)]
        query = sa.select(SelfTest).where(getattr(SelfTest, column) == subject.id)
        test = self.session.scalar(query.order_by(SelfTest.started_at.desc(), SelfTest.id.desc()).limit(1))
        return Report.of(self.session, test) if test else None

    def write(self, test: SelfTest, lines: Sequence[Line]) -> None:
        """After what is there."""
        count = sa.select(sa.func.count(SelfTestRow.id)).where(SelfTestRow.test_id == test.id)
        begin = self.session.scalar(count) or 0
        for position, line in enumerate(lines, begin):
            self.session.add(
                SelfTestRow(
                    test_id=test.id,
                    position=position,
                    part=line.part,
                    name=line.name,
                    verdict=line.verdict,
                    expected=line.expected,
                    happened=line.happened,
                    remark=line.remark,
                )
            )
        self.session.flush()

    def restart(self, test: SelfTest) -> None:
        """Before it is run, also for the second time after a worker died."""
        self.session.execute(sa.delete(SelfTestRow).where(SelfTestRow.test_id == test.id))
        test.state, test.finished_at = RunState.RUNNING, None

    def end(self, test: SelfTest, state: RunState) -> None:
        test.state, test.finished_at = state, clock.now()

    def forget(self, before: datetime) -> None:
        self.session.execute(sa.delete(SelfTest).where(SelfTest.started_at < before))
