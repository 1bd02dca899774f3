"""Calendars of people, courses and groups: who sees what, in which zone, month by month, and what can be hidden."""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from webtest import TestResponse

from saas import clock
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.calendar import writing
from tenants.calendar.models import CalendarEvent, EventState
from tenants.calendar.views import PER_PAGE
from tenants.catalog.models import Activity, Course, CourseGroup, Status
from tests.cost import counted
from tests.features.meetings import LINK, group_of, in_hours, in_zone, learner_of, meet
from tests.features.pages import words
from tests.house import Browser, House, Kit, forms_of

SECRETS = ("TheSecretPasscode", "4711")


def course_page(activity: Activity) -> str:
    return f"/courses/{activity.course_id}/calendar"


def draft(kit: Kit, row: Any, row_id: object) -> None:
    with kit.session() as session:
        session.get_one(row, row_id).status = Status.DRAFT


def kept(kit: Kit, event: CalendarEvent) -> CalendarEvent:
    with kit.session() as session:
        row = session.get_one(CalendarEvent, event.id)
        session.expunge(row)
        return row


def days(page: TestResponse) -> list[str]:
    return [html.unescape(found) for found in re.findall(r'<h[23] id="day-[^"]+">([^<]+)', page.text)]


def titles(page: TestResponse) -> list[str]:
    return [html.unescape(found) for found in re.findall(r'href="/calendar/events/[^"]+">([^<]+)', page.text)]


def test_a_meeting_is_in_the_calendars_it_belongs_to(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    learner = learner_of(kit, activity)
    group = group_of(kit, activity, learner)
    meet(kit, activity, "Of the course")
    meet(kit, activity, "Of the element", of_activity=True)
    meet(kit, activity, "Of the group", group=group)
    browser = kit.signed_in(person=learner)
    assert titles(browser.get(course_page(activity))) == ["Of the course", "Of the element"]
    assert titles(browser.get(f"/groups/{group.id}/calendar")) == ["Of the group"]
    assert titles(browser.get("/calendar")) == ["Of the course", "Of the element", "Of the group"]


#: Who opens which page, and what they see there: (person, page, whether the event stands there).
SEEN: dict[str, tuple[str, str, bool]] = {
    "learner of the course, own": ("learner", "own", True),
    "learner of the course, course": ("learner", "course", True),
    "learner of another course, own": ("other", "own", False),
    "learner of another course, course": ("other", "course", True),
    "author without courses, own": ("author", "own", True),
    "author, course": ("author", "course", True),
    "admin, own": ("admin", "own", True),
}


@pytest.mark.parametrize("case", SEEN)
def test_who_sees_a_meeting_of_a_course(house: House, case: str) -> None:
    """Whoever sees the course sees when it meets; the link into the meeting is for those who take part."""
    who, page, is_seen = SEEN[case]
    kit = house.academy()
    activity = kit.activity(questions=False)
    people: dict[str, Callable[[], Person]] = {
        "learner": lambda: learner_of(kit, activity),
        "other": lambda: learner_of(kit, kit.activity(questions=False)),
        "author": lambda: kit.person(Role.AUTHOR),
        "admin": lambda: kit.person(Role.ADMIN),
    }
    event = meet(kit, activity, "Kick-off")
    browser = kit.signed_in(person=people[who]())
    shown = browser.get("/calendar" if page == "own" else course_page(activity))
    assert ("Kick-off" in words(shown)) is is_seen
    assert (html.escape(LINK) in shown.text) is (is_seen and who != "other")
    alone = browser.get(f"/calendar/events/{event.id}", status=200)
    assert any(secret in alone.text for secret in SECRETS) is (who != "other")


@pytest.mark.parametrize(
    ("who", "is_seen"), [("member", True), ("coach", True), ("learner", False), ("author", True), ("admin", True)]
)
def test_who_sees_a_meeting_of_a_group(house: House, who: str, *, is_seen: bool) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    people = {"member": kit.person(), "coach": kit.person(), "learner": learner_of(kit, activity)}
    people |= {"author": kit.person(Role.AUTHOR), "admin": kit.person(Role.ADMIN)}
    group = group_of(kit, activity, people["member"], coach=people["coach"])
    event = meet(kit, activity, "Of the group", group=group)
    browser = kit.signed_in(person=people[who])
    for path in (f"/groups/{group.id}/calendar", f"/calendar/events/{event.id}"):
        page = browser.get(path, status=200 if is_seen else 404)
        assert ("Of the group" in words(page)) is is_seen
        assert (html.escape(LINK) in page.text) is is_seen
    assert ("Of the group" in words(browser.get("/calendar"))) is (who in ("member", "coach"))


@pytest.mark.parametrize("hidden", ["activity", "course", "group's course"])
def test_what_is_a_draft_meets_for_staff_alone(house: House, hidden: str) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    learner = learner_of(kit, activity)
    group = group_of(kit, activity, learner) if "group" in hidden else None
    event = meet(kit, activity, "In the making", of_activity=hidden == "activity", group=group)
    if hidden == "activity":
        draft(kit, Activity, activity.id)
    else:
        draft(kit, Course, activity.course_id)
    browser, author = kit.signed_in(person=learner), kit.signed_in(Role.AUTHOR)
    assert "In the making" not in words(browser.get("/calendar"))
    assert "In the making" not in words(browser.get("/"))
    assert browser.get(f"/calendar/events/{event.id}", status=404)
    assert "In the making" in words(author.get(f"/calendar/events/{event.id}"))


def test_nobody_elses_academy_has_the_meeting(house: House) -> None:
    kit, other = house.academy(), house.academy()
    activity = kit.activity(questions=False)
    group = group_of(kit, activity)
    event = meet(kit, activity)
    admin = other.signed_in(Role.ADMIN)
    for path in (course_page(activity), f"/groups/{group.id}/calendar", f"/calendar/events/{event.id}"):
        admin.get(path, status=404)
    admin.post(f"/calendar/events/{event.id}/hide", {"on": "1"}, status=404)
    assert "A meeting" not in words(admin.get("/calendar"))


def test_strangers_are_asked_to_sign_in_whatever_the_event(house: House) -> None:
    kit = house.academy()
    event = meet(kit, kit.activity(questions=False))
    for event_id in (event.id, uuid4()):
        answer = kit.browser().get(f"/calendar/events/{event_id}", status=303)
        assert "/sign-in" in answer.headers["Location"]


# Time


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "month", "starts", "day", "shown"),
    [
        ("Europe/Amsterdam", "2026-03", "2026-03-29T00:30", "Sunday, March 29, 2026", "1:30 AM – 3:30 AM"),
        ("Europe/Amsterdam", "2026-10", "2026-10-25T00:30", "Sunday, October 25, 2026", "2:30 AM – 2:30 AM"),
        ("Europe/Amsterdam", "2026-04", "2026-03-31T22:30", "Wednesday, April 1, 2026", "12:30 AM – 1:30 AM"),
        ("America/New_York", "2026-03", "2026-04-01T03:30", "Tuesday, March 31, 2026",
         "11:30 PM – Apr 1, 2026, 12:30 AM"),
        ("Asia/Kolkata", "2026-03", "2026-03-01T12:02", "Sunday, March 1, 2026", "5:32 PM – 6:32 PM"),
        ("", "2026-03", "2026-03-31T23:59", "Tuesday, March 31, 2026", "11:59 PM – Apr 1, 2026, 12:59 AM"),
    ],
)  # fmt: skip
def test_times_days_and_months_are_those_of_the_persons_zone(
    house: House, zone: str, month: str, starts: str, day: str, shown: str
) -> None:
    """An hour is missing on the last Sunday of March in Amsterdam, and one comes twice in October."""
    kit = house.academy()
    activity = kit.activity(questions=False)
    meet(kit, activity, at=at(starts))
    browser = kit.signed_in(Role.AUTHOR)
    page = browser.get(f"{course_page(activity)}?month={month}", headers=in_zone(browser, zone))
    assert days(page) == [day]
    assert shown in words(page).replace("\u202f", " ")
    assert f"Times in the zone {zone.replace('_', ' ') or 'UTC'}" in words(page)


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "Pacific/Kiritimati", "Pacific/Marquesas", "America/Sao_Paulo"])
def test_every_moment_is_in_one_month_exactly(house: House, zone: str) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    begin = at("2026-03-29T00:00")
    for hour in range(0, 96, 6):
        meet(kit, activity, f"Hour {hour}", at=begin + timedelta(hours=hour))
    browser = kit.signed_in(Role.AUTHOR)
    headers = in_zone(browser, zone)
    pages = [browser.get(f"{course_page(activity)}?month={month}", headers=headers) for month in ("2026-03", "2026-04")]
    assert sorted(titles(pages[0]) + titles(pages[1])) == sorted(f"Hour {hour}" for hour in range(0, 96, 6))


def test_what_comes_is_shown_first_and_the_rest_by_month(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    now = clock.now()
    last_year = now.replace(year=now.year - 1, day=15)
    meet(kit, activity, "Long ago", at=last_year)
    meet(kit, activity, "Next", at=now + timedelta(minutes=1))
    browser = kit.signed_in(Role.AUTHOR)
    page = browser.get(course_page(activity))
    assert titles(page) == ["Next"]
    earlier = page.click("Earlier")
    assert f"month={now:%Y-%m}" in earlier.request.path_qs
    for _month in range(12):
        earlier = earlier.click("Earlier")
    assert titles(earlier) == ["Long ago"]
    assert titles(earlier.click("What comes next")) == ["Next"]
    assert "Nothing in this month" in words(earlier.click("Later"))


@pytest.mark.parametrize(
    "month",
    ["garbage", "9999-99", "9999-01", "0001-01", "2026-13", "2026-00", "2026-3", "2026-03-01", "٢٠٢٦-٠٣", "-1", "",
     "2026-03\n", "x" * 5000],
)  # fmt: skip
def test_a_month_that_is_none_shows_what_comes(house: House, month: str) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    meet(kit, activity, "Next")
    browser = kit.signed_in(Role.AUTHOR)
    assert titles(browser.get(f"{course_page(activity)}?month={quote(month)}", status=200)) == ["Next"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("month=%00", 400), ("month=%ff", 400), ("month=2000-01", 200), ("month=2100-12", 200),
     ("month=2026-03&page=0", 200), ("month=2026-03&page=-1", 200), ("month=2026-03&page=%C2%B2", 200),
     ("month=2026-03&page=999999999999", 200), ("month=2026-03&page=9999", 200), ("month=2026-03&month=x", 200)],
)  # fmt: skip
def test_nothing_in_the_address_breaks_the_page(house: House, query: str, status: int) -> None:
    kit = house.academy()
    path = course_page(kit.activity(questions=False))
    browser = kit.signed_in(Role.AUTHOR)
    headers = in_zone(browser, "Pacific/Kiritimati")
    for address in (path, "/calendar"):
        assert browser.get(f"{address}?{query}", headers=headers, expect_errors=True).status_int == status


def test_no_month_is_before_the_first_or_after_the_last(house: House) -> None:
    browser = house.academy().signed_in()
    assert "Earlier" not in words(browser.get("/calendar?month=2000-01"))
    assert "Later" not in words(browser.get("/calendar?month=2100-12"))


# What is said of an event


def test_an_event_is_opened_at_its_place_before_its_raw_link(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    event = meet(kit, activity, "Soon")
    browser = kit.signed_in(person=learner_of(kit, activity))
    registry = house.application.registry
    before, registry.event_way = registry.event_way, lambda _request, given: f"/places/{given.origin_id}"
    try:
        page, alone = browser.get("/calendar"), browser.get(f"/calendar/events/{event.id}")
    finally:
        registry.event_way = before
    for shown in (page, alone):
        assert f'href="/places/{event.origin_id}"' in shown
        assert shown.text.index("/places/") < shown.text.index(f'href="{html.escape(LINK)}"')
    links = re.findall(rf'<a href="{re.escape(html.escape(LINK))}"[^>]*>', page.text)
    assert links
    assert all('rel="noreferrer noopener"' in link for link in links)


def test_over_and_cancelled_events_lead_nowhere(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    over = meet(kit, activity, "Over", at=in_hours(-2))
    off = meet(kit, activity, "Called off", state=EventState.CANCELLED)
    browser = kit.signed_in(person=learner_of(kit, activity))
    month = browser.get(f"/calendar?month={over.starts_at:%Y-%m}")
    assert "Over" in titles(month)
    page = browser.get("/calendar")
    assert "<s><a" in page
    assert "Called off" in words(page)
    assert "Cancelled" in words(page)
    for event in (over, off):
        assert f'href="{html.escape(LINK)}"' not in browser.get(f"/calendar/events/{event.id}")


#: What is known of an event that began two hours ago and was told of two days ago; times in hours from now.
DOUBTFUL: dict[str, tuple[dict[str, Any], bool]] = {
    "nobody came and nothing was said": ({}, True),
    "opened": ({"opened_at": -2.0}, False),
    "spoken of since": ({"seen_at": -1.0}, False),
    "cancelled": ({"state": EventState.CANCELLED}, False),
    "still on": ({"duration_seconds": 6 * 3600}, False),
    "to come": ({"starts_at": 2.0}, False),
    "not of an origin": ({"origin_id": None}, False),
}


@pytest.mark.parametrize("case", DOUBTFUL)
def test_what_may_be_outdated(house: House, case: str) -> None:
    given, is_doubtful = DOUBTFUL[case]
    kit = house.academy()
    activity = kit.activity(questions=False)
    event = meet(kit, activity, at=in_hours(-2), seen_at=in_hours(-48))
    with kit.session() as session:
        for name, value in given.items():
            row = session.get_one(CalendarEvent, event.id)
            setattr(row, name, in_hours(value) if isinstance(value, float) else value)
    browser = kit.signed_in(person=learner_of(kit, activity))
    page = browser.get(f"/calendar/events/{event.id}")
    assert ("May be outdated" in words(page)) is is_doubtful
    assert ("From Zoom" in words(page)) is (case != "not of an origin")


def test_what_zoom_says_is_shown_as_text(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    event = meet(kit, activity, "<script>alert(1)</script> & co")
    browser = kit.signed_in(person=learner_of(kit, activity))
    for path in ("/", "/calendar", course_page(activity), f"/calendar/events/{event.id}"):
        page = browser.get(path)
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in page.text
        assert "<script>alert" not in page.text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://zoom.us/j/1", "data:text/html,x", "//zoom.us/j/1", ""])
def test_only_web_addresses_become_links(house: House, url: str) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    event = meet(kit, activity, url=url)
    browser = kit.signed_in(person=learner_of(kit, activity))
    for path in ("/calendar", f"/calendar/events/{event.id}"):
        assert "Join link" not in words(browser.get(path))


# Hiding


def hide(browser: Browser, event: CalendarEvent, status: int = 303, **fields: str) -> TestResponse:
    return browser.post(f"/calendar/events/{event.id}/hide", {"on": "1", **fields}, status=status)


@pytest.mark.parametrize(
    ("who", "status"), [("author", 303), ("admin", 303), ("coach", 303), ("member", 403), ("learner", 404)]
)
def test_staff_and_coaches_hide_a_groups_event(house: House, who: str, status: int) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    people = {"member": kit.person(), "coach": kit.person(), "learner": learner_of(kit, activity)}
    people |= {"author": kit.person(Role.AUTHOR), "admin": kit.person(Role.ADMIN)}
    group = group_of(kit, activity, people["member"], coach=people["coach"])
    event = meet(kit, activity, "Private", group=group)
    hide(kit.signed_in(person=people[who]), event, status)
    assert (kept(kit, event).hidden_at is not None) is (status == 303)
    assert kept(kit, event).sequence == 0
    member, coach = kit.signed_in(person=people["member"]), kit.signed_in(person=people["coach"])
    assert ("Private" in words(member.get("/calendar"))) is (status != 303)
    assert "Private" in words(coach.get("/calendar"))
    member.get(f"/calendar/events/{event.id}", status=404 if status == 303 else 200)


def test_a_coach_of_a_group_hides_nothing_of_the_course(house: House) -> None:
    kit = house.academy()
    activity, coach = kit.activity(questions=False), kit.person()
    group_of(kit, activity, coach=coach)
    event = meet(kit, activity)
    browser = kit.signed_in(person=coach)
    assert "Hide" not in words(browser.get(course_page(activity)))
    hide(browser, event, 403)
    assert kept(kit, event).hidden_at is None


def test_a_hidden_event_is_shown_again_by_a_button_or_by_what_is_new(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    event = meet(kit, activity, "Kick-off")
    learner, author = kit.signed_in(person=learner_of(kit, activity)), kit.signed_in(Role.AUTHOR)

    def press(button: str) -> None:
        form = next(form for form in forms_of(author.get(course_page(activity))) if "/hide" in form.action)
        assert button in words(author.get(course_page(activity)))
        form.submit(status=303).follow(status=200)

    def is_shown() -> bool:
        return "Kick-off" in words(learner.get("/calendar"))

    press("Hide")
    assert "Hidden" in words(author.get(course_page(activity)))
    assert not is_shown()
    press("Show again")
    assert is_shown()
    press("Hide")
    for title, is_back in (("Kick-off", False), ("Kick-off, moved", True)):
        with kit.session() as session:
            [found] = writing.events_of_key(session, event.origin_id, event.origin_key)  # type: ignore[arg-type]  # -- it has one
            said = {name: getattr(found, name) for name in ("description", "url", "starts_at", "duration_seconds")}
            writing.change(session, found, writing.EventValues(title, **said))
        assert is_shown() is is_back


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "", "/calendar?month=2026-03"]
)
def test_after_hiding_one_is_back_on_a_page_of_ours(house: House, back: str) -> None:
    kit = house.academy()
    event = meet(kit, kit.activity(questions=False))
    answer = hide(kit.signed_in(Role.AUTHOR), event, back=back)
    own = back if back.startswith("/calendar") else f"/calendar/events/{event.id}"
    assert answer.headers["Location"].removeprefix(f"https://{kit.host}") == own


# Panels


def test_home_course_and_group_show_what_comes_next(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    learner = learner_of(kit, activity)
    group = group_of(kit, activity, learner)
    browser = kit.signed_in(person=learner)
    assert "Next meetings" not in words(browser.get("/")), "home says nothing of what there is not"
    assert "Nothing is planned" in words(browser.get(f"/courses/{activity.course_id}"))
    assert "Nothing is planned" in words(browser.get(f"/groups/{group.id}"))
    meet(kit, activity, "Over", at=in_hours(-3))
    meet(kit, activity, "Hidden one", hidden_at=clock.now())
    meet(kit, activity, "On now", at=in_hours(-0.5))
    for number in range(1, 8):
        meet(kit, activity, f"Course {number}", at=in_hours(number))
        meet(kit, activity, f"Group {number}", at=in_hours(number + 0.5), group=group)
    assert titles(browser.get("/")) == ["On now", "Course 1", "Group 1", "Course 2", "Group 2"]
    assert titles(browser.get(f"/courses/{activity.course_id}")) == ["On now", "Course 1", "Course 2"]
    assert titles(browser.get(f"/groups/{group.id}")) == ["Group 1", "Group 2", "Group 3"]
    assert "Hidden one" not in words(kit.signed_in(Role.AUTHOR).get(f"/courses/{activity.course_id}"))


# Size

MANY = 5_000


@pytest.fixture
def crowded(house: House) -> tuple[Kit, Activity, CourseGroup, Browser]:
    kit = house.academy()
    activity = kit.activity(questions=False)
    learner = learner_of(kit, activity)
    origin = writing.Origin(uuid4(), activity.course_id)
    begin = clock.now().replace(day=1, hour=0) - timedelta(days=365)
    with kit.runtime.database.hot(kit.academy.id) as connection:
        first = writing.next_numbers(connection, MANY)
        for number in range(MANY):
            said = writing.EventValues(f"Meeting {number}", "", LINK, begin + timedelta(hours=4 * number), 3600)
            writing.make(connection, origin, str(number), "", said, first + number)
    return kit, activity, group_of(kit, activity, learner), kit.signed_in(person=learner)


def test_a_calendar_of_five_thousand_asks_no_more_and_shows_a_page(
    crowded: tuple[Kit, Activity, CourseGroup, Browser],
) -> None:
    kit, activity, _group, browser = crowded
    month = f"{clock.now() + timedelta(days=40):%Y-%m}"
    for path in (course_page(activity), f"{course_page(activity)}?month={month}", f"/calendar?month={month}", "/"):
        browser.get(path)
        kit.runtime.tenants.forget()
        with counted(kit.runtime.database) as cost:
            page = browser.get(path)
        selects = [text for text in cost.statements if "calendar_event" in text]
        assert len(selects) <= 2, selects
        assert len(cost.statements) <= 17, cost.statements
        assert 0 < len(titles(page)) <= PER_PAGE
        assert len(page.body) < 100_000
    pages = [browser.get(f"{course_page(activity)}?month={month}")]
    while "page=" in next((link["href"] for link in pages[-1].html.select("nav.pager a[rel=next]")), ""):
        pages.append(pages[-1].click("Next"))
    every = [title for page in pages for title in titles(page)]
    assert 28 * 6 - 1 <= len(every) == len(set(every)) <= 31 * 6 + 1, "six meetings a day"
    assert [len(titles(page)) for page in pages[:-1]] == [PER_PAGE] * (len(pages) - 1)
    assert titles(pages[1].click("Previous")) == titles(pages[0])
