"""Zoom tells of its meetings: calls of Moodle's web service, and the page of a course that has very many of them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from itertools import count as numbers
from urllib.parse import urlencode

import sqlalchemy as sa

from benchmarks.platform import FORM, done
from benchmarks.school import School, get
from benchmarks.systems import Lyceum
from saas import clock
from tenants.access import Role
from tenants.calendar import writing
from tenants.calendar.models import CalendarEvent
from tenants.catalog.services import Catalog
from tenants.lti.platform.log import Service
from tenants.zoom.ltipro.addresses import REST_PATH
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace
from tenants.zoom.ltipro.places import Places
from tenants.zoom.ltipro.profiles import Profiles, ProfileValues
from tenants.zoom.ltipro.use import switch_use
from tenants.zoom.wire.moodle_rest import Function

#: Meetings of the long calendar for each person that the school knows: 200 make 5,000.
CROWDED = 25
#: Places whose meetings take turns.
PLACES = 25

#: Status of the right answer, and where the log counts what was done; a page of ours is not in it.
CALENDAR_PATHS: Mapping[str, tuple[int, sa.Select[int] | None]] = {
    "calendar_call": (200, done(Service.CALENDAR)),
    "course_calendar": (200, None),
}


class ZoomCalendar:
    """An academy that is connected with Zoom, in several courses."""

    def __init__(self, lyceum: Lyceum, school: School) -> None:
        self.lyceum, self.kit, self.school = lyceum, lyceum.kit, school
        self.turns = numbers(1)
        with self.kit.session() as session:
            switch_use(session, is_on=True, kinds=frozenset(PlaceKind), with_calendar=True)
            profiles = Profiles(session, lyceum.runtime, self.kit.academy)
            profile, self.token = profiles.create(ProfileValues("A school's Zoom", "zoom-key"))
            places = Places(session, self.kit.academy, lyceum.runtime)
            courses = [Catalog(session).create_course(f"A course with Zoom {number}") for number in range(PLACES)]
            self.contexts = [places.put(PlaceKind.COURSE, course, profile).context_id for course in courses]
        lyceum.settle()

    def requests(self, path: str) -> Callable[[int], Sequence[bytes]]:
        return {"calendar_call": self.calls, "course_calendar": self.pages}[path]

    def calls(self, count: int) -> list[bytes]:
        """A new meeting each, as Zoom's server sends it."""
        return [self._call(next(self.turns)) for _ in range(count)]

    def pages(self, count: int) -> list[bytes]:
        return [self._page] * count

    def _call(self, turn: int) -> bytes:
        number = 80_000_000_000 + turn
        link = f'<p><a href="https://us05web.zoom.us/j/{number}?pwd=secret" target="_blank">Join Zoom Meeting {number}</a></p>'
        fields = {
            "wstoken": self.token, "wsfunction": Function.CREATE.value, "moodlewsrestformat": "json",
            "events[0][courseid]": self.contexts[turn % PLACES], "events[0][name]": f"Working safely, part {turn}",
            "events[0][description]": link, "events[0][format]": 1, "events[0][eventtype]": "course",
            "events[0][timestart]": int(clock.now().timestamp()) + 60 * turn, "events[0][timeduration]": 3600,
        }  # fmt: skip
        body = urlencode(fields).encode()
        head = (
            f"POST {REST_PATH} HTTP/1.1\r\nHost: {self.lyceum.tool.host}\r\nUser-Agent: zoom/1.0\r\nAccept: */*\r\n"
            f"Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    @cached_property
    def _page(self) -> bytes:
        """An author's, of a course whose meetings began long ago and go on for long."""
        size = CROWDED * self.school.known
        with self.kit.session() as session:
            place = session.scalars(sa.select(ZoomPlace).where(ZoomPlace.context_id == self.contexts[0])).one()
            first, start = writing.next_numbers(session, size), clock.now() - timedelta(hours=size)
            session.add_all(
                CalendarEvent(
                    number=first + turn, course_id=place.course_id, origin_id=place.id, origin_key=f"long-{turn}",
                    title=f"Working safely, part {turn}", description="Join Zoom Meeting",
                    url=f"https://us05web.zoom.us/j/{turn}", starts_at=start + timedelta(hours=2 * turn), duration_seconds=3600,
                )
                for turn in range(size)
            )  # fmt: skip
            path = f"/courses/{place.course_id}/calendar"
        self.lyceum.settle()
        return get(self.lyceum.tool.host, path, self.lyceum.signed_in(Role.AUTHOR))
