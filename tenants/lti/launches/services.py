"""Reading the launch log: who came, what was checked, and what the platforms' state is in the light of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.lti.launches.models import Launch, Outcome
from tenants.lti.wire.checks import LAUNCH_STEPS, LOGIN_STEPS, Check, Checklist

PAGE = 50


@dataclass(frozen=True, slots=True)
class Health:
    """Of one platform: when it last launched well, and the newest refusal if nothing good came after it."""

    last_good: datetime | None
    last_refused: datetime | None
    last_code: str

    @property
    def is_failing(self) -> bool:
        return self.last_refused is not None and (self.last_good is None or self.last_refused > self.last_good)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the inspector; ``passed`` None means it was never reached."""

    title: str
    check: Check


class LaunchLog:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def recent(
        self,
        *,
        platform_id: UUID | None = None,
        outcome: Outcome | None = None,
        before: datetime | None = None,
        limit: int = PAGE,
    ) -> Sequence[Launch]:
        """Newest first; ``before`` pages on."""
        query = sa.select(Launch)
        if platform_id is not None:
            query = query.where(Launch.platform_id == platform_id)
        if outcome is not None:
            query = query.where(Launch.outcome == outcome)
        if before is not None:
            query = query.where(Launch.started_at < before)
        return self.session.scalars(query.order_by(Launch.started_at.desc(), Launch.id.desc()).limit(limit)).all()

    def get(self, launch_id: UUID) -> Launch:
        launch = self.session.get(Launch, launch_id)
        if launch is None:
            raise Refused("WEB_NOT_FOUND")
        return launch

    def health(self, platform_ids: Sequence[UUID]) -> Mapping[UUID, Health]:
        times = sa.select(Launch.platform_id, Launch.outcome, sa.func.max(Launch.started_at)).where(
            Launch.platform_id.in_(platform_ids), Launch.outcome != Outcome.WAITING
        )
        last: dict[UUID, dict[Outcome, datetime]] = {platform_id: {} for platform_id in platform_ids}
        for platform_id, outcome, at in self.session.execute(times.group_by(Launch.platform_id, Launch.outcome)):
            if platform_id is not None:
                last[platform_id][outcome] = at
        return {
            platform_id: Health(
                found.get(Outcome.ACCEPTED),
                found.get(Outcome.REFUSED),
                self._code(platform_id, found.get(Outcome.REFUSED)),
            )
            for platform_id, found in last.items()
        }

    def _code(self, platform_id: UUID, at: datetime | None) -> str:
        if at is None:
            return ""
        same = sa.select(Launch.code).where(Launch.platform_id == platform_id, Launch.started_at == at)
        return self.session.scalar(same.limit(1)) or ""


def steps_of(launch: Launch) -> list[Step]:
    """Every step of login and launch in order: passed, failed or not reached."""
    shown = []
    for part, titles in (("login", LOGIN_STEPS), ("launch", LAUNCH_STEPS)):
        checklist = Checklist.from_json(titles, launch.checks.get(part, []))
        if part == "launch" and launch.outcome is Outcome.WAITING:
            continue
        if part == "login" and not checklist.checks:
            continue
        if part == "launch" and not checklist.checks and launch.outcome is Outcome.REFUSED:
            continue
        shown += [Step(titles[check.name], check) for check in checklist.every_step()]
    return shown
