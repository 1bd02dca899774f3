"""KM-001 to KM-004: our keys and theirs, through rotation and misuse."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from saas import clock
from saas.problems import Refused
from saas.runtime import Runtime
from tenants.lti.keys import KeyRing
from tenants.lti.tool import keysets
from tenants.lti.tool.keysets import HeldKeys, KeySets, KeySource
from tenants.lti.tool.models import Platform
from tenants.lti.tool.platforms import Platforms, PlatformValues
from tenants.lti.tool.tokens import Tokens
from tests.conformance.platform import SCOPE, Key, PlatformDouble, Site, rsa
from tests.conformance.visits import Scene, perform, register


def published(scene: Scene) -> dict[str, Any]:
    answer = scene.kit.browser().get("/lti/jwks")
    assert answer.content_type == "application/json"
    return dict(answer.json)


def kids(scene: Scene) -> list[str]:
    return [key["kid"] for key in published(scene)["keys"]]


def ask_for_a_token(scene: Scene) -> int:
    """The status the platform answers our assertion with."""
    runtime, platform = scene.kit.runtime, scene.platform
    tokens = Tokens(runtime.secrets, runtime.outbound, runtime.part(KeyRing))
    scopes = [SCOPE + "score"]
    return tokens.ask(scene.kit.academy.id, platform.client_id, platform.token_url, "", scopes).status


@contextmanager
def another_process(runtime: Runtime) -> Iterator[None]:
    """The same database seen by a process that holds no keys yet."""
    kept, runtime.parts[KeySets] = runtime.parts[KeySets], KeySets(runtime.database, runtime.outbound)
    try:
        yield
    finally:
        runtime.parts[KeySets] = kept


@pytest.mark.case("KM-001")
def test_our_key_rotates_under_a_platform_that_does_not_look_again(own_scene: Scene) -> None:
    platform, start = own_scene.platform, clock.now()
    first, following = kids(own_scene)
    platform.learn_keys(published(own_scene))
    assert ask_for_a_token(own_scene) == 200
    with time_machine.travel(start + timedelta(days=61)):
        perform(own_scene.kit, "lti.rotate_keys")
        newest = next(kid for kid in kids(own_scene) if kid not in (first, following))
        assert kids(own_scene)[0] == following
        assert set(kids(own_scene)) == {first, following, newest}
        assert ask_for_a_token(own_scene) == 200
        visit = own_scene.visit()
        visit.accepted(visit.launch())
    assert [request["kid"] for request in platform.token_requests] == [first, following]
    with time_machine.travel(start + timedelta(days=62)):
        perform(own_scene.kit, "lti.rotate_keys")
        assert kids(own_scene)[0] == following
    with time_machine.travel(start + timedelta(days=69)):
        perform(own_scene.kit, "lti.rotate_keys")
        assert set(kids(own_scene)) == {following, newest}
        assert ask_for_a_token(own_scene) == 200


@pytest.mark.case("KM-001")
def test_a_key_is_published_a_day_before_it_signs(own_scene: Scene) -> None:
    """A platform may keep our key set that long: a rotation asked for too early waits."""
    first = kids(own_scene)[0]
    with time_machine.travel(clock.now() + timedelta(days=61)):
        perform(own_scene.kit, "lti.rotate_keys")
        second = kids(own_scene)[0]
        assert second != first
        with time_machine.travel(clock.now() + timedelta(days=61)):
            own_scene.platform.learn_keys(published(own_scene))
            perform(own_scene.kit, "lti.rotate_keys")
            assert kids(own_scene)[0] not in (first, second)
            assert ask_for_a_token(own_scene) == 200


@pytest.mark.case("KM-001")
def test_our_key_set_shows_public_keys_only(own_scene: Scene) -> None:
    answer = own_scene.kit.browser().get("/lti/jwks")
    for key in answer.json["keys"]:
        assert set(key) == {"kty", "n", "e", "kid", "alg", "use"}
        assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert answer.headers["Cache-Control"] == "public, max-age=600"
    elsewhere = Scene.set(own_scene.kit.house.academy(), own_scene.platform)
    assert not set(kids(elsewhere)) & set(kids(own_scene))


@pytest.mark.case("KM-002")
def test_a_retired_key_of_the_platform(own_scene: Scene) -> None:
    platform, visit = own_scene.platform, own_scene.visit()
    retired = platform.signer
    visit.accepted(visit.launch())
    platform.rotate(1)
    visit.accepted(visit.launch())
    visit.begin()
    visit.accepted(visit.answer(platform.sign(visit.claims(), key=retired.private, kid=retired.kid)))
    platform.published = [platform.signer.jwk()]
    with time_machine.travel(clock.now() + timedelta(minutes=6)):
        visit.begin()
        before = own_scene.written()
        answer = visit.answer(platform.sign(visit.claims(), key=retired.private, kid=retired.kid))
        own_scene.refused(answer, "LTI13_KEY_NOT_FOUND", "key", before)
        assert visit.accepted(visit.launch()).outcome == "accepted"


@pytest.mark.case("KM-004")
def test_a_hundred_unknown_kids_make_one_look(own_scene: Scene) -> None:
    platform, visit = own_scene.platform, own_scene.visit()
    visit.accepted(visit.launch())
    before = own_scene.written()
    for number in range(20):
        _unknown(own_scene, f"kid-{number}")
    with another_process(own_scene.kit.runtime):
        for number in range(20, 40):
            _unknown(own_scene, f"kid-{number}")
        runtime = own_scene.kit.runtime
        source = KeySource(own_scene.kit.academy.id, own_scene.platform_id, 1, platform.jwks_url, "")
        with ThreadPoolExecutor(6) as pool:
            for held in pool.map(lambda number: runtime.part(KeySets).get(source, kid=f"kid-{number}"), range(40, 100)):
                assert list(held.keys.keys) == ["key-0"]
    assert platform.looks == 2
    assert own_scene.written() == before
    visit.accepted(visit.launch())
    with time_machine.travel(clock.now() + timedelta(seconds=31)):
        platform.rotate(1)
        visit.accepted(visit.launch())
    assert platform.looks == 3


def _unknown(scene: Scene, kid: str) -> None:
    visit = scene.visit()
    visit.begin()
    assert "LTI13_KEY_NOT_FOUND" in visit.answer(visit.platform.sign(visit.claims(), kid=kid))


@pytest.mark.case("KM-004")
def test_what_one_process_fetched_serves_the_others(own_scene: Scene) -> None:
    """A new key needs one look altogether, not one per process and half a minute of refusals."""
    platform, visit = own_scene.platform, own_scene.visit()
    visit.accepted(visit.launch())
    platform.rotate(1)
    with another_process(own_scene.kit.runtime):
        visit.accepted(visit.launch())
    visit.accepted(visit.launch())
    assert platform.looks == 2


@pytest.mark.case("KM-002", "KM-004")
def test_a_key_listed_but_unusable_is_not_looked_for_again(own_scene: Scene) -> None:
    own_scene.platform.published.append(Key("encryption", rsa(2)).jwk(use="enc"))
    visit = own_scene.visit()
    visit.accepted(visit.launch())
    visit.begin()
    before = own_scene.written()
    answer = visit.answer(visit.platform.sign(visit.claims(), key=rsa(2), kid="encryption"))
    row = own_scene.refused(answer, "LTI13_KEY_NOT_FOUND", "key", before)
    assert "its use is enc" in row.checks["launch"][-1][2]
    assert own_scene.platform.looks == 1


@contextmanager
def waiting_at(scene: Scene, *platforms: PlatformDouble) -> Iterator[list[Future[HeldKeys]]]:
    """One thread each that looks at the platform's key set, which answers once the block ends."""
    answers, keys = threading.Event(), scene.kit.runtime.part(KeySets)
    fetch, began = keys._fetch, threading.Semaphore(0)

    def slow(url: str) -> Any:
        began.release()
        answers.wait(10)
        return fetch(url)

    keys._fetch = slow  # type: ignore[method-assign]  # -- put back below
    with ThreadPoolExecutor(len(platforms)) as pool:
        try:
            looks = [pool.submit(keys.get, source_of(scene, platform)) for platform in platforms]
            assert all(began.acquire(timeout=10) for _ in platforms)
            keys._fetch = fetch  # type: ignore[method-assign]  # -- as it was
            yield looks
        finally:
            keys._fetch = fetch  # type: ignore[method-assign]  # -- as it was
            answers.set()


def source_of(scene: Scene, platform: PlatformDouble) -> KeySource:
    with scene.kit.session() as session:
        row = session.scalars(sa.select(Platform).where(Platform.issuer == platform.issuer)).one()
        return KeySource(scene.kit.academy.id, row.id, row.version, row.jwks_url, "")


def test_nobody_waits_long_for_another_ones_look(own_scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread goes on: without keys refused, with a copy at once."""
    monkeypatch.setattr(keysets, "WAIT", 0.05)
    keys, platform = own_scene.kit.runtime.part(KeySets), own_scene.platform
    source = source_of(own_scene, platform)
    with waiting_at(own_scene, platform) as looks:
        with pytest.raises(Refused) as caught:
            keys.get(source)
        assert caught.value.code == "LTI13_JWKS_UNREACHABLE"
    assert list(looks[0].result().keys.keys) == ["key-0"]
    with time_machine.travel(clock.now() + timedelta(minutes=6)), waiting_at(own_scene, platform):
        assert list(keys.get(source).keys.keys) == ["key-0"]
    assert platform.looks == 2


def test_slow_platforms_of_one_academy_do_not_hold_all_threads(own_scene: Scene, site: Site) -> None:
    others = [site.open(), site.open()]
    for other in others:
        register(own_scene.kit, other)
    keys, third = own_scene.kit.runtime.part(KeySets), own_scene.platform
    elsewhere = Scene.set(own_scene.kit.house.academy(), site.open())
    with waiting_at(own_scene, *others):
        with pytest.raises(Refused) as caught:
            keys.get(source_of(own_scene, third))
        assert (caught.value.code, third.looks) == ("LTI13_JWKS_UNREACHABLE", 0)
        assert keys.get(source_of(elsewhere, elsewhere.platform)).error == ""
    assert list(keys.get(source_of(own_scene, third)).keys.keys) == ["key-0"]


def test_an_edit_during_a_look_wins(own_scene: Scene, site: Site) -> None:
    """What the old address said is never kept as the new one's keys."""
    kit, new = own_scene.kit, site.open(signer=Key("new", rsa(1)))
    with waiting_at(own_scene, own_scene.platform) as looks, kit.session() as session:
        row = session.get_one(Platform, own_scene.platform_id)
        names = ("name", "issuer", "client_id", "auth_url", "token_url", "is_active")
        values = {name: getattr(row, name) for name in names}
        changed = PlatformValues(**values, jwks_url=new.jwks_url, deployment_ids=(own_scene.platform.deployment,))
        Platforms(session, kit.runtime.outbound).edit(row, changed)
    assert list(looks[0].result().keys.keys) == ["key-0"]
    with another_process(kit.runtime):
        held = kit.runtime.part(KeySets).get(source_of(own_scene, own_scene.platform))
    assert list(held.keys.keys) == ["new"]
