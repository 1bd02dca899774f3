"""Check Zoom connection: every row of its tables, told apart; nothing left behind; and its pages."""

from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from html import escape
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import pytest
import sqlalchemy as sa
import time_machine

from saas import clock
from saas.outbound import Answer, OutboundError
from saas.problems import Refused
from tenants.lti.keys import KeyRing
from tenants.lti.own_question import MARK, is_own, mark_of
from tenants.zoom.ltipro.addresses import AUTH_PATH, CERTS_PATH, REST_PATH, TOKEN_PATH
from tenants.zoom.ltipro.check import Checks, Draft, report_rows, run_check
from tenants.zoom.ltipro.check_answers import LoginAnswer, Site, read
from tenants.zoom.ltipro.check_lines import LINES, kind_of
from tenants.zoom.ltipro.check_probe import FIREWALLS, firewall_of
from tenants.zoom.ltipro.check_steps import is_inner
from tenants.zoom.ltipro.models import ZoomProfile
from tests.features.test_selftest import counts
from tests.features.zoom_double import JWKS, KEY, LOGIN, Checked, Rig, ZoomDouble, json_page, page, served
from tests.house import BACKENDS, databases_of
from tests.jobs.scripted import Reply, Request

#: What a check may add to.
OWN = {"zoom_check", "zoom_check_step"}


@pytest.fixture(params=BACKENDS, scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with served(request.param, tmp_path_factory.mktemp("zoom")) as rig:
        yield rig
    databases_of(request.param).drop(rig.house.database_url)


@pytest.fixture
def academy(running: Rig) -> Checked:
    return running.shared()


@pytest.fixture
def new_academy(running: Rig) -> Checked:
    running.zoom.reset()
    return running.academy()


def bad(found: dict[str, tuple[str, str, str]]) -> dict[str, str]:
    return {name: row[1] for name, row in found.items() if row[0] in ("failed", "warning")}


@pytest.mark.case("ZL-084")
def test_a_good_connection_is_green_and_nothing_stays_behind(new_academy: Checked) -> None:
    academy = new_academy
    before = counts(academy.kit)
    found = academy.run()
    assert (bad(found), list(found)) == ({}, [line.name for line in LINES])
    for name in ("values", "self_certs", "self_token", "self_auth", "self_rest", "zoom", "clock", "login", "answer"):
        assert found[name][0] == "ok", name
    assert found["request"] == ("ok", "", f"{academy.zoom.url}/lti/rich/oauth/complete")
    never = {name: found[name][:2] for name in ("keys", "launches", "calendar", "launch")}
    assert never == {
        "keys": ("skipped", "ZOOM_CHECK_NEVER_KEYS"),
        "launches": ("skipped", "ZOOM_CHECK_NEVER_LAUNCHED"),
        "calendar": ("skipped", "ZOOM_CHECK_NEVER_CALLED"),
        "launch": ("skipped", "ZOOM_CHECK_NO_PLACE"),
    }
    after = counts(academy.kit)
    assert {name for name in after if after[name] != before[name]} <= OWN | {"lti_signing_key"}


def test_zoom_hears_what_a_launch_would_say_but_for_the_hints(academy: Checked) -> None:
    academy.run()
    academy.run()
    logins = academy.zoom.seen(LOGIN)
    said = [dict(parse_qsl(login.body.decode())) for login in logins]
    with academy.kit.session() as session:
        profile = session.get_one(ZoomProfile, academy.profile_id)
        assert said[0]["client_id"] == profile.tool.client_id
        assert said[0]["lti_deployment_id"] == profile.tool.deployment_id
    assert said[0]["login_hint"] != said[1]["login_hint"], "made for one question"
    assert logins[0].headers["referer"] == f"{academy.kit.academy.url}/"


def moved(**changes: str) -> Any:
    return lambda zoom, request: zoom.lead(request, **changes)


def issuer_in(request: Request) -> str:
    return dict(parse_qsl(request.body.decode()))["iss"]


def form(zoom: ZoomDouble, request: Request) -> Reply:
    fields = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">'
                     for name, value in zoom.question(request).items())  # fmt: skip
    return page(
        f'<body><form action="{issuer_in(request)}/mod/lti/auth.php" method="post">{fields}</form><script>go()</script>'
    )


def script(zoom: ZoomDouble, request: Request) -> Reply:
    url = zoom.lead(request).headers["location"].replace("/", "\\/").replace("&", "\\u0026")
    return page(f'<script>window.location = "{url}";</script>')


ANSWERS = {
    "redirect": (moved(), "ok", ""),
    "form that sends itself": (form, "ok", ""),
    "script": (script, "ok", ""),
    "another site": (moved(site="https://other.example"), "failed", "ZOOM_CHECK_SITE"),
    "our host, another path": (
        lambda zoom, request: zoom.lead(request, site=f"{issuer_in(request)}/lms"),
        "failed",
        "ZOOM_CHECK_SITE",
    ),
    "page with an error": (page("<h1>Invalid LTI Key</h1>"), "failed", "ZOOM_CHECK_NOT_REGISTERED"),
    "JSON with an error": (json_page({"status": False, "errorCode": 3001}), "failed", "ZOOM_CHECK_NOT_REGISTERED"),
    "page without a word": (page("<script>console.error('x')</script>"), "warning", "ZOOM_CHECK_INCONCLUSIVE"),
    "nothing": (Reply(200), "warning", "ZOOM_CHECK_INCONCLUSIVE"),
    "400": (page("Bad", 400), "failed", "ZOOM_CHECK_REJECTED"),
    "401": (page("No", 401), "failed", "ZOOM_CHECK_REJECTED"),
    "403": (page("No", 403), "failed", "ZOOM_CHECK_REJECTED"),
    "404": (page("Gone", 404), "failed", "ZOOM_CHECK_KEY_UNKNOWN"),
    "407": (page("Proxy", 407), "failed", "ZOOM_CHECK_ZOOM_PROXY"),
    "429": (page("Slow", 429), "warning", "ZOOM_CHECK_ZOOM_BUSY"),
    "500": (page("Oops", 500), "warning", "ZOOM_CHECK_ZOOM_DOWN"),
    "503": (page("Oops", 503), "warning", "ZOOM_CHECK_ZOOM_DOWN"),
    "inner address": (Reply(302, headers={"location": "http://10.0.0.1/"}), "failed", "ZOOM_CHECK_REDIRECTED"),
    "inner address over TLS": (
        Reply(302, headers={"location": "https://10.0.0.1/"}),
        "failed",
        "ZOOM_CHECK_REDIRECTED",
    ),
    "metadata": (Reply(307, headers={"location": "http://169.254.169.254/latest"}), "failed", "ZOOM_CHECK_REDIRECTED"),
    "a file": (Reply(303, headers={"location": "file:///etc/passwd"}), "failed", "ZOOM_CHECK_REDIRECTED"),
    "no address": (Reply(302, headers={"location": "http://[::1"}), "warning", "ZOOM_CHECK_INCONCLUSIVE"),
}


@pytest.mark.case("ZL-080")
@pytest.mark.parametrize("case", ANSWERS)
def test_what_zoom_answers(academy: Checked, case: str) -> None:
    answer, outcome, code = ANSWERS[case]
    academy.zoom.rule(LOGIN, lambda request: answer(academy.zoom, request) if callable(answer) else answer)
    found = academy.run()
    assert found["login"][0] == "ok"
    assert found["answer"][:2] == (outcome, code), found["answer"]
    assert found["request"][0] == ("ok" if outcome == "ok" else "skipped")


def test_both_sites_are_shown_and_no_parameter(academy: Checked) -> None:
    academy.zoom.rule(LOGIN, lambda request: academy.zoom.lead(request, site="https://other.example", state="quiet"))
    seen = academy.run()["answer"][2]
    assert "https://other.example/mod/lti/auth.php" in seen
    assert f"{academy.kit.academy.url}/mod/lti/auth.php" in seen
    assert "quiet" not in seen


def test_redirects_on_the_way_are_followed_a_little(academy: Checked) -> None:
    zoom = academy.zoom
    sent: list[Request] = []

    def send_on(request: Request) -> Reply:
        sent.append(request)
        return Reply(302, headers={"location": "/lti/rich/oauth"})

    zoom.rule(LOGIN, send_on)
    zoom.rule("/lti/rich/oauth", lambda _request: zoom.lead(sent[-1]))
    assert academy.run()["answer"][0] == "ok"
    zoom.rule(LOGIN, lambda _request: Reply(302, headers={"location": LOGIN}))
    assert academy.run()["answer"][:2] == ("warning", "ZOOM_CHECK_INCONCLUSIVE")
    assert len([request for request in zoom.seen(LOGIN) if request.method == "GET"]) == 2, "a circle ends"


REQUESTS = {
    "all is well": ({"redirect_uri": "{zoom}/lti/advantage/oauth/complete"}, "ok", "", "advantage"),
    "another client": ({"client_id": "somebody"}, "failed", "ZOOM_CHECK_CLIENT", "somebody"),
    "unknown redirect URI": ({"redirect_uri": "https://x.example/y?z=1"}, "failed", "ZOOM_CHECK_REDIRECT_URI", "/y"),
    "no scope": ({"scope": ""}, "warning", "ZOOM_CHECK_REQUEST", "scope"),
    "no nonce, another mode": ({"nonce": "", "response_mode": "query"}, "warning", "ZOOM_CHECK_REQUEST", "response_mode, nonce"),
    "another type": ({"response_type": "code"}, "warning", "ZOOM_CHECK_REQUEST", "response_type"),
    "no state": ({"state": ""}, "warning", "ZOOM_CHECK_REQUEST", "state"),
    "another hint": ({"login_hint": "17"}, "warning", "ZOOM_CHECK_REQUEST", "login_hint"),
    "hint left out": ({"lti_message_hint": ""}, "warning", "ZOOM_CHECK_REQUEST", "lti_message_hint"),
}  # fmt: skip


@pytest.mark.case("ZL-081")
@pytest.mark.parametrize("case", REQUESTS)
def test_what_zoom_asks_in_return(academy: Checked, case: str) -> None:
    changes, outcome, code, seen = REQUESTS[case]
    changes = {name: value.format(zoom=academy.zoom.url) for name, value in changes.items()}
    academy.zoom.rule(LOGIN, lambda request: academy.zoom.lead(request, **changes))
    found = academy.run()
    assert found["answer"][0] == "ok"
    assert found["request"][:2] == (outcome, code)
    assert seen in found["request"][2]


@pytest.mark.case("ZL-083")
@pytest.mark.parametrize(
    ("reply", "line", "outcome", "code"),
    [
        (Reply(500), "zoom", "failed", "ZOOM_CHECK_ZOOM_KEYS"),
        (page("<html>"), "zoom", "failed", "ZOOM_CHECK_ZOOM_KEYS"),
        (Reply.of({"keys": []}), "zoom", "failed", "ZOOM_CHECK_ZOOM_KEYS"),
        (Reply(407), "zoom", "failed", "ZOOM_CHECK_ZOOM_PROXY"),
        (Reply(delay=4), "zoom", "failed", "ZOOM_CHECK_ZOOM_TIMEOUT"),
        (Reply(cut=True), "zoom", "failed", "ZOOM_CHECK_ZOOM_PROXY"),
    ],
)
def test_zoom_cannot_be_reached_or_is_not_zoom(
    academy: Checked, reply: Reply, line: str, outcome: str, code: str
) -> None:
    academy.zoom.on(JWKS, reply)
    found = academy.run()
    assert found[line][:2] == (outcome, code)
    is_there = code == "ZOOM_CHECK_ZOOM_KEYS"
    assert {found[name][0] for name in ("login", "answer", "request")} == ({"ok"} if is_there else {"skipped"})


@pytest.mark.case("ZL-083")
@pytest.mark.parametrize(
    ("seconds", "outcome", "code"),
    [(0, "ok", ""), (25, "ok", ""), (-90, "warning", "ZOOM_CHECK_CLOCK"), (600, "failed", "ZOOM_CHECK_CLOCK")],
)
def test_the_clocks(academy: Checked, seconds: int, outcome: str, code: str) -> None:
    told = format_datetime(clock.now() + timedelta(seconds=seconds), usegmt=True)
    academy.zoom.on(JWKS, Reply.of({"keys": []}, Date=told))
    found = academy.run()["clock"]
    assert found[:2] == (outcome, code)
    assert not code or found[2].endswith("behind" if seconds < 0 else "ahead")


@pytest.mark.parametrize(
    ("kind", "reason", "wanted"),
    [
        ("dns", "the name x has no address (DNS)", "dns"),
        ("address", "never called", "address"),
        ("connect", "the TLS certificate of x is not valid", "tls"),
        ("connect", "x does not speak TLS properly", "tls"),
        ("connect", "x does not accept connections", "connect"),
        ("timeout", "x did not answer in time", "timeout"),
        ("size", "the answer is larger", "network"),
    ],
)
def test_kinds_of_failure(kind: str, reason: str, wanted: str) -> None:
    assert kind_of(OutboundError(reason, kind)) == wanted


@pytest.mark.parametrize(
    ("host", "inner"),
    [
        ("school.example.org", False), ("zoom.us", False), ("localhost", True), ("lms", True), ("10.0.0.1", True),
        ("8.8.8.8", True), ("2001:db8::1", True), ("lms.internal", True), ("a.local.", True), ("mylocal.org", False),
    ],
)  # fmt: skip
def test_hosts_nobody_outside_can_mean(host: str, inner: bool) -> None:
    assert is_inner(host) is inner


def test_a_page_that_wants_to_be_read_forever() -> None:
    """Broken and hostile pages end as what they are: nothing we know."""
    for body in (
        b"<!--" * 15_000,
        b"<![" * 20_000,
        b"http://" * 9_000,
        b"\x00\xff" * 9_000,
        b"<form action='http://[::1'>",
    ):
        answer = LoginAnswer.of(Answer(200, {}, body), "https://zoom.example/")
        assert read(answer, Site("https://a.example/mod/lti/auth.php", frozenset()), is_new=False)[1] == (
            "ZOOM_CHECK_INCONCLUSIVE"
        )


class TestValues:
    def test_a_key_that_cannot_be_one(self, academy: Checked) -> None:
        for key in ("", "two words", "../../admin", "a" * 300, "kéy"):
            with academy.kit.session() as session:
                draft = Draft("Main", key, session.get_one(ZoomProfile, academy.profile_id))
                assert draft.profile is not None
                assert draft.profile.tool.client_id
                session.expunge_all()
            found = academy.run(draft)
            assert found["values"][:2] == ("failed", "ZOOM_CHECK_KEY_FORMAT"), key
            assert found["login"][0] == "skipped"
        assert academy.zoom.seen(LOGIN) == []

    @pytest.mark.parametrize(
        ("issuer", "code"),
        [
            ("http://school.example.org", "ZOOM_CHECK_ISSUER_HTTPS"),
            ("https://school.example.org/", "ZOOM_CHECK_ISSUER_FORM"),
            ("https://school.example.org/lms", "ZOOM_CHECK_ISSUER_FORM"),
            ("https://10.1.2.3", "ZOOM_CHECK_HOST_INNER"),
            ("https://school.internal", "ZOOM_CHECK_HOST_INNER"),
            ("https://school.example.org", "ZOOM_CHECK_ISSUER_MOVED"),
            ("https://[::1", "ZOOM_CHECK_ISSUER_FORM"),
        ],
    )
    def test_an_address_zoom_cannot_use(self, academy: Checked, issuer: str, code: str) -> None:
        academy.change(issuer=issuer)
        assert academy.run()["values"][:2] == ("failed", code)

    def test_switched_off(self, academy: Checked) -> None:
        with academy.kit.session() as session:
            session.get_one(ZoomProfile, academy.profile_id).tool.is_active = False
        assert academy.run()["values"][:2] == ("warning", "ZOOM_CHECK_INACTIVE")

    def test_values_that_were_never_saved(self, academy: Checked) -> None:
        """Zoom cannot know the client ID: what it then refuses is no fault yet, an unknown key is."""
        new = Draft("New one", KEY)
        found = academy.run(new)
        assert (found["answer"][0], found["request"][0], bad(found)) == ("ok", "ok", {})
        academy.zoom.answers(page("Invalid client", 401))
        assert academy.run(new)["answer"][:2] == ("warning", "ZOOM_CHECK_NOT_SAVED")
        academy.zoom.answers(page("<p>Error: unknown client</p>"))
        assert academy.run(new)["answer"][:2] == ("warning", "ZOOM_CHECK_NOT_SAVED")
        academy.zoom.answers(Reply(404))
        assert academy.run(new)["answer"][:2] == ("failed", "ZOOM_CHECK_KEY_UNKNOWN")
        with academy.kit.session() as session:
            checks = Checks(session, academy.kit.runtime, academy.kit.academy).of(None)
            assert {report.check.values["client_id"] for report in checks} == {""}
            assert session.scalar(sa.select(sa.func.count(ZoomProfile.id))) == 1


def firewall_page(name: str) -> Reply:
    known = next(each for each in FIREWALLS if each.name == name)
    return page(f"<html>{known.words[0].decode()}</html>", 403)


OWN_DOORS: dict[str, tuple[str, Reply, str, str]] = {
    "blocked": ("self_certs", page("Forbidden", 403), "ZOOM_CHECK_SELF_BLOCKED", "403"),
    "not acceptable": ("self_token", page("No", 406), "ZOOM_CHECK_SELF_BLOCKED", "406"),
    "a challenge that says 200": (
        "self_certs",
        page("<title>Just a moment</title> Enable JavaScript and cookies to continue"),
        "ZOOM_CHECK_SELF_BLOCKED",
        "challenge",
    ),
    "Cloudflare": ("self_rest", firewall_page("Cloudflare"), "ZOOM_CHECK_SELF_BLOCKED", "Cloudflare"),
    "another server": (
        "self_certs",
        page("<title>It works!</title>", server="Apache"),
        "ZOOM_CHECK_SELF_OTHER_APP",
        "It works!",
    ),
    "not found": ("self_auth", page("<title>404</title>", 404, server="nginx"), "ZOOM_CHECK_SELF_OTHER_APP", "nginx"),
    "sent away": (
        "self_token",
        Reply(302, headers={"location": "https://sso.example/?secret=1"}),
        "ZOOM_CHECK_SELF_OTHER_APP",
        "https://sso.example/",
    ),
    "no keys": ("self_certs", Reply.of({"keys": []}), "ZOOM_CHECK_KEYS_EMPTY", "no key"),
    "old keys": ("self_certs", Reply.of({"keys": [{"kid": "old"}]}), "ZOOM_CHECK_KEYS_OLD", "old instead of"),
    "keys that are none": ("self_certs", Reply.of(["x"]), "ZOOM_CHECK_SELF_OTHER_APP", "200"),
    "a token for everybody": ("self_token", Reply.of({"access_token": "x"}), "ZOOM_CHECK_SELF_OTHER_APP", "200"),
    "a real Moodle": ("self_rest", Reply.of({"errorcode": "accessexception"}), "ZOOM_CHECK_SELF_OTHER_APP", "200"),
    "an error of the server": ("self_rest", page("Oops", 502), "ZOOM_CHECK_SELF_OTHER_APP", "502"),
}
PATHS = {"self_certs": CERTS_PATH, "self_token": TOKEN_PATH, "self_auth": AUTH_PATH, "self_rest": REST_PATH}


@pytest.fixture
def elsewhere(academy: Checked) -> Checked:
    """Its public address is a script, which answers as we would."""
    kids = academy.kit.runtime.part(KeyRing)
    kids.active(academy.kit.academy.id)
    zoom = academy.zoom
    zoom.on(CERTS_PATH, Reply.of({"keys": kids.published(academy.kit.academy.id)}))
    zoom.on(TOKEN_PATH, Reply.of({"error": "invalid_request"}, 400))
    zoom.on(AUTH_PATH, page("<code>TOOL_CLIENT</code>", 400))
    zoom.on(REST_PATH, Reply.of({"errorcode": "invalidtoken"}))
    academy.change(issuer=zoom.url)
    return academy


@pytest.mark.case("ZL-082")
@pytest.mark.parametrize("case", OWN_DOORS)
def test_what_stands_before_our_own_doors(elsewhere: Checked, case: str) -> None:
    line, reply, code, seen = OWN_DOORS[case]
    elsewhere.zoom.on(PATHS[line], reply)
    found = elsewhere.run()
    assert found[line][:2] == ("failed", code)
    assert seen in found[line][2]
    assert "secret" not in found[line][2]
    assert {found[name][0] for name in PATHS if name != line} == {"ok"}


@pytest.mark.case("ZL-082")
def test_our_own_doors_out_of_reach(academy: Checked) -> None:
    for issuer, code, outcome in (
        ("https://nowhere.invalid", "ZOOM_CHECK_SELF_DNS", "failed"),
        ("https://10.0.0.1", "ZOOM_CHECK_SELF_INNER", "warning"),
        ("http://127.0.0.1:9", "ZOOM_CHECK_SELF_UNREACHABLE", "failed"),
        (academy.zoom.url.replace("http:", "https:"), "ZOOM_CHECK_SELF_TLS", "failed"),
    ):
        academy.change(issuer=issuer)
        found = academy.run()
        assert found["self_certs"][:2] == (outcome, code), found["self_certs"]
        assert {found[name][:2] for name in ("self_token", "self_auth", "self_rest")} == {("skipped", "")}


@pytest.mark.case("ZL-082")
@pytest.mark.parametrize("firewall", FIREWALLS, ids=lambda each: each.name)
def test_firewalls_give_themselves_away(firewall: Any) -> None:
    for said in firewall.words:
        assert firewall_of(Answer(403, {}, b"<html><body>" + said.upper() + b"</body>")) == firewall.name
    for header in firewall.headers:
        assert firewall_of(Answer(403, {header: "x"}, b"")) == firewall.name
    assert firewall_of(Answer(403, {"server": "nginx"}, b"<h1>403 Forbidden</h1>")) == ""


def test_only_our_own_questions_go_unnoticed(academy: Checked) -> None:
    secrets, tenant = academy.kit.runtime.secrets, academy.kit.academy.id
    mark = mark_of(secrets, tenant)
    assert is_own(secrets, tenant, mark)
    for other in ("", "1", "x" * 10_000, "é", mark[:-3], mark_of(secrets, tenant + 1)):
        assert not is_own(secrets, tenant, other)
    with time_machine.travel(clock.now() + timedelta(minutes=5)):
        assert not is_own(secrets, tenant, mark)
    stranger = academy.kit.browser()
    before = counts(academy.kit)["lti_launch"]
    for value in (mark, "made up"):
        stranger.get("/mod/lti/auth.php?client_id=nobody", headers={MARK: value}, expect_errors=True)
    assert counts(academy.kit)["lti_launch"] == before + 1


def test_for_the_command_line(academy: Checked) -> None:
    report = run_check(academy.kit.runtime, academy.kit.academy, academy.profile_id)
    rows = report_rows(report)
    assert (report.passed, report.busy, report.check.asked_by) == (True, False, "operator")
    assert [row["step"] for row in rows] == [line.number for line in LINES]
    assert set(rows[0]) == {"step", "name", "title", "outcome", "code", "seen", "milliseconds"}
    with pytest.raises(Refused, match="WEB_NOT_FOUND"):
        run_check(academy.kit.runtime, academy.kit.academy, uuid4())
