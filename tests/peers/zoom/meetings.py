"""What people see in the frame: upcoming meetings, scheduling, the roster, and a page that stands for the meeting."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden, HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from tests.peers.zoom.render import page
from tests.peers.zoom.state import NRPS, Meeting, Visit

PLACE = "/lti/advantage/meetings/{visit}"
ZONES = (
    "UTC", "Europe/London", "Europe/Berlin", "Europe/Amsterdam", "Europe/Zurich", "America/New_York",
    "America/Los_Angeles", "Asia/Kolkata", "Asia/Tokyo", "Australia/Sydney",
)  # fmt: skip
LONGEST_DAYS, MOST_WEEKS = 1, 50


def includeme(config: Configurator) -> None:
    for name, path, view in (
        ("meetings", PLACE, meetings),
        ("schedule", f"{PLACE}/schedule", schedule),
        ("edit", f"{PLACE}/{{number}}/edit", edit),
        ("delete", f"{PLACE}/{{number}}/delete", delete),
        ("roster", f"{PLACE}/roster", roster),
        ("join", "/j/{number}", join),
    ):
        config.add_route(name, path)
        config.add_view(view, route_name=name)


@dataclass(frozen=True)
class Wanted:
    """A form that was filled in well."""

    topic: str
    local: datetime
    zone: str
    minutes: int
    weeks: int

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "Wanted":
        """Raises ValueError in words."""
        topic, zone = form["topic"].strip(), form["zone"]
        if not topic or len(topic) > 200:
            raise ValueError("Enter a topic of at most 200 characters")
        if zone not in ZONES:
            raise ValueError("Choose a time zone")
        minutes, weeks = int(form["minutes"]), int(form.get("weeks") or 1)
        if not 0 < minutes <= LONGEST_DAYS * 24 * 60:
            raise ValueError("The duration is between a minute and a day")
        if not 0 < weeks <= MOST_WEEKS:
            raise ValueError(f"A series has at most {MOST_WEEKS} weeks")
        return cls(topic, datetime.fromisoformat(f"{form['date']}T{form['time']}"), zone, minutes, weeks)


def visit_of(request: Request) -> Visit:
    found: Visit | None = request.registry.practice.visits.get(request.matchdict["visit"])
    if found is None:
        raise HTTPNotFound("this visit is over: open Zoom from the course again")
    return found


def _own(request: Request, visit: Visit) -> Meeting:
    found: Meeting | None = request.registry.practice.meetings.get(request.matchdict["number"])
    if found is None or found.place != visit.place:
        raise HTTPNotFound("no such meeting here")
    if not visit.may_schedule:
        raise HTTPForbidden("only instructors may change it")
    return found


def _home(visit: Visit) -> str:
    return f"/lti/advantage/meetings/{visit.token}"


def meetings(request: Request) -> Response:
    visit = visit_of(request)
    shown = [
        {"meeting": meeting, "starts": [start.strftime("%a %d %b %Y, %H:%M") for start in meeting.starts]}
        for meeting in request.registry.practice.meetings_of(visit.place)
    ]
    return page("meetings.html", visit=visit, home=_home(visit), shown=shown, has_roster=NRPS in visit.claims)


def schedule(request: Request) -> Response:
    visit, practice = visit_of(request), request.registry.practice
    if not visit.may_schedule:
        raise HTTPForbidden("only instructors may schedule")
    wanted, wrong = _wanted(request)
    if wanted is None:
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d")
        values = {"topic": "", "date": tomorrow, "time": "10:00", "zone": "UTC", "minutes": "60", "weeks": "1"}
        return _form(visit, {**values, **request.POST}, wrong, "Schedule a New Meeting")
    with practice.lock:
        made = Meeting(practice.new_number(), visit.place, host=visit.name, base=visit.base, **vars(wanted))
        practice.meetings[made.number] = made
    request.registry.sites.tell("created", visit.credential, visit.instance, made)
    raise HTTPSeeOther(_home(visit))


def edit(request: Request) -> Response:
    visit = visit_of(request)
    meeting = _own(request, visit)
    wanted, wrong = _wanted(request)
    if wanted is None:
        local = meeting.local
        values: dict[str, Any] = {
            "topic": meeting.topic, "date": local.strftime("%Y-%m-%d"), "time": local.strftime("%H:%M"),
            "zone": meeting.zone, "minutes": meeting.minutes, "weeks": meeting.weeks,
        }  # fmt: skip
        return _form(visit, {**values, **request.POST}, wrong, "Edit Meeting")
    with request.registry.practice.lock:
        for name, value in vars(wanted).items():
            setattr(meeting, name, value)
    request.registry.sites.tell("changed", visit.credential, visit.instance, meeting)
    raise HTTPSeeOther(_home(visit))


def delete(request: Request) -> Response:
    visit = visit_of(request)
    meeting = _own(request, visit)
    if request.method == "POST":
        with request.registry.practice.lock:
            there = request.registry.practice.meetings.pop(meeting.number, None)
        if there is not None:
            request.registry.sites.tell("deleted", visit.credential, visit.instance, meeting)
    raise HTTPSeeOther(_home(visit))


def _wanted(request: Request) -> tuple[Wanted | None, str]:
    """What was asked for, or what is wrong with it."""
    if request.method != "POST":
        return None, ""
    try:
        return Wanted.of(request.POST), ""
    except (ValueError, KeyError, OverflowError) as error:
        return None, str(error)


def _form(visit: Visit, values: dict[str, Any], wrong: str, title: str) -> Response:
    return page("schedule.html", home=_home(visit), values=values, zones=ZONES, wrong=wrong, title=title)


def roster(request: Request) -> Response:
    """Read from the site now."""
    visit, wrong, members = visit_of(request), "", []
    if NRPS not in visit.claims:
        raise HTTPNotFound("the site gave no roster")
    try:
        members = request.registry.sites.roster(visit)
    except (ValueError, KeyError, httpx.HTTPError) as error:
        wrong = f"{type(error).__name__}: {error}"
    return page("roster.html", home=_home(visit), members=members, wrong=wrong)


def join(request: Request) -> Response:
    found: Meeting | None = request.registry.practice.meetings.get(request.matchdict["number"])
    if found is None or request.params.get("pwd") != found.passcode:
        raise HTTPNotFound("no such meeting")
    now = datetime.now(ZoneInfo(found.zone)).strftime("%H:%M")
    return page("join.html", meeting=found, now=now)
