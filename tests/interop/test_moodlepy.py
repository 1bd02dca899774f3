"""A public client of Moodle's web service, moodlepy, against `/webservice/rest/server.php` of a running Lyceum: who we
are, events created, listed, changed and deleted; what is another profile's, and what a wrong token hears.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from saas.tenancy.lifecycle import Lifecycle
from saas.tenancy.resolve import Academy
from tenants.calendar.models import CalendarEvent, EventState
from tenants.catalog.services import Catalog
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace
from tenants.zoom.ltipro.places import Places
from tenants.zoom.ltipro.profiles import Profiles, ProfileValues
from tenants.zoom.ltipro.use import switch_use
from tests.house import BACKENDS
from tests.installation import installation
from tests.interop.looking import Looking
from tests.peers.environment import Process
from tests.peers.tools import FOLDER

CREATE, GET = "core_calendar_create_calendar_events", "core_calendar_get_calendar_events"
STARTS = int(time.time()) // 60 * 60 + 86_400

pytestmark = pytest.mark.timeout(900)


@dataclass
class Caller:
    """moodlepy with a token."""

    peer: Process
    url: str
    token: str

    def __call__(self, **order: Any) -> dict[str, Any]:
        sent = {"url": self.url, "token": self.token, **order}
        told = httpx.post(f"{self.peer.url}/call", json=sent, timeout=60, trust_env=False)
        answer: dict[str, Any] = told.raise_for_status().json()
        return answer

    def value(self, **order: Any) -> Any:
        answer = self(**order)
        assert "raised" not in answer, answer
        return answer["value"]


@dataclass
class School:
    """The academy ``north``; ``mine`` and ``theirs`` are profiles, each with the tool of a course of its own."""

    looking: Looking
    mine: Caller
    theirs: Caller
    course: str
    other: str

    def states(self) -> dict[int, EventState]:
        """Of every event, by its number."""
        with self.looking.session() as session:
            return dict(session.execute(sa.select(CalendarEvent.number, CalendarEvent.state)).all())


def academy_of(looking: Looking) -> Academy:
    with looking.runtime.database.shell() as session:
        Lifecycle(session, looking.runtime.settings.web).switch("north", "zoom", on=True, reason="test")
    looking.runtime.tenants.forget()
    found = looking.runtime.tenants.by_id(looking.tenant_id)
    assert found is not None
    return found


def connected(looking: Looking, academy: Academy, name: str) -> tuple[str, str]:
    """A profile's token, and the context of the course tool it is used in."""
    with looking.session(write=True) as session:
        switch_use(session, is_on=True, kinds=frozenset(PlaceKind), with_calendar=True)
        values = ProfileValues(name=name, lti_key=f"key-of-{name}")
        profile, token = Profiles(session, looking.runtime, academy).create(values)
        course = Catalog(session).create_course(f"Course of {name}")
        place: ZoomPlace = Places(session, academy, looking.runtime).put(PlaceKind.COURSE, course, profile)
        return token, place.context_id


@pytest.fixture(scope="module")
def peer() -> Iterator[Process]:
    with Process(FOLDER / "moodlepy") as running:
        yield running


@pytest.fixture(scope="module", params=BACKENDS)
def school(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, peer: Process) -> Iterator[School]:
    with installation(tmp_path_factory.mktemp("moodlepy"), request.param, app__demo="true") as made:
        made.cli("demo")
        looking = Looking.into(made)
        academy = academy_of(looking)
        (mine, course), (theirs, other) = (connected(looking, academy, name) for name in ("mine", "theirs"))
        made.serve()
        url = f"{made.url('north')}/webservice/rest/server.php"
        yield School(looking, Caller(peer, url, mine), Caller(peer, url, theirs), course, other)
        looking.close()


def meeting(context: str, number: str, **changed: Any) -> dict[str, Any]:
    link = f"https://zoom.us/j/{number}?pwd=x"
    return {
        "name": "Office hour",
        "description": f'<p>Join: <a href="{link}" target="_blank">{number}</a></p>',
        "courseid": context,
        "eventtype": "course",
        "timestart": STARTS,
        "timeduration": 2700,
        **changed,
    }


def created(caller: Caller, *events: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.value(function=CREATE, parameters={"events": list(events)})["events"]
    return found


def listed(caller: Caller, **parameters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.value(function=GET, parameters=parameters)["events"]
    return found


def test_it_takes_us_for_a_moodle(school: School) -> None:
    """By its own class, which wants everything that Moodle tells."""
    info = school.mine.value(typed="site_info")
    assert (info["sitename"], info["siteurl"]) == ("North Academy", school.looking.made.url("north"))
    assert {each["name"] for each in info["functions"]} >= {CREATE, GET, "core_calendar_delete_calendar_events"}


def test_events_are_created_listed_changed_and_deleted(school: School) -> None:
    first, second = created(
        school.mine, meeting(school.course, "81234567890"), meeting(school.course, "81234567891", name="Åbningstid")
    )
    assert (first["courseid"], first["timestart"], first["timeduration"]) == (school.course, STARTS, 2700)
    assert (first["name"], second["name"], first["id"] != second["id"]) == ("Office hour", "Åbningstid", True)
    found = listed(school.mine, **{"events[eventids][0]": first["id"], "events[eventids][1]": second["id"]})
    assert sorted(each["id"] for each in found) == sorted([first["id"], second["id"]])
    by_course = listed(school.mine, **{"events[courseids][0]": school.course})
    assert {each["id"] for each in by_course} >= {first["id"], second["id"]}

    moved = meeting(school.course, "81234567890", name="Moved", timestart=STARTS + 3600)
    (changed,) = created(school.mine, moved)
    assert (changed["id"], changed["name"], changed["timestart"]) == (first["id"], "Moved", STARTS + 3600)

    gone = [{"eventid": each["id"], "repeat": 0} for each in (first, second)]
    for _twice in range(2):
        assert school.mine.value(typed="delete", arguments=gone) is None
    assert listed(school.mine, **{"events[eventids][0]": first["id"]}) == []
    states = school.states()
    assert (states[first["id"]], states[second["id"]]) == (EventState.CANCELLED, EventState.CANCELLED)


def test_its_own_class_of_an_event_is_understood(school: School) -> None:
    """What it sends is taken. Of the answer it wants numbers only, and our context is none, as its README says."""
    before = len(school.states())
    answer = school.mine(typed="create", arguments=[meeting(school.course, "81234567899")])
    assert len(school.states()) == before + 1, answer
    assert answer["raised"] == "ClassValidationError"


def test_another_profiles_course_is_a_warning_and_its_event_an_exception(school: School) -> None:
    (theirs,) = created(school.theirs, meeting(school.other, "85555555555"))
    answer = school.mine.value(function=CREATE, parameters={"events": [meeting(school.other, "85555555556")]})
    assert answer["events"] == []
    assert [each["warningcode"] for each in answer["warnings"]] != []
    refused = school.mine(typed="delete", arguments=[{"eventid": theirs["id"], "repeat": 0}])
    assert (refused["raised"], refused["errorcode"]) == ("MoodleException", "nopermissions")
    assert [each["id"] for each in listed(school.theirs, **{"events[eventids][0]": theirs["id"]})] == [theirs["id"]]
    assert listed(school.mine, **{"events[eventids][0]": theirs["id"]}) == []


def test_it_hears_what_moodle_would_say(school: School) -> None:
    stranger = Caller(school.mine.peer, school.mine.url, "0" * 40)
    refused = stranger(typed="site_info")
    assert (refused["raised"], refused["errorcode"]) == ("MoodleException", "invalidtoken")
    unknown = school.mine(function="core_user_get_users", parameters={})
    assert (unknown["raised"], unknown["errorcode"]) == ("MoodleException", "invalidrecord")
    nameless = school.mine(function=CREATE, parameters={"events": [{"courseid": school.course, "timestart": "soon"}]})
    assert (nameless["raised"], nameless["errorcode"]) == ("MoodleException", "invalidparameter")
