"""Our keys: rotated unnoticed, announced where one was pasted, replaced in an emergency."""

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from jwt.algorithms import RSAAlgorithm

from saas import clock
from tenants.access import Role
from tenants.audit.models import AuditEntry
from tenants.lti.keys import Keys
from tenants.lti.models import KeyState, SigningKey
from tenants.lti.pasted_keys import PastedKeys, Urgency
from tests.conformance.test_km import ask_for_a_token, kids, published
from tests.conformance.visits import Scene, perform
from tests.features.pages import words
from tests.house import Kit

KEYS = "/integrations/lti-1.3/keys"


def page_of(scene: Scene) -> str:
    return f"/integrations/lti-1.3/platforms/{scene.platform_id}"


def states(kit: Kit) -> dict[str, KeyState]:
    with kit.session() as session:
        return {row.kid: row.state for row in session.scalars(sa.select(SigningKey))}


def actions(kit: Kit) -> list[tuple[str, str, str]]:
    with kit.session() as session:
        rows = session.scalars(sa.select(AuditEntry).where(AuditEntry.action.like("lti.%key%")))
        return [(row.actor, row.action, row.subject) for row in rows]


@pytest.mark.case("KM-001")
def test_for_half_a_year_nobody_who_reads_our_address_notices(scene: Scene) -> None:
    """What a platform fetched three days ago verifies what we sign today; what we signed a week ago, today's set."""
    start, fetched, signers = clock.now(), kids(scene), list[str]()
    for day in range(3, 179, 3):
        with time_machine.travel(start + timedelta(days=day)):
            perform(scene.kit, "lti.rotate_keys")
            newest = kids(scene)
            assert newest[0] in fetched
            signers.append(newest[0])
            assert set(signers[-3:]) <= set(newest)
            fetched = newest
    assert len(dict.fromkeys(signers)) == 3, "they did rotate, about every sixty days"
    rotated = [actor for actor, action, _kid in actions(scene.kit) if action == "lti.keys.rotated"]
    assert rotated == ["lti.rotate_keys"] * 2


@pytest.mark.case("KM-001")
def test_a_platform_that_pasted_our_key_is_told_before_and_after(scene: Scene) -> None:
    kit, start = scene.kit, clock.now()
    admin = kit.signed_in(Role.ADMIN)
    first, following = kids(scene)
    admin.post(f"{page_of(scene)}/pasted-key", {"on": "1"}, status=303)
    assert "needs our new public key" not in admin.get(page_of(scene))
    with time_machine.travel(start + timedelta(days=45)):
        admin = kit.signed_in(Role.ADMIN)
        assert "needs our new public key" not in admin.get(page_of(scene))
    with time_machine.travel(start + timedelta(days=47)):
        admin = kit.signed_in(Role.ADMIN)
        for address in (page_of(scene), "/integrations/lti-1.3"):
            page = admin.get(address)
            assert "needs our new public key" in page
            assert pasted_pem(page) == pem_of(scene, following)
    with time_machine.travel(start + timedelta(days=61)):
        perform(kit, "lti.rotate_keys")
        admin = kit.signed_in(Role.ADMIN)
        page = admin.get(page_of(scene))
        assert "it gives us no access" in words(page)
        assert pasted_pem(page) == pem_of(scene, following)
        admin.post(f"{page_of(scene)}/pasted-key", {"on": "1"}, status=303)
        assert "needs our new public key" not in admin.get(page_of(scene))
        admin.post(f"{page_of(scene)}/pasted-key", {"on": "0"}, status=303)
        assert "reads our keys from the JWKS URL" in words(admin.get(page_of(scene)))
    noted = [entry for entry in actions(kit) if "pasted" in entry[1]]
    assert [action for _actor, action, _subject in noted] == [
        "lti.pasted_key.noted",
        "lti.pasted_key.noted",
        "lti.pasted_key.dropped",
    ]
    assert first != following


def pasted_pem(page: Any) -> str:
    return str(page.html.find("code", id=re.compile("^new-key-")).get_text()).strip()


def pem_of(scene: Scene, kid: str) -> str:
    """As another hand than ours writes it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    jwk = next(key for key in published(scene)["keys"] if key["kid"] == kid)
    return RSAAlgorithm.from_jwk(jwk).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().strip()  # type: ignore[union-attr]  # -- a public key


@pytest.mark.case("KM-001")
def test_in_an_emergency_one_action_replaces_every_key(scene: Scene) -> None:
    kit, platform = scene.kit, scene.platform
    admin = kit.signed_in(Role.ADMIN)
    admin.post(f"{page_of(scene)}/pasted-key", {"on": "1"}, status=303)
    platform.learn_keys(published(scene))
    before = set(kids(scene))
    assert ask_for_a_token(scene) == 200
    admin.post(f"{KEYS}/replace", status=303)
    after = kids(scene)
    assert len(after) == 2
    assert not before & set(after)
    assert set(states(kit)) == set(after), "the old ones are not kept either"
    assert ask_for_a_token(scene) != 200, "the platform has not looked again"
    platform.learn_keys(published(scene))
    assert ask_for_a_token(scene) == 200
    assert platform.token_requests[-1]["kid"] == after[0]
    page = words(admin.get(KEYS))
    assert "Must paste the new key now" in page
    (entry,) = [entry for entry in actions(kit) if entry[1] == "lti.keys.replaced"]
    assert entry[2] == after[0]
    with kit.session() as session:
        assert [each.urgency for each in PastedKeys(session, kit.runtime.secrets).all()] == [Urgency.NOW]


def test_keys_of_another_academy_stay(scene: Scene) -> None:
    other = scene.kit.house.academy()
    before = states(other)
    scene.kit.signed_in(Role.ADMIN).post(f"{KEYS}/replace", status=303)
    assert states(other) == before


def test_the_page_of_keys_is_for_admins_and_shows_no_private_key(scene: Scene) -> None:
    page = scene.kit.signed_in(Role.ADMIN).get(KEYS)
    for kid in kids(scene):
        assert kid in page
    assert "PRIVATE" not in page.text
    with scene.kit.session() as session:
        assert session.scalars(sa.select(SigningKey)).first().sealed_private not in page.text  # type: ignore[union-attr]  # -- there are two
    author = scene.kit.signed_in(Role.AUTHOR)
    assert "WEB_FORBIDDEN" in author.get(KEYS, status=403)
    assert "WEB_FORBIDDEN" in author.post(f"{KEYS}/replace", status=403)


def test_a_key_published_too_late_waits(scene: Scene) -> None:
    with scene.kit.session() as session:
        keys = Keys(session, scene.kit.runtime.secrets)
        keys.replace_all()
        assert not keys.rotate()
        assert keys.due_at() > clock.now() + timedelta(days=59)
