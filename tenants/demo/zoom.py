"""North meets in practice Zoom (tests/peers/zoom): a profile that is entered there, a course with meetings, a group.

Only where `lyceum.zoom.ltipro_url` names a practice Zoom that answers. It forgets everything when it ends, so it is
told again at every start; what is there here stays, but for addresses.
"""

import json
import time
from collections.abc import Mapping

import sqlalchemy as sa
import structlog

from saas.db.scope import ScopedSession
from saas.outbound import AddressRefusedError, OutboundError
from saas.runtime import Runtime
from saas.tenancy.lifecycle import Lifecycle
from saas.tenancy.resolve import Academy
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import People
from tenants.catalog.groups import Groups
from tenants.catalog.models import ActivityType, Content, Course
from tenants.catalog.services import Catalog
from tenants.zoom.ltipro import tokens
from tenants.zoom.ltipro.addresses import ZoomAddresses
from tenants.zoom.ltipro.models import PlaceKind, ZoomProfile, ZoomUse
from tenants.zoom.ltipro.places import Places
from tenants.zoom.ltipro.profiles import Profiles, ProfileValues
from tenants.zoom.ltipro.use import switch_use
from tenants.zoom.settings import ZoomSettings

log = structlog.get_logger()
SLUG = "north"
PROFILE, LTI_KEY = "Practice Zoom", "practice-zoom-of-the-north"
COURSE, MEETING, GROUP = "Meetings in practice Zoom", "Office hour", "Evening watch"
COACH = ("coach@north.example", "Carla", "Coach")
#: Seconds that practice Zoom may take to start.
PATIENCE = 5.0
JSON = {"content-type": "application/json"}


def meet(runtime: Runtime, academies: Mapping[str, Academy], *, patience: float = PATIENCE) -> bool:
    """``academies`` by slug; False when everything was there, or where there is no practice Zoom."""
    here, zoom = academies.get(SLUG), runtime.part(ZoomAddresses)
    if here is None or not _is_practice(runtime, zoom, patience):
        return False
    is_new = _profile(runtime, here) is None
    if is_new:
        here = _offered(runtime, here)
        with runtime.database.transaction(here.id) as session:
            _make(session, runtime, here)
    _introduce(runtime, here, zoom)
    return is_new


def practice_of(runtime: Runtime, academy: Academy) -> str:
    """Where the academy's practice Zoom is; empty without one."""
    return runtime.part(ZoomAddresses).base if _profile(runtime, academy) is not None else ""


def _is_practice(runtime: Runtime, zoom: ZoomAddresses, patience: float) -> bool:
    """Real Zoom is not asked: nothing of a demonstration is its business."""
    if zoom.base == ZoomSettings.model_fields["ltipro_url"].default:
        return False
    until = time.monotonic() + patience
    while True:
        try:
            return runtime.outbound.get(f"{zoom.base}/practice/keys").ok
        except AddressRefusedError:
            return False
        except OutboundError:
            if time.monotonic() > until:
                return False
        time.sleep(0.1)


def _profile(runtime: Runtime, academy: Academy) -> ZoomProfile | None:
    with runtime.database.transaction(academy.id, write=False) as session:
        return session.scalar(_known())


def _known() -> sa.Select[ZoomProfile]:
    return sa.select(ZoomProfile).where(ZoomProfile.lti_key == LTI_KEY).limit(1)


def _offered(runtime: Runtime, here: Academy) -> Academy:
    """With the operator's feature."""
    with runtime.database.shell() as session:
        Lifecycle(session, runtime.settings.web).switch(here.slug, "zoom", on=True, reason="demonstration")
    runtime.tenants.forget()
    return runtime.tenants.by_id(here.id) or here


def _make(session: ScopedSession, runtime: Runtime, here: Academy) -> None:
    if session.scalar(sa.select(ZoomUse)) is None:
        switch_use(session, is_on=True, kinds=frozenset(PlaceKind), with_calendar=True)
    values = ProfileValues(name=_free_name(session), lti_key=LTI_KEY, with_roster=True)
    profile, _token = Profiles(session, runtime, here).create(values)
    if session.scalar(sa.select(Course.id).where(Course.title == COURSE).limit(1)) is None:
        _make_course(session, Places(session, here, runtime), profile)


def _free_name(session: ScopedSession) -> str:
    taken = session.scalar(sa.select(ZoomProfile.id).where(ZoomProfile.name_key == PROFILE.casefold()))
    return PROFILE if taken is None else f"{PROFILE} of the demonstration"


def _make_course(session: ScopedSession, places: Places, profile: ZoomProfile) -> None:
    """A meeting of the course, the course tool, and a group of a learner and a coach with the group tool."""
    catalog, groups = Catalog(session), Groups(session)
    course = catalog.create_course(
        COURSE, "Practice Zoom stands in for Zoom here: schedule as you like, nobody is met."
    )
    says = "Ask whatever the week has left open. In practice Zoom, which is not Zoom."
    meeting = catalog.create_activity(course, MEETING, says, 45, ActivityType.MEETING, content=Content.ZOOM)
    places.put(PlaceKind.ELEMENT, meeting, profile)
    places.put(PlaceKind.COURSE, course, profile)
    catalog.publish(meeting, on=True)
    catalog.publish(course, on=True)
    group = groups.create(course, GROUP, "Those who sail at night.")
    learner = People(session).by_email("learner@north.example")
    if learner is not None:
        groups.put(group, learner, is_coach=False)
    groups.put(group, _coach(session), is_coach=True)
    places.put(PlaceKind.GROUP, group, profile)


def _coach(session: ScopedSession) -> Person:
    email, given, family = COACH
    people = People(session)
    return people.by_email(email) or people.create(email, given, family, Role.LEARNER)


def _introduce(runtime: Runtime, here: Academy, zoom: ZoomAddresses) -> None:
    """Enters there what an admin would copy; and here where the academy is by now."""
    with runtime.database.transaction(here.id) as session:
        profile = session.scalar(_known())
        if profile is None:
            return
        Profiles(session, runtime, here).know_address(profile)
        told = {
            "key": profile.lti_key,
            "name": f"{here.name} (practice)",
            "url": profile.issuer,
            "client_id": profile.tool.client_id,
            "token": tokens.reveal(profile, runtime.secrets),
        }
    try:
        runtime.outbound.post(f"{zoom.base}/practice/instances", JSON, json.dumps(told).encode())
    except OutboundError as error:
        log.warning("practice Zoom was not told of the demonstration", reason=error.reason)
