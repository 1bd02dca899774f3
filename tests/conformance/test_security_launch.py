"""What strangers and hurried admins can do to the launch log and to registrations."""

import pytest
from limits import parse

from saas.settings import LimitSettings, SettingsError, Source
from saas.web.guards import OwnRate
from tenants.lti.launches.models import Outcome
from tenants.lti.tool.models import Platform
from tenants.lti.tool.platforms import Platforms, accept_deployment
from tenants.lti.tool.views import LOGGED_REFUSALS
from tests.conformance.visits import Scene


def test_unproven_claims_fill_the_log_only_so_far(own_scene: Scene) -> None:
    """Issuer and client id are public, so anybody can make a state and post 60 kB of claims to it, again and again."""
    visit = own_scene.visit()
    visit.browser.app.extra_environ["REMOTE_ADDR"] = "198.51.100.77"
    forged = visit.platform.sign({"iss": visit.platform.issuer, "aud": visit.platform.client_id, "junk": "x" * 400})
    forged = forged.rpartition(".")[0] + "." + "A" * 342
    limit = LOGGED_REFUSALS.amount
    for _ in range(limit + 3):
        assert visit.begin().status_int == 302
        assert visit.answer(forged).status_int == 401
    rows = own_scene.rows(limit + 3)
    assert {(row.outcome, row.code) for row in rows} == {(Outcome.REFUSED, "LTI13_SIGNATURE")}
    assert sum(bool(row.claims) for row in rows) == limit
    honest = own_scene.visit(browser=visit.browser)
    assert honest.accepted(honest.launch()).claims


@pytest.mark.parametrize("path", ["/lti/login", "/lti/launch"])
def test_ten_thousand_fields(own_scene: Scene, path: str) -> None:
    """Product case 16: too much at once, whatever it says."""
    visit, rows = own_scene.visit(), len(own_scene.rows())
    fields = {f"x{number}": "1" for number in range(10_000)}
    answer = visit.browser.app.post(path, fields, expect_errors=True)
    assert answer.status_int == 413
    assert "WEB_TOO_LARGE" in answer
    assert len(own_scene.rows()) == rows


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_changes_at_the_same_moment_never_share_a_version(own_scene: Scene) -> None:
    """Processes keep a registration by its version: sharing one would let a paused platform launch for good."""
    kit, platform_id = own_scene.kit, own_scene.platform_id
    with kit.session() as admin:
        paused = admin.get_one(Platform, platform_id)
        version = paused.version
        with kit.session() as launch:
            accept_deployment(launch, launch.get_one(Platform, platform_id), "a new one")
        Platforms(admin, kit.runtime.outbound).switch(paused, on=False)
    with kit.session() as session:
        assert session.get_one(Platform, platform_id).version == version + 2


@pytest.mark.parametrize("setting", ["3/minute"])
def test_good_logins_from_one_address_are_limited(
    own_scene: Scene, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    """Each writes a row of up to 15 kB that stays for a day."""
    registry = own_scene.kit.house.application.registry
    monkeypatch.setattr(registry, "logins", OwnRate(parse(setting)))
    visit = own_scene.visit()
    answers = [visit.begin() for _ in range(5)]
    assert [answer.status_int for answer in answers] == [302] * 3 + [429] * 2
    assert "WEB_RATE" in answers[-1]
    assert len(own_scene.rows()) == 3
    elsewhere = own_scene.visit(browser=own_scene.kit.browser(REMOTE_ADDR="198.51.100.78"))
    assert elsewhere.begin().status_int == 302


def test_the_limit_of_logins_is_a_setting() -> None:
    assert Source({}, {}).section("limits", LimitSettings).logins == "1200/minute"
    assert Source({}, {"LYCEUM_LIMITS_LOGINS": "5/second"}).section("limits", LimitSettings).logins == "5/second"
    with pytest.raises(SettingsError, match=r"lyceum\.limits\.logins"):
        Source({"lyceum.limits.logins": "many"}, {}).section("limits", LimitSettings)
