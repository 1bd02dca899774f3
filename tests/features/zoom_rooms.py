"""Zoom's side of Moodle's addresses: profiles with places, and what Zoom's servers and browsers send for one of them."""

import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import jwt
import sqlalchemy as sa
from webtest import TestResponse

from saas.sessions import WebSession
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.calendar.models import CalendarEvent
from tenants.catalog.groups import Groups
from tenants.catalog.models import Activity, ActivityType, Content, Course
from tenants.catalog.services import Catalog
from tenants.lti.platform.log import Call, ServiceCalls, Wanted
from tenants.lti.platform.messages import Seat
from tenants.lti.platform.models import OpensIn, Tool
from tenants.lti.platform.opening import Sitting
from tenants.zoom.ltipro.addresses import AUTH_PATH, REST_PATH, TOKEN_PATH, ZoomAddresses
from tenants.zoom.ltipro.launch import Agreement, PlaceOpening
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace
from tenants.zoom.ltipro.places import Places, Subject
from tenants.zoom.ltipro.profiles import Profiles, ProfileValues
from tenants.zoom.ltipro.use import switch_use
from tests.conformance.openings import fields_of
from tests.conformance.platform import Key, rsa
from tests.conformance.tools import pem
from tests.house import Browser, Kit

CREATE = "core_calendar_create_calendar_events"
DELETE = "core_calendar_delete_calendar_events"
GET = "core_calendar_get_calendar_events"
SITE_INFO = "core_webservice_get_site_info"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ROSTER = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
#: A morning of 2031, in seconds.
MORNING = 1_925_024_400
LINK = "https://us05web.zoom.us/j/86412345678?pwd=TheSecretPasscode"
TEXT = f'<p><a href="{LINK}" target="_blank">Join Zoom Meeting 864 1234 5678</a></p>'


def use(kit: Kit, **switches: Any) -> None:
    """Zoom is on here, everywhere, unless ``switches`` say otherwise."""
    wanted = {"is_on": True, "kinds": frozenset(PlaceKind), "with_calendar": True, **switches}
    with kit.session() as session:
        switch_use(session, **wanted)


def an_event(place: ZoomPlace | str, **changes: Any) -> dict[str, Any]:
    """As Zoom sends one; None drops a member."""
    event = {
        "courseid": place if isinstance(place, str) else place.context_id,
        "name": "Weekly talk", "description": TEXT, "timestart": MORNING, "timeduration": 3600, **changes,
    }  # fmt: skip
    return {name: value for name, value in event.items() if value is not None}


def flat(*events: dict[str, Any]) -> dict[str, str]:
    return {
        f"events[{place}][{name}]": str(value) for place, event in enumerate(events) for name, value in event.items()
    }


@dataclass
class Room:
    """One profile. ``token`` is in clear; ``key`` signs for Zoom."""

    kit: Kit
    profile_id: UUID
    tool_id: UUID
    client_id: str
    token: str
    key: Key = field(default_factory=lambda: Key("zoom-key", rsa(0)))

    @classmethod
    def set(cls, kit: Kit, **values: Any) -> "Room":
        """With Zoom's real addresses, and its key known without asking."""
        use(kit)
        with kit.session() as session:
            named = ProfileValues(**{"name": f"Profile {uuid4().hex[:6]}", "lti_key": "zoom-key", **values})
            profile, token = Profiles(session, kit.runtime, kit.academy).create(named)
            room = cls(kit, profile.id, profile.tool_id, profile.tool.client_id, token)
            profile.tool.pasted_key = pem(room.key)
            return room

    def place(self, kind: PlaceKind = PlaceKind.COURSE) -> ZoomPlace:
        """A new course, meeting or group that uses the profile."""
        with self.kit.session() as session:
            catalog = Catalog(session)
            course = catalog.create_course(f"Course {uuid4().hex[:6]}")
            catalog.publish(course, on=True)
            subject: Subject = course
            if kind is PlaceKind.ELEMENT:
                subject = catalog.create_activity(course, "A meeting", type_=ActivityType.MEETING, content=Content.ZOOM)
            elif kind is PlaceKind.GROUP:
                subject = Groups(session).create(course, "A group", "")
            session.flush()
            profile = Profiles(session, self.kit.runtime, self.kit.academy).get(self.profile_id)
            place = Places(session, self.kit.academy, self.kit.runtime).put(kind, subject, profile)
            session.refresh(place)
            session.expunge_all()
            return place

    def switch(self, *, on: bool) -> None:
        with self.kit.session() as session:
            profiles = Profiles(session, self.kit.runtime, self.kit.academy)
            profiles.switch(profiles.get(self.profile_id), on=on)

    # -- calendar calls

    def call(self, function: str | None, fields: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        """``options``: ``token``, ``format``, ``method``, and ``browser`` where it is called at another host."""
        options = {"token": self.token, "format": "json", "method": "POST", "browser": None, **options}
        said = {"wstoken": options["token"], "wsfunction": function, "moodlewsrestformat": options["format"]}
        said = {name: value for name, value in said.items() if value is not None}
        app = (options["browser"] or self.kit.browser()).app
        if options["method"] == "GET":
            return app.get(f"{REST_PATH}?{urlencode({**said, **(fields or {})})}", expect_errors=True)
        return app.post(REST_PATH, {**said, **(fields or {})}, expect_errors=True)

    def create(self, *events: dict[str, Any], **options: Any) -> Any:
        """The document of the answer."""
        return self.call(CREATE, flat(*events), **options).json

    def made(self, *events: dict[str, Any]) -> list[int]:
        """Numbers of what must have been kept."""
        answer = self.create(*events)
        assert answer["warnings"] == []
        return [event["id"] for event in answer["events"]]

    def delete(self, *numbers: int, repeat: int = 0) -> TestResponse:
        return self.call(DELETE, flat(*({"eventid": number, "repeat": repeat} for number in numbers)))

    def events(self) -> list[CalendarEvent]:
        """All of the academy, by number."""
        with self.kit.session() as session:
            found = list(session.scalars(sa.select(CalendarEvent).order_by(CalendarEvent.number)))
            session.expunge_all()
            return found

    def calls(self, **wanted: Any) -> list[Call]:
        """The academy's log, newest first."""
        with self.kit.session() as session:
            found = list(ServiceCalls(session).find(Wanted(**wanted)))
            session.expunge_all()
            return found

    # -- LTI

    def begin(self, place: ZoomPlace, person: Person, browser: Browser) -> dict[str, str]:
        """The login initiation, as the page of the place makes it for somebody who has agreed."""
        assert browser.get("/profile").status_int == 200
        with self.kit.session() as session:
            mine = (
                sa.select(WebSession).where(WebSession.subject_id == person.id).order_by(WebSession.created_at.desc())
            )
            web_session = session.scalars(mine).first()
            assert web_session is not None
            kinds = {PlaceKind.ELEMENT: (Activity, place.activity_id), PlaceKind.COURSE: (Course, place.course_id)}
            model, subject_id = kinds[place.kind]
            subject: Any = session.get_one(model, subject_id)
            opening = PlaceOpening(session, self.kit.runtime, self.kit.academy, place.kind, subject)
            entered = opening.enter(session.get_one(Person, person.id))
            agreement = Agreement(session, entered)
            assert agreement.give([share.value for share in agreement.shares])
            sitting = Sitting(entered.person, web_session.id, Seat(OpensIn.FRAME, "en", ""), {"family": "Chrome"})
            return dict(opening.begin(entered, sitting).fields)

    def request(self, begun: dict[str, str], *left_out: str, **changes: str) -> dict[str, str]:
        """The authorization request of an honest Zoom."""
        fields = {
            "scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none",
            "client_id": self.client_id, "redirect_uri": self.redirects[0], "state": "a state", "nonce": uuid4().hex,
            "login_hint": begun.get("login_hint", ""), "lti_message_hint": begun.get("lti_message_hint", ""), **changes,
        }  # fmt: skip
        return {name: value for name, value in fields.items() if name not in left_out}

    @property
    def redirects(self) -> tuple[str, str]:
        return self.kit.runtime.part(ZoomAddresses).redirect_urls

    def authorize(self, browser: Browser, fields: dict[str, str], method: str = "GET", **headers: str) -> TestResponse:
        send = browser.app.get if method == "GET" else browser.app.post
        return send(AUTH_PATH, fields, headers=headers, expect_errors=True)

    def assertion(self, key: Key | None = None, **changes: Any) -> str:
        """None drops a claim."""
        now, key = int(time.time()), key or self.key
        claims = {
            "iss": "https://applications.zoom.us", "sub": self.client_id, "aud": f"{self.kit.academy.url}{TOKEN_PATH}",
            "iat": now - 5, "exp": now + 300, "jti": uuid4().hex, **changes,
        }  # fmt: skip
        said = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(said, key.private, "RS256", headers={"kid": key.kid})

    def form(self, assertion: str = "", *left_out: str, **changes: str) -> dict[str, str]:
        fields = {
            "grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(), "scope": ROSTER, **changes,
        }  # fmt: skip
        return {name: value for name, value in fields.items() if name not in left_out}

    def ask(self, form: dict[str, str], browser: Browser | None = None, **options: Any) -> TestResponse:
        return (browser or self.kit.browser()).app.post(TOKEN_PATH, form, expect_errors=True, **options)

    def change_tool(self, **columns: Any) -> None:
        with self.kit.session() as session:
            tool = session.get_one(Tool, self.tool_id)
            for name, value in columns.items():
                setattr(tool, name, value)


def learner(room: Room) -> tuple[Person, Browser]:
    """With an address Zoom may be told."""
    person = room.kit.person(Role.AUTHOR)
    return person, room.kit.signed_in(person=person)


def error_of(page: TestResponse) -> str:
    """What Zoom is told, and never a token along with it."""
    fields = fields_of(page)
    assert page.status_int == 200
    assert "id_token" not in fields
    return fields["error"]
