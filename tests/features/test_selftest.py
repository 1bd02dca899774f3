"""The academy plays the other LMS against itself: what it reports, what it notices, and that nothing stays behind."""

from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa

from saas.db.scope import scoped_tables
from tenants.access import Role
from tenants.catalog.models import Activity, Status
from tenants.lti.selftest.models import RunState, SelfTest, Verdict
from tenants.lti.selftest.runner import Runner
from tenants.lti.selftest.services import Report, SelfTests
from tenants.lti.selftest.titles import ADDRESSES, KEY_MESSAGES, PLATFORM_MESSAGES
from tenants.lti.tool.keysets import KeySets
from tenants.lti.tool.models import Platform
from tenants.lti.tool.models11 import ConsumerKey
from tenants.lti.tool.people_models import Newcomers
from tenants.lti.tool.platforms import Platforms
from tenants.lti.wire import jwks
from tests.conformance.consumer import Services
from tests.conformance.platform import Answer, Site
from tests.conformance.test_km import source_of
from tests.conformance.visits import Scene
from tests.conformance.visits11 import FormScene
from tests.features.pages import words
from tests.house import House, Kit

#: What a run may add to.
OWN = {"lti_self_test", "lti_self_test_row"}


@pytest.fixture
def scene(house: House, site: Site) -> Scene:
    platform = site.open()
    platform.services["auth"] = lambda _heard: Answer(body=b"<html>Sign in</html>", content_type="text/html")
    scene = Scene.set(house.academy(), platform, auth_url=f"{site.url}/{platform.name}/auth")
    scene.platform.learn_keys(scene.kit.browser().get("/lti/jwks").json)
    return scene


def change(scene: Scene, **values: Any) -> None:
    with scene.kit.session() as session:
        for name, value in values.items():
            setattr(session.get_one(Platform, scene.platform_id), name, value)


def findings_of(kit: Kit, model: Any, subject_id: Any) -> dict[str, tuple[str, str, str]]:
    """Runs a test; part and name of each line → verdict, what happened, remark."""
    with kit.session() as session:
        test_id = SelfTests(session).add(session.get_one(model, subject_id), "somebody").id
    Runner(kit.runtime, kit.academy).run(test_id)
    with kit.session() as session:
        report = Report.of(session, session.get_one(SelfTest, test_id))
        assert report.test.state is RunState.DONE
        assert len(report.rows) == report.test.planned
        return {f"{row.part.value}.{row.name}": (row.verdict.value, row.happened, row.remark) for row in report.rows}


def red(found: dict[str, tuple[str, str, str]]) -> dict[str, str]:
    return {name: row[1] for name, row in found.items() if row[0] == Verdict.FAILED}


def counts(kit: Kit) -> Counter[str]:
    """Rows of this academy in every table there is."""
    with kit.session() as session:
        models = {mapper.class_.__tablename__: mapper.class_ for mapper in _mappers()}
        return Counter(
            {name: session.scalar(sa.select(sa.func.count()).select_from(model)) or 0 for name, model in models.items()}
        )


def _mappers() -> list[Any]:
    from saas.db.base import Base

    names = {table.name for table in scoped_tables()}
    return [mapper for mapper in Base.registry.mappers if mapper.class_.__tablename__ in names]


def test_a_good_platform_is_green_and_nothing_stays_behind(scene: Scene) -> None:
    before = counts(scene.kit)
    found = findings_of(scene.kit, Platform, scene.platform_id)
    assert set(found) == {f"messages.{name}" for name in PLATFORM_MESSAGES} | {
        f"addresses.{name}" for name in ADDRESSES
    }
    assert red(found) == {}
    assert found["messages.learner"][:2] == ("passed", "accepted")
    assert found["messages.picking"][:2] == ("passed", "accepted")
    assert found["messages.forged"][:2] == ("passed", "LTI13_SIGNATURE")
    assert found["addresses.token_given"][0] == "passed"
    assert found["addresses.jwks_tls"][0] == "attention", "the double speaks plain HTTP"
    after = counts(scene.kit)
    assert {name for name in after if after[name] != before[name]} == OWN
    visit = scene.visit()
    visit.accepted(visit.launch())


def test_the_stand_in_keys_open_nothing_afterwards(scene: Scene) -> None:
    findings_of(scene.kit, Platform, scene.platform_id)
    assert scene.kit.runtime.part(KeySets).held(source_of(scene, scene.platform)) is None


@pytest.mark.parametrize("newcomers", list(Newcomers))
def test_every_rule_for_newcomers_can_be_green(scene: Scene, newcomers: Newcomers) -> None:
    change(scene, newcomers=newcomers)
    found = findings_of(scene.kit, Platform, scene.platform_id)
    assert red(found) == {}
    code = {"ask": "LTI_PERSON_SIGN_IN", "existing": "LTI_PERSON_UNKNOWN"}.get(newcomers.value, "accepted")
    assert found["messages.learner"][1] == code


def test_a_platform_not_yet_activated_and_without_deployment_can_be_tested(scene: Scene) -> None:
    with scene.kit.session() as session:
        platform = session.get_one(Platform, scene.platform_id)
        platform.deployments.clear()
        Platforms(session, scene.kit.runtime.outbound).switch(platform, on=False)
    assert red(findings_of(scene.kit, Platform, scene.platform_id)) == {}
    with scene.kit.session() as session:
        platform = session.get_one(Platform, scene.platform_id)
        assert (platform.is_active, platform.deployments) == (False, [])


def test_a_new_deployment_is_accepted_where_the_platform_may_bring_them(scene: Scene) -> None:
    change(scene, accept_new_deployments=True, version=2)
    found = findings_of(scene.kit, Platform, scene.platform_id)
    assert (red(found), found["messages.deployment"][1]) == ({}, "accepted")
    with scene.kit.session() as session:
        assert len(session.get_one(Platform, scene.platform_id).deployments) == 1


def test_a_check_that_lets_everything_pass_is_noticed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The self-test runs the doors' own code: were the signature not checked, it would say so."""
    monkeypatch.setattr(jwks, "verify", lambda _token, _key: True)
    assert set(red(findings_of(scene.kit, Platform, scene.platform_id))) == {"messages.forged", "messages.changed"}


def test_wrong_addresses_are_told_apart(scene: Scene) -> None:
    scene.platform.services["gone"] = lambda _heard: Answer(404)
    gone = f"{scene.platform.site.url}/{scene.platform.name}/gone"
    change(scene, jwks_url="https://nowhere.invalid/jwks", auth_url="https://10.0.0.1/auth", token_url=gone)
    found = findings_of(scene.kit, Platform, scene.platform_id)
    assert set(red(found)) == {"addresses.jwks_dns", "addresses.auth_dns", "addresses.token_status"}
    assert "never called" in found["addresses.auth_dns"][1]
    assert found["addresses.token_given"][0] == found["addresses.jwks_keys"][0] == "skipped"


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (Answer(500), "jwks_status"),
        (Answer(body=b"<html>"), "jwks_json"),
        (Answer(body=b'{"keys": []}'), "jwks_keys"),
        (Answer(body=b'{"keys": [{"kty": "RSA", "use": "enc", "kid": "1"}]}'), "jwks_keys"),
        (Answer(body=b'{"keys": []}', headers={"Date": "Mon, 01 Jan 2024 00:00:00 GMT"}), "clock"),
    ],
)
def test_a_wrong_answer_of_the_key_set(scene: Scene, answer: Answer, line: str) -> None:
    scene.platform.faults.append(answer)
    found = findings_of(scene.kit, Platform, scene.platform_id)
    assert found[f"addresses.{line}"][0] == "failed"
    assert all(name.startswith("addresses.") for name in red(found))


def test_a_platform_that_does_not_know_our_key_yet_is_to_look_at(scene: Scene) -> None:
    scene.platform.learn_keys({"keys": []})
    found = findings_of(scene.kit, Platform, scene.platform_id)
    assert (red(found), found["addresses.token_given"][0]) == ({}, "attention")


def test_a_key_of_lti_1_2(house: House, services: Services) -> None:
    scene = FormScene(house.academy(), services.open())
    before = counts(scene.kit)
    found = findings_of(scene.kit, ConsumerKey, scene.consumer_id)
    assert set(found) == {f"messages.{name}" for name in KEY_MESSAGES}
    assert red(found) == {}
    after = counts(scene.kit)
    assert {name for name in after if after[name] != before[name]} == OWN
    scene.set(is_active=False)
    assert red(findings_of(scene.kit, ConsumerKey, scene.consumer_id)) == {}
    assert not scene.key().is_active
    with scene.kit.session() as session:
        session.get_one(Activity, scene.activity_id).status = Status.DRAFT
    found = findings_of(scene.kit, ConsumerKey, scene.consumer_id)
    assert red(found) == dict.fromkeys(
        ("messages.learner", "messages.teacher", "messages.version_1p1", "messages.clock"), "LTI_NOT_AVAILABLE"
    )
    assert "draft" in found["messages.learner"][2]


def test_the_page_runs_it_and_shows_the_report(scene: Scene) -> None:
    admin = scene.kit.signed_in(Role.ADMIN)
    page = f"/integrations/lti-1.3/platforms/{scene.platform_id}"
    assert "Not tested yet" in words(admin.get(page))
    assert "No test yet" in words(admin.get(f"{page}/self-test"))
    assert admin.post(f"{page}/self-test").status_int == 303
    admin.post(f"{page}/self-test")
    running = admin.get(f"{page}/self-test", headers={"HX-Request": "true"})
    assert (running.status_int, "hx-get" in admin.get(f"{page}/self-test").text) == (200, True)
    scene.kit.house.run_jobs()
    with scene.kit.session() as session:
        assert session.scalar(sa.select(sa.func.count(SelfTest.id))) == 1, "the second click found it running"
    done = admin.get(f"{page}/self-test", headers={"HX-Request": "true"})
    assert done.status_int == 286
    said = words(admin.get(f"{page}/self-test"))
    for text in ("A learner opens an activity", "LTI13_SIGNATURE", "JWKS URL: the answer is a key set", "Run again"):
        assert text in said
    assert "Not tested yet" not in words(admin.get(page))
    assert "WEB_FORBIDDEN" in scene.kit.signed_in(Role.AUTHOR).get(f"{page}/self-test", status=403)


def test_activating_needs_no_test(scene: Scene) -> None:
    admin = scene.kit.signed_in(Role.ADMIN)
    page = f"/integrations/lti-1.3/platforms/{scene.platform_id}"
    for on in ("0", "1"):
        admin.post(f"{page}/switch", {"on": on}, status=303)
    with scene.kit.session() as session:
        assert session.get_one(Platform, scene.platform_id).is_active
    assert "Not tested yet" in words(admin.get(page))


def test_the_page_of_a_key(house: House, services: Services) -> None:
    scene = FormScene(house.academy(), services.open())
    author = scene.kit.signed_in(Role.AUTHOR)
    page = f"/activities/{scene.activity_id}/lti/keys/{scene.consumer_id}"
    author.post(f"{page}/self-test", status=303)
    house.run_jobs()
    assert "Everything became what it should" in words(author.get(f"{page}/self-test"))
    assert "Passed" in words(author.get(page))
    with scene.kit.session() as session:
        session.get_one(Activity, scene.activity_id).status = Status.DRAFT
    author.post(f"{page}/self-test", status=303)
    house.run_jobs()
    assert "4 lines are red" in words(author.get(f"{page}/self-test")), "the draft cannot be opened"
    assert "Failed" in words(author.get(page))
