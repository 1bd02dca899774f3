"""The documented installation, for real: nginx, two web processes, two workers, PostgreSQL under row-level security, Redis."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests.interop.test_story_http import connect, learn
from tests.peers.lms.client import Registered, RunningLMS
from tests.production import Production, production
from tests.services import wait_for

pytestmark = [pytest.mark.postgresql, pytest.mark.redis, pytest.mark.nginx]
SPOOFED = {
    "X-Forwarded-Host": "south.localhost",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-For": "203.0.113.1",
    "Forwarded": "for=203.0.113.1;host=south.localhost;proto=http",
}


@pytest.mark.timeout(2400)
def test_the_documented_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with production(tmp_path) as made:
        monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
        with RunningLMS() as lms:
            registered = connect(made, lms)
            hosts_are_told_apart(made)
            one_session_is_good_at_every_process(made)
            nothing_a_client_claims_is_believed(made)
            a_score_arrives(made, lms, registered, "anna")
            half_of_it_may_be_killed(made, lms, registered)
            redis_may_be_away(made, lms, registered)
            a_rolling_restart_loses_nothing(made)
            assert doctor_finds_nothing(made)


def hosts_are_told_apart(made: Production) -> None:
    with made.browser() as browser:
        for slug, name in (("north", "North"), ("south", "South")):
            page = browser.get(f"{made.url(slug)}/sign-in")
            assert page.status_code == 200
            assert name in page.text
        for path in ("/healthz", "/readyz"):
            assert {browser.get(f"{made.url(slug)}{path}").status_code for slug in ("", "north")} == {200}
        key = {"Authorization": f"Bearer {made.token}"}
        assert browser.get(f"{made.url()}/metrics").status_code == 403
        assert "lyceum_outbox_rows" in browser.get(f"{made.url()}/metrics", headers=key).text
        assert browser.get(f"{made.url('north')}/metrics", headers=key).status_code == 404
        for port in made.metrics_ports:
            assert "lyceum_outbox_lag_seconds" in httpx.get(f"http://127.0.0.1:{port}/metrics", headers=key).text
        unknown = browser.get(f"{made.url()}/", headers={"Host": "elsewhere.example"})
        assert unknown.status_code == 421
        plain = browser.get(f"http://north.localhost:{made.plain_port}/courses?page=2")
        assert (plain.status_code, plain.headers["Location"]) == (308, "https://north.localhost/courses?page=2")
        static_files_carry_the_same_headers(made, browser)


def static_files_carry_the_same_headers(made: Production, browser: httpx.Client) -> None:
    """nginx answers for them; what it says of them must be what the application would say."""
    path = "/static/css/base.css"
    by_nginx = browser.get(f"{made.url('north')}{path}")
    by_us = browser.get(f"http://north.localhost:{made.web_ports[0]}{path}")
    assert by_nginx.text == by_us.text
    ours = {name: value for name, value in by_us.headers.items() if "-" in name and "content-" not in name}
    for name in set(ours) - {"cache-control", "last-modified", "accept-ranges", "x-request-id"}:
        assert by_nginx.headers[name] == ours[name], name
    assert "default-src 'none'" in by_nginx.headers["content-security-policy"]
    assert "x-request-id" not in by_nginx.headers


def one_session_is_good_at_every_process(made: Production) -> None:
    link = made.json("operator", "invite", "olga@lyceum.example")["sign_in_url"]
    with made.browser() as browser:
        landed = browser.get(link)
        assert landed.headers["Location"].startswith(f"{made.url()}/")
        cookie = landed.headers["Set-Cookie"]
        assert cookie.startswith("__Host-session=")
        assert "; Secure" in cookie
        before = [answered(made, port) for port in made.web_ports]
        assert [browser.get(f"{made.url()}/academies/new").status_code for _ in range(6)] == [200] * 6
        assert all(answered(made, port) > number for port, number in zip(made.web_ports, before, strict=True))
        assert browser.get(f"{made.url('north')}/profile").status_code != 200


def answered(made: Production, port: int) -> int:
    return made.running["web", str(port)].log.read_text().count('"event":"request"')


def nothing_a_client_claims_is_believed(made: Production) -> None:
    """Another host, plain http, another address: the last would be a way around every limit of rate."""
    with made.browser(**SPOOFED) as browser:
        page = browser.get(f"{made.url('north')}/sign-in")
        assert "North" in page.text
        assert "South" not in page.text
        moved = browser.get(f"{made.url('north')}/profile")
        assert moved.is_redirect
        assert moved.headers["Location"].startswith(f"{made.url('north')}/")
    with made.browser("127.0.0.7") as guesser, made.browser("127.0.0.8") as neighbour:
        tries = [
            guesser.post(f"{made.url('north')}/sign-in", headers={"X-Forwarded-For": f"203.0.113.{number}"}).status_code
            for number in range(25)
        ]
        assert tries[-1] == 429
        assert tries.count(429) == 5
        assert neighbour.post(f"{made.url('north')}/sign-in").status_code != 429


@contextmanager
def visit_of(
    made: Production, lms: RunningLMS, registered: Registered, person: str
) -> Iterator[tuple[httpx.Client, str]]:
    """The browser of somebody who has been launched, and where the launch leads."""
    with made.browser() as browser:
        landed = lms.launch(registered.links[0].id, person, browser)
        assert landed.status_code == 303, landed.text
        yield browser, urljoin(str(landed.url), landed.headers["location"])


def has_arrived(lms: RunningLMS, person: str) -> bool:
    score = lms.score(person, title="Tides")
    return score is not None and score.given == 100


def a_score_arrives(made: Production, lms: RunningLMS, registered: Registered, person: str) -> None:
    with visit_of(made, lms, registered, person) as (browser, address):
        assert urlsplit(address).scheme == "https"
        assert "100" in learn(browser, address).text
    wait_for(lambda: has_arrived(lms, person), "the score", 60)


def half_of_it_may_be_killed(made: Production, lms: RunningLMS, registered: Registered) -> None:
    """In the middle of a visit, as the kernel kills: the other half goes on."""
    lost: list[tuple[str, object]] = [("web", made.web_ports[0]), ("worker", 1)]
    with visit_of(made, lms, registered, "bruno") as (browser, address):
        for kind, instance in lost:
            made.running[kind, str(instance)].kill()
        assert "100" in learn(browser, address).text
    wait_for(lambda: has_arrived(lms, "bruno"), "the score", 60)
    made.start_all(*lost)


def redis_may_be_away(made: Production, lms: RunningLMS, registered: Registered) -> None:
    made.stop_redis()
    with visit_of(made, lms, registered, "layla") as (browser, address):
        assert "100" in learn(browser, address).text
        assert browser.post(f"{made.url('north')}/sign-in").status_code == 403
    owed = made.json("jobs", "north", "--state", "due")
    assert owed
    assert not has_arrived(lms, "layla")
    made.start_redis()
    wait_for(lambda: has_arrived(lms, "layla"), "the score after Redis is back", 60)


def a_rolling_restart_loses_nothing(made: Production) -> None:
    with under_load(made) as answers:
        codes = made.restart_all(("web", made.web_ports[0]), ("worker", 1))
        codes += made.restart_all(("web", made.web_ports[1]), ("worker", 2))
    assert codes == [0, 0, 0, 0]
    assert set(answers) == {("GET", 200), ("POST", 303)}
    assert min(answers.values()) > 20


@contextmanager
def under_load(made: Production) -> Iterator[Counter[tuple[str, int]]]:
    """Three visitors who hardly pause; yields how often what was answered, and raises what broke."""
    answers: Counter[tuple[str, int]] = Counter()
    broken: list[Exception] = []
    stop = threading.Event()

    def visit() -> None:
        with made.browser() as browser:
            while not stop.is_set():
                try:
                    answers["GET", browser.get(f"{made.url('north')}/sign-in").status_code] += 1
                    answers["POST", browser.post(f"{made.url('south')}/profile").status_code] += 1
                except httpx.HTTPError as error:
                    broken.append(error)
                time.sleep(0.03)

    visitors = [threading.Thread(target=visit) for _ in range(3)]
    for each in visitors:
        each.start()
    try:
        yield answers
    finally:
        stop.set()
        for each in visitors:
            each.join()
    assert broken == []


def doctor_finds_nothing(made: Production) -> bool:
    found = made.json("doctor")
    assert {"database", "redis", "worker", "keys"} <= {check["check"] for check in found["checks"]}
    return found["ok"] and all(check["ok"] for check in found["checks"])
