"""Who may open Zoom at a place, as what: judged when it is opened and again when Zoom asks (docs/zoom.md, "Launch")."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.tenancy.resolve import Academy
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.catalog.groups import Groups
from tenants.catalog.models import Activity, Course, CourseGroup, Status
from tenants.learning.services import Learning
from tenants.lti.wire.occasion import MEMBERSHIP
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace
from tenants.zoom.ltipro.use import require_use


class PlaceRole(StrEnum):
    LEARNER = "learner"
    COACH = "coach"
    ADMIN = "admin"


#: Zoom's view follows these: a learner's, or the teacher's who hosts. What says most comes first.
_COACH = (
    f"{MEMBERSHIP}Instructor",
    f"{MEMBERSHIP.removesuffix('#')}/Instructor#TeachingAssistant",
    f"{MEMBERSHIP}Mentor",
)
ROLES: Mapping[PlaceRole, tuple[str, ...]] = MappingProxyType(
    {
        PlaceRole.LEARNER: (f"{MEMBERSHIP}Learner",),
        PlaceRole.COACH: _COACH,
        PlaceRole.ADMIN: (
            *_COACH,
            f"{MEMBERSHIP}ContentDeveloper",
            "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator",
        ),
    }
)


def role_in(person: Person, *, is_coach: bool) -> PlaceRole:
    """``is_coach``: of the place's group. There is always exactly one."""
    if person.role in (Role.ADMIN, Role.OPERATOR):
        return PlaceRole.ADMIN
    return PlaceRole.COACH if person.is_staff or is_coach else PlaceRole.LEARNER


def require_open(session: ScopedSession, academy: Academy, place: ZoomPlace) -> None:
    """`Refused` ZOOM_OFF, ZOOM_KIND_OFF, ZOOM_PLACE_OFF or ZOOM_PROFILE_OFF, whoever asks."""
    require_use(session, academy, place.kind)
    if not place.is_on:
        raise Refused("ZOOM_PLACE_OFF", seen=place.kind.value)
    if not place.profile.is_active:
        raise Refused("ZOOM_PROFILE_OFF", seen=place.profile.name)


def require_known(person: Person) -> None:
    """`Refused` ZOOM_GUEST or ZOOM_EMAIL."""
    if person.is_guest:
        raise Refused("ZOOM_GUEST", seen=person.name, wanted="somebody with a sign-in of the academy")
    if not person.email:
        raise Refused("ZOOM_EMAIL", seen="no address", wanted="an e-mail address")


class Seats:
    """Of one place. ``session`` is the academy's."""

    def __init__(self, session: ScopedSession, place: ZoomPlace) -> None:
        self.session = session
        self.place = place

    def take(self, person: Person, *, has_begun: bool) -> PlaceRole:
        """`Refused` ZOOM_CLOSED for a place that is not open to the person. ``has_begun``: they take part already."""
        place, is_coach = self.place, False
        if place.kind is PlaceKind.GROUP:
            is_coach = self._in_group(person)
        elif place.kind is PlaceKind.COURSE:
            self._refuse_draft(self.session.get_one(Course, place.course_id), person)
        else:
            self._in_activity(person, has_begun=has_begun)
        return role_in(person, is_coach=is_coach)

    def _in_group(self, person: Person) -> bool:
        groups, group = Groups(self.session), self.session.get_one(CourseGroup, self.place.group_id)
        member = groups.membership(group, person.id)
        if not groups.may_see(group, person):
            self._refuse(group.title)
        return member is not None and member.is_coach

    def _in_activity(self, person: Person, *, has_begun: bool) -> None:
        activity = self.session.get_one(Activity, self.place.activity_id)
        self._refuse_draft(activity, person)
        takes_part = person.is_staff or not has_begun or Learning(self.session, person.id).is_enrolled(activity)
        if not takes_part or not activity.is_meeting:
            self._refuse(activity.title)

    def _refuse_draft(self, thing: Activity | Course, person: Person) -> None:
        if thing.status is not Status.PUBLISHED and not person.is_staff:
            self._refuse(thing.title)

    def _refuse(self, title: str) -> None:
        raise Refused("ZOOM_CLOSED", seen=title, wanted="something published in which the person takes part")
