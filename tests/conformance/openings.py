"""Our learners open outside tools: an academy with a tool and activities of it, and what a tool's browser does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import jwt
import sqlalchemy as sa
from webtest import TestResponse

from tenants.access import Role
from tenants.accounts.models import Person
from tenants.catalog.models import Activity, ActivityType, Content
from tenants.catalog.services import Catalog
from tenants.lti.launches.models import Direction, Launch, Protocol
from tenants.lti.platform.links import LinkValues, ToolLinks
from tenants.lti.platform.models import ToolUser
from tenants.lti.platform.tools import Tools, ToolValues
from tests.house import Browser, Kit, forms_of

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"


@dataclass
class Desk:
    """An academy whose activities open tools; ``tool`` values are of the first 1.3 tool."""

    kit: Kit
    tool_id: UUID
    client_id: str
    deployment_id: str
    base: str

    @classmethod
    def set(cls, kit: Kit, *, base: str = "", **more: Any) -> "Desk":
        base = base or f"https://tool{uuid4().hex[:6]}.example"
        tool = make_tool(kit, base, **more)
        return cls(kit, tool.id, tool.client_id, tool.deployment_id, base)

    @property
    def redirect_uri(self) -> str:
        return f"{self.base}/launch"

    def activity13(self, *, course_id: UUID | None = None, title: str = "An outside one", **more: Any) -> Activity:
        given = {"tool_id": self.tool_id, "url": f"{self.base}/course/1", **more}
        return outside_activity(self.kit, LinkValues(Protocol.LTI_13, **given), course_id=course_id, title=title)

    def activity12(self, *, title: str = "An outside one", description: str = "", **more: Any) -> Activity:
        given = {"url": f"{self.base}/lti.php", "key": "our-key", "secret": "our-secret", **more}
        values = LinkValues(Protocol.LTI_12, **{"resource_link_id": uuid4().hex[:12], **given})
        return outside_activity(self.kit, values, title=title, description=description)

    def learner(self) -> "Learner":
        person = self.kit.person()
        return Learner(self, self.kit.signed_in(person=person), person)

    def staff(self, role: Role = Role.AUTHOR) -> "Learner":
        person = self.kit.person(role)
        return Learner(self, self.kit.signed_in(person=person), person)

    def rows(self, limit: int = 20) -> list[Launch]:
        """What we opened, newest first."""
        with self.kit.session() as session:
            query = sa.select(Launch).where(Launch.direction == Direction.OUT).order_by(Launch.started_at.desc())
            rows = list(session.scalars(query.limit(limit)))
            session.expunge_all()
            return rows

    def switch(self, *, on: bool) -> None:
        with self.kit.session() as session:
            tools = Tools(session, self.kit.runtime.outbound)
            tools.switch(tools.get(self.tool_id), on=on)

    def users(self) -> list[ToolUser]:
        with self.kit.session() as session:
            rows = list(session.scalars(sa.select(ToolUser)))
            session.expunge_all()
            return rows


def make_tool(kit: Kit, base: str, **more: Any) -> Any:
    values = {
        "name": f"Tool at {urlsplit(base).hostname}",
        "login_url": f"{base}/login",
        "jwks_url": f"{base}/jwks",
        "redirect_urls": (f"{base}/launch",),
        "is_active": True,
        **more,
    }
    with kit.session() as session:
        tool = Tools(session, kit.runtime.outbound).create(ToolValues(**values))
        session.flush()
        session.refresh(tool)
        session.expunge(tool)
        return tool


def outside_activity(
    kit: Kit,
    values: LinkValues,
    *,
    course_id: UUID | None = None,
    title: str = "An outside one",
    description: str = "",
    exam: int | None = None,
) -> Activity:
    """Published, in a course of its own or the one named."""
    with kit.session() as session:
        catalog = Catalog(session)
        course = catalog.course(course_id) if course_id else catalog.create_course("A course")
        activity = Activity(
            course_id=course.id, title=title, description=description, position=99, content=Content.LTI,
            type=ActivityType.EXAM if exam else ActivityType.E_LEARNING, minimum_score=exam,
        )  # fmt: skip
        session.add(activity)
        session.flush()
        ToolLinks(session, kit.runtime.secrets, kit.runtime.outbound).save(activity, values)
        catalog.publish(activity, on=True)
        catalog.publish(course, on=True)
        session.flush()
        session.refresh(activity)
        session.expunge(activity)
        return activity


def fields_of(page: TestResponse) -> dict[str, str]:
    """The one form of a page that sends itself; an HTML parser makes one character of a line break, as browsers do,
    and they make two of it when they send the form.
    """
    (form,) = forms_of(page)
    hidden = {name: fields[0].value for name, fields in form.fields.items() if name}
    return {name: value.replace("\r\n", "\n").replace("\n", "\r\n") for name, value in hidden.items()}


def target_of(page: TestResponse) -> str:
    (form,) = forms_of(page)
    return str(form.action)


@dataclass
class Learner:
    """One person in one browser."""

    desk: Desk
    browser: Browser
    person: Person
    asked: dict[str, str] = field(default_factory=dict)

    def agree(self, activity: Activity) -> None:
        page = self.browser.get(f"/learn/{activity.id}/tool", status=200)
        form = next(form for form in forms_of(page) if "share" in form.fields)
        assert form.submit().status_int == 303

    def open(self, activity: Activity, where: str = "iframe") -> TestResponse:
        """Agrees if asked, then the page that sends itself to the tool."""
        page = self.browser.get(f"/learn/{activity.id}/tool", status=200)
        if any("share" in form.fields for form in forms_of(page)):
            self.agree(activity)
            page = self.browser.get(f"/learn/{activity.id}/tool", status=200)
        form = next(form for form in forms_of(page) if "in" in form.fields)
        return self.browser.app.post(form.action, {"csrf_token": form["csrf_token"].value, "in": where}, status=200)

    def begin(self, activity: Activity, where: str = "iframe") -> dict[str, str]:
        """The login initiation the tool gets."""
        self.asked = fields_of(self.open(activity, where))
        return self.asked

    def request(self, *left_out: str, **changes: str) -> dict[str, str]:
        """The authentication request of an honest tool."""
        fields = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": self.desk.client_id,
            "redirect_uri": self.desk.redirect_uri,
            "state": "a state",
            "nonce": uuid4().hex,
            "login_hint": self.asked.get("login_hint", ""),
            "lti_message_hint": self.asked.get("lti_message_hint", ""),
            **changes,
        }
        return {name: value for name, value in fields.items() if name not in left_out}

    def authorize(self, *left_out: str, method: str = "GET", **changes: str) -> TestResponse:
        return self.send(self.request(*left_out, **changes), method)

    def send(self, fields: Mapping[str, str], method: str = "GET") -> TestResponse:
        send = self.browser.app.get if method == "GET" else self.browser.app.post
        return send("/lti/authorize", dict(fields), status="*")

    def claims(self, page: TestResponse, desk: Desk | None = None) -> dict[str, Any]:
        """Of the token in the answer, verified by PyJWT with our published keys, as a tool does it."""
        return claims_of(self.browser, fields_of(page)["id_token"], (desk or self.desk).client_id)

    def launch(self, activity: Activity, where: str = "iframe") -> dict[str, Any]:
        self.begin(activity, where)
        return self.claims(self.authorize())


def claims_of(browser: Browser, token: str, client_id: str) -> dict[str, Any]:
    keys = {key["kid"]: jwt.PyJWK(key).key for key in browser.get("/lti/jwks").json["keys"]}
    kid = jwt.get_unverified_header(token)["kid"]
    decoded: dict[str, Any] = jwt.decode(token, keys[kid], algorithms=["RS256"], audience=client_id)
    return decoded


def is_error(page: TestResponse, error: str) -> bool:
    """Posted back to the tool, never a token along with it."""
    fields = fields_of(page)
    return page.status_int == 200 and fields.get("error") == error and "id_token" not in fields


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))
