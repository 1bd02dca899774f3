"""Setting Zoom up, step by step: what has arrived from it, how a profile stands, what a firewall must let through."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.tenancy.resolve import Academy
from tenants.lti.launches.models import Direction, Launch, Outcome
from tenants.lti.platform.log import Service
from tenants.lti.platform.models import ServiceCall
from tenants.zoom.ltipro.addresses import AUTH_PATH, CERTS_PATH, REST_PATH, TOKEN_PATH
from tenants.zoom.ltipro.health import Health, Healths
from tenants.zoom.ltipro.models import ZoomProfile, ZoomUse


def require_root(script_name: str) -> None:
    """Zoom derives our addresses from the host alone. ``script_name``: the path the application is mounted at.

    `Refused` ZOOM_PATH_PREFIX.
    """
    if script_name:
        raise Refused("ZOOM_PATH_PREFIX", seen=script_name[:100])


class ProfileState(StrEnum):
    """On screen: Active, Inactive, Waiting for Zoom, Failing."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    WAITING = "waiting"
    FAILING = "failing"


def state_of(profile: ZoomProfile, health: Health) -> ProfileState:
    if not profile.is_active:
        return ProfileState.INACTIVE
    if health.is_failing:
        return ProfileState.FAILING
    return ProfileState.ACTIVE if health.is_used else ProfileState.WAITING


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When each thing last went well; None where it never did. ``came_back_at``: Zoom sent a browser to our auth.php.

    ``keys_at`` counts from the moment the profile is there: nothing says for which profile somebody read our keys.
    ``auth_refused`` and ``calendar_refused``: Zoom came, but never to a good end; the code of the newest refusal.
    """

    saved_at: datetime
    came_back_at: datetime | None
    keys_at: datetime | None
    token_at: datetime | None
    calendar_at: datetime | None
    auth_refused: str | None = None
    calendar_refused: str | None = None


def arrivals_of(session: ScopedSession, profile: ZoomProfile, health: Health) -> Arrivals:
    keys_at = health.last_keys
    return Arrivals(
        saved_at=profile.created_at,
        came_back_at=health.last_launch,
        keys_at=keys_at if keys_at and keys_at >= profile.created_at else None,
        token_at=health.last_token,
        calendar_at=health.last_calendar,
        auth_refused=None if health.last_launch else session.scalar(_newest_refusal_at_auth(profile)),
        calendar_refused=None if health.last_calendar else session.scalar(_newest_refusal_of_calendar(profile)),
    )


def _newest_refusal_at_auth(profile: ZoomProfile) -> sa.Select[Any]:
    query = sa.select(Launch.code).where(
        Launch.tool_id == profile.tool_id, Launch.direction == Direction.OUT, Launch.outcome == Outcome.REFUSED
    )
    return query.order_by(Launch.started_at.desc(), Launch.id.desc()).limit(1)


def _newest_refusal_of_calendar(profile: ZoomProfile) -> sa.Select[Any]:
    query = sa.select(ServiceCall.code).where(
        ServiceCall.tool_id == profile.tool_id,
        ServiceCall.service == Service.CALENDAR.value,
        ServiceCall.code != "",
    )
    return query.order_by(ServiceCall.at.desc(), ServiceCall.id.desc()).limit(1)


def all_arrived(profile: ZoomProfile, arrivals: Arrivals, *, with_calendar: bool) -> bool:
    """Whether Zoom has used every address that it needs, so that there is nothing more to wait for."""
    needed = [arrivals.came_back_at, arrivals.keys_at]
    if profile.with_roster:
        needed.append(arrivals.token_at)
    if with_calendar:
        needed.append(arrivals.calendar_at)
    return all(needed)


@dataclass(frozen=True, slots=True)
class Door:
    """An address of ours that a firewall must let through; ``by_browsers``, else by Zoom's servers."""

    url: str
    methods: str
    by_browsers: bool = False


def doors(base: str) -> Sequence[Door]:
    """``base``: the academy's address as Zoom knows it."""
    return (
        Door(f"{base}{AUTH_PATH}", "GET, POST", by_browsers=True),
        Door(f"{base}{CERTS_PATH}", "GET"),
        Door(f"{base}{TOKEN_PATH}", "POST"),
        Door(f"{base}{REST_PATH}", "GET, POST"),
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """Zoom in one card. ``is_offered``: by the operator; ``is_on``: by the admin."""

    is_offered: bool
    is_on: bool
    states: Sequence[ProfileState]


def summary_of(session: ScopedSession, academy: Academy) -> Summary:
    """A handful of statements however many profiles."""
    profiles = session.scalars(sa.select(ZoomProfile).order_by(ZoomProfile.name_key)).all()
    healths = Healths(session).of(profiles)
    use = session.scalar(sa.select(ZoomUse))
    return Summary(
        is_offered=academy.has("zoom"),
        is_on=use is not None and use.is_on,
        states=[state_of(each, healths[each.id]) for each in profiles],
    )
