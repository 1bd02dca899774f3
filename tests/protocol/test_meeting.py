"""Which meeting a calendar call speaks of, where it is joined, and what of its text is kept."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.zoom.wire.meeting import LONGEST, TEXT_LIMIT, duration_of, moment_of, read_meeting, weekly

AT = datetime(2031, 1, 1, 9, tzinfo=UTC)


def link(url: str, text: str = "Join Zoom Meeting 864 1234 5678") -> str:
    return f'<p><a href="{url}" target="_blank">{text}</a></p>'


@pytest.mark.parametrize(
    "url",
    [
        "https://us05web.zoom.us/j/86412345678?pwd=secret",
        "https://zoom.us/j/86412345678",
        "https://company.zoom.us/w/86412345678",
        "https://company.zoomgov.com/s/86412345678",
        "https://company.zoom.com.cn/j/86412345678/",
        "https://ZOOM.US/j/86412345678",
        "https://us05web.zoom.us:443/j/86412345678",
    ],
)
def test_the_number_of_an_address(url: str) -> None:
    meeting = read_meeting("Talk", link(url, "Join"), AT)
    assert (meeting.key, meeting.url, meeting.text, meeting.title) == ("86412345678", url, "Join", "Talk")


@pytest.mark.parametrize(
    "url",
    [
        "http://us05web.zoom.us/j/86412345678",
        "https://zoom.us.evil.example/j/86412345678",
        "https://evilzoom.us/j/86412345678",
        "https://evil.example/zoom.us/j/86412345678",
        "https://zoom.us@evil.example/j/86412345678",
        "https://user:secret@zoom.us/j/86412345678",
        "javascript:alert(1)//zoom.us/j/86412345678",
        "data:text/html,zoom.us/j/86412345678",
        "//zoom.us/j/86412345678",
        "/j/86412345678",
        "https://zoom.us\\.evil.example/j/86412345678",
        "https://zoom.us%00.evil.example/j/86412345678",
        "https://z\u043eom.us/j/86412345678",
        "",
    ],
)
def test_addresses_that_are_not_zooms(url: str) -> None:
    meeting = read_meeting("Talk", link(url, "Join"), AT)
    assert meeting.url == ""
    assert meeting.key.startswith("text-")


def test_a_practice_zoom_is_where_the_setting_says() -> None:
    url = "http://localhost:7000/j/86412345678"
    assert read_meeting("Talk", link(url), AT, "http://localhost:7000").url == url
    assert read_meeting("Talk", link(url), AT, "http://localhost:7001").url == ""
    assert read_meeting("Talk", link(url), AT, "https://applications.zoom.us").url == ""


@pytest.mark.parametrize(
    ("description", "key"),
    [
        (link("https://x.zoom.us/my/alice"), "86412345678"),
        (link("https://x.zoom.us/meeting/register/tJ0", "Register"), ""),
        ("Meeting ID: 864 1234 5678", "86412345678"),
        ("Meeting-ID 864-1234-5678 Passcode: 123", "86412345678"),
        ("<b>ID de reuni\u00f3n:</b> 864\u00a01234\u00a05678", "86412345678"),
        ("Call +49 69 7104 9922", ""),
        ("Join https://us05web.zoom.us/j/86412345678?pwd=x now", "86412345678"),
        (link("https://evil.example/x"), ""),
        ("", ""),
    ],
)
def test_where_else_a_number_is(description: str, key: str) -> None:
    found = read_meeting("Talk", description, AT).key
    assert found == key or (not key and found.startswith("text-"))


def test_without_a_number_it_is_name_and_time() -> None:
    key = read_meeting("Talk", "", AT).key
    assert read_meeting("Talk", "other text", AT).key == key
    assert read_meeting("Other", "", AT).key != key
    assert read_meeting("Talk", "", AT + timedelta(hours=1)).key != key


@pytest.mark.parametrize(
    ("description", "text"),
    [
        ("<p>One</p><p>Two<br>Three</p>", "One\nTwo\nThree"),
        ("a<script>alert(1)</script>b<style>x{}</style>c", "abc"),
        ("a<!-- hidden <b> -->b", "ab"),
        ("a &lt;script&gt; b", "a <script> b"),
        ("<img src=x onerror=alert(1)>text", "text"),
        ("  many \t spaces \r\n\r\n\r\n and lines  ", "many spaces\nand lines"),
        ("left\u202eright\x00\x07", "leftright"),
        ("<script>never closed", ""),
        ("1 < 2 > 1", "1 1"),
    ],
)
def test_what_is_kept_of_the_text(description: str, text: str) -> None:
    assert read_meeting("Talk", description, AT).text == text


@given(st.text(max_size=300), st.text(max_size=3000))
def test_nothing_foreign_breaks_it(name: str, description: str) -> None:
    meeting = read_meeting(name, description, AT)
    assert meeting.key
    assert 0 < len(meeting.title) <= 255
    assert len(meeting.text) <= TEXT_LIMIT
    assert meeting.url == "" or meeting.url.startswith("https://")
    assert "\x00" not in meeting.title + meeting.text + meeting.url + meeting.key
    (meeting.title + meeting.text).encode()


@pytest.mark.parametrize(
    "part",
    ["<", "<!--", "<a href=", '<a href="x">', "ID ", "1 ", "&amp;", "https://", "<script>", "&#", "<p>\n", "ID 1-"],
)
def test_no_text_takes_long(part: str) -> None:
    began = time.perf_counter()
    read_meeting("Talk", part * (10_000 // len(part)), AT)
    assert time.perf_counter() - began < 1


def test_times() -> None:
    assert moment_of(1_925_024_400) == AT
    assert moment_of(946_684_800) == datetime(2000, 1, 1, tzinfo=UTC)
    assert moment_of(946_684_799) is None
    assert moment_of(4_133_980_799) == datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert moment_of(4_133_980_800) is None
    assert moment_of(-1) is None
    assert moment_of(10**14) is None
    assert [duration_of(each) for each in (-1, 0, 60, LONGEST, LONGEST + 1)] == [0, 0, 60, LONGEST, LONGEST]


def test_weeks() -> None:
    """The clocks of Berlin go forward on 30 March 2031."""
    start = datetime(2031, 3, 24, 9, tzinfo=UTC)
    dates = weekly(start, 3, ZoneInfo("Europe/Berlin"))
    assert [date.astimezone(ZoneInfo("Europe/Berlin")).hour for date in dates] == [10, 10, 10]
    assert dates[1] - dates[0] == timedelta(days=7, hours=-1)
    assert weekly(start, 1, UTC) == weekly(start, 0, UTC) == [start]


@given(st.integers(946_684_800, 3_800_000_000), st.integers(1, 60))
def test_weeks_are_all_different(seconds: int, count: int) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    dates = weekly(moment, count, ZoneInfo("Europe/Berlin"))
    assert len(set(dates)) == count
    assert dates[0] == moment
