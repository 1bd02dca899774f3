"""KM-005 to KM-008: from LTI 1.2 to 1.3 by the signed claim ``lti1p1``, and an admin's move of a whole key."""

import base64
import hashlib
import hmac
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine

from saas import clock
from tenants.access import Role
from tenants.audit.models import AuditEntry
from tenants.grades.models import Result, ScoreDelivery
from tenants.learning.services import ProgressMade
from tenants.lti.launches.models import Launch
from tenants.lti.tool.consumers import Consumers
from tenants.lti.tool.models import Identity, Platform
from tenants.lti.tool.models11 import ConsumerKey
from tests.conformance.consumer import Services
from tests.conformance.visits import Scene, Visit
from tests.conformance.visits11 import FormScene, FormVisit
from tests.house import forms_of
from tests.jobs.school import Academy

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/lti1p1"


class Moving:
    """One LMS that was on LTI 1.2 and now comes by 1.3, to the same activity."""

    def __init__(self, scene: Scene, services: Services) -> None:
        self.scene = scene
        self.old = FormScene(scene.kit, services.open())
        scene.activity_id = self.old.activity_id

    def was_here(self, percent: str = "80") -> tuple[FormVisit, UUID]:
        visit = self.old.visit()
        person = visit.accepted(visit.launch("lis_outcome_service_url")).person_id
        assert person
        with self.scene.kit.session() as session:
            session.announce(ProgressMade(person, self.old.activity_id, True, Decimal(percent), clock.now()))
        return visit, person

    def claim(self, claims: dict[str, Any], user_id: str | None, **changes: Any) -> dict[str, Any]:
        """As an LMS makes it: Migration Guide 1.0 §3.3."""
        key, secret = self.old.consumer.key, changes.pop("secret", self.old.consumer.secret)
        base = "&".join(
            (key, self.scene.platform.deployment, claims["iss"], claims["aud"], str(claims["exp"]), claims["nonce"])
        )
        digest = hmac.new(secret.encode(), base.encode(), hashlib.sha256).digest()
        whole = {
            "user_id": user_id,
            "oauth_consumer_key": key,
            "oauth_consumer_key_sign": base64.b64encode(digest).decode(),
            "resource_link_id": "17",
            "context_id": "3",
            **changes,
        }
        return {name: value for name, value in whole.items() if value is not None}

    def launch(self, visit: Visit, user_id: str | None, **changes: Any) -> Launch:
        """By 1.3, with the claim."""
        assert visit.begin().status_int == 302
        claims = visit.claims(**changes.pop("claims", {}))
        claims[CLAIM] = self.claim(claims, user_id, **changes)
        return visit.accepted(visit.answer(self.scene.platform.sign(claims)))


@pytest.fixture
def moving(own_scene: Scene, services: Services) -> Moving:
    return Moving(own_scene, services)


def said(row: Launch) -> str:
    return str(next(check[2] for check in row.checks["launch"] if check[0] == "person"))


@pytest.mark.case("KM-005")
def test_the_old_person_with_their_results(moving: Moving) -> None:
    before, person = moving.was_here()
    kit = moving.scene.kit
    row = moving.launch(moving.scene.visit(), before.sub)
    assert row.person_id == person
    assert (
        said(row)
        == f"carried over: Ada Lovelace; e-mail updated; lti1p1 proven: {before.sub} of the key {moving.old.consumer.key}"
    )
    Academy(kit).work_once()
    with kit.session() as session:
        assert session.scalars(sa.select(Result.score).where(Result.person_id == person)).all() == [Decimal(80)]
        told = session.scalars(sa.select(ScoreDelivery)).all()
        assert [(each.channel, each.score) for each in told] == [("lti13", Decimal(80))], (
            "the new grade column hears it"
        )
        noted = session.scalars(sa.select(AuditEntry.action)).all()
    assert "person.carried_over" in noted


@pytest.mark.case("KM-005")
def test_the_next_launch_needs_no_claim(moving: Moving) -> None:
    before, person = moving.was_here()
    visit = moving.scene.visit()
    moving.launch(visit, before.sub)
    assert visit.accepted(visit.launch()).person_id == person
    again = moving.launch(visit, "somebody-else")
    assert (again.person_id, said(again)) == (person, "known as Ada Lovelace")


@pytest.mark.case("KM-005")
def test_the_previous_secret_still_proves(moving: Moving) -> None:
    before, person = moving.was_here()
    kit = moving.scene.kit
    with kit.session() as session:
        consumers = Consumers(session, kit.runtime.secrets)
        consumers.rotate(consumers.get(moving.old.consumer_id))
    assert moving.launch(moving.scene.visit(), before.sub).person_id == person
    late, _other = moving.was_here()
    with time_machine.travel(clock.now() + timedelta(days=8)):
        row = moving.launch(moving.scene.visit(), late.sub)
    assert said(row).endswith("not believed: its signature is not genuine")


@pytest.mark.case("KM-006")
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"secret": "guessed"}, "its signature is not genuine"),
        ({"oauth_consumer_key_sign": "AAAA"}, "its signature is not genuine"),
        ({"oauth_consumer_key_sign": None}, "it is not signed"),
        ({"oauth_consumer_key": None}, "it is not signed"),
        ({"oauth_consumer_key": "nobody"}, "its key is not an active one of this academy"),
    ],
)
def test_a_claim_that_proves_nothing(moving: Moving, changes: dict[str, Any], why: str) -> None:
    before, person = moving.was_here()
    row = moving.launch(moving.scene.visit(), before.sub, **changes)
    assert row.person_id != person
    assert said(row) == f"created: Ada Lovelace; the claim lti1p1 was not believed: {why}"


@pytest.mark.case("KM-006")
def test_a_key_of_another_academy_or_switched_off_proves_nothing(moving: Moving, services: Services) -> None:
    before, person = moving.was_here()
    moving.old.set(is_active=False)
    assert moving.launch(moving.scene.visit(), before.sub).person_id != person
    elsewhere = FormScene(moving.scene.kit.house.academy(), services.open())
    theirs = elsewhere.visit()
    theirs.accepted(theirs.launch())
    moving.old.consumer = elsewhere.consumer
    row = moving.launch(moving.scene.visit(), theirs.sub)
    assert said(row).endswith("its key is not an active one of this academy")


@pytest.mark.case("KM-006")
def test_a_proven_claim_for_somebody_who_never_came(moving: Moving) -> None:
    row = moving.launch(moving.scene.visit(), "never-seen")
    assert said(row).startswith("created: Ada Lovelace; lti1p1 proven")


@pytest.mark.case("KM-006")
def test_two_ids_cannot_both_be_the_old_person(moving: Moving) -> None:
    before, _person = moving.was_here()
    moving.launch(moving.scene.visit(), before.sub)
    visit = moving.scene.visit()
    visit.begin()
    claims = visit.claims()
    claims[CLAIM] = moving.claim(claims, before.sub)
    written = moving.scene.written()
    assert (
        moving.scene.refused(
            visit.answer(moving.scene.platform.sign(claims)), "LTI_PERSON_CONFLICT", "person", written
        ).outcome
        == "refused"
    )


@pytest.mark.case("KM-007")
def test_without_a_user_id_the_subject_is_meant(moving: Moving) -> None:
    before, person = moving.was_here()
    visit = moving.scene.visit()
    visit.sub = before.sub
    assert moving.launch(visit, None).person_id == person


@pytest.mark.case("KM-008")
def test_a_claim_cut_out_of_another_token(moving: Moving) -> None:
    """Its signature covers the nonce, and every nonce is ours and taken once."""
    before, person = moving.was_here()
    first = moving.scene.visit()
    first.begin()
    claims = first.claims()
    stolen = moving.claim(claims, before.sub)
    thief = moving.scene.visit()
    thief.begin()
    forged = {**thief.claims(exp=claims["exp"]), CLAIM: stolen}
    row = thief.accepted(thief.answer(moving.scene.platform.sign(forged)))
    assert row.person_id != person
    assert said(row).endswith("its signature is not genuine")
    whole = {**thief.claims(), **{name: claims[name] for name in ("nonce", "exp")}, CLAIM: stolen}
    thief.begin()
    written = moving.scene.written()
    moving.scene.refused(thief.answer(moving.scene.platform.sign(whole)), "LTI13_NONCE", "nonce", written)


def plan_page(moving: Moving) -> tuple[Any, Any]:
    """The overview names the system; the dry run for the platform is one choice away."""
    admin = moving.scene.kit.signed_in(Role.ADMIN)
    overview = admin.get("/integrations/lti-1.2")
    assert f"School {moving.old.consumer.name}" in overview
    plan = overview.click("Plan the move")
    return admin, admin.get(f"{plan.request.path}?platform={moving.scene.platform_id}")


def test_an_admin_moves_a_whole_key(moving: Moving) -> None:
    before, person = moving.was_here()
    _admin, page = plan_page(moving)
    assert "Would be carried over" in page
    assert before.sub in page
    with moving.scene.kit.session() as session:
        assert session.scalar(sa.select(Identity).where(Identity.issuer == moving.scene.platform.issuer)) is None
    form = next(each for each in forms_of(page) if each.method.upper() == "POST" and each.action.endswith("/move"))
    form.submit(status=303)
    visit = moving.scene.visit()
    visit.sub = before.sub
    assert visit.accepted(visit.launch()).person_id == person
    with moving.scene.kit.session() as session:
        assert not session.get_one(ConsumerKey, moving.old.consumer_id).is_active
    assert moving.old.visit().launch().status_int == 401


@pytest.mark.parametrize("how", ["other id", "taken"])
def test_a_move_by_ids_that_differ_is_not_offered(moving: Moving, how: str) -> None:
    """Somebody is known on both sides under two ids, or an id is somebody else's there: results would change hands."""
    before, person = moving.was_here()
    scene = moving.scene
    other = person if how == "other id" else scene.kit.person().id
    with scene.kit.session() as session:
        issuer = session.get_one(Platform, scene.platform_id).issuer
        session.add(Identity(issuer=issuer, sub="x" if how == "other id" else before.sub, person_id=other))
    admin, page = plan_page(moving)
    assert "This move is not offered" in page
    assert "LTI11_MOVE" in admin.post(page.request.path, {"platform": str(scene.platform_id)}, status=409)
