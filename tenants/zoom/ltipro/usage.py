"""Where a profile is used, as its page lists it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa

from saas.db.scope import ScopedSession, TenantScoped
from tenants.catalog.models import Activity, Course, CourseGroup
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace

RowT = TypeVar("RowT", bound=TenantScoped)
#: The page where a place is configured, and its placeholder.
PAGES = {
    PlaceKind.ELEMENT: ("activity_settings", "activity_id"),
    PlaceKind.COURSE: ("course", "course_id"),
    PlaceKind.GROUP: ("group", "group_id"),
}


@dataclass(frozen=True, slots=True)
class Used:
    """``title`` is empty where what the place was of is gone, or is no Zoom meeting any more; then nothing opens it."""

    place: ZoomPlace
    title: str
    course: str
    route: str
    ids: dict[str, UUID | None]

    @property
    def is_missing(self) -> bool:
        return not self.title


def usage_of(session: ScopedSession, places: Sequence[ZoomPlace]) -> Sequence[Used]:
    """In the order of ``places``, in three statements however many."""
    courses: dict[UUID | None, str] = {
        each.id: each.title for each in _all(session, Course, (place.course_id for place in places))
    }
    activities = _all(session, Activity, (place.activity_id for place in places))
    groups = _all(session, CourseGroup, (place.group_id for place in places))
    titles: dict[UUID | None, str] = {
        **courses,
        **{each.id: each.title for each in activities if each.is_meeting},
        **{each.id: each.title for each in groups},
    }
    return [_used(place, titles, courses.get(place.course_id, "")) for place in places]


def _used(place: ZoomPlace, titles: dict[UUID | None, str], course: str) -> Used:
    route, name = PAGES[place.kind]
    subject_id = getattr(place, name)
    return Used(place, titles.get(subject_id, ""), course, route, {name: subject_id})


def _all(session: ScopedSession, kind: type[RowT], ids: Iterable[UUID | None]) -> Sequence[RowT]:
    wanted = {each for each in ids if each is not None}
    return session.scalars(sa.select(kind).where(kind.id.in_(wanted))).all() if wanted else ()
