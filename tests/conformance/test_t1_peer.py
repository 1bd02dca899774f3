"""LTI 1.2 with another implementation altogether: the package ``lti`` as the consumer, in a process of its own."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import httpx
import pytest

from saas import clock
from tenants.learning.services import ProgressMade
from tests.conformance.visits11 import FormScene, FormVisit
from tests.house import ROOT
from tests.jobs.school import Academy
from tests.peers.environment import Process


@pytest.fixture(scope="module")
def peer() -> Iterator[httpx.Client]:
    with (
        Process(ROOT / "tests" / "peers" / "consumer11") as process,
        httpx.Client(base_url=process.url, trust_env=False) as client,
    ):
        yield client


def launched(peer: httpx.Client, scene: FormScene, **order: str) -> tuple[FormVisit, Any]:
    """The person, and our answer to the form that the package made for them."""
    visit = scene.visit()
    params = visit.fields("lti_message_type", "lti_version", "lis_outcome_service_url", "oauth_callback")
    whole = {"key": scene.consumer.key, "secret": scene.consumer.secret, "url": scene.url, **order, "params": params}
    made = peer.post("/launch", json=whole).raise_for_status().json()
    return visit, visit.post([(name, value) for name, value in made["fields"]])


def reach(scene: FormScene, person_id: UUID, percent: str) -> Academy:
    with scene.kit.session() as session:
        session.announce(ProgressMade(person_id, scene.activity_id, True, Decimal(percent), clock.now()))
    academy = Academy(scene.kit)
    academy.work()
    return academy


def book(peer: httpx.Client) -> dict[str, Any]:
    return dict(peer.get("/book").json())


@pytest.mark.case("T1-001", "T1-049", "T1-055")
def test_launch_score_and_reading_back(own_form_scene: FormScene, peer: httpx.Client) -> None:
    visit, answer = launched(peer, own_form_scene)
    person = visit.accepted(answer).person_id
    assert person
    academy = reach(own_form_scene, person, "64.5")
    assert Decimal(book(peer)["book"][visit.fields()["lis_result_sourcedid"]]) == Decimal("0.645")
    academy.confirm()
    assert academy.states() == ["confirmed"]


@pytest.mark.case("T1-009")
@pytest.mark.parametrize(
    ("order", "code"), [({"secret": "guessed"}, "LTI11_SIGNATURE"), ({"key": "nobody"}, "LTI11_UNKNOWN_KEY")]
)
def test_a_launch_we_refuse(own_form_scene: FormScene, peer: httpx.Client, order: dict[str, str], code: str) -> None:
    before = own_form_scene.written()
    _, answer = launched(peer, own_form_scene, **order)
    assert (
        own_form_scene.refused(answer, code, "signature" if code == "LTI11_SIGNATURE" else "key", before).outcome
        == "refused"
    )


@pytest.mark.case("T1-053", "T1-057")
def test_scores_it_refuses(own_form_scene: FormScene, peer: httpx.Client) -> None:
    visit, answer = launched(peer, own_form_scene)
    person = visit.accepted(answer).person_id
    assert person
    peer.post("/faults", json=[{"status": 500}, {"status": 503, "body": "<html>"}])
    assert reach(own_form_scene, person, "50").states() == ["sent"]
    peer.post("/faults", json=[{"major": "failure", "description": "No such column"}])
    academy = reach(own_form_scene, person, "60")
    assert (academy.states(), academy.last().code) == (["sent", "dead"], "OUTCOME_REFUSED")
    launched(peer, own_form_scene, secret="changed over there")  # from now on it verifies with another secret
    academy = reach(own_form_scene, person, "70")
    assert (academy.states()[-1], academy.last().code) == ("dead", "OUTCOME_SIGNATURE")
    assert book(peer)["refusals"][-1] == "replaceResult"


@pytest.mark.case("T1-039")
def test_any_text_it_signs(own_form_scene: FormScene, peer: httpx.Client) -> None:
    visit = own_form_scene.visit()
    params = {**visit.fields("lis_outcome_service_url", "oauth_callback"), "custom_words": "100% a+b c&d=e ~f 'g' 😀 é"}
    order = {
        "key": own_form_scene.consumer.key,
        "secret": own_form_scene.consumer.secret,
        "url": own_form_scene.url,
        "params": params,
    }
    made = peer.post("/launch", json=order).json()
    row = visit.accepted(visit.post(parse_qsl(str(httpx.QueryParams(made["fields"])), keep_blank_values=True)))
    assert "😀" in str(row.claims)
