"""Feeds as programs read them: what is in them, who gets them, and what they say when nothing has changed."""

import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import icalendar
import pytest
import sqlalchemy as sa
import structlog
from webtest import TestResponse

from saas import clock
from tenants.access import Role
from tenants.accounts.models import Person, PersonStatus
from tenants.calendar import feeds, writing
from tenants.calendar.feeds import LIMIT
from tenants.calendar.ical import Feed
from tenants.calendar.models import CalendarEvent, CalendarFeed, EventState
from tenants.calendar.services import hide, unhide
from tenants.calendar.writing import EventValues
from tenants.catalog.models import Activity
from tests.cost import counted
from tests.features.meetings import LINK, group_of, in_hours, learner_of, meet
from tests.features.pages import words
from tests.house import Browser, House, Kit


def address_of(browser: Browser) -> str:
    """Made on the page Calendar, and shown there."""
    browser.post("/calendar/address", status=303)
    return shown(browser)


def shown(browser: Browser) -> str:
    found = re.search(rf"https://{re.escape(browser.host)}(/calendar/feed/[\w-]+\.ics)", browser.get("/calendar").text)
    return found[1] if found else ""


def subscribed(kit: Kit, activity: Activity) -> str:
    """The feed of a learner of the activity's course."""
    return address_of(kit.signed_in(person=learner_of(kit, activity)))


def read(kit: Kit, path: str, **options: Any) -> TestResponse:
    """As a program does: without a session."""
    return kit.browser().get(path, **options)


def events(answer: TestResponse) -> list[Any]:
    """`icalendar.Event`s."""
    return list(icalendar.Calendar.from_ical(answer.body).walk("VEVENT"))


def summaries(answer: TestResponse) -> list[str]:
    return [str(each["summary"]) for each in events(answer)]


def change(kit: Kit, event: CalendarEvent, **columns: Any) -> None:
    with kit.session() as session:
        for name, value in columns.items():
            setattr(session.get_one(CalendarEvent, event.id), name, value)


# The text


def test_an_event_is_told_as_rfc_5545_has_it(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    event = meet(kit, activity, "Kick-off", at=in_hours(24).replace(microsecond=0), of_activity=True, seconds=5400)
    answer = read(kit, subscribed(kit, activity))
    [told] = events(answer)
    page = f"https://{kit.host}/calendar/events/{event.id}"
    assert answer.content_type == "text/calendar"
    assert answer.charset == "utf-8"
    assert told["uid"] == event.uid
    assert told["sequence"] == 0
    assert told["status"] == "CONFIRMED"
    assert told["dtstart"].dt == event.starts_at
    assert told["dtend"].dt == event.starts_at + timedelta(minutes=90)
    assert told["dtstamp"].dt == told["last-modified"].dt == event.changed_at.replace(microsecond=0)
    assert told["location"] == told["url"] == page
    assert told["description"] == f"A course · An e-learning\n{page}"
    calendar = icalendar.Calendar.from_ical(answer.body)
    assert (calendar["version"], calendar["prodid"]) == ("2.0", "-//Lyceum//Calendar//EN")
    assert str(calendar["x-wr-calname"]) == f"{kit.academy.name}: calendar"
    assert re.search(rb"\r\nDTSTART:\d{8}T\d{6}Z\r\n", answer.body), "UTC, so that no zone needs describing"


def test_the_address_in_an_event_leads_its_reader_there(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    learner = learner_of(kit, activity)
    meet(kit, activity, "Kick-off")
    browser = kit.signed_in(person=learner)
    [told] = events(read(kit, address_of(browser)))
    path = str(told["url"]).removeprefix(f"https://{kit.host}")
    assert "Kick-off" in words(browser.get(path, status=200))
    assert "/sign-in" in kit.browser().get(path, status=303).headers["Location"]


NASTY = [
    'Semi; comma, back\\slash "quotes" and: colon',
    "Line\r\nEND:VEVENT\r\nBEGIN:VALARM",
    "Ünïcode 会議 😀 " * 20,
    "x" * 500,
    "control \x01\x07\x7f and separators \u2028\u2029",
    "literal \\n and \\; and ^n",
    " ",
]


@pytest.mark.parametrize("title", NASTY)
def test_every_text_comes_through_in_lines_of_75_octets(house: House, title: str) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    meet(kit, activity, title)
    body = read(kit, subscribed(kit, activity)).body
    assert body.endswith(b"END:VCALENDAR\r\n")
    lines = body.split(b"\r\n")
    assert max(len(line) for line in lines) <= 75
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    for line in lines:
        line.decode()  # no character is cut in two
    [told] = events(read(kit, subscribed(kit, activity)))
    wanted = re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", title)
    assert str(told["summary"]) == " ".join(wanted.split())


def test_the_academys_name_is_text_too(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    path = subscribed(kit, activity)
    assert rb"x-wr-calname" in read(kit, path).body.lower()
    text = Feed("A, B; C\r\nMETHOD:CANCEL", "https://a.example", []).text()
    assert b"\r\nNAME:A\\, B\\; C METHOD:CANCEL\r\n" in text


def test_no_way_into_a_meeting_is_in_a_feed(house: House) -> None:
    """Product case 117: neither link nor passcode nor meeting number."""
    kit = house.academy()
    activity = kit.activity(questions=False)
    meet(kit, activity)
    body = read(kit, subscribed(kit, activity)).text
    for secret in ("zoom.us", "pwd", "TheSecretPasscode", "Passcode", "4711", "86412345678", LINK):
        assert secret not in body


def test_an_event_without_duration_has_no_end(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    meet(kit, activity, seconds=0)
    [told] = events(read(kit, subscribed(kit, activity)))
    assert "dtend" not in told


# What is in it


def test_a_feed_follows_its_events(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    event = meet(kit, activity, "Kick-off")
    path = subscribed(kit, activity)
    assert event.origin_id is not None

    def told() -> tuple[str, int, str, str]:
        [each] = events(read(kit, path))
        return str(each["uid"]), int(each["sequence"]), str(each["status"]), str(each["summary"])

    def tell(title: str) -> None:
        with kit.session() as session:
            [found] = writing.events_of_key(session, event.origin_id, event.origin_key)  # type: ignore[arg-type]  # -- it has one
            writing.change(session, found, EventValues(title, "", LINK, event.starts_at, 3600))

    assert told() == (event.uid, 0, "CONFIRMED", "Kick-off")
    tell("Moved")
    assert told() == (event.uid, 1, "CONFIRMED", "Moved")
    with kit.session() as session:
        [found] = writing.events_of_key(session, event.origin_id, event.origin_key)
        writing.cancel(session, found)
    assert told() == (event.uid, 2, "CANCELLED", "Moved")
    tell("Back again")
    assert told() == (event.uid, 3, "CONFIRMED", "Back again")


TOLD: dict[str, tuple[dict[str, Any], bool]] = {
    "to come": ({}, True),
    "of last week": ({"starts_at": -7 * 24.0}, True),
    "of last year": ({"starts_at": -365 * 24.0}, False),
    "of next year": ({"starts_at": 365 * 24.0}, True),
    "hidden": ({"hidden_at": -1.0}, False),
    "cancelled last week": ({"state": EventState.CANCELLED, "changed_at": -7 * 24.0}, True),
    "cancelled long ago": ({"state": EventState.CANCELLED, "changed_at": -31 * 24.0}, False),
    "hidden and cancelled": ({"state": EventState.CANCELLED, "hidden_at": -1.0}, False),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_is_told(house: House, case: str) -> None:
    given, is_told = TOLD[case]
    columns: dict[str, Any] = {
        name: in_hours(value) if isinstance(value, float) else value for name, value in given.items()
    }
    kit = house.academy()
    activity = kit.activity(questions=False)
    meet(kit, activity, case, **columns)
    assert summaries(read(kit, subscribed(kit, activity))) == ([case] if is_told else [])


def test_a_feed_is_its_owners_calendar_even_for_a_coach(house: House) -> None:
    kit = house.academy()
    activity, foreign = kit.activity(questions=False), kit.activity(questions=False)
    learner, coach = learner_of(kit, activity), kit.person()
    group = group_of(kit, activity, coach=coach)
    meet(kit, activity, "Course", at=in_hours(1))
    meet(kit, activity, "Group", at=in_hours(2), group=group)
    meet(kit, activity, "Hidden in the group", at=in_hours(3), group=group, hidden_at=clock.now())
    meet(kit, foreign, "Foreign", at=in_hours(4))
    of_learner, of_coach = (address_of(kit.signed_in(person=each)) for each in (learner, coach))
    of_author = address_of(kit.signed_in(Role.AUTHOR))
    assert summaries(read(kit, of_learner)) == ["Course"]
    assert summaries(read(kit, of_coach)) == ["Course", "Group"]
    assert summaries(read(kit, of_author)) == ["Course", "Foreign"], "staff without courses: all that are published"


# Who gets it


def is_unknown(answer: TestResponse) -> tuple[Any, ...]:
    return answer.status_int, answer.content_type, answer.text, sorted(set(answer.headers) - {"X-Request-Id"})


def test_every_token_that_opens_nothing_is_answered_alike(house: House) -> None:
    kit, other = house.academy(), house.academy()
    activity = kit.activity(questions=False)
    person = learner_of(kit, activity)
    browser = kit.signed_in(person=person)
    meet(kit, activity)
    renewed = address_of(browser)
    ended = address_of(browser)
    assert read(kit, renewed, status=404), "a new address ends the one before"
    browser.post("/calendar/address/off", status=303)
    assert shown(browser) == ""
    suspended = address_of(browser)
    assert read(kit, suspended).status_int == 200
    of_other = address_of(other.signed_in())
    with kit.session() as session:
        session.get_one(Person, person.id).status = PersonStatus.SUSPENDED
    paths = [renewed, ended, suspended, of_other, "/calendar/feed/x.ics", f"/calendar/feed/{'y' * 43}.ics"]
    paths += [f"/calendar/feed/{'z' * 5000}.ics", "/calendar/feed/%00.ics", "/calendar/feed/%C3%BC%F0%9F%98%80.ics"]
    answers = [is_unknown(read(kit, path, status=404)) for path in paths]
    assert answers == [answers[0]] * len(paths)
    assert "CALENDAR_FEED" not in answers[0][2]
    assert answers[0][:2] == (404, "text/plain")


def test_every_token_costs_the_same_until_it_is_known(house: House) -> None:
    kit = house.academy()
    browser = kit.signed_in()
    gone = address_of(browser)
    browser.post("/calendar/address/off", status=303)
    costs = []
    for path in (gone, "/calendar/feed/x.ics", f"/calendar/feed/{'y' * 43}.ics"):
        read(kit, path, status=404)
        with counted(kit.runtime.database) as cost:
            read(kit, path, status=404)
        costs.append(len(cost.statements))
    assert costs == [costs[0]] * 3
    assert costs[0] <= 2


def test_a_feed_of_one_academy_is_unknown_at_another(house: House) -> None:
    kit, other = house.academy(), house.academy()
    activity = kit.activity(questions=False)
    meet(kit, activity, "Theirs")
    path = subscribed(kit, activity)
    assert summaries(read(kit, path)) == ["Theirs"]
    assert "Theirs" not in read(other, path, status=404)


def test_a_feed_knows_no_session_and_sets_no_cookie(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    learner, stranger = learner_of(kit, activity), kit.signed_in()
    meet(kit, activity, "Kick-off")
    path = address_of(kit.signed_in(person=learner))
    plain = read(kit, path)
    assert "Set-Cookie" not in plain.headers
    assert "Set-Cookie" not in read(kit, f"{path}x", status=404).headers
    assert stranger.get(path).body == plain.body, "whoever is signed in there"
    kit.browser().app.post(path, status=405)


def test_only_the_hash_of_a_token_is_kept_and_it_is_in_no_log(house: House) -> None:
    kit = house.academy()
    with structlog.testing.capture_logs() as lines:
        path = address_of(kit.signed_in())
        read(kit, path)
        read(kit, f"{path[:-5]}.ics", status=404)
    token = path.removeprefix("/calendar/feed/").removesuffix(".ics")
    assert len(token) == 43
    assert token[:-1] not in repr(lines)
    with kit.session() as session:
        row = session.scalars(sa.select(CalendarFeed)).one()
        assert token not in (row.token_hash, row.sealed_token)
        assert len(row.token_hash) == 64


def test_an_address_that_cannot_be_opened_any_more_can_be_renewed(house: House) -> None:
    kit = house.academy()
    browser = kit.signed_in()
    path = address_of(browser)
    with kit.session() as session:
        session.scalars(sa.select(CalendarFeed)).one().sealed_token = "of another key"
    assert "can no longer be shown" in words(browser.get("/calendar"))
    assert read(kit, path).status_int == 200
    assert address_of(browser) != path


def test_pressing_the_button_twice_leaves_one_address(house: House) -> None:
    kit = house.academy()
    browser = kit.signed_in()
    first, second = address_of(browser), address_of(browser)
    assert first != second
    read(kit, first, status=404)
    read(kit, second, status=200)
    browser.post("/calendar/address/off", status=303)
    browser.post("/calendar/address/off", status=303)
    read(kit, second, status=404)


# Asking again


def test_what_has_not_changed_is_not_sent_again(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    event = meet(kit, activity)
    path = subscribed(kit, activity)
    answer = read(kit, path)
    etag = answer.headers["ETag"]
    assert answer.headers["Cache-Control"] == "private, max-age=300"
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = read(kit, path, headers={"If-None-Match": known}, status=304)
        assert (again.body, again.headers["ETag"]) == (b"", etag)
    for other in ('"other"', "garbage", ""):
        assert read(kit, path, headers={"If-None-Match": other}, status=200).body == answer.body
    change(kit, event, title="Renamed", sequence=1, changed_at=clock.now())
    assert summaries(read(kit, path, headers={"If-None-Match": etag}, status=200)) == ["Renamed"]


@pytest.mark.parametrize("what", ["hidden", "cancelled", "course renamed", "another event"])
def test_the_etag_changes_with_the_text(house: House, what: str) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    event = meet(kit, activity)
    path = subscribed(kit, activity)
    before = read(kit, path)
    with kit.session() as session:
        row = session.get_one(CalendarEvent, event.id)
        if what == "hidden":
            hide(row)
        elif what == "cancelled":
            writing.cancel(session, writing.event_numbered(session, event.number) or row)
        elif what == "course renamed":
            session.get_one(Activity, activity.id).course.title = "Another title"
    if what == "another event":
        meet(kit, activity)
    after = read(kit, path, headers={"If-None-Match": before.headers["ETag"]}, status=200)
    assert after.body != before.body
    assert after.headers["ETag"] != before.headers["ETag"]


def test_hidden_and_shown_again_it_is_the_same_feed(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    event = meet(kit, activity)
    path = subscribed(kit, activity)
    before = read(kit, path)
    with kit.session() as session:
        hide(session.get_one(CalendarEvent, event.id))
    assert summaries(read(kit, path)) == []
    with kit.session() as session:
        unhide(session.get_one(CalendarEvent, event.id))
    assert read(kit, path).body == before.body


def test_head_says_what_get_would(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    meet(kit, activity)
    path = subscribed(kit, activity)
    got, head = read(kit, path), kit.browser().app.head(path)
    assert head.body == b""
    for name in ("Content-Type", "ETag", "Cache-Control", "Content-Length"):
        assert head.headers[name] == got.headers[name]
    kit.browser().app.head("/calendar/feed/x.ics", status=404)


def test_a_reading_is_noted_once_an_hour(house: House) -> None:
    kit = house.academy()
    browser = kit.signed_in()
    path = address_of(browser)

    def read_at() -> datetime | None:
        with kit.session() as session:
            return session.scalars(sa.select(CalendarFeed)).one().read_at

    assert "Nobody has read it yet" in words(browser.get("/calendar"))
    read(kit, path)
    first = read_at()
    assert first is not None
    read(kit, path)
    assert read_at() == first
    with kit.session() as session:
        session.scalars(sa.select(CalendarFeed)).one().read_at = datetime(2026, 1, 1, tzinfo=UTC)
    read(kit, path)
    assert "Last read" in words(browser.get("/calendar"))
    assert (read_at() or first) >= first


def test_a_feed_costs_the_same_however_long_and_has_an_end(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    origin = meet(kit, activity, "First", at=in_hours(1))
    assert origin.origin_id is not None
    path = subscribed(kit, activity)
    read(kit, path)
    with counted(kit.runtime.database) as few:
        read(kit, path)
    with kit.runtime.database.hot(kit.academy.id) as connection:
        first = writing.next_numbers(connection, LIMIT + 20)
        place = writing.Origin(origin.origin_id, activity.course_id)
        for number in range(LIMIT + 20):
            said = EventValues(f"Meeting {number}", "", LINK, in_hours(2 + number), 3600)
            writing.make(connection, place, f"more {number}", "", said, first + number)
    with counted(kit.runtime.database) as many:
        answer = read(kit, path)
    assert len(many.statements) == len(few.statements) <= 5, many.statements
    assert summaries(answer)[:2] == ["First", "Meeting 0"]
    assert len(events(answer)) == LIMIT


def test_a_large_feed_has_what_comes_next_and_then_what_was_last(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member of staff who takes part nowhere sees every course's events: more of them are over than a feed has."""
    kit = house.academy()
    activity = kit.activity(questions=False)
    for day in (-4, -3, -2, -1, 1, 2):
        meet(kit, activity, f"Day {day}", at=in_hours(24 * day))
    path = address_of(kit.signed_in(Role.AUTHOR))
    for limit, told in ((3, [-1, 1, 2]), (1, [1]), (5, [-3, -2, -1, 1, 2]), (9, [-4, -3, -2, -1, 1, 2])):
        monkeypatch.setattr(feeds, "LIMIT", limit)
        assert summaries(read(kit, path)) == [f"Day {day}" for day in told]


def test_a_feed_is_read_only_so_often(house: House) -> None:
    """From one address, and each of them; then whoever reads is told when to come again."""
    kit = house.academy()
    path = subscribed(kit, kit.activity(questions=False))
    rates = house.application.registry.calendar_feeds
    counts: Counter[tuple[str, ...]] = Counter()
    window = mock.patch.object(rates, "_window", int(time.monotonic() // 60))
    with mock.patch.object(rates, "_counts", counts), window:
        assert read(kit, path, status=200)
        (feed,) = [key for key in counts if key[1] == "feed"]
        (address,) = [key for key in counts if key[1] == "address"]
        for key in (feed, address):
            before, counts[key] = counts[key], 600
            with counted(kit.runtime.database) as cost:
                answer = read(kit, path, status=429)
            assert answer.headers["Retry-After"] == "60"
            assert answer.content_type == "text/plain"
            assert not any("calendar_feed" in statement for statement in cost.statements)
            counts[key] = before
        assert path.rpartition("/")[2].removesuffix(".ics") not in str(counts), "the token is not kept"
        assert read(kit, path, status=200)
