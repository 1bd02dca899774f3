"""An academy with Zoom in a course element, a course and a group, and what people's browsers and Zoom's do there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import jwt
import sqlalchemy as sa
from webtest import TestResponse

from tenants.access import Role
from tenants.accounts.models import Person
from tenants.catalog.groups import Groups
from tenants.catalog.models import Activity, ActivityType, Content, Course, CourseGroup
from tenants.catalog.services import Catalog
from tenants.lti.launches.models import Launch
from tenants.lti.platform.models import ToolUser
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace, ZoomProfile
from tenants.zoom.ltipro.places import ROUTES, Places, find_place
from tenants.zoom.ltipro.profiles import Profiles, ProfileValues
from tenants.zoom.ltipro.use import switch_use
from tests.conformance.openings import fields_of, target_of
from tests.house import Browser, Kit, forms_of

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
COACH_ROLES = [
    f"{MEMBERSHIP}Instructor",
    "http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant",
    f"{MEMBERSHIP}Mentor",
]
ADMIN_ROLES = [
    *COACH_ROLES,
    f"{MEMBERSHIP}ContentDeveloper",
    "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator",
]
REDIRECTS = (
    "https://applications.zoom.us/lti/rich/oauth/complete",
    "https://applications.zoom.us/lti/advantage/oauth/complete",
)
MODELS: dict[PlaceKind, type[Any]] = {
    PlaceKind.ELEMENT: Activity,
    PlaceKind.COURSE: Course,
    PlaceKind.GROUP: CourseGroup,
}
PATHS = {PlaceKind.ELEMENT: "/learn/{}/zoom", PlaceKind.COURSE: "/courses/{}/zoom", PlaceKind.GROUP: "/groups/{}/zoom"}


@dataclass
class ZoomDesk:
    """``ids``: of the subject of each kind of place; all of them in one course, with one profile."""

    kit: Kit
    profile_id: UUID
    client_id: str
    ids: dict[PlaceKind, UUID]

    @classmethod
    def set(cls, kit: Kit, *, with_places: bool = True, **values: Any) -> "ZoomDesk":
        with kit.session() as session:
            switch_use(session, is_on=True, kinds=frozenset(PlaceKind), with_calendar=True)
            profile = make_profile(kit, session, **values)
            catalog = Catalog(session)
            course = catalog.create_course("Welding <b>basics</b>")
            activity = catalog.create_activity(course, "Weekly hour", type_=ActivityType.MEETING, content=Content.ZOOM)
            group = Groups(session).create(course, "Group North")
            desk = cls(
                kit,
                profile.id,
                profile.tool.client_id,
                {PlaceKind.ELEMENT: activity.id, PlaceKind.COURSE: course.id, PlaceKind.GROUP: group.id},
            )
            catalog.publish(course, on=True)
        if with_places:
            for kind in PlaceKind:
                desk.put(kind)
            desk.publish()
        return desk

    def publish(self, *, on: bool = True) -> None:
        with self.kit.session() as session:
            Catalog(session).publish(session.get_one(Activity, self.ids[PlaceKind.ELEMENT]), on=on)

    def put(self, kind: PlaceKind, profile_id: UUID | None = None) -> ZoomPlace:
        with self.kit.session() as session:
            profile = session.get_one(ZoomProfile, profile_id or self.profile_id)
            return detached(session, self.places(session).put(kind, self.subject(session, kind), profile))

    def place(self, kind: PlaceKind) -> ZoomPlace | None:
        with self.kit.session() as session:
            found = find_place(session, kind, self.subject(session, kind))
            return detached(session, found) if found else None

    def there(self, kind: PlaceKind) -> ZoomPlace:
        found = self.place(kind)
        assert found is not None
        return found

    def places(self, session: Any) -> Places:
        return Places(session, self.kit.academy, self.kit.runtime)

    def profiles(self, session: Any) -> Profiles:
        return Profiles(session, self.kit.runtime, self.kit.academy)

    def subject(self, session: Any, kind: PlaceKind) -> Any:
        return session.get_one(MODELS[kind], self.ids[kind])

    def join(self, person: Person, *, is_coach: bool = False) -> None:
        """To the group."""
        with self.kit.session() as session:
            group = self.subject(session, PlaceKind.GROUP)
            Groups(session).put(group, session.get_one(Person, person.id), is_coach=is_coach)

    def leave(self, person: Person) -> None:
        with self.kit.session() as session:
            Groups(session).take_out(self.subject(session, PlaceKind.GROUP), person.id)

    def switch(self, *, on: bool) -> None:
        """The profile."""
        with self.kit.session() as session:
            profiles = self.profiles(session)
            profiles.switch(profiles.get(self.profile_id), on=on)

    def use(self, *kinds: PlaceKind, is_on: bool = True) -> None:
        with self.kit.session() as session:
            switch_use(session, is_on=is_on, kinds=frozenset(kinds), with_calendar=True)

    def path(self, kind: PlaceKind) -> str:
        return PATHS[kind].format(self.ids[kind])

    def visitor(self, role: Role = Role.LEARNER, *, in_group: bool | None = None) -> "Visitor":
        """``in_group``: as a coach or not; None for not at all."""
        person = self.kit.person(role)
        if in_group is not None:
            self.join(person, is_coach=in_group)
        return Visitor(self, self.kit.signed_in(person=person), person)

    def rows(self) -> list[Launch]:
        """What was opened, newest first."""
        with self.kit.session() as session:
            rows = list(session.scalars(sa.select(Launch).order_by(Launch.started_at.desc(), Launch.id.desc())))
            session.expunge_all()
            return rows

    def users(self) -> list[ToolUser]:
        with self.kit.session() as session:
            rows = list(session.scalars(sa.select(ToolUser)))
            session.expunge_all()
            return rows


def make_profile(kit: Kit, session: Any, **values: Any) -> ZoomProfile:
    given = {"name": f"Zoom {uuid4().hex[:6]}", "lti_key": "Zoom-Key_1", **values}
    profile, _token = Profiles(session, kit.runtime, kit.academy).create(ProfileValues(**given))
    return profile


def detached(session: Any, place: ZoomPlace) -> ZoomPlace:
    session.flush()
    session.refresh(place)
    session.expunge(place)
    return place


@dataclass
class Visitor:
    """One person in one browser. ``asked``: the login initiation Zoom got last."""

    desk: ZoomDesk
    browser: Browser
    person: Person
    asked: dict[str, str] = field(default_factory=dict)

    def page(self, kind: PlaceKind, **options: Any) -> TestResponse:
        return self.browser.get(self.desk.path(kind), **options)

    def agree(self, kind: PlaceKind) -> None:
        form = next(form for form in forms_of(self.page(kind, status=200)) if "share" in form.fields)
        assert form.submit().status_int == 303

    def open(self, kind: PlaceKind, where: str = "iframe") -> TestResponse:
        """Agrees if asked, then the page that sends itself to Zoom."""
        if is_asked(self.page(kind, status=200)):
            self.agree(kind)
        return self.browser.post(f"{self.desk.path(kind)}/launch", {"in": where}, status=200)

    def begin(self, kind: PlaceKind, where: str = "iframe") -> dict[str, str]:
        self.asked = fields_of(self.open(kind, where))
        return self.asked

    def request(self, *left_out: str, **changes: str) -> dict[str, str]:
        """The authentication request of Zoom."""
        fields = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": self.desk.client_id,
            "redirect_uri": REDIRECTS[0],
            "state": "a state",
            "nonce": uuid4().hex,
            "login_hint": self.asked.get("login_hint", ""),
            "lti_message_hint": self.asked.get("lti_message_hint", ""),
            **changes,
        }
        return {name: value for name, value in fields.items() if name not in left_out}

    def authorize(self, *left_out: str, **changes: str) -> TestResponse:
        return self.send(self.request(*left_out, **changes))

    def send(self, fields: Mapping[str, str]) -> TestResponse:
        return self.browser.app.get("/mod/lti/auth.php", dict(fields), status="*")

    def launch(self, kind: PlaceKind, where: str = "iframe") -> dict[str, Any]:
        self.begin(kind, where)
        answer = self.authorize()
        assert target_of(answer) == REDIRECTS[0]
        return claims_of(self.browser, fields_of(answer)["id_token"], self.desk.client_id)


def is_asked(page: TestResponse) -> bool:
    return any("share" in form.fields for form in forms_of(page))


def claims_of(browser: Browser, token: str, client_id: str) -> dict[str, Any]:
    """Verified by PyJWT with our published keys, found by kid."""
    keys = {key["kid"]: jwt.PyJWK(key).key for key in browser.get("/mod/lti/certs.php").json["keys"]}
    kid = jwt.get_unverified_header(token)["kid"]
    decoded: dict[str, Any] = jwt.decode(token, keys[kid], algorithms=["RS256"], audience=client_id)
    return decoded


def place_page(place: ZoomPlace) -> str:
    return PATHS[place.kind].format(getattr(place, ROUTES[place.kind][1]))
