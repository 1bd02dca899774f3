"""Step 9 of a check: whoever runs it opens Zoom, watched from the login until Zoom has read our keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from tenants.lti.launches.models import Direction, Launch, Outcome
from tenants.lti.platform.log import Service
from tenants.lti.platform.models import ServiceCall
from tenants.lti.wire.text import SHOWN_LIMIT, clean
from tenants.zoom.ltipro import check_lines as lines
from tenants.zoom.ltipro.check_lines import Finding
from tenants.zoom.ltipro.health import failed_check_of
from tenants.zoom.ltipro.models import ZoomCheck, ZoomProfile, ZoomUse

#: After a check began, a launch is one that it watches.
WATCHED = timedelta(minutes=20)
#: Zoom asks nobody anything before it sends the browser back, and reads our keys as soon as it has a message.
PATIENCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Watch:
    """How far the newest launch came that belongs to a check, with what followed. None: not yet.

    ``keys_at``: when our keys were last read, perhaps before the launch: Zoom keeps them for a while.
    """

    launch: Launch | None = None
    keys_at: datetime | None = None
    calendar_at: datetime | None = None

    @classmethod
    def of(cls, session: ScopedSession, profile: ZoomProfile, check: ZoomCheck) -> Self:
        """Launches of other people are nothing to a check; one of the command line watches nobody."""
        if check.person_id is None:
            return cls()
        query = sa.select(Launch).where(
            Launch.tool_id == profile.tool_id,
            Launch.direction == Direction.OUT,
            Launch.person_id == check.person_id,
            Launch.started_at.between(check.started_at, check.started_at + WATCHED),
        )
        launch = session.scalar(query.order_by(Launch.started_at.desc(), Launch.id.desc()).limit(1))
        if launch is None:
            return cls()
        told = sa.select(sa.func.max(ServiceCall.at)).where(
            ServiceCall.tool_id == profile.tool_id,
            ServiceCall.service == Service.CALENDAR.value,
            ServiceCall.code == "",
            ServiceCall.at >= launch.started_at,
        )
        return cls(launch, session.scalar(sa.select(ZoomUse.keys_fetched_at)), session.scalar(told))

    @property
    def is_back(self) -> bool:
        """Zoom sent the browser to our auth.php."""
        return self.launch is not None and self.launch.outcome is not Outcome.WAITING

    @property
    def is_accepted(self) -> bool:
        return self.launch is not None and self.launch.outcome is Outcome.ACCEPTED

    def finding(self, at: datetime) -> Finding | None:
        """The line of the report; None while it may still come to something."""
        launch = self.launch
        if launch is None:
            return None
        if launch.outcome is Outcome.REFUSED:
            step, seen = failed_check_of(launch)
            return _stopped(launch, launch.code, step, seen)
        if self.is_accepted and self.keys_at is not None:
            return Finding("launch", lines.Outcome.OK, seen=launch.person_name)
        if at < (launch.finished_at or launch.started_at) + PATIENCE:
            return None
        if self.is_accepted:
            return _stopped(launch, "ZOOM_CHECK_NEVER_KEYS", "keys")
        return _stopped(launch, "ZOOM_CHECK_NOT_BACK", "login")


def _stopped(launch: Launch, code: str, step: str, seen: str = "") -> Finding:
    said = ": ".join(filter(None, (f"stopped at {step or 'an unknown step'}", seen)))
    return Finding("launch", lines.Outcome.FAILED, code, clean(f"{launch.person_name} · {said}", SHOWN_LIMIT))
