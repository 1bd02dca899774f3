"""T3-001 to T3-012: the login a platform starts, through the whole application."""

import json
from datetime import timedelta
from urllib.parse import quote, urlsplit
from uuid import uuid4

import pytest
import time_machine

from saas import clock
from tenants.lti.launches.models import Launch, Outcome
from tenants.lti.tool.platforms import Platforms
from tests.conformance.platform import Site
from tests.conformance.visits import Scene, perform, register

FIXED = {"scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none"}


@pytest.mark.case("T3-001")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_login_leads_to_the_platform(scene: Scene, method: str) -> None:
    visit = scene.visit()
    response = visit.begin(method=method)
    assert response.status_int == 302
    address = urlsplit(response.location)
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{scene.platform.issuer}/auth"
    state, nonce = visit.asked.pop("state"), visit.asked.pop("nonce")
    assert visit.asked == {
        **FIXED,
        "tenant": "5",
        "client_id": scene.platform.client_id,
        "redirect_uri": f"{scene.kit.academy.url}/lti/launch",
        "login_hint": visit.sub,
        "lti_message_hint": "17",
    }
    assert len(state) >= 43
    assert len(nonce) >= 43
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-lti-")
    assert f"={state}; Path=/; HttpOnly; Secure; SameSite=None; Max-Age=600" in cookie
    row = scene.rows(1)[0]
    assert (row.outcome, row.platform_id, row.consumed_at) == (Outcome.WAITING, scene.platform_id, None)
    assert state not in json.dumps([row.state_hash, row.checks, row.login, row.login_shown])


@pytest.mark.case("T3-002")
@pytest.mark.parametrize("missing", ["iss", "login_hint", "target_link_uri"])
def test_a_login_without_its_parameters(scene: Scene, missing: str) -> None:
    before, visit = scene.written(), scene.visit()
    row = scene.refused(visit.begin(missing), "LTI13_LOGIN_PARAM", "parameters", before, part="login")
    assert row.checks["login"][0][2] == f"{missing}: missing"


@pytest.mark.case("T3-003")
@pytest.mark.parametrize("wrong", ["iss", "client_id"])
def test_a_platform_nobody_registered(scene: Scene, wrong: str) -> None:
    before, visit = scene.written(), scene.visit()
    response = visit.begin(**{wrong: "https://stranger.example"})
    row = scene.refused(response, "LTI13_NO_REGISTRATION", "registration", before, part="login")
    assert "https://stranger.example" in row.checks["login"][-1][2]
    assert (scene.platform.client_id in row.checks["login"][-1][3]) == (wrong == "client_id")


@pytest.mark.case("T3-003")
def test_a_platform_of_another_academy_only(scene: Scene, site: Site) -> None:
    elsewhere = site.open()
    register(scene.kit.house.academy(), elsewhere)
    before = scene.written()
    response = scene.visit(elsewhere).begin()
    assert scene.refused(response, "LTI13_NO_REGISTRATION", "registration", before, part="login").outcome == "refused"


@pytest.mark.case("T3-005")
def test_two_clients_of_one_issuer(own_scene: Scene) -> None:
    twin = own_scene.platform.sibling()
    register(own_scene.kit, twin)
    before = own_scene.written()
    visit = own_scene.visit()
    response = visit.begin("client_id")
    row = own_scene.refused(response, "LTI13_AMBIGUOUS_CLIENT", "registration", before, part="login")
    assert twin.client_id in row.checks["login"][-1][3]
    assert visit.begin("client_id", path=f"/lti/login/{own_scene.platform_id}").status_int == 302
    assert visit.asked["client_id"] == own_scene.platform.client_id
    visit.accepted(visit.answer(own_scene.platform.sign(visit.claims())))


@pytest.mark.case("T3-005")
def test_an_issuer_with_one_client_need_not_name_it(scene: Scene) -> None:
    visit = scene.visit()
    assert visit.begin("client_id").status_int == 302
    assert visit.asked["client_id"] == scene.platform.client_id


@pytest.mark.case("T3-006")
def test_a_platform_switched_off(own_scene: Scene) -> None:
    with own_scene.kit.session() as session:
        platforms = Platforms(session, own_scene.kit.runtime.outbound)
        platforms.switch(platforms.get(own_scene.platform_id), on=False)
    before = own_scene.written()
    row = own_scene.refused(own_scene.visit().begin(), "LTI13_INACTIVE", "active", before, part="login")
    assert row.platform_id == own_scene.platform_id


@pytest.mark.case("T3-007")
@pytest.mark.parametrize("where", ["foreign host", "other academy", "http", "another port", "prefix", "no address"])
def test_a_target_that_is_not_ours(scene: Scene, where: str) -> None:
    path, host = f"/lti/activities/{scene.activity_id}", scene.kit.host
    target = {
        "foreign host": f"https://evil.example{path}",
        "other academy": f"{scene.kit.house.academy().academy.url}{path}",
        "http": f"http://{host}{path}",
        "another port": f"https://{host}:8443{path}",
        "prefix": f"https://{host}.evil.example{path}",
        "no address": "javascript:alert(1)",
    }[where]
    before = scene.written()
    response = scene.visit().begin(target_link_uri=target)
    row = scene.refused(response, "LTI13_TARGET", "target", before, part="login")
    assert row.checks["login"][-1][2] == target


@pytest.mark.case("T3-008")
def test_a_deployment_nobody_listed(scene: Scene) -> None:
    before = scene.written()
    response = scene.visit().begin(lti_deployment_id="77")
    row = scene.refused(response, "LTI13_DEPLOYMENT", "deployment", before, part="login")
    assert row.checks["login"][-1][2:4] == ["77", "1"]


@pytest.mark.case("T3-008")
def test_a_login_that_names_no_deployment(scene: Scene) -> None:
    visit = scene.visit()
    assert visit.begin("lti_deployment_id").status_int == 302
    visit.accepted(visit.answer(scene.platform.sign(visit.claims())))


@pytest.mark.case("T3-009")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "hint",
    ['{"cmid":"5","launchid":"ltilaunch3_129"}', "two  spaces +plus %20 100%", "ü&=?#/;", "x" * 2048, ""],
    ids=["json", "spaces", "signs", "2 kB", "empty"],
)
def test_the_message_hint_comes_back_as_it_was(scene: Scene, method: str, hint: str) -> None:
    visit = scene.visit()
    response = visit.begin(method=method, lti_message_hint=hint)
    assert visit.asked["lti_message_hint"] == hint
    assert f"lti_message_hint={quote(hint, safe='')}" in response.location


@pytest.mark.case("T3-009")
def test_no_message_hint_is_made_up(scene: Scene) -> None:
    visit = scene.visit()
    visit.begin("lti_message_hint")
    assert "lti_message_hint" not in visit.asked


@pytest.mark.case("T3-011")
@pytest.mark.parametrize("change", ["slash", "capitals"])
def test_an_issuer_that_is_almost_right(scene: Scene, change: str) -> None:
    issuer = scene.platform.issuer
    sent = f"{issuer}/" if change == "slash" else issuer.replace("school", "School")
    before = scene.written()
    response = scene.visit().begin(iss=sent)
    row = scene.refused(response, "LTI13_NO_REGISTRATION", "registration", before, part="login")
    name, _, seen, wanted, _ = row.checks["login"][-1]
    assert name == "registration"
    assert sent in seen
    assert issuer in wanted.split()[0]
    assert sent in wanted


@pytest.mark.case("T3-012")
def test_logins_nobody_comes_back_from_are_purged(own_scene: Scene) -> None:
    visit = own_scene.visit()
    for _ in range(10):
        visit.begin()
    unanswered = [row.id for row in own_scene.rows(100)]
    assert len(unanswered) == 10
    state = visit.asked
    with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1)):
        before = own_scene.written()
        response = visit.answer(own_scene.platform.sign(visit.claims()))
        row = own_scene.refused(response, "LTI13_STATE", "state", before)
        assert row.checks["launch"][-1][2].startswith("too old: given at")
        assert visit.asked is state
    with time_machine.travel(clock.now() + timedelta(hours=25)):
        kept = own_scene.visit()
        kept.accepted(kept.launch())
        waiting = own_scene.visit()
        waiting.begin()
        perform(own_scene.kit, "lti.purge_launches")
        left = own_scene.rows(100)
        assert not {row.id for row in left} & set(unanswered)
        assert [row.outcome for row in left] == [Outcome.WAITING, Outcome.ACCEPTED, Outcome.REFUSED]
    with time_machine.travel(clock.now() + timedelta(days=62)):
        perform(own_scene.kit, "lti.purge_launches")
    assert own_scene.rows() == []


@pytest.mark.case("T3-012")
def test_a_thousand_logins_are_purged_at_once(own_scene: Scene) -> None:
    old = clock.now() - timedelta(hours=25)
    with own_scene.kit.session() as session:
        session.add_all(Launch(started_at=old, state_hash=uuid4().hex, platform_id=uuid4()) for _ in range(1000))
    perform(own_scene.kit, "lti.purge_launches")
    assert own_scene.rows() == []
