"""What one academy gave out is worth nothing at another: sessions, links, tokens, states, notices, limits, caches, jobs."""

import re
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import sqlalchemy as sa
from webtest import TestResponse

from saas import clock
from saas.db.base import uuid7
from saas.jobs.execution import Execution
from saas.jobs.models import JobState, Outbox
from saas.jobs.registry import Job, JobRun
from saas.secrets import SealError
from saas.web.guards import RateLimiter
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import SignIn
from tenants.lti.keys import KeyRing
from tenants.lti.tool.platforms import Platforms
from tenants.lti.tool.registrations import Registrations
from tests.furnished import platform_values
from tests.house import Browser, House, Kit

SESSION, CSRF, FLASH = "__Host-session", "__Host-csrf", "__Host-flash"


@pytest.fixture
def two(house: House) -> tuple[Kit, Kit]:
    return house.academy(), house.academy()


def is_stranger(browser: Browser) -> bool:
    answer = browser.get("/profile", expect_errors=True)
    return answer.status_int == 303 and "/sign-in" in answer.headers["Location"]


def token_in(answer: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
    assert found
    return found[1]


def test_a_session_is_a_stranger_elsewhere(two: tuple[Kit, Kit]) -> None:
    a, b = two
    at_a, at_b = a.signed_in(Role.ADMIN), b.browser()
    at_b.app.set_cookie(SESSION, at_a.app.cookies[SESSION])
    assert not is_stranger(at_a)
    assert is_stranger(at_b)
    assert not is_stranger(at_a), "asking elsewhere does not end it here"


def test_a_session_of_the_same_person_id_is_a_stranger_elsewhere(two: tuple[Kit, Kit]) -> None:
    """Even when both academies had a person with the very same id."""
    a, b = two
    who = a.person(Role.LEARNER)
    with b.session() as session:
        session.add(Person(id=who.id, given_name="Twin", family_name="", role=Role.ADMIN))
    at_a, at_b = a.signed_in(person=who), b.browser()
    at_b.app.set_cookie(SESSION, at_a.app.cookies[SESSION])
    assert is_stranger(at_b)
    assert "Twin" not in at_a.get("/profile")


def test_a_sign_in_link_opens_only_its_own_academy(two: tuple[Kit, Kit]) -> None:
    a, b = two
    with a.session() as session:
        path = SignIn(session).issue_link(session.get_one(Person, a.person().id))
    refused = b.browser().get(path, expect_errors=True)
    assert refused.status_int == 410
    assert "SIGN_IN_LINK" in refused
    assert SESSION not in str(refused.headers.getall("Set-Cookie"))
    assert a.browser().get(path).status_int == 303, "and is not used up by the try elsewhere"


def test_a_csrf_token_of_a_session_is_worthless_elsewhere(two: tuple[Kit, Kit]) -> None:
    a, b = two
    at_a, at_b = a.signed_in(), b.signed_in()
    token = token_in(at_a.get("/profile"))
    refused = at_b.app.post("/profile", {"given_name": "X", "csrf_token": token}, expect_errors=True)
    assert refused.status_int == 403
    assert "WEB_CSRF" in refused


def test_a_strangers_csrf_token_is_worthless_in_another_browser(two: tuple[Kit, Kit]) -> None:
    a, b = two
    token = token_in(a.browser().get("/sign-in"))
    other = b.browser()
    other.get("/sign-in")
    refused = other.app.post(
        "/sign-in", {"email": "x@y.example", "password": "x", "csrf_token": token}, expect_errors=True
    )
    assert refused.status_int == 403
    assert "WEB_CSRF" in refused


def test_a_notice_is_not_shown_elsewhere(two: tuple[Kit, Kit]) -> None:
    a, b = two
    at_a, at_b = a.signed_in(), b.signed_in()
    saved = at_a.app.post("/profile", {"given_name": "Ada", "csrf_token": token_in(at_a.get("/profile"))})
    cookie: Any = SimpleCookie()
    for header in saved.headers.getall("Set-Cookie"):
        cookie.load(header)
    at_b.app.set_cookie(FLASH, cookie[FLASH].value)
    assert "Your profile is saved" not in at_b.get("/profile")
    assert "Your profile is saved" in at_a.get("/profile")


def test_a_launch_state_is_worthless_elsewhere(two: tuple[Kit, Kit]) -> None:
    """The same platform registered at both; the state and its cookie from A, the launch at B."""
    a, b = two
    values = platform_values("School")
    for kit in (a, b):
        with kit.session() as session:
            Platforms(session, kit.runtime.outbound).create(values)
    login = {
        "iss": values.issuer,
        "login_hint": "1",
        "target_link_uri": f"{a.academy.url}/lti/launch",
        "client_id": "client",
    }
    at_a, at_b = a.browser(), b.browser()
    sent = at_a.get("/lti/login", params=login, status=302)
    state = parse_qs(urlsplit(sent.headers["Location"]).query)["state"][0]
    for name, value in at_a.app.cookies.items():
        at_b.app.set_cookie(name, value)
    refused = at_b.app.post("/lti/launch", {"state": state, "id_token": "x.y.z"}, expect_errors=True)
    assert "LTI13_STATE" in refused
    here = at_a.app.post("/lti/launch", {"state": state, "id_token": "x.y.z"}, expect_errors=True)
    assert "LTI13_STATE" not in here, "and A's state is still A's"


def test_limits_count_per_academy(two: tuple[Kit, Kit]) -> None:
    """Somebody hammering one academy does not lock the same address out of another."""
    a, b = two
    at_a, at_b = a.browser(), b.browser()
    fields = {"email": "x@y.example", "password": ""}
    answers = [
        at_a.app.post(
            "/sign-in", {**fields, "csrf_token": token_in(at_a.get("/sign-in"))}, expect_errors=True
        ).status_int
        for _ in range(21)
    ]
    assert answers[-1] == 429
    assert set(answers[:20]) == {422}
    elsewhere = at_b.app.post("/sign-in", {**fields, "csrf_token": token_in(at_b.get("/sign-in"))}, expect_errors=True)
    assert elsewhere.status_int == 422


def test_every_limit_names_the_academy(house: House, two: tuple[Kit, Kit], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is counted, the academy is in the key."""
    a, _b = two
    keys: list[tuple[str, ...]] = []
    monkeypatch.setattr(RateLimiter, "hit", lambda _self, _rate, *key: keys.append(key))
    browser = a.browser()
    browser.app.post(
        "/sign-in",
        {"email": "x@y.example", "password": "wrong", "csrf_token": token_in(browser.get("/sign-in"))},
        expect_errors=True,
    )
    browser.get("/lti/login", expect_errors=True)
    assert len({key[0] for key in keys}) == 2
    assert all(str(a.academy.id) in key for key in keys)


def test_process_caches_have_the_academy_in_their_keys(house: House, two: tuple[Kit, Kit]) -> None:
    a, b = two
    with a.session() as session:
        platform = Platforms(session, house.runtime.outbound).create(platform_values("School"))
        session.flush()
        platform_id, version = platform.id, platform.version
    known = house.runtime.part(Registrations)
    with house.runtime.database.hot(a.academy.id) as connection:
        assert known.get(connection, platform_id, version) is not None
    with house.runtime.database.hot(b.academy.id) as connection:
        assert known.get(connection, platform_id, version) is None
    keys = house.runtime.part(KeyRing)
    kids = [{key["kid"] for key in keys.published(kit.academy.id)} for kit in two]
    assert kids[0]
    assert not kids[0] & kids[1]
    assert keys.active(a.academy.id).kid in kids[0]
    assert keys.active(b.academy.id).kid in kids[1]
    for part in house.runtime.parts.values():
        for cache in getattr(part, "__dict__", {}).values():
            if isinstance(cache, dict):
                assert all(
                    isinstance(key, tuple) and isinstance(key[0], int) for key in cache if not isinstance(key, str)
                ), part


def test_sealed_values_open_only_for_their_academy_and_purpose(house: House, two: tuple[Kit, Kit]) -> None:
    a, b = two
    secrets = house.runtime.secrets
    sealed = secrets.seal(a.academy.id, "purpose", b"value")
    assert secrets.open(a.academy.id, "purpose", sealed) == b"value"
    for tenant_id, purpose in ((b.academy.id, "purpose"), (a.academy.id, "another purpose")):
        with pytest.raises(SealError):
            secrets.open(tenant_id, purpose, sealed)


def test_a_job_opens_only_the_academy_of_its_row(house: House, two: tuple[Kit, Kit]) -> None:
    """A row of A's with an id of B's in its arguments, and a message that names B for a row of A's."""
    a, b = two
    who, found = b.person(), []
    name = f"test.look_{uuid4().hex[:6]}"

    def look(run: JobRun, person_id: str) -> None:
        with run.transaction() as session:
            found.append((run.academy.id, session.scalar(sa.select(Person.id).where(Person.id == who.id))))

    house.runtime.jobs.add(Job(name, look))
    now, lease, row_id = clock.now(), uuid7(), uuid7()
    with house.runtime.database.shell() as session:
        session.add(
            Outbox(
                id=row_id, tenant_id=a.academy.id, job=name, args={"person_id": str(who.id)}, state=JobState.LEASED, due_at=now,
                give_up_at=now, lease_id=lease, leased_until=now,
            )
        )  # fmt: skip
    Execution(house.runtime, b.academy.id, row_id, lease).perform()
    assert found == [], "a message that lies about the academy runs nothing"
    Execution(house.runtime, a.academy.id, row_id, lease).perform()
    assert found == [(a.academy.id, None)]


def test_one_academy_cannot_retry_or_see_anothers_jobs(house: House, two: tuple[Kit, Kit]) -> None:
    from saas.jobs.outbox import Desk

    a, b = two
    now, row_id = clock.now(), uuid7()
    with house.runtime.database.shell() as session:
        session.add(
            Outbox(
                id=row_id, tenant_id=a.academy.id, job="x.y", args={}, state=JobState.DEAD, due_at=now, give_up_at=now
            )
        )
    with house.runtime.database.shell() as session:
        assert Desk(session, b.academy.id).retry([row_id]) == []
        assert row_id not in {row.id for row in Desk(session, b.academy.id).rows()}
        assert row_id in {row.id for row in Desk(session, a.academy.id).rows()}
