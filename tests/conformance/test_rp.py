"""RP: a tool our admin invited registers itself over HTTP, and waits for approval (LTI Dynamic Registration 1.0)."""

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine
from webtest import TestResponse

from saas import clock
from tenants.access import Role
from tenants.lti.platform.grants import ToolInvitation
from tenants.lti.platform.models import ServiceCall, Tool
from tenants.lti.platform.registration import CHANGEABLE, Registrar
from tenants.lti.wire import ags, nrps
from tenants.lti.wire.dynamic_registration import PLATFORM_CONFIGURATION, TOOL_CONFIGURATION
from tests.features.pages import words
from tests.house import Browser, House, Kit, forms_of

PAGES = "/integrations/lti-1.3/tools"
CONFIGURATION = "/.well-known/openid-configuration"
REGISTRATIONS = "/lti/registrations"
BASE = "https://tool.example"


def body(changed: dict[str, Any] | None = None, tool: dict[str, Any] | None = None) -> dict[str, Any]:
    """What ltijs 5.9 posts; a member changed to None is left out."""
    own = {
        "domain": "tool.example",
        "description": "A tool",
        "target_link_uri": BASE,
        "custom_parameters": {"level": "3"},
        "claims": ["iss", "sub", "name", "given_name", "family_name", "email"],
        "messages": [{"type": "LtiDeepLinkingRequest"}, {"type": "LtiResourceLinkRequest"}],
        **(tool or {}),
    }
    document = {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": f"{BASE}/login",
        "redirect_uris": [f"{BASE}/", BASE],
        "client_name": "A toy tool",
        "jwks_uri": f"{BASE}/keys",
        "logo_uri": "",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join((ags.LINE_ITEM_SCOPE, ags.SCORE_SCOPE, nrps.SCOPE, f"{BASE}/scope/of-its-own")),
        TOOL_CONFIGURATION: {name: value for name, value in own.items() if value is not None},
        **(changed or {}),
    }
    return {name: value for name, value in document.items() if value is not None}


@dataclass
class Toy:
    """A tool that registers itself at one academy; ``admin`` is the academy's admin."""

    kit: Kit
    admin: Browser
    token: str = ""
    link: str = ""
    calls: Browser = field(init=False)

    def __post_init__(self) -> None:
        self.calls = self.kit.browser()

    def invited(self, url: str = f"{BASE}/register?version=2") -> str:
        """The admin enters the tool's address; the browser brings it what it needs."""
        page = self.admin.post(f"{PAGES}/invitations", {"url": url}, status=200)
        self.link = page.html.find("a", {"target": "_blank"})["href"]
        query = parse_qs(urlsplit(self.link).query)
        self.token = query["registration_token"][0]
        return query["openid_configuration"][0]

    def ask(self, method: str, path: str, sent: object = None, token: str | None = None) -> TestResponse:
        held = self.token if token is None else token
        headers = {"Authorization": f"Bearer {held}"} if held else {}
        asked = {"GET": self.calls.app.get, "POST": self.calls.app.post_json, "PUT": self.calls.app.put_json}[method]
        arguments = () if method == "GET" else (sent,)
        return asked(path, *arguments, headers=headers, status="*")

    def register(self, sent: object = None, token: str | None = None) -> TestResponse:
        return self.ask("POST", REGISTRATIONS, body() if sent is None else sent, token)

    def tools(self) -> list[Tool]:
        with self.kit.session() as session:
            found = list(session.scalars(sa.select(Tool)))
            session.expunge_all()
            return found

    def calls_of(self, code: str) -> list[ServiceCall]:
        with self.kit.session() as session:
            found = list(session.scalars(sa.select(ServiceCall).where(ServiceCall.code == code)))
            session.expunge_all()
            return found


@pytest.fixture
def toy(house: House) -> Toy:
    kit = house.academy()
    return Toy(kit, kit.signed_in(Role.ADMIN))


def form_on(toy: Toy, tool: Tool, ending: str, page: str = "") -> Any:
    """A form of the tool's page, as the admin sees it now."""
    shown = toy.admin.get(f"{PAGES}/{tool.id}{page}", status=200)
    return next(form for form in forms_of(shown) if form.action.endswith(ending))


def is_refused(toy: Toy, answer: TestResponse, code: str, seen: str = "") -> bool:
    """As JSON with the code; nothing is made, and the admin can read why."""
    status = toy.kit.runtime.problems[code].status
    assert (answer.status_int, answer.content_type) == (status, "application/json"), answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert toy.tools() == []
    assert seen in answer.json["error_description"]
    assert toy.calls_of(code), "stands in the log"
    return answer.json["code"] == code


@pytest.mark.case("RP-001")
def test_an_invited_tool_registers_itself_and_waits(toy: Toy) -> None:
    configuration_url = toy.invited()
    assert toy.link.startswith(f"{BASE}/register?version=2&openid_configuration=")
    assert configuration_url == f"{toy.kit.academy.url}{CONFIGURATION}"
    there = toy.calls.get(urlsplit(configuration_url).path).json
    assert there["registration_endpoint"] == f"{toy.kit.academy.url}{REGISTRATIONS}"
    answer = toy.register()
    assert answer.status_int == 201, answer.text
    said = answer.json
    (made,) = toy.tools()
    assert (made.name, made.login_url, made.jwks_url) == ("A toy tool", f"{BASE}/login", f"{BASE}/keys")
    assert made.redirect_urls == [f"{BASE}/", BASE]
    assert (made.target_url, made.deep_link_url, made.custom) == (BASE, BASE, [["level", "3"]])
    assert (made.approved_at, made.is_active, made.send_name, made.send_email) == (None, False, True, True)
    assert made.scopes == [ags.LINE_ITEM_SCOPE, ags.SCORE_SCOPE, nrps.SCOPE], "of what it asked for, what is ours"
    assert (said["client_id"], said[TOOL_CONFIGURATION]["deployment_id"]) == (made.client_id, made.deployment_id)
    assert said["scope"].split() == made.scopes
    assert said["redirect_uris"] == made.redirect_urls
    assert said[TOOL_CONFIGURATION]["custom_parameters"] == {"level": "3"}


@pytest.mark.case("RP-001")
def test_the_admin_sees_exactly_what_it_asked_for(toy: Toy) -> None:
    toy.invited()
    page = toy.admin.get("/integrations/lti-1.3")
    assert "A toy tool" not in page
    toy.register()
    assert "Waiting for approval" in words(toy.admin.get("/integrations/lti-1.3"))
    (made,) = toy.tools()
    shown = words(toy.admin.get(f"{PAGES}/{made.id}"))
    for value in (
        made.client_id,
        made.deployment_id,
        f"{BASE}/login",
        f"{BASE}/keys",
        "level=3",
        "given_name",
        "LtiDeepLinkingRequest",
    ):
        assert value in shown, value
    assert f"Not granted {BASE}/scope/of-its-own" in shown
    waiting = toy.admin.get(f"{PAGES}/invitations/{_invitation(toy).id}", headers={"HX-Request": "true"}, status=286)
    assert f"{PAGES}/{made.id}" in waiting


def _invitation(toy: Toy) -> ToolInvitation:
    with toy.kit.session() as session:
        found = session.scalars(sa.select(ToolInvitation)).one()
        session.expunge_all()
        return found


@pytest.mark.case("RP-001")
def test_until_it_is_decided_the_same_token_reads_and_changes(toy: Toy) -> None:
    toy.invited()
    said = toy.register().json
    (made,) = toy.tools()
    own = urlsplit(said["registration_client_uri"]).path
    assert own == f"{REGISTRATIONS}/{made.id}"
    assert toy.ask("GET", own).json == said
    changed = toy.ask("PUT", own, body({"client_name": "Another name", "scope": ags.SCORE_SCOPE}, {"claims": ["sub"]}))
    assert (changed.status_int, changed.json["client_name"], changed.json["scope"]) == (
        200,
        "Another name",
        ags.SCORE_SCOPE,
    )
    (now,) = toy.tools()
    assert (now.name, now.send_name, now.send_email, now.approved_at) == ("Another name", False, False, None)
    assert (now.client_id, now.deployment_id) == (made.client_id, made.deployment_id)
    assert now.version > made.version
    assert toy.ask("PUT", own, body({"jwks_uri": None})).json["code"] == "LTI13_TOOL_REG_MEMBER"
    approve = form_on(toy, made, "/approve")
    approve.submit(status=303)
    for method in ("GET", "PUT"):
        over = toy.ask(method, own, body())
        assert (over.status_int, over.json["code"]) == (401, "LTI13_TOOL_REG_TOKEN")
    assert toy.tools()[0].name == "Another name"


@pytest.mark.case("RP-003")
def test_a_token_that_is_no_good(toy: Toy, house: House) -> None:
    toy.invited()
    for token in ("", "never-made", "Ünïcode", toy.token + "x", toy.token[:-1]):
        answer = toy.register(token=token.encode().decode("latin-1"))
        assert is_refused(toy, answer, "LTI13_TOOL_REG_TOKEN")
        assert answer.json["error"] == "invalid_token"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    basic = toy.calls.app.post_json(REGISTRATIONS, body(), headers={"Authorization": f"Basic {toy.token}"}, status=401)
    assert basic.json["code"] == "LTI13_TOOL_REG_TOKEN"
    other = Toy(house.academy(), toy.admin, toy.token)
    assert is_refused(other, other.register(), "LTI13_TOOL_REG_TOKEN", "unknown here")
    assert toy.register().status_int == 201, "the right one is still good at home"


@pytest.mark.case("RP-003")
def test_a_token_registers_one_tool(toy: Toy) -> None:
    toy.invited()
    assert toy.register().status_int == 201
    again = toy.register()
    assert (again.status_int, again.json["code"]) == (401, "LTI13_TOOL_REG_TOKEN")
    assert "used before" in again.json["error_description"]
    assert len(toy.tools()) == 1


@pytest.mark.case("RP-003")
def test_of_many_at_once_one_goes_on(toy: Toy) -> None:
    toy.invited()
    gate, sent = threading.Barrier(4), json.dumps(body()).encode()

    def attempt(_number: int) -> str:
        gate.wait()
        try:
            Registrar(toy.kit.runtime, toy.kit.academy, toy.token).register(sent)
        except Exception as error:  # noqa: BLE001 -- told apart below
            return str(getattr(error, "code", error))
        return "made"

    with ThreadPoolExecutor(4) as pool:
        ends = sorted(pool.map(attempt, range(4)))
    assert ends == [*["LTI13_TOOL_REG_TOKEN"] * 3, "made"]
    assert len(toy.tools()) == 1


@pytest.mark.case("RP-003")
def test_registrations_without_end_are_stopped(toy: Toy) -> None:
    """Each is a look into the database: from one address, 300 an hour."""
    seen = [toy.register(body(), token="guessed").status_int for _ in range(301)]
    assert set(seen[:300]) == {401}
    assert seen[300] == 429


def test_a_token_is_good_for_an_hour_and_kept_as_a_hash(toy: Toy) -> None:
    toy.invited()
    assert toy.token not in str(vars(_invitation(toy)))
    with time_machine.travel(time.time() + 3601, tick=True):
        assert is_refused(toy, toy.register(), "LTI13_TOOL_REG_TOKEN", "too old")
        toy.kit.runtime.tenants.forget()
    assert _invitation(toy).last_code == "LTI13_TOOL_REG_TOKEN"
    assert toy.register().status_int == 201


@pytest.mark.case("RP-003")
def test_what_waits_too_long_is_changed_no_more_and_no_other_tool_is(toy: Toy) -> None:
    toy.invited()
    toy.register()
    first, (made,) = toy.token, toy.tools()
    toy.invited()
    toy.register(body({"client_name": "Second"}))
    for path in (f"{REGISTRATIONS}/{made.id}", f"{REGISTRATIONS}/{UUID(int=7)}", f"{REGISTRATIONS}/x"):
        assert toy.ask("GET", path).json["code"] == "LTI13_TOOL_REG_TOKEN"
        assert toy.ask("PUT", path, body({"client_name": "Stolen"})).status_int == 401
    with time_machine.travel(clock.now() + CHANGEABLE + timedelta(minutes=1), tick=True):
        late = toy.ask("PUT", f"{REGISTRATIONS}/{made.id}", body({"client_name": "Late"}), token=first)
        assert late.status_int == 401
    assert sorted(each.name for each in toy.tools()) == ["A toy tool", "Second"]


@pytest.mark.case("RP-004")
@pytest.mark.parametrize(
    "name",
    ["response_types", "initiate_login_uri", "redirect_uris", "client_name", "jwks_uri", "token_endpoint_auth_method", TOOL_CONFIGURATION],
)  # fmt: skip
def test_each_needed_member(toy: Toy, name: str) -> None:
    toy.invited()
    assert is_refused(toy, toy.register(body({name: None})), "LTI13_TOOL_REG_MEMBER", name)
    assert toy.register().status_int == 201, "nothing came of the first try: the token is still good"


@pytest.mark.case("RP-004")
@pytest.mark.parametrize("name", ["domain", "target_link_uri"])
def test_each_needed_member_of_the_tool(toy: Toy, name: str) -> None:
    toy.invited()
    assert is_refused(toy, toy.register(body(tool={name: None})), "LTI13_TOOL_REG_MEMBER", name)


@pytest.mark.case("RP-004")
def test_a_body_that_is_none(toy: Toy) -> None:
    toy.invited()
    headers = {"Authorization": f"Bearer {toy.token}"}
    for sent in (b"", b"[1]", b"client_name=x", b"\xff\xfe", b"{" * 9000):
        answer = toy.calls.app.post(REGISTRATIONS, sent, headers=headers, content_type="application/json", status=400)
        assert is_refused(toy, answer, "LTI13_TOOL_REG_DOCUMENT")


@pytest.mark.case("RP-005")
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"response_types": ["code"]}, "LTI13_TOOL_REG_RESPONSE_TYPE"),
        ({"response_types": []}, "LTI13_TOOL_REG_RESPONSE_TYPE"),
        ({"token_endpoint_auth_method": "client_secret_post"}, "LTI13_TOOL_REG_AUTH_METHOD"),
        ({"token_endpoint_auth_method": "none"}, "LTI13_TOOL_REG_AUTH_METHOD"),
        ({"application_type": "native"}, "LTI13_TOOL_REG_MEMBER"),
    ],
)
def test_only_the_flow_there_is(toy: Toy, changed: dict[str, Any], code: str) -> None:
    toy.invited()
    assert is_refused(toy, toy.register(body(changed)), code)


@pytest.mark.case("RP-006")
@pytest.mark.parametrize(
    "redirects",
    [
        f"{BASE}/launch",
        [],
        ["http://tool.example/launch"],
        ["https://10.0.0.1/launch"],
        ["javascript:alert(1)"],
        [f"{BASE}/launch#top"],
        [None],
        [f"{BASE}/{number}" for number in range(500)],
    ],
)
def test_redirect_uris_are_a_list_of_exact_addresses(toy: Toy, redirects: object) -> None:
    toy.invited()
    answer = toy.register(body({"redirect_uris": redirects}))
    assert is_refused(toy, answer, "LTI13_TOOL_REG_REDIRECT")
    assert answer.json["error"] == "invalid_redirect_uri"


@pytest.mark.case("RP-006")
@pytest.mark.parametrize("name", ["initiate_login_uri", "jwks_uri"])
@pytest.mark.parametrize(
    "address", ["http://tool.example/", "https://169.254.169.254/", "https://a:b@tool.example/", "data:,x"]
)
def test_so_are_the_others(toy: Toy, name: str, address: str) -> None:
    toy.invited()
    assert is_refused(toy, toy.register(body({name: address})), "LTI13_TOOL_REG_MEMBER", name)


@pytest.mark.case("RP-007")
@pytest.mark.parametrize(
    "tool",
    [
        {"target_link_uri": "https://evil.example/"},
        {"target_link_uri": "https://tool.example.evil.example/"},
        {"domain": "another.example"},
        {"messages": [{"type": "LtiDeepLinkingRequest", "target_link_uri": "https://evil.example/pick"}]},
    ],
)
def test_it_points_nowhere_but_to_its_own_domain(toy: Toy, tool: dict[str, Any]) -> None:
    toy.invited()
    assert is_refused(toy, toy.register(body(tool=tool)), "LTI13_TOOL_REG_DOMAIN")


@pytest.mark.case("RP-009")
def test_a_name_is_text(toy: Toy) -> None:
    toy.invited()
    name = "<img src=x onerror=alert(1)> & “Söhne”"
    answer = toy.register(
        body({"client_name": name + "\u202e\x00", "logo_uri": "data:image/svg+xml,<svg onload=alert(1)>"})
    )
    assert answer.status_int == 201
    (made,) = toy.tools()
    assert (made.name, made.icon_url) == (name, "")
    for path in ("/integrations/lti-1.3", f"{PAGES}/{made.id}", f"{PAGES}/{made.id}/edit", f"{PAGES}/{made.id}/delete"):
        page = toy.admin.get(path)
        assert "<img src=x" not in page.text
        assert "&lt;img src=x" in page.text


@pytest.mark.case("RP-010")
def test_nothing_opens_it_before_our_admin_says_yes(toy: Toy) -> None:
    toy.invited()
    toy.register()
    (made,) = toy.tools()
    switched = toy.admin.post(f"{PAGES}/{made.id}/switch", {"on": "1"}, status=409)
    assert "LTI13_TOOL_NOT_APPROVED" in switched
    edit = form_on(toy, made, "/edit", page="/edit")
    assert "is_active" not in edit.fields
    toy.admin.post(f"{PAGES}/{made.id}/edit", {**dict(edit.submit_fields()), "is_active": "y"}, status=303)
    assert toy.tools()[0].is_active is False
    activity, _link = toy.kit.outside(tool=made)
    learner = toy.kit.signed_in()
    assert "TOOL_INACTIVE" in learner.get(f"/learn/{activity.id}/tool", status=403)
    form_on(toy, made, "/approve").submit(status=303)
    assert "TOOL_INACTIVE" not in learner.get(f"/learn/{activity.id}/tool", status=200)


@pytest.mark.case("RP-010")
def test_what_is_approved_is_what_was_seen(toy: Toy) -> None:
    toy.invited()
    toy.register()
    (made,) = toy.tools()
    seen = form_on(toy, made, "/approve")
    toy.ask("PUT", f"{REGISTRATIONS}/{made.id}", body({"initiate_login_uri": f"{BASE}/elsewhere"}))
    assert "WEB_CONFLICT" in seen.submit(status=409)
    assert toy.tools()[0].is_active is False
    again = form_on(toy, made, "/approve")
    assert "approved and active" in words(again.submit(status=303).follow())
    (now,) = toy.tools()
    assert now.is_active
    assert now.approved_at is not None
    toy.admin.post(f"{PAGES}/{made.id}/decline", status=409)


@pytest.mark.case("RP-010")
def test_a_tool_that_is_here_already_is_pointed_out(toy: Toy) -> None:
    for _time in range(2):
        toy.invited()
        toy.register()
    first, second = toy.tools()
    shown = toy.admin.get(f"{PAGES}/{second.id}")
    assert "Registered here already" in words(shown)
    assert f"{PAGES}/{first.id}" in shown


@pytest.mark.case("RP-010")
def test_declined_it_is_gone_with_its_token(toy: Toy) -> None:
    toy.invited()
    toy.register()
    (made,) = toy.tools()
    toy.admin.post(f"{PAGES}/{made.id}/decline", status=303)
    assert toy.tools() == []
    assert toy.ask("GET", f"{REGISTRATIONS}/{made.id}").status_int == 401
    assert is_refused(toy, toy.register(), "LTI13_TOOL_REG_TOKEN")


@pytest.mark.case("RP-011")
def test_the_configuration_document(toy: Toy, house: House) -> None:
    answer = toy.calls.get(CONFIGURATION)
    there = answer.json
    assert answer.content_type == "application/json"
    assert urlsplit(there["issuer"]).netloc == toy.kit.host
    endpoints = [value for name, value in there.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(endpoints) == 4
    assert all(re.fullmatch(rf"https://{re.escape(toy.kit.host)}/[\w./-]+", each) for each in endpoints)
    assert there["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert there["response_types_supported"] == ["id_token"]
    assert {*ags.SCOPES, nrps.SCOPE, "openid"} == set(there["scopes_supported"])
    messages = {each["type"] for each in there[PLATFORM_CONFIGURATION]["messages_supported"]}
    assert messages >= {"LtiResourceLinkRequest", "LtiDeepLinkingRequest"}
    assert toy.calls.get(urlsplit(there["jwks_uri"]).path).json["keys"]
    off = house.academy(lti=False).browser()
    assert off.get(CONFIGURATION, status=403).json["code"] == "LTI_OFF"
    assert off.app.post_json(REGISTRATIONS, body(), status=403).json["code"] == "LTI_OFF"


@pytest.mark.parametrize("path", [CONFIGURATION, REGISTRATIONS, f"{REGISTRATIONS}/nothing"])
def test_whatever_is_sent_these_doors_answer_in_json(toy: Toy, path: str) -> None:
    answer = toy.calls.app.delete(path, status="4*")
    assert answer.content_type == "application/json"
    assert answer.json["code"].startswith("WEB_")
