"""Practice Zoom works, shown without our product: a scripted site is what Zoom takes for Moodle."""

import itertools
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.peers.zoom.client import RunningZoom
from tests.peers.zoom.state import CLAIM, LIS, NRPS

CLIENT, TOKEN = "6a1f4e1e-9f0e-4f7c-9a57-0d9a3c8d1f10", "a-token-of-forty-characters-for-practice"
CREATE, DELETE = "core_calendar_create_calendar_events", "core_calendar_delete_calendar_events"
NOTICE = "Practice Zoom: not Zoom"


@dataclass
class Site:
    """Answers at Moodle's addresses, believes everything, and keeps what came."""

    url: str = ""
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    kid: str = "site-1"
    calls: list[dict[str, str]] = field(default_factory=list)
    assertions: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(101, 10_000)))

    def get(self, path: str) -> Any:
        if path == "/mod/lti/certs.php":
            public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
            return {"keys": [{**public, "kid": self.kid, "alg": "RS256", "use": "sig"}]}
        return {"members": [{"user_id": "7", "name": "Anna", "email": "anna@site.example", "roles": [LIS + "Learner"]}]}

    def post(self, path: str, form: dict[str, str]) -> Any:
        if path == "/mod/lti/token.php":
            self.assertions.append(form["client_assertion"])
            return {"access_token": "bearer", "token_type": "Bearer", "expires_in": 3600, "scope": form["scope"]}
        self.calls.append(form)
        count = len([name for name in form if name.endswith("[name]")])
        if form["wsfunction"] == DELETE:
            return None
        return {"events": [{"id": next(self._numbers)} for _ in range(count)], "warnings": []}

    def id_token(self, asked: dict[str, str], **changed: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": CLIENT, "sub": "7", "iat": now, "exp": now + 300, "nonce": asked["nonce"],
            "email": "tilda@site.example", "name": "Tilda Teacher",
            CLAIM + "message_type": "LtiResourceLinkRequest", CLAIM + "version": "1.3.0",
            CLAIM + "deployment_id": "d", CLAIM + "target_link_uri": "https://zoom.example/lti/advantage",
            CLAIM + "resource_link": {"id": "r", "title": "Meetings"},
            CLAIM + "context": {"id": "c-1", "title": "The sea"}, CLAIM + "roles": [LIS + "Instructor"],
            NRPS: {"context_memberships_url": f"{self.url}/members", "service_versions": ["2.0"]},
            **changed,
        }  # fmt: skip
        told = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(told, self.key, algorithm="RS256", headers={"kid": self.kid})


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(made.get(urlsplit(self.path).path))

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(made.post(self.path, dict(parse_qsl(sent))))

        def _answer(self, document: Any) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"http://site.localhost:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def zoom() -> Iterator[RunningZoom]:
    with RunningZoom() as running:
        yield running


@pytest.fixture
def key(zoom: RunningZoom, site: Site) -> Iterator[str]:
    """The LTI Key of a credential that knows the site, with Calendar."""
    made = zoom.credential()
    zoom.add_instance(made, site.url, CLIENT, TOKEN)
    site.calls.clear()
    yield made
    zoom.fail()


def login(zoom: RunningZoom, site: Site, key: str, **changed: str) -> httpx.Response:
    form = {"iss": site.url, "client_id": CLIENT, "login_hint": "hint", "lti_message_hint": "message", **changed}
    return zoom.http.post(f"/lti/advantage/login/{key}", data=form)


def asked_of(answer: httpx.Response) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def complete(zoom: RunningZoom, site: Site, key: str, **changed: Any) -> httpx.Response:
    asked = asked_of(login(zoom, site, key))
    form = {"state": asked["state"], "id_token": site.id_token(asked, **changed)}
    return zoom.http.post(asked["redirect_uri"], data=form)


def visit(zoom: RunningZoom, site: Site, key: str, **changed: Any) -> str:
    return str(complete(zoom, site, key, **changed).headers["location"])


def functions(site: Site) -> list[str]:
    return [call["wsfunction"] for call in site.calls]


def test_the_marketplace_leads_to_the_key_and_back_with_three_values(zoom: RunningZoom, site: Site) -> None:
    page, steps = zoom.http.get("/"), ["Manage", "Added Apps", "LTI Pro", "Configure", "Create a new credential"]
    for step in steps:
        assert NOTICE in page.text
        address = re.search(rf'<a [^>]*href="([^"]+)"[^>]*>{step}<', page.text)
        assert address, (step, page.text)
        page = zoom.http.get(address[1])
    made = zoom.http.post(page.url.path, data={"name": "The sea"})
    key = made.headers["location"].rpartition("/")[2]
    page = zoom.http.get(made.headers["location"])
    assert f'id="lti-key">{key}<' in page.text
    assert "3rd Party Credentials" in page.text
    wrong = zoom.http.post(f"{page.url.path}/third-party/moodle/new", data={"url": "", "client_id": "x", "token": "y"})
    assert (wrong.status_code, "Enter the site" in wrong.text) == (200, True)
    zoom.add_instance(key, site.url, CLIENT, TOKEN)
    page = zoom.http.get(f"{page.url.path}/third-party/moodle")
    assert (site.url in page.text, CLIENT in page.text, TOKEN in page.text) == (True, True, False)
    assert 'aria-checked="true"' in page.text


def test_login_asks_the_site_for_authentication(zoom: RunningZoom, site: Site, key: str) -> None:
    seen = set()
    for _ in range(2):
        answer = login(zoom, site, key)
        asked = asked_of(answer)
        assert answer.status_code == 302
        assert answer.headers["location"].startswith(f"{site.url}/mod/lti/auth.php?")
        assert asked.items() >= {
            "scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none",
            "client_id": CLIENT, "login_hint": "hint", "lti_message_hint": "message",
        }.items()  # fmt: skip
        seen.add(asked["redirect_uri"].removeprefix(zoom.url))
    assert seen == {"/lti/advantage/oauth/complete", "/lti/rich/oauth/complete"}


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"iss": "http://other.localhost"}, 400, "no such site"),
        ({"client_id": "another"}, 400, "another Client ID"),
        ({"login_hint": ""}, 400, "login_hint is missing"),
    ],
)
def test_login_says_what_is_not_registered(
    zoom: RunningZoom, site: Site, key: str, changed: dict[str, str], status: int, words: str
) -> None:
    answer = login(zoom, site, key, **changed)
    assert (answer.status_code, words in answer.text, NOTICE in answer.text) == (status, True, True)
    assert login(zoom, site, "unknown").status_code == 404


def test_a_teacher_schedules_changes_and_deletes(zoom: RunningZoom, site: Site, key: str) -> None:
    there = visit(zoom, site, key)
    page = zoom.http.get(there)
    assert ("Tilda Teacher, instructor" in page.text, NOTICE in page.text) == (True, True)
    zoom.schedule(there, topic="Tides & moon", time="10:30", zone="Europe/Berlin", minutes=45)
    zoom.calls()
    (call,) = site.calls
    assert call.items() >= {
        "wstoken": TOKEN, "wsfunction": CREATE, "moodlewsrestformat": "json", "events[0][name]": "Tides & moon",
        "events[0][courseid]": "c-1", "events[0][timestart]": "1898587800", "events[0][timeduration]": "2700",
        "events[0][eventtype]": "course", "events[0][repeats]": "0",
    }.items()  # fmt: skip
    (meeting,) = [each for each in zoom.state()["meetings"] if each["topic"] == "Tides & moon"]
    link = re.search(r'href="([^"]+)" target="_blank">[^<]* (\d{3} \d{4} \d{4})</a>', call["events[0][description]"])
    assert link, call
    assert (link[1], link[2].replace(" ", "")) == (meeting["join_url"], meeting["number"])
    assert NOTICE in zoom.http.get(meeting["join_url"]).text

    number, first = meeting["number"], meeting["event_ids"]
    assert first == [int(first[0])]
    zoom.edit(there, number, topic="Tides", time="11:00")
    zoom.calls()
    assert (functions(site), site.calls[1]["events[0][name]"]) == ([CREATE, CREATE], "Tides")
    second = zoom.state()["meetings"][-1]["event_ids"]
    zoom.delete(there, number)
    zoom.calls()
    assert (functions(site)[-1], site.calls[-1]["events[0][eventid]"]) == (DELETE, str(second[0]))
    assert "no upcoming meetings" in zoom.http.get(there).text


def test_a_form_says_what_is_wrong_and_pages_that_are_not_there_are_labelled(
    zoom: RunningZoom, site: Site, key: str
) -> None:
    there = visit(zoom, site, key)
    for wrong in ({"minutes": 0}, {"weeks": 51}, {"topic": " "}, {"zone": "Mars"}, {"date": "soon"}):
        answer = zoom.schedule(there, **{"topic": "Kept", **wrong})
        assert (answer.status_code, 'role="alert"' in answer.text) == (200, True), wrong
    assert 'value="Kept"' in zoom.schedule(there, topic="Kept", minutes=0).text
    lost = zoom.http.get("/lti/advantage/meetings/nobody")
    assert (lost.status_code, NOTICE in lost.text) == (404, True)
    assert zoom.http.get("/j/80000000000").status_code == 404


def test_a_series_has_an_event_for_each_week(zoom: RunningZoom, site: Site, key: str) -> None:
    there = visit(zoom, site, key)
    zoom.schedule(there, weeks=3, date="2030-03-25", zone="Europe/Berlin")
    zoom.calls()
    starts = [int(site.calls[0][f"events[{n}][timestart]"]) for n in range(3)]
    week = 7 * 24 * 3600
    assert [later - earlier for earlier, later in itertools.pairwise(starts)] == [week - 3600, week]
    zoom.fail(series="repeats")
    zoom.schedule(there, weeks=3)
    zoom.calls()
    assert site.calls[1]["events[0][repeats]"] == "3"
    assert "events[1][name]" not in site.calls[1]


def test_learners_join_and_schedule_only_where_students_may(zoom: RunningZoom, site: Site, key: str) -> None:
    there = visit(zoom, site, key, **{CLAIM + "roles": [LIS + "Learner"]})
    assert "Schedule a New Meeting" not in zoom.http.get(there).text
    assert zoom.schedule(there).status_code == 403
    zoom.http.post(f"/marketplace/apps/lti-pro/configure/{key}", data={"students_host": "on"})
    assert zoom.schedule(there).status_code == 303


def test_the_roster_is_read_with_a_signed_assertion(zoom: RunningZoom, site: Site, key: str) -> None:
    there = visit(zoom, site, key)
    assert "anna@site.example" in zoom.http.get(f"{there}/roster").text
    published = jwt.PyJWKSet.from_dict(zoom.http.get("/lti/advantage/jwks").json())
    (one,) = published.keys
    assertion = jwt.decode(site.assertions[-1], one.key, algorithms=["RS256"], audience=f"{site.url}/mod/lti/token.php")
    assert (assertion["iss"], assertion["sub"]) == (CLIENT, CLIENT)
    assert zoom.http.get(f"{visit(zoom, site, key, **{NRPS: None})}/roster").status_code == 404


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"iss": "http://other.localhost"}, "issuer"),
        ({"aud": "another"}, "Audience"),
        ({"exp": 1_700_000_000}, "expired"),
        ({"nonce": "another"}, "nonce"),
        ({"email": None}, "e-mail"),
        ({CLAIM + "context": None}, "context"),
        ({CLAIM + "message_type": "LtiDeepLinkingRequest"}, "resource link request"),
    ],
)
def test_messages_that_are_not_believed(
    zoom: RunningZoom, site: Site, key: str, changed: dict[str, Any], words: str
) -> None:
    answer = complete(zoom, site, key, **changed)
    assert (answer.status_code, words in zoom.refusals()[-1]) == (400, True), zoom.refusals()[-1]


def test_keys_are_fetched_again_for_a_new_one_and_a_state_counts_once(zoom: RunningZoom, site: Site, key: str) -> None:
    assert complete(zoom, site, key).status_code == 303
    site.kid, site.key = "site-2", rsa.generate_private_key(65537, 2048)
    asked = asked_of(login(zoom, site, key))
    form = {"state": asked["state"], "id_token": site.id_token(asked)}
    assert zoom.http.post(asked["redirect_uri"], data=form).status_code == 303
    assert zoom.http.post(asked["redirect_uri"], data=form).status_code == 400
    asked = asked_of(login(zoom, site, key))
    refused = zoom.http.post(asked["redirect_uri"], data={"state": asked["state"], "error": "access_denied"})
    assert (refused.status_code, "access_denied" in refused.text) == (400, True)


def test_faults_of_the_login(zoom: RunningZoom, site: Site, key: str) -> None:
    orders: list[tuple[dict[str, Any], int]] = [
        ({"error": True}, 500), ({"login_status": 429}, 429), ({"login_page": "Welcome"}, 200), ({"slow": 0.3}, 302),
    ]  # fmt: skip
    for fault, status in orders:
        zoom.fail(**fault)
        began = time.monotonic()
        assert login(zoom, site, key).status_code == status
        assert time.monotonic() - began >= fault.get("slow", 0)
    zoom.fail(wrong_redirect=True, wrong_client_id=True, other_site="https://elsewhere.example")
    answer = login(zoom, site, key)
    asked = asked_of(answer)
    assert answer.headers["location"].startswith("https://elsewhere.example/mod/lti/auth.php")
    assert (asked["redirect_uri"], asked["client_id"]) == (f"{zoom.url}/lti/elsewhere", "not-yours")
    before = zoom.http.get("/lti/advantage/jwks").json()["keys"][0]
    zoom.fail(stale_keys=True, clock=-600)
    stale = zoom.http.get("/lti/advantage/jwks")
    assert (stale.json()["keys"][0]["kid"], stale.json()["keys"][0]["n"] != before["n"]) == (before["kid"], True)
    assert abs(httpx_date(stale) - (time.time() - 600)) < 60
    zoom.fail()
    zoom.rotate_keys()
    assert zoom.http.get("/lti/advantage/jwks").json()["keys"][0]["kid"] != before["kid"]
    assert zoom.http.post("/practice/faults", json={"gremlin": True}).status_code == 400
    assert zoom.http.post("/practice/faults", json={"slow": "very"}).status_code == 400


def httpx_date(answer: httpx.Response) -> float:
    from email.utils import parsedate_to_datetime

    return parsedate_to_datetime(answer.headers["date"]).timestamp()


def test_faults_of_the_calendar(zoom: RunningZoom, site: Site, key: str) -> None:
    there = visit(zoom, site, key)
    zoom.fail(repeated_calls=1)
    zoom.schedule(there, topic="Twice")
    zoom.calls()
    assert functions(site) == [CREATE, CREATE]
    assert site.calls[0] == site.calls[1]
    zoom.fail(lost_answer=True)
    zoom.schedule(there, topic="Unheard")
    zoom.calls()
    lost = zoom.state()["meetings"][-1]
    assert (lost["topic"], lost["event_ids"]) == ("Unheard", [])
    zoom.fail(change="replace")
    twice = next(each for each in zoom.state()["meetings"] if each["topic"] == "Twice")
    zoom.edit(there, twice["number"], topic="Replaced")
    zoom.calls()
    assert functions(site)[3:] == [DELETE, CREATE]
    zoom.fail(no_calendar=True)
    zoom.schedule(there)
    zoom.calls()
    assert len(site.calls) == 5


def test_programs_enter_an_instance_and_see_everything_but_tokens(zoom: RunningZoom, site: Site) -> None:
    values = {"key": "given", "name": "Given", "url": site.url, "client_id": CLIENT, "token": TOKEN}
    for _ in range(2):
        told = zoom.http.post("/practice/instances", json=values)
        assert (told.status_code, told.json()) == (200, {"key": "given", "instances": 1})
    assert zoom.http.post("/practice/instances", json={"key": "given"}).status_code == 400
    assert zoom.http.post("/practice/instances", data=values).status_code == 400, "no form of another site's page"
    assert login(zoom, site, "given").status_code == 302
    assert TOKEN not in json.dumps(zoom.state())
    assert NOTICE in zoom.http.get("/practice").text
