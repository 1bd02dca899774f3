"""Reading the launch log: who came, what was checked, and what the platforms' state is in the light of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.lti.launches.models import Direction, Launch, Outcome, Protocol
from tenants.lti.wire.authorize import AUTHORIZE_STEPS
from tenants.lti.wire.checks import LAUNCH_STEPS, LOGIN_STEPS, Check, Checklist
from tenants.lti.wire.content_items import CONTENT_ITEM_STEPS
from tenants.lti.wire.deeplink import DEEP_LINKING_STEPS
from tenants.lti.wire.launch11 import CONTENT_ITEM_SELECTION, LAUNCH11_STEPS
from tenants.lti.wire.launch13 import DEEP_LINKING_REQUEST, SUBMISSION_REVIEW_REQUEST
from tenants.lti.wire.login_initiation import OPENING_STEPS
from tenants.lti.wire.review import REVIEW_STEPS

PAGE = 50


@dataclass(frozen=True, slots=True)
class Health:
    """Of one platform: when it last launched well, and the newest refusal if nothing good came after it."""

    last_good: datetime | None
    last_refused: datetime | None
    last_code: str

    @property
    def is_failing(self) -> bool:
        """Of a platform that is switched on; a refusal while it was off says nothing any more."""
        newest = self.last_refused is not None and (self.last_good is None or self.last_refused > self.last_good)
        return newest and self.last_code != "LTI13_INACTIVE"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the inspector, of the part "login" or "launch"; ``passed`` None means it was never reached."""

    part: str
    title: str
    check: Check


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the log is narrowed to; what is None or empty narrows nothing.

    ``person`` is a part of a name. ``before``: (time, id) of the last launch of the page before.
    """

    since: datetime | None = None
    until: datetime | None = None
    platform_id: UUID | None = None
    consumer_key_id: UUID | None = None
    tool_id: UUID | None = None
    tool_link_id: UUID | None = None
    direction: Direction | None = None
    outcome: Outcome | None = None
    protocol: Protocol | None = None
    code: str = ""
    person: str = ""
    before: tuple[datetime, UUID] | None = None

    def conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        same = {
            "platform_id": self.platform_id,
            "consumer_key_id": self.consumer_key_id,
            "tool_id": self.tool_id,
            "tool_link_id": self.tool_link_id,
            "direction": self.direction,
            "outcome": self.outcome,
            "protocol": self.protocol and self.protocol.value,
            "code": self.code or None,
        }
        yield from (getattr(Launch, name) == value for name, value in same.items() if value is not None)
        if self.since is not None:
            yield Launch.started_at >= self.since
        if self.until is not None:
            yield Launch.started_at < self.until
        if self.person:
            yield Launch.person_name.icontains(self.person, autoescape=True)
        if self.before is not None:
            at, last = self.before
            yield sa.or_(Launch.started_at < at, sa.and_(Launch.started_at == at, Launch.id < last))


class LaunchLog:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def recent(
        self,
        *,
        platform_id: UUID | None = None,
        consumer_key_id: UUID | None = None,
        outcome: Outcome | None = None,
        limit: int = PAGE,
    ) -> Sequence[Launch]:
        """Newest first."""
        return self.find(Wanted(platform_id=platform_id, consumer_key_id=consumer_key_id, outcome=outcome), limit)

    def find(self, wanted: Wanted, limit: int = PAGE) -> Sequence[Launch]:
        """Newest first; of launches begun at the same moment, by id."""
        query = sa.select(Launch).where(*wanted.conditions())
        return self.session.scalars(query.order_by(Launch.started_at.desc(), Launch.id.desc()).limit(limit)).all()

    def get(self, launch_id: UUID) -> Launch:
        launch = self.session.get(Launch, launch_id)
        if launch is None:
            raise Refused("WEB_NOT_FOUND")
        return launch

    def counts(self, since: datetime) -> dict[Outcome, int]:
        """Launches begun since then, by how they ended."""
        query = sa.select(Launch.outcome, sa.func.count(Launch.id)).where(Launch.started_at >= since)
        return dict(self.session.execute(query.group_by(Launch.outcome)).all())

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


def launch_steps(launch: Launch) -> Mapping[str, str]:
    """The steps of its kind: a message may also ask for a choice of activities, or for somebody's attempt."""
    if launch.direction is Direction.OUT:
        return {} if launch.protocol == Protocol.LTI_12 else AUTHORIZE_STEPS
    by_type = {
        DEEP_LINKING_REQUEST: DEEP_LINKING_STEPS,
        CONTENT_ITEM_SELECTION: CONTENT_ITEM_STEPS,
        SUBMISSION_REVIEW_REQUEST: REVIEW_STEPS,
    }
    usual = LAUNCH11_STEPS if launch.protocol == Protocol.LTI_12 else LAUNCH_STEPS
    return by_type.get(launch.message_type, usual)


def steps_of(launch: Launch) -> list[Step]:
    """Every step of login and launch in order: passed, failed or not reached."""
    shown = []
    beginning = OPENING_STEPS if launch.direction is Direction.OUT else LOGIN_STEPS
    for part, titles in (("login", beginning), ("launch", launch_steps(launch))):
        checklist = Checklist.from_json(titles, launch.checks.get(part, []))
        if part == "launch" and launch.outcome is Outcome.WAITING:
            continue
        if part == "login" and not checklist.checks:
            continue
        if part == "launch" and not checklist.checks and launch.outcome is Outcome.REFUSED:
            continue
        shown += [Step(part, titles[check.name], check) for check in checklist.every_step()]
    return shown
