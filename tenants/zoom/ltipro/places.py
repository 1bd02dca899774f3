"""Where Zoom is used, with which profile; what Zoom knows a place by is made once (docs/zoom.md, "A place")."""

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.accounts.models import Person
from tenants.catalog.models import Activity, Course, CourseGroup
from tenants.lti.platform.models import OpensIn
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace, ZoomProfile
from tenants.zoom.ltipro.profile_values import domain_of
from tenants.zoom.ltipro.profiles import Profiles
from tenants.zoom.ltipro.use import require_use

Subject = Activity | Course | CourseGroup
#: The page people open a place at: its route, and the placeholder, which is also the place's column, of the subject.
ROUTES = {
    PlaceKind.ELEMENT: ("zoom_meeting", "activity_id"),
    PlaceKind.COURSE: ("zoom_course", "course_id"),
    PlaceKind.GROUP: ("zoom_group", "group_id"),
}


class Why(StrEnum):
    """Why a profile is suggested."""

    DEFAULT = "default"
    DOMAIN = "domain"
    ONLY = "only"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``domain``: of the author's address, where that decided."""

    profile: ZoomProfile
    why: Why
    domain: str = ""


@dataclass(frozen=True, slots=True)
class PlaceValues:
    """What an author enters. ``profile`` None: as suggested; ``opens_in`` None: as the profile says."""

    profile: ZoomProfile | None = None
    opens_in: OpensIn | None = None
    is_on: bool = True


class Places:
    """``session`` is the academy's. Who may make a place is the caller's to know."""

    def __init__(self, session: ScopedSession, academy: Academy, runtime: Runtime) -> None:
        self.session = session
        self.academy = academy
        self.profiles = Profiles(session, runtime, academy)

    def of_activity(self, activity: Activity) -> ZoomPlace | None:
        return self.of(PlaceKind.ELEMENT, activity)

    def of_course(self, course: Course) -> ZoomPlace | None:
        return self.of(PlaceKind.COURSE, course)

    def of_group(self, group: CourseGroup) -> ZoomPlace | None:
        return self.of(PlaceKind.GROUP, group)

    def of(self, kind: PlaceKind, subject: Subject) -> ZoomPlace | None:
        return find_place(self.session, kind, subject)

    def get(self, place_id: UUID) -> ZoomPlace:
        place = self.session.get(ZoomPlace, place_id)
        if place is None:
            raise Refused("WEB_NOT_FOUND")
        return place

    def choose(self, person: Person) -> Suggestion | None:
        """The default, else the one whose mail domains have the author's, else the only one; of those that are active.

        None where that does not decide.
        """
        active, domain = self.profiles.active(), domain_of(person.email)
        by_domain = [each for each in active if domain and domain in each.mail_domains]
        default = next((each for each in active if each.is_default), None)
        if default is not None:
            return Suggestion(default, Why.DEFAULT)
        if len(by_domain) == 1:
            return Suggestion(by_domain[0], Why.DOMAIN, domain)
        return Suggestion(active[0], Why.ONLY) if len(active) == 1 else None

    def decide(self, person: Person) -> ZoomProfile:
        """What `choose` suggests. `Refused` ZOOM_PROFILE_NONE or ZOOM_PROFILE_CHOICE."""
        suggestion = self.choose(person)
        if suggestion is None:
            raise Refused("ZOOM_PROFILE_CHOICE" if self.profiles.active() else "ZOOM_PROFILE_NONE", seen=person.name)
        return suggestion.profile

    def put(self, kind: PlaceKind, subject: Subject, profile: ZoomProfile) -> ZoomPlace:
        """Made once; of one that is there the profile changes and nothing else. `Refused` ZOOM_OFF, ZOOM_KIND_OFF.

        `Refused` WEB_BAD_REQUEST for an activity that is no meeting.
        """
        require_use(self.session, self.academy, kind)
        if isinstance(subject, Activity) and not subject.is_meeting:
            raise Refused("WEB_BAD_REQUEST", seen=subject.type.value)
        place = self.of(kind, subject) or self._made(kind, subject, profile)
        place.give(profile.id)
        self.session.flush()
        self.session.expire(place, ["profile"])
        return place

    def save(self, kind: PlaceKind, subject: Subject, values: PlaceValues, person: Person) -> ZoomPlace:
        """`put` with the rest of the form; `Refused` as there and in `decide`."""
        known = self.of(kind, subject)
        profile = values.profile or (known.profile if known else self.decide(person))
        place = self.put(kind, subject, profile)
        place.opens_in = values.opens_in
        self.switch(place, on=values.is_on)
        return place

    def copy(self, activity: Activity, made: Activity) -> ZoomPlace | None:
        """For a copied activity a place of its own, with the same profile and ids that are new."""
        known = self.of_activity(activity)
        if known is None:
            return None
        place = self.put(PlaceKind.ELEMENT, made, known.profile)
        place.opens_in = known.opens_in
        self.session.flush()
        return place

    def switch(self, place: ZoomPlace, *, on: bool) -> None:
        """Off keeps it, with its ids and meetings."""
        place.is_on = on
        self.session.flush()

    def subject_of(self, place: ZoomPlace) -> Subject:
        return subject_of(self.session, place)

    @staticmethod
    def route_of(place: ZoomPlace) -> tuple[str, dict[str, Any]]:
        """Route and placeholders of the page people open it at."""
        route, name = ROUTES[place.kind]
        return route, {name: getattr(place, name)}

    def _made(self, kind: PlaceKind, subject: Subject, profile: ZoomProfile) -> ZoomPlace:
        """Whoever is slower by a moment takes what the other made."""
        made = ZoomPlace(
            kind=kind,
            profile_id=profile.id,
            context_id=str(uuid4()),
            resource_link_id=str(uuid4()),
            **{"course_id": course_of(subject).id, ROUTES[kind][1]: subject.id},
        )
        with suppress(sa.exc.IntegrityError), self.session.begin_nested():
            self.session.add(made)
            self.session.flush()
            return made
        found = self.of(kind, subject)
        if found is None:
            raise Refused("WEB_CONFLICT")
        return found


def course_of(subject: Subject) -> Course:
    return subject if isinstance(subject, Course) else subject.course


def find_place(session: ScopedSession, kind: PlaceKind, subject: Subject) -> ZoomPlace | None:
    name = ROUTES[kind][1]
    return session.scalar(sa.select(ZoomPlace).where(ZoomPlace.kind == kind, getattr(ZoomPlace, name) == subject.id))


def subject_of(session: ScopedSession, place: ZoomPlace) -> Subject:
    """What it is of, which cannot be gone: it would have taken the place along."""
    if place.kind is PlaceKind.ELEMENT:
        return session.get_one(Activity, place.activity_id)
    if place.kind is PlaceKind.GROUP:
        return session.get_one(CourseGroup, place.group_id)
    return session.get_one(Course, place.course_id)


def opens_in_of(place: ZoomPlace) -> OpensIn:
    return place.opens_in or place.profile.opens_in
