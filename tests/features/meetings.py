"""Events in calendars, and people who may see them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from saas import clock
from tenants.accounts.models import Person
from tenants.calendar import writing
from tenants.calendar.models import CalendarEvent
from tenants.calendar.writing import EventValues, Origin
from tenants.catalog.groups import Groups
from tenants.catalog.models import Activity, Course, CourseGroup
from tenants.learning.services import Learning
from tests.house import Browser, Kit

LINK = "https://us05web.zoom.us/j/86412345678?pwd=TheSecretPasscode"
HOUR = timedelta(hours=1)


def in_hours(hours: float) -> datetime:
    return clock.now() + hours * HOUR


def meet(
    kit: Kit,
    activity: Activity,
    title: str = "A meeting",
    at: datetime | None = None,
    *,
    seconds: int = 3600,
    of_activity: bool = False,
    group: CourseGroup | None = None,
    origin_id: UUID | None = None,
    url: str = LINK,
    **columns: Any,
) -> CalendarEvent:
    """As Zoom tells it: in the activity's course, tomorrow unless said otherwise; ``columns`` as they were later."""
    values = EventValues(title, f"Passcode: 4711 {LINK}", url, at or in_hours(24), seconds)
    where = Origin(
        origin_id or uuid4(),
        activity.course_id,
        activity.id if of_activity else None,
        group.id if group is not None else None,
    )
    with kit.session() as session:
        made = writing.make(session, where, uuid4().hex, "", values, writing.next_numbers(session, 1))
        assert made is not None
        row = session.get_one(CalendarEvent, made.id)
        for name, value in columns.items():
            setattr(row, name, value)
        session.flush()
        session.expunge(row)
        return row


def group_of(kit: Kit, activity: Activity, *members: Person, coach: Person | None = None) -> CourseGroup:
    with kit.session() as session:
        groups = Groups(session)
        made = groups.create(session.get_one(Course, activity.course_id), f"Group {uuid4().hex[:6]}", "")
        for each in (*members, *([coach] if coach else [])):
            groups.put(made, session.get_one(Person, each.id), is_coach=each is coach)
        session.refresh(made)
        session.expunge(made)
        return made


def learner_of(kit: Kit, activity: Activity) -> Person:
    """Enrolled."""
    person = kit.person()
    with kit.session() as session:
        Learning(session, person.id).enrol(session.get_one(Activity, activity.id))
    return person


def in_zone(browser: Browser, zone: str) -> dict[str, str]:
    """Headers of a person whose browser has named its zone; they go with every request."""
    cookies = f"__Host-session={browser.app.cookies['__Host-session']}; __Host-zone={zone}"
    browser.app.reset()
    return {"Cookie": cookies}
