"""Check Zoom connection: runs of it, begun, written down line by line, cancelled, found again, forgotten."""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from types import MappingProxyType
from typing import Any, Self
from uuid import UUID, uuid4

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.zoom.ltipro.addresses import ZoomAddresses, instance_url
from tenants.zoom.ltipro.check_lines import EVIDENCE, LINES, POSITIONS, Finding, Line, Outcome, Subject
from tenants.zoom.ltipro.check_steps import Steps
from tenants.zoom.ltipro.health import Healths
from tenants.zoom.ltipro.models import ZoomCheck, ZoomCheckStep, ZoomPlace, ZoomProfile
from tenants.zoom.ltipro.use import use_of

#: Reports kept of each profile, and of forms that were never saved.
KEPT = 5
#: A run that has not ended by then never will.
LONGEST = timedelta(minutes=3)
CANCELLED, BROKE_OFF = "ZOOM_CHECK_CANCELLED", "ZOOM_CHECK_BROKE_OFF"
TEXT_LIMIT = 300
_LINES: Mapping[str, Line] = MappingProxyType({line.name: line for line in LINES})


@dataclass(frozen=True, slots=True)
class Draft:
    """The values of a form as they stand; ``profile`` None while it was never saved."""

    name: str
    lti_key: str
    profile: ZoomProfile | None = None

    @classmethod
    def of(cls, profile: ZoomProfile) -> Self:
        """As it is saved."""
        return cls(profile.name, profile.lti_key, profile)

    def values(self, academy: Academy) -> dict[str, Any]:
        """What is kept of them; no secret is."""
        saved = self.profile
        return {
            "name": self.name[:TEXT_LIMIT],
            "lti_key": self.lti_key[:TEXT_LIMIT],
            "client_id": saved.tool.client_id if saved else "",
            "issuer": saved.issuer if saved else instance_url(academy),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A run as people see it; ``rows`` as far as it has come."""

    check: ZoomCheck
    rows: Sequence[ZoomCheckStep]
    planned: int = len(LINES)

    @property
    def busy(self) -> bool:
        return self.check.finished_at is None and self.check.started_at > clock.now() - LONGEST

    @property
    def interrupted(self) -> bool:
        """It will not go on by itself; what it found stands."""
        return not self.busy and (self.check.finished_at is None or self._has(BROKE_OFF))

    @property
    def cancelled(self) -> bool:
        return self._has(CANCELLED)

    @property
    def passed(self) -> bool:
        """It came to its end, with nothing red; what is to look at does not count."""
        is_whole = self.check.finished_at is not None and not self.cancelled and not self.interrupted
        return is_whole and not self.count(Outcome.FAILED)

    @property
    def name(self) -> str:
        return str(self.check.values.get("name", ""))

    def count(self, outcome: str) -> int:
        return sum(row.outcome == outcome for row in self.rows)

    def line(self, row: ZoomCheckStep) -> Line:
        """Number and title; in English, the page translates it."""
        return _LINES.get(row.step) or Line(0, row.step, row.step)

    def moment(self, row: ZoomCheckStep) -> datetime | None:
        """When it happened, where that is what the line found."""
        if row.step not in EVIDENCE or row.outcome != Outcome.OK:
            return None
        with suppress(ValueError):
            return datetime.fromisoformat(row.seen)
        return None

    def shows(self, finding: Finding) -> bool:
        """Whether that is what the report says already; one without the line has nothing to say of it."""
        said = [(row.outcome, row.code, row.seen) for row in self.rows if row.step == finding.name]
        return said in ([], [(finding.outcome.value, finding.code, finding.seen)])

    def _has(self, code: str) -> bool:
        return any(row.code == code for row in self.rows)


class Checks:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession, runtime: Runtime, academy: Academy) -> None:
        self.session = session
        self.runtime = runtime
        self.academy = academy

    def begin(self, draft: Draft, asked_by: str, person_id: UUID | None = None) -> tuple[ZoomCheck, bool]:
        """A new run, or the person's of the same values that is under way; True when it is new and wants to be run."""
        values, profile_id = draft.values(self.academy), draft.profile.id if draft.profile else None
        for report in self.of(profile_id):
            if report.busy and report.check.values == values and report.check.person_id == person_id:
                return report.check, False
        return self.add(draft, asked_by, person_id), True

    def add(self, draft: Draft, asked_by: str, person_id: UUID | None = None) -> ZoomCheck:
        profile_id = draft.profile.id if draft.profile else None
        values = draft.values(self.academy)
        check = ZoomCheck(profile_id=profile_id, values=values, asked_by=asked_by, person_id=person_id)
        self.session.add(check)
        self.session.flush()
        self._prune(profile_id)
        return check

    def get(self, check_id: UUID) -> ZoomCheck:
        check = self.session.get(ZoomCheck, check_id)
        if check is None:
            raise Refused("WEB_NOT_FOUND")
        return check

    def report(self, check: ZoomCheck) -> Report:
        """Without lines that are not looked at any more."""
        query = sa.select(ZoomCheckStep).where(ZoomCheckStep.check_id == check.id, ZoomCheckStep.step.in_(_LINES))
        return Report(check, self.session.scalars(query.order_by(ZoomCheckStep.position)).all())

    def latest(self, profile_id: UUID | None) -> Report | None:
        return next(iter(self.of(profile_id, limit=1)), None)

    def of(self, profile_id: UUID | None, limit: int = KEPT) -> list[Report]:
        """Newest first."""
        same = ZoomCheck.profile_id.is_(None) if profile_id is None else ZoomCheck.profile_id == profile_id
        query = sa.select(ZoomCheck).where(same).order_by(ZoomCheck.started_at.desc(), ZoomCheck.id.desc())
        checks = self.session.scalars(query.limit(limit)).all()
        return [self.report(check) for check in checks]

    def restart(self, check_id: UUID) -> tuple[Subject, datetime] | None:
        """Before it is run, also for the second time after a worker died; None when it is over, or too late.

        The moment it was (re)started names this run: whoever still runs it from before stops at the next line.
        """
        check = self._locked(check_id)
        if check is None or check.finished_at is not None:
            return None
        if check.started_at <= clock.now() - LONGEST:
            self._close(check, BROKE_OFF)
            return None
        self.session.execute(sa.delete(ZoomCheckStep).where(ZoomCheckStep.check_id == check.id))
        check.started_at = clock.now()
        subject = self._subject(check)
        self.session.flush()
        return subject, check.started_at

    def write(self, check_id: UUID, run: datetime, finding: Finding, milliseconds: int) -> bool:
        """One line; False when this run may not go on: cancelled, started again, or forgotten."""
        check = self._locked(check_id)
        if check is None or check.finished_at is not None or check.started_at != run:
            return False
        self._add(check, finding, milliseconds)
        if POSITIONS[finding.name] == len(LINES) - 1:
            check.finished_at = clock.now()
        self.session.flush()
        return True

    def note_launch(self, check_id: UUID, finding: Finding) -> None:
        """What became of the launch that was watched, in its line, which is there once the run is over."""
        check = self._locked(check_id)
        query = sa.select(ZoomCheckStep).where(ZoomCheckStep.check_id == check_id, ZoomCheckStep.step == finding.name)
        row = self.session.scalar(query)
        if check is None or check.finished_at is None or row is None:
            return
        row.outcome, row.code, row.seen = finding.outcome.value, finding.code, finding.seen
        self.session.flush()

    def cancel(self, check_id: UUID) -> None:
        self._end(check_id, CANCELLED)

    def break_off(self, check_id: UUID) -> None:
        """The run will not go on; what it found until now stands."""
        self._end(check_id, BROKE_OFF)

    def forget(self, before: datetime) -> None:
        self.session.execute(sa.delete(ZoomCheck).where(ZoomCheck.started_at < before))

    def _end(self, check_id: UUID, code: str) -> None:
        check = self._locked(check_id)
        if check is not None and check.finished_at is None:
            self._close(check, code)

    def _close(self, check: ZoomCheck, code: str) -> None:
        """Every line that is missing says why."""
        query = sa.select(ZoomCheckStep.step).where(ZoomCheckStep.check_id == check.id)
        there = set(self.session.scalars(query))
        for line in LINES:
            if line.name not in there:
                self._add(check, Finding(line.name, Outcome.SKIPPED, code), 0)
        check.finished_at = clock.now()
        self.session.flush()

    def _add(self, check: ZoomCheck, finding: Finding, milliseconds: int) -> None:
        self.session.add(
            ZoomCheckStep(
                check_id=check.id,
                position=POSITIONS[finding.name],
                step=finding.name,
                outcome=finding.outcome.value,
                code=finding.code,
                seen=finding.seen,
                milliseconds=milliseconds,
            )
        )

    def _locked(self, check_id: UUID) -> ZoomCheck | None:
        """The row, for us alone until the end of the transaction."""
        query = sa.select(ZoomCheck).where(ZoomCheck.id == check_id).with_for_update()
        return self.session.scalar(query.execution_options(populate_existing=True))

    def _prune(self, profile_id: UUID | None) -> None:
        same = ZoomCheck.profile_id.is_(None) if profile_id is None else ZoomCheck.profile_id == profile_id
        newest = sa.select(ZoomCheck.id).where(same).order_by(ZoomCheck.started_at.desc(), ZoomCheck.id.desc())
        kept = self.session.scalars(newest.limit(KEPT)).all()
        self.session.execute(sa.delete(ZoomCheck).where(same, ZoomCheck.id.not_in(kept)))

    def _subject(self, check: ZoomCheck) -> Subject:
        values, is_on = check.values, use_of(self.session, self.academy).is_on
        known = self.session.get(ZoomProfile, check.profile_id) if check.profile_id else None
        redirects = self.runtime.part(ZoomAddresses).redirect_urls
        if known is None:
            made_up = str(uuid4()), secrets.token_hex(6)
            return Subject(values["lti_key"], *made_up, values["issuer"], redirects, is_saved=False, is_on=is_on)
        return Subject(
            values["lti_key"],
            values["client_id"],
            known.tool.deployment_id,
            values["issuer"],
            tuple(known.tool.redirect_urls) or redirects,
            is_saved=True,
            tool_id=known.tool_id,
            health=Healths(self.session).of([known])[known.id],
            is_on=is_on,
            is_active=known.is_active,
            has_place=self._has_place(known),
        )

    def _has_place(self, profile: ZoomProfile) -> bool:
        there = sa.select(ZoomPlace.id).where(ZoomPlace.profile_id == profile.id, ZoomPlace.is_on)
        return self.session.scalar(there.limit(1)) is not None


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """Reads in one transaction, asks with none of its own open, writes each line in another."""

    runtime: Runtime
    academy: Academy

    def run(self, check_id: UUID) -> None:
        with self.runtime.database.transaction(self.academy.id) as session:
            started = self._checks(session).restart(check_id)
        if started is None:
            return
        subject, run = started
        began = perf_counter()
        for finding in Steps(self.runtime, self.academy, subject).findings():
            took = round((perf_counter() - began) * 1000)
            with self.runtime.database.transaction(self.academy.id) as session:
                if not self._checks(session).write(check_id, run, finding, took):
                    return
            began = perf_counter()

    def break_off(self, check_id: UUID) -> None:
        with self.runtime.database.transaction(self.academy.id) as session:
            self._checks(session).break_off(check_id)

    def _checks(self, session: ScopedSession) -> Checks:
        return Checks(session, self.runtime, self.academy)


def run_check(runtime: Runtime, academy: Academy, profile_id: UUID, asked_by: str = "operator") -> Report:
    """Begins a run of a saved profile and stays until its end, for the command line. `Refused` WEB_NOT_FOUND.

    The report is of no session any more.
    """
    with runtime.database.transaction(academy.id) as session:
        profile = session.get(ZoomProfile, profile_id)
        if profile is None:
            raise Refused("WEB_NOT_FOUND")
        check_id = Checks(session, runtime, academy).add(Draft.of(profile), asked_by).id
    ConnectionCheck(runtime, academy).run(check_id)
    with runtime.database.transaction(academy.id, write=False) as session:
        checks = Checks(session, runtime, academy)
        report = checks.report(checks.get(check_id))
        session.expunge_all()
        return report


def report_rows(report: Report) -> list[dict[str, Any]]:
    """For the command line: a row for each line of the report."""
    return [
        {
            "step": report.line(row).number,
            "name": row.step,
            "title": report.line(row).title,
            "outcome": row.outcome,
            "code": row.code,
            "seen": row.seen,
            "milliseconds": row.milliseconds,
        }
        for row in report.rows
    ]
