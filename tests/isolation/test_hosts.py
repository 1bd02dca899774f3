"""The host name decides the academy before anything else; a host nobody knows is nobody's (case 125)."""

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from saas.problems import Refused
from saas.tenancy.lifecycle import Lifecycle
from saas.tenancy.models import Domain, Tenant, TenantStatus
from saas.tenancy.resolve import bare_host
from tenants.access import Role
from tests.house import HOST, Browser, House

UNKNOWN = {
    "another name": "nobody.example",
    "an academy that does not exist": "nowhere.lyceum.test",
    "an academy's name and more": "{host}.evil.example",
    "a part of an academy's name": "x{host}",
    "below an academy": "www.{host}",
    "an academy's name as user": "{host}@evil.example",
    "an academy's name in a path": "evil.example/{host}",
    "two hosts": "{host}, evil.example",
    "two hosts, the other way": "evil.example, {host}",
    "an IPv4 address": "127.0.0.1",
    "an IPv6 address": "[::1]",
    "an IPv6 address with a port": "[::1]:6543",
    "empty": "",
    "only a port": ":443",
    "only a dot": ".",
    "a port that is no number": "{host}:https",
    "two ports": "{host}:443:443",
    "a space": "{host} x",
    "a scheme": "https://{host}",
    "a wildcard": "*.lyceum.test",
    "a percent sign": "%.lyceum.test",
    "NUL": "{host}\0",
    "a letter from elsewhere": "\u00e9.lyceum.test",
    "SQL": "' OR 1=1 --",
    "very long": "a" * 5000,
    "many labels": "a." * 2000 + "test",
}
KNOWN = {
    "as it is": "{host}",
    "with a port": "{host}:443",
    "with any port": "{host}:59999",
    "with an empty port": "{host}:",
    "in capitals": "{HOST}",
    "with the root's dot": "{host}.",
    "with both": "{HOST}.:443",
}


def asked_at(house: House, host: str) -> Browser:
    browser = house.browser(HOST)
    browser.app.extra_environ["HTTP_HOST"] = host
    return browser


@pytest.mark.parametrize("case", UNKNOWN)
def test_an_unknown_host_is_421(house: House, case: str, kit_host: dict[str, str]) -> None:
    browser = asked_at(house, UNKNOWN[case].format(host=kit_host[house.backend]))
    for path in ("/", "/sign-in", "/lti/jwks", "/metrics", "/no-such-page", "/static"):
        answer = browser.get(path, expect_errors=True)
        assert answer.status_int == 421, path
        assert "HOST_UNKNOWN" in answer
    assert browser.app.post("/lti/launch", expect_errors=True).status_int == 421
    assert browser.get("/static/css/base.css").status_int == 200, "the refusal has its style"
    assert browser.get("/static/no-such-file", expect_errors=True).status_int == 404


@pytest.mark.parametrize("case", KNOWN)
def test_a_known_host_however_it_is_written(house: House, case: str, kit_host: dict[str, str]) -> None:
    host = kit_host[house.backend]
    answer = asked_at(house, KNOWN[case].format(host=host, HOST=host.upper())).get("/sign-in")
    assert f"Academy {host.partition('.')[0]}" in answer


@pytest.fixture(scope="module")
def hosts() -> dict[str, str]:
    return {}


@pytest.fixture
def kit_host(house: House, hosts: dict[str, str]) -> dict[str, str]:
    if house.backend not in hosts:
        hosts[house.backend] = house.academy().host
    return hosts


def test_headers_of_strangers_choose_no_academy(house: House) -> None:
    """Only ``Host`` counts, as the server in front passes it on."""
    a, b = house.academy(), house.academy()
    forged = {"X-Forwarded-Host": b.host, "Forwarded": f"host={b.host}", "X-Host": b.host, "X-Original-Host": b.host}
    answer = a.browser().get("/sign-in", headers=forged)
    assert a.academy.name in answer
    assert b.academy.name not in answer
    assert a.browser().get(f"https://{b.host}/sign-in", headers={"Host": a.host}).request.host == a.host


def test_public_addresses_come_from_the_settings(house: House) -> None:
    """Not from the request: a forged port ends up in no link we give out."""
    kit = house.academy()
    browser = kit.signed_in(Role.ADMIN)
    browser.app.extra_environ["HTTP_HOST"] = f"{kit.host}:666"
    page = browser.get("/integrations/lti-1.3/platforms/new")
    assert f"https://{kit.host}/lti/login" in page
    assert ":666/lti" not in page


def test_the_health_checks_need_no_host(house: House) -> None:
    for host in ("10.0.0.7", "nobody.example", ""):
        assert asked_at(house, host).get("/healthz").text == "ok\n"
        assert asked_at(house, host).get("/readyz").text == "ready\n"
        assert asked_at(house, host).app.post("/healthz", expect_errors=True).status_int == 405
        assert asked_at(house, host).get("/healthz/x", expect_errors=True).status_int == 421


def test_a_suspended_academy_answers_nobody(house: House) -> None:
    kit, other = house.academy(), house.academy()
    admin = kit.signed_in(Role.ADMIN)
    _set_status(house, kit.academy.slug, on=False)
    for path in ("/", "/sign-in", "/people", "/lti/jwks"):
        answer = admin.get(path, expect_errors=True)
        assert answer.status_int == 403
        assert "TENANT_SUSPENDED" in answer
    assert admin.app.post("/lti/launch", expect_errors=True).status_int == 403
    assert other.browser().get("/sign-in").status_int == 200
    _set_status(house, kit.academy.slug, on=True)
    assert admin.get("/people").status_int == 200, "nothing was deleted, sessions included"


def _set_status(house: House, slug: str, *, on: bool) -> None:
    with house.runtime.database.shell() as session:
        lifecycle = Lifecycle(session, house.runtime.settings.web)
        changed = lifecycle.resume(slug) if on else lifecycle.suspend(slug)
        assert changed.status is (TenantStatus.ACTIVE if on else TenantStatus.SUSPENDED)
    house.runtime.tenants.forget()


def test_an_academy_answers_at_all_its_hosts(house: House) -> None:
    kit = house.academy()
    alias = f"learn.{kit.academy.slug}.example"
    with house.runtime.database.shell() as session:
        session.add(Domain(host=alias, tenant_id=kit.academy.id))
    house.runtime.tenants.forget()
    assert kit.academy.name in house.browser(alias).get("/sign-in")
    fresh = house.runtime.tenants.by_host(alias)
    assert fresh is not None
    assert fresh.url == f"https://{kit.host}", "public addresses use the primary host"


@pytest.mark.parametrize(
    "host",
    [
        "https://x.example",
        "x.example:80",
        "x.example/",
        "-x.example",
        "x..example",
        "x_y.example",
        "",
        "a" * 64 + ".example",
        HOST,
    ],
)
def test_hosts_that_cannot_be_given(house: House, host: str) -> None:
    with pytest.raises(Refused, match="TENANT_HOST"), house.runtime.database.shell() as session:
        Lifecycle(session, house.runtime.settings.web).create("hosted", "Hosted", [host])


def test_a_host_belongs_to_one_academy(house: House) -> None:
    kit = house.academy()
    with pytest.raises(Refused, match="TENANT_HOST_TAKEN"), house.runtime.database.shell() as session:
        Lifecycle(session, house.runtime.settings.web).create("thief", "Thief", [kit.host.upper()])
    with house.runtime.database.shell(write=False) as session:
        assert session.scalar(sa.select(Tenant.id).where(Tenant.slug == "thief")) is None


def test_one_primary_host_each(house: House) -> None:
    kit = house.academy()
    with house.runtime.database.shell() as session:
        session.add(Domain(host=f"second.{kit.host}", tenant_id=kit.academy.id, is_primary=True))
        with pytest.raises(sa.exc.IntegrityError):
            session.flush()
        session.rollback()


def test_hosts_are_remembered_for_seconds_only(house: House) -> None:
    """Known and unknown alike, so that a flood of one wrong name asks the database once."""
    kit, asked = house.academy(), []
    engine = house.runtime.database.engine
    listener = lambda *args: asked.append(args[2])  # noqa: E731 -- removed again by identity
    event.listen(engine, "before_cursor_execute", listener)
    try:
        house.runtime.tenants.forget()
        for _ in range(20):
            assert house.runtime.tenants.by_host(kit.host) is not None
            assert house.runtime.tenants.by_host("nobody.example") is None
            assert house.runtime.tenants.by_host("no host at all") is None
    finally:
        event.remove(engine, "before_cursor_execute", listener)
    assert len([sql for sql in asked if "FROM tenant" in sql]) == 2


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("North.Example", "north.example"),
        ("north.example.:80", "north.example"),
        ("n:", "n"),
        ("n:x", ""),
        ("[::1]", ""),
        ("a_b", ""),
        ("", ""),
    ],
)
def test_what_a_host_header_says(header: str, host: str) -> None:
    assert bare_host(header) == host
