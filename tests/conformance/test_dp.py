"""DP: an outside tool answers a choice of content (Deep Linking 2.0, we are the platform), and P3-026.

The whole way once; then answers of a tool that is honest unless the case says otherwise, signed by PyJWT.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import jwt
import pytest
import sqlalchemy as sa
import time_machine
from webtest import TestResponse

from saas import clock
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.catalog.models import Activity, ActivityType, Content, Course, Status
from tenants.catalog.services import Catalog
from tenants.lti.launches.models import Launch
from tenants.lti.platform.grants import ContentRequest
from tenants.lti.platform.models import LineItem, OpensIn, ServiceCall, Tool, ToolLink
from tenants.lti.wire.jws import SigningKey
from tenants.lti.wire.keys import public_pem
from tests.conformance.platform import CLAIM, rsa
from tests.features.pages import words
from tests.house import Browser, House, Kit, forms_of

DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
HOME = "https://tool.example"
LINK = {"type": "ltiResourceLink", "url": f"{HOME}/units/7", "title": "Tides", "text": "High and low"}
#: A browser kept our cookie back.
CROSS_SITE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}


@dataclass
class Desk:
    """An author of an academy, and the tool they choose in."""

    kit: Kit
    tool: Tool
    course: Course
    author: Person
    browser: Browser
    settings: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def set(cls, house: House, **tool: Any) -> "Desk":
        kit = house.academy()
        pem = public_pem(SigningKey("tool", rsa()))
        values = {"name": "Seaside", "jwks_url": "", "pasted_key": pem, "deep_link_url": f"{HOME}/deep", **tool}
        author = kit.person(Role.AUTHOR)
        with kit.session() as session:
            course = Catalog(session).create_course("The sea")
            session.flush()
            session.refresh(course)
            session.expunge(course)
        return cls(kit, kit.tool(**values), course, author, kit.signed_in(person=author))

    def ask(self, browser: Browser | None = None, *, exam: bool = False) -> dict[str, Any]:
        """Presses “Pick content” and follows to the message the tool gets; its settings."""
        browser = browser or self.browser
        fields = {"type": "exam"} if exam else {}
        sent = browser.post(f"/courses/{self.course.id}/content/{self.tool.id}", fields)
        initiation = posted(sent)
        authorized = browser.app.get("/lti/authorize", authentication(initiation), headers=CROSS_SITE)
        self.claims = jwt.decode(posted(authorized)["id_token"], options={"verify_signature": False})
        self.settings = self.claims[DL + "deep_linking_settings"]
        return self.settings

    def token(self, *items: Any, key: Any = None, headers: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """An answer; a change of None drops the claim."""
        now = int(time.time())
        claims = {
            "iss": self.tool.client_id,
            "aud": self.kit.academy.url,
            "iat": now,
            "exp": now + 600,
            "nonce": uuid4().hex,
            CLAIM + "deployment_id": self.tool.deployment_id,
            CLAIM + "message_type": "LtiDeepLinkingResponse",
            CLAIM + "version": "1.3.0",
            DL + "data": self.settings["data"],
            DL + "content_items": list(items),
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, key or rsa(), algorithm="RS256", headers={"kid": "tool", **(headers or {})})

    def send(self, token: str, browser: Browser | None = None, **fields: str) -> TestResponse:
        """As a browser brings it that sends our cookie along, or nobody's."""
        path = urlsplit(self.settings["deep_link_return_url"]).path
        app = (browser or self.browser).app
        return app.post(path, {"JWT": token, **fields}, headers=CROSS_SITE, status="*")

    def answer(self, *items: Any, **changes: Any) -> TestResponse:
        """Asks, and answers with these items."""
        self.ask()
        return self.send(self.token(*items, **changes))

    def made(self) -> list[tuple[Activity, ToolLink, LineItem | None]]:
        """Activities of the course with their links and columns, in order."""
        query = (
            sa.select(Activity, ToolLink, LineItem)
            .join(ToolLink, ToolLink.activity_id == Activity.id)
            .outerjoin(LineItem, LineItem.tool_link_id == ToolLink.id)
            .where(Activity.course_id == self.course.id)
            .order_by(Activity.position)
        )
        with self.kit.session() as session:
            found: list[tuple[Activity, ToolLink, LineItem | None]] = [
                (row[0], row[1], row[2]) for row in session.execute(query)
            ]
            session.expunge_all()
            return found

    def refused(self, page: TestResponse, code: str, status: int = 0) -> bool:
        """With a page that says so, a line in the log, and nothing created."""
        assert code in page.text
        assert page.status_int == (status or self.kit.runtime.problems[code].status)
        assert self.made() == []
        newest = sa.select(ServiceCall).where(ServiceCall.service == "content").order_by(ServiceCall.at.desc()).limit(1)
        with self.kit.session() as session:
            call = session.scalars(newest).one()
            assert (call.code, call.status) == (code, page.status_int)
        return True

    def open_requests(self) -> int:
        with self.kit.session() as session:
            unused = sa.select(sa.func.count()).select_from(ContentRequest).where(ContentRequest.used_at.is_(None))
            return session.scalar(unused) or 0


def posted(page: TestResponse) -> dict[str, str]:
    """The fields of a page that goes on by itself."""
    (form,) = forms_of(page)
    return {name: form[name].value for name in form.fields if name}


def authentication(initiation: Mapping[str, str]) -> dict[str, str]:
    """What a tool answers a login initiation with."""
    return {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": initiation["client_id"],
        "redirect_uri": f"{HOME}/launch",
        "login_hint": initiation["login_hint"],
        "lti_message_hint": initiation["lti_message_hint"],
        "state": uuid4().hex,
        "nonce": uuid4().hex,
    }


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk.set(house)


def test_what_the_tool_is_asked_for(desk: Desk) -> None:
    settings = desk.ask()
    assert settings["accept_types"] == ["ltiResourceLink"]
    assert settings["accept_presentation_document_targets"] == ["iframe", "window"]
    assert (settings["accept_multiple"], settings["accept_lineitem"], settings["auto_create"]) == (True, True, True)
    assert settings["deep_link_return_url"].startswith(f"{desk.kit.academy.url}/lti/content/")
    claims = desk.claims
    assert claims[CLAIM + "message_type"] == "LtiDeepLinkingRequest"
    assert claims[CLAIM + "target_link_uri"] == f"{HOME}/deep"
    assert claims[CLAIM + "context"]["id"] == str(desk.course.id)
    assert claims[CLAIM + "roles"] == ["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"]
    assert CLAIM + "resource_link" not in claims
    assert {"name", "email"} & set(claims) == set(), "nobody agreed to send these"
    with desk.kit.session() as session:
        launch = session.scalars(sa.select(Launch)).one()
        assert settings["data"] not in str(launch.claims)


@pytest.mark.case("DP-001")
def test_one_link_becomes_a_draft(desk: Desk) -> None:
    page = desk.answer(LINK)
    assert page.status_int == 303, words(page)
    ((activity, link, column),) = desk.made()
    assert (activity.title, activity.description) == ("Tides", "High and low")
    assert (activity.status, activity.type, activity.content) == (Status.DRAFT, ActivityType.E_LEARNING, Content.LTI)
    assert (link.tool_id, link.url, link.opens_in) == (desk.tool.id, f"{HOME}/units/7", OpensIn.FRAME)
    assert link.resource_link_id
    assert column is None
    shown = desk.browser.get(page.headers["Location"])
    assert "One activity was added to the course as a draft" in words(shown)
    assert "Tides" in words(shown)
    with desk.kit.session() as session:
        call = session.scalars(sa.select(ServiceCall).where(ServiceCall.service == "content")).one()
        assert (call.status, call.code, call.tool_id, call.person_id) == (200, "", desk.tool.id, desk.author.id)


@pytest.mark.case("DP-001")
def test_an_exam_where_one_was_asked_for(desk: Desk) -> None:
    assert desk.ask(exam=True)["accept_multiple"] is False
    page = desk.send(desk.token({**LINK, "window": {"targetName": "_blank"}}))
    ((activity, link, _column),) = desk.made()
    assert (activity.type, activity.minimum_score, link.opens_in) == (ActivityType.EXAM, 60, OpensIn.WINDOW)
    assert "Minimum score 60 %" in words(desk.browser.get(page.headers["Location"]))


@pytest.mark.case("DP-002")
def test_several(desk: Desk) -> None:
    items = [{**LINK, "title": f"Unit {n}", "url": f"{HOME}/units/{n}"} for n in (1, 2, 3)]
    page = desk.answer(*items)
    assert [activity.title for activity, _link, _column in desk.made()] == ["Unit 1", "Unit 2", "Unit 3"]
    assert len({link.resource_link_id for _activity, link, _column in desk.made()}) == 3
    assert "3 activities were added" in words(desk.browser.get(page.headers["Location"]))


@pytest.mark.case("DP-002")
def test_several_where_one_is_taken(desk: Desk) -> None:
    desk.ask(exam=True)
    assert desk.refused(desk.send(desk.token(LINK, LINK)), "CONTENT_SINGLE", 400)
    assert desk.send(desk.token(LINK)).status_int == 303, "the refusal used nothing up"


@pytest.mark.case("DP-003")
@pytest.mark.parametrize("changes", [{}, {DL + "content_items": None}])
def test_nothing_chosen(desk: Desk, changes: dict[str, Any]) -> None:
    page = desk.answer(**changes)
    assert page.headers["Location"].endswith(f"/courses/{desk.course.id}")
    assert "Nothing was chosen" in words(desk.browser.get(page.headers["Location"]))
    assert desk.made() == []
    assert desk.open_requests() == 0


@pytest.mark.case("DP-003", "DP-004")
@pytest.mark.parametrize("items", ["none", {"type": "ltiResourceLink"}, 7, [LINK] * 101, ["a link"]])
def test_items_that_are_no_list_of_items(desk: Desk, items: Any) -> None:
    assert desk.refused(desk.answer(**{DL + "content_items": items}), "CONTENT_ITEMS", 400)


@pytest.mark.case("DP-004")
@pytest.mark.parametrize("kind", ["link", "file", "image", "made-up", None, 3])
def test_a_type_that_is_not_taken(desk: Desk, kind: Any) -> None:
    page = desk.answer(LINK, {**LINK, "type": kind})
    assert desk.refused(page, "CONTENT_TYPE", 400)
    assert str(kind or "nothing") in words(page)


@pytest.mark.case("DP-016")
def test_html_is_not_offered_and_not_taken(desk: Desk) -> None:
    page = desk.answer({"type": "html", "html": "<script>alert(1)</script>"})
    assert "html" not in desk.settings["accept_types"]
    assert desk.refused(page, "CONTENT_TYPE", 400)
    assert "alert(1)" not in page.text


@pytest.mark.case("DP-005")
@pytest.mark.parametrize(
    "changes",
    [
        {CLAIM + "message_type": "LtiResourceLinkRequest"},
        {CLAIM + "message_type": None},
        {CLAIM + "version": "1.2.0"},
        {CLAIM + "version": None},
    ],
)
def test_another_kind_of_message(desk: Desk, changes: dict[str, Any]) -> None:
    assert desk.refused(desk.answer(LINK, **changes), "CONTENT_KIND", 400)


@pytest.mark.case("DP-007")
def test_audience(desk: Desk) -> None:
    assert desk.refused(desk.answer(LINK, aud="https://other.example"), "CONTENT_AUD", 403)
    assert desk.refused(desk.answer(LINK, aud=None), "CONTENT_AUD", 403)
    assert desk.refused(desk.answer(LINK, aud=["https://other.example"]), "CONTENT_AUD", 403)
    assert desk.answer(LINK, aud=["https://other.example", desk.kit.academy.url]).status_int == 303
    assert len(desk.made()) == 1


@pytest.mark.case("DP-007")
def test_somebody_elses_signature(desk: Desk) -> None:
    assert desk.refused(desk.answer(LINK, key=rsa(9)), "LTI13_SIGNATURE")
    assert desk.refused(desk.answer(LINK, iss="another-client"), "CONTENT_ISSUER", 403)
    desk.ask()
    unsigned = jwt.encode({"iss": desk.tool.client_id}, "", algorithm="none")
    assert desk.refused(desk.send(unsigned), "LTI13_ALG")
    assert desk.refused(desk.send("no.token"), "LTI13_JWT_FORMAT")
    assert desk.refused(desk.send(""), "CONTENT_PARAM", 400)


@pytest.mark.case("DP-007")
def test_dates(desk: Desk) -> None:
    now = int(time.time())
    assert desk.refused(desk.answer(LINK, iat=now - 900, exp=now - 300), "LTI13_EXPIRED")
    assert desk.refused(desk.answer(LINK, iat=now + 600, exp=now + 900), "LTI13_NOT_YET_VALID")
    assert desk.refused(desk.answer(LINK, iat=now - 7200, exp=now + 600), "LTI13_TOO_OLD")
    assert desk.refused(desk.answer(LINK, exp=None), "LTI13_CLAIM")


@pytest.mark.case("DP-008")
def test_an_answer_that_comes_again(desk: Desk) -> None:
    desk.ask()
    token = desk.token(LINK)
    assert desk.send(token).status_int == 303
    again = desk.send(token)
    assert (again.status_int, "CONTENT_REQUEST" in again.text) == (403, True)
    assert len(desk.made()) == 1


@pytest.mark.case("DP-008")
def test_a_nonce_that_comes_again(desk: Desk) -> None:
    assert desk.answer(nonce="once").status_int == 303
    assert desk.refused(desk.answer(LINK, nonce="once"), "CONTENT_NONCE", 403)
    assert desk.refused(desk.answer(LINK, nonce=None), "CONTENT_NONCE", 403)
    assert desk.refused(desk.answer(LINK, nonce=7), "CONTENT_NONCE", 403)


@pytest.mark.case("DP-009")
@pytest.mark.parametrize("deployment", ["another", None, 7, ["x"]])
def test_another_deployment(desk: Desk, deployment: Any) -> None:
    page = desk.answer(LINK, **{CLAIM + "deployment_id": deployment})
    assert desk.refused(page, "CONTENT_DEPLOYMENT", 403)


@pytest.mark.case("DP-010")
@pytest.mark.parametrize("data", [None, "another", 7, "é", ""])
def test_data_missing_or_changed(desk: Desk, data: Any) -> None:
    assert desk.refused(desk.answer(LINK, **{DL + "data": data}), "CONTENT_DATA", 403)


@pytest.mark.case("DP-010")
def test_data_of_another_choice(desk: Desk) -> None:
    earlier = desk.ask()["data"]
    assert desk.refused(desk.answer(LINK, **{DL + "data": earlier}), "CONTENT_DATA", 403)


@pytest.mark.case("DP-010")
def test_the_choice_of_somebody_else(desk: Desk) -> None:
    desk.ask()
    token = desk.token(LINK)
    assert desk.refused(desk.send(token, desk.kit.signed_in(Role.AUTHOR)), "CONTENT_PERSON", 403)
    assert desk.refused(desk.send(token, desk.kit.browser(), again="1"), "CONTENT_PERSON", 403)
    assert desk.send(token).status_int == 303, "and it waited for the one who asked"


@pytest.mark.case("DP-010")
def test_a_request_we_never_made_or_long_ago(desk: Desk) -> None:
    desk.ask()
    path = f"/lti/content/{uuid4()}"
    page = desk.browser.app.post(path, {"JWT": desk.token(LINK)}, status=403)
    assert desk.refused(page, "CONTENT_REQUEST", 403)
    assert desk.browser.app.post("/lti/content/none", {"JWT": "x"}, status="*").status_int == 404
    with time_machine.travel(clock.now() + timedelta(minutes=61)):
        assert desk.refused(desk.send(desk.token(LINK)), "CONTENT_REQUEST", 403)
        assert desk.open_requests() == 1
        desk.ask()
        assert desk.open_requests() == 1, "what is over is forgotten"


@pytest.mark.case("DP-010")
def test_without_our_cookie_the_browser_sends_it_once_more_from_here(desk: Desk) -> None:
    desk.ask()
    token = desk.token(LINK)
    page = desk.send(token, desk.kit.browser())
    assert page.status_int == 200
    fields = posted(page)
    assert fields == {"JWT": token, "again": "1"}
    assert desk.made() == []
    assert desk.send(token, again="1").status_int == 303
    assert len(desk.made()) == 1


@pytest.mark.case("DP-011", "P3-026")
def test_learners_choose_nothing(desk: Desk) -> None:
    learner = desk.kit.person()
    browser = desk.kit.signed_in(person=learner)
    path = f"/courses/{desk.course.id}/content/{desk.tool.id}"
    assert browser.post(path, status="*").status_int in (403, 404)
    with desk.kit.session() as session:
        session.get_one(Course, desk.course.id).status = Status.PUBLISHED
    assert browser.post(path, status="*").status_int == 403
    assert desk.open_requests() == 0
    desk.ask()
    assert desk.refused(desk.send(desk.token(LINK), browser), "CONTENT_PERSON", 403)


@pytest.mark.case("DP-011")
def test_who_became_a_learner_meanwhile(desk: Desk) -> None:
    desk.ask()
    with desk.kit.session() as session:
        session.get_one(Person, desk.author.id).role = Role.LEARNER
    assert desk.refused(desk.send(desk.token(LINK)), "WEB_FORBIDDEN", 403)


@pytest.mark.case("DP-013")
@pytest.mark.parametrize(
    ("custom", "kept"),
    [
        ({}, []),
        (None, []),
        (
            {"unit": 7, "share": 0.5, "open": True, "name": "x", "gone": None},
            [["unit", "7"], ["share", "0.5"], ["open", "true"], ["name", "x"]],
        ),
    ],
)
def test_custom(desk: Desk, custom: Any, kept: list[list[str]]) -> None:
    assert desk.answer({**LINK, "custom": custom}).status_int == 303
    ((_activity, link, _column),) = desk.made()
    assert link.custom == kept


@pytest.mark.case("DP-013")
@pytest.mark.parametrize("custom", [["a"], "a=b", {"a": {"b": 1}}, {"a": [1]}, {"lis_person": "x"}, {"a\nb": "c"}])
def test_custom_that_is_none(desk: Desk, custom: Any) -> None:
    assert desk.refused(desk.answer({**LINK, "custom": custom}), "CONTENT_ITEMS", 400)


@pytest.mark.case("DP-014")
@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "data:text/html,x", "//tool.example/x", "/units/7", "https://user@tool.example/", 7,
        "https://evil.example/units", "https://tool.example.evil.example/", "https://nottool.example/",
    ],
)  # fmt: skip
def test_addresses_that_are_not_the_tools(desk: Desk, url: Any) -> None:
    assert desk.refused(desk.answer({**LINK, "url": url}), "CONTENT_URL", 400)


@pytest.mark.case("DP-014")
@pytest.mark.parametrize(
    ("url", "opened"),
    [
        (None, f"{HOME}/launch"),
        ("", f"{HOME}/launch"),
        ("https://eu.tool.example/u?a=1", "https://eu.tool.example/u?a=1"),
    ],
)
def test_addresses_of_the_tool(desk: Desk, url: str | None, opened: str) -> None:
    assert desk.answer({**LINK, "url": url}).status_int == 303
    ((_activity, link, _column),) = desk.made()
    assert link.url == opened


@pytest.mark.case("DP-014")
def test_no_address_at_all(house: House) -> None:
    desk = Desk.set(house, target_url="")
    assert desk.refused(desk.answer({**LINK, "url": ""}), "CONTENT_URL", 400)


@pytest.mark.case("DP-015")
@pytest.mark.parametrize("maximum", [80, 80.0, "80"])
def test_the_scale_is_the_tools(desk: Desk, maximum: Any) -> None:
    desk.ask(exam=True)
    column = {"scoreMaximum": maximum, "label": "Points", "resourceId": "r-1", "tag": "final"}
    assert desk.send(desk.token({**LINK, "lineItem": column})).status_int == 303
    ((activity, link, made),) = desk.made()
    assert made is not None
    assert (made.maximum, made.label, made.resource_id, made.tag) == (Decimal(80), "Points", "r-1", "final")
    assert (made.is_coupled, made.tool_link_id, made.course_id) == (True, link.id, desk.course.id)
    assert activity.is_exam


@pytest.mark.case("DP-015")
@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            {"reviewableStatus": ["Submitted"], "url": f"{HOME}/review"},
            {"reviewableStatus": ["Submitted"], "url": f"{HOME}/review"},
        ),
        ({"url": "javascript:alert(1)", "more": 1}, {}),
        ("all", {}),
        (None, {}),
    ],
)
def test_where_work_can_be_looked_at(desk: Desk, said: Any, kept: dict[str, Any]) -> None:
    """Submission Review 1.0 §3: the column says it, however it is made; what cannot be used is left out."""
    desk.ask()
    column = {"scoreMaximum": 80, "submissionReview": said}
    assert desk.send(desk.token({**LINK, "lineItem": column})).status_int == 303
    ((_activity, _link, made),) = desk.made()
    assert made is not None
    assert made.submission_review == kept


@pytest.mark.case("DP-015")
@pytest.mark.parametrize("maximum", [0, -1, None, "many", True, [], 1e300])
def test_a_scale_that_is_none(desk: Desk, maximum: Any) -> None:
    assert desk.refused(
        desk.answer({**LINK, "lineItem": {"scoreMaximum": maximum, "label": "x"}}), "CONTENT_ITEMS", 400
    )


@pytest.mark.case("DP-017")
@pytest.mark.parametrize("name", ["errormsg", "errormsg ", "msg"])
def test_the_tools_words_are_shown_as_text(desk: Desk, name: str) -> None:
    page = desk.answer(**{DL + name: "<b>No licence</b> left", DL + "errorlog": "stack trace"})
    shown = desk.browser.get(page.headers["Location"])
    assert "The tool says: &lt;b&gt;No licence&lt;/b&gt; left" in shown.text
    assert "stack trace" not in shown.text
    assert desk.made() == []


@pytest.mark.case("DP-019")
def test_titles(desk: Desk) -> None:
    items = [
        {**LINK, "title": "T" * 10_000},
        {**LINK, "title": None},
        {**LINK, "title": 7},
        {**LINK, "title": " \u202e"},
    ]
    assert desk.answer(*items).status_int == 303
    assert [activity.title for activity, _link, _column in desk.made()] == ["T" * 200, *["Seaside"] * 3]


def test_a_tool_nothing_can_be_chosen_in(house: House) -> None:
    for changes in ({"deep_link_url": ""}, {"is_active": False}):
        desk = Desk.set(house, **changes)
        path = f"/courses/{desk.course.id}/content/{desk.tool.id}"
        page = desk.browser.post(path, status=409)
        assert "CONTENT_NO_TOOL" in page.text
    foreign = house.academy().tool(deep_link_url=f"{HOME}/deep")
    desk.browser.post(f"/courses/{desk.course.id}/content/{foreign.id}", status=404)
    assert desk.open_requests() == 0


def test_a_tool_switched_off_meanwhile(desk: Desk) -> None:
    desk.ask()
    with desk.kit.session() as session:
        session.get_one(Tool, desk.tool.id).is_active = False
    assert desk.refused(desk.send(desk.token(LINK)), "TOOL_INACTIVE", 403)


def test_chosen_shows_only_activities_of_the_course(desk: Desk) -> None:
    other = desk.kit.activity("Of another course")
    page = desk.browser.get(f"/courses/{desk.course.id}/content?activity={other.id}&activity=x")
    assert "Of another course" not in page.text


def test_the_tools_content_can_be_chosen_in(desk: Desk) -> None:
    silent = desk.kit.tool(name="Silent")
    page = desk.browser.get(f"/courses/{desk.course.id}/content/tools?type=exam")
    assert "Seaside" in words(page)
    assert silent.name not in words(page)
    form = next(form for form in forms_of(page) if form.action.endswith(str(desk.tool.id)))
    assert form["type"].value == "exam"
    assert posted(form.submit())["target_link_uri"] == f"{HOME}/deep"
    desk.kit.signed_in().get(f"/courses/{desk.course.id}/content/tools", status=404)
    with desk.kit.session() as session:
        session.get_one(Tool, desk.tool.id).is_active = False
    assert "There is no tool" in words(desk.browser.get(f"/courses/{desk.course.id}/content/tools"))
