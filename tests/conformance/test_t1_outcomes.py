"""T1-049 to T1-057: scores to an LMS on LTI 1.2 by Basic Outcomes, over real HTTP, judged there by oauthlib."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from saas import clock
from tenants.access import Role
from tenants.grades.models import DeliveryState
from tenants.learning.services import ProgressMade
from tenants.lti.tool.consumers import Consumers
from tests.conformance.consumer import Reply, pox
from tests.conformance.visits11 import FormScene, FormVisit
from tests.house import forms_of
from tests.jobs.school import Academy


def arrived(scene: FormScene, *left_out: str, **changes: str) -> tuple[FormVisit, UUID]:
    visit = scene.visit()
    row = visit.accepted(visit.launch(*left_out, **changes))
    assert row.person_id
    return visit, row.person_id


def reach(scene: FormScene, person_id: UUID, percent: str | None, *, work: bool = True) -> Academy:
    """The person has finished with this result, or only begun; the academy's jobs run."""
    academy, score = Academy(scene.kit), Decimal(percent) if percent else None
    with scene.kit.session() as session:
        session.announce(ProgressMade(person_id, scene.activity_id, score is not None, score, clock.now()))
    if work:
        academy.work()
    return academy


def sourcedid(visit: FormVisit) -> str:
    return visit.fields()["lis_result_sourcedid"]


@pytest.mark.case("T1-049")
@pytest.mark.parametrize(
    ("percent", "text"), [("100", "1"), ("64.5", "0.645"), ("0", "0"), ("33.33333333", "0.333333")]
)
def test_a_score_is_sent_and_read_back(own_form_scene: FormScene, percent: str, text: str) -> None:
    visit, person = arrived(own_form_scene)
    reach(own_form_scene, person, None)
    assert own_form_scene.consumer.heard == []
    academy = reach(own_form_scene, person, percent)
    (said,) = own_form_scene.consumer.heard
    assert (said.name, said.sourcedid, said.content_type) == ("replaceResult", sourcedid(visit), "application/xml")
    assert Decimal(said.score) == Decimal(text)
    assert "E" not in said.score.upper()
    academy.confirm()
    assert [each.name for each in own_form_scene.consumer.heard] == ["replaceResult", "readResult"]
    assert academy.states() == ["confirmed"]
    assert academy.steps() == [("score", "delivered"), ("results", "delivered")]


@pytest.mark.case("T1-049")
def test_a_better_result_replaces_and_a_worse_one_says_nothing(own_form_scene: FormScene) -> None:
    visit, person = arrived(own_form_scene)
    reach(own_form_scene, person, "60")
    reach(own_form_scene, person, "40")
    reach(own_form_scene, person, "80")
    assert [Decimal(each.score) for each in own_form_scene.consumer.heard] == [Decimal("0.6"), Decimal("0.8")]
    assert Decimal(own_form_scene.consumer.book[sourcedid(visit)]) == Decimal("0.8")


@pytest.mark.case("T1-049")
def test_who_learned_before_is_told_of_at_the_first_launch(own_form_scene: FormScene) -> None:
    person = own_form_scene.kit.person()
    reach(own_form_scene, person.id, "75")
    visit, _ = arrived(own_form_scene, lis_person_contact_email_primary=str(person.email))
    Academy(own_form_scene.kit).work()
    assert Decimal(own_form_scene.consumer.book[sourcedid(visit)]) == Decimal("0.75")


@pytest.mark.case("T1-050")
@pytest.mark.parametrize("name", ["lis_result_sourcedid", "lis_outcome_service_url"])
def test_nowhere_to_send_to(own_form_scene: FormScene, name: str) -> None:
    visit, person = arrived(own_form_scene, name)
    assert own_form_scene.rows(1)[0].checks["launch"][-1][2] == f"not sent: the LMS gave no {name}"
    academy = reach(own_form_scene, person, "80")
    assert (academy.deliveries(), own_form_scene.consumer.heard, own_form_scene.routes(visit.sub)) == ([], [], [])


@pytest.mark.case("T1-050")
def test_an_address_that_cannot_be_used(own_form_scene: FormScene) -> None:
    arrived(own_form_scene, lis_outcome_service_url="file:///etc/passwd")
    assert (
        own_form_scene.rows(1)[0].checks["launch"][-1][2] == "not sent: the address or id the LMS gave cannot be used"
    )


@pytest.mark.case("T1-050")
def test_an_address_inside_our_network_is_never_called(own_form_scene: FormScene) -> None:
    _, person = arrived(own_form_scene, lis_outcome_service_url="https://10.0.0.7/service")
    academy = reach(own_form_scene, person, "80")
    assert (academy.states(), academy.last().code) == (["dead"], "AGS_ADDRESS")


@pytest.mark.case("T1-051")
def test_success_in_whatever_type(own_form_scene: FormScene) -> None:
    _, person = arrived(own_form_scene)
    own_form_scene.consumer.faults.append(Reply(200, pox(), "text/html; charset=utf-8"))
    assert reach(own_form_scene, person, "80").states() == ["sent"]


@pytest.mark.case("T1-053")
@pytest.mark.parametrize(
    ("major", "words", "code"),
    [
        ("unsupported", "", "OUTCOME_UNSUPPORTED"),
        ("failure", "User is no longer in course", "AGS_NOT_ENROLLED"),
        ("failure", "Message signature not valid", "OUTCOME_SIGNATURE"),
        ("failure", "No such column", "OUTCOME_REFUSED"),
    ],
)
def test_a_final_no(own_form_scene: FormScene, major: str, words: str, code: str) -> None:
    _, person = arrived(own_form_scene)
    own_form_scene.consumer.faults.append(Reply(200, pox(major, words)))
    academy = reach(own_form_scene, person, "80")
    assert (academy.states(), academy.last().code) == (["dead"], code)
    assert words in academy.last().cause
    assert len(own_form_scene.consumer.heard) == 1


ODD: dict[str, Reply] = {
    "HTML": Reply(200, b"<html><body>Please log in</body></html>", "text/html"),
    "empty": Reply(200, b""),
    "not XML": Reply(200, b"{}", "application/json"),
    "no status": Reply(200, b"<imsx_POXEnvelopeResponse><imsx_POXHeader/></imsx_POXEnvelopeResponse>"),
    "busy": Reply(200, pox("processing")),
    "a document type": Reply(200, b'<!DOCTYPE x [<!ENTITY a "success">]>' + pox()),
}


@pytest.mark.case("T1-054")
@pytest.mark.parametrize("how", ODD)
def test_an_answer_that_is_none_is_tried_again_and_shown(own_form_scene: FormScene, how: str) -> None:
    visit, person = arrived(own_form_scene)
    own_form_scene.consumer.faults.append(ODD[how])
    academy = reach(own_form_scene, person, "80", work=False)
    academy.work_once()
    waiting = academy.last()
    assert (waiting.state, waiting.tries[0].outcome) == (DeliveryState.WAITING, "retry")
    assert waiting.cause
    page = own_form_scene.kit.signed_in(Role.ADMIN).get(f"/integrations/results/{waiting.id}")
    assert waiting.cause.split("It says")[0].strip() in page.html.get_text()
    academy.work()
    assert academy.states() == ["sent"]
    assert Decimal(own_form_scene.consumer.book[sourcedid(visit)]) == Decimal("0.8")


@pytest.mark.case("T1-055")
@pytest.mark.parametrize(
    "text",
    ['{"data":{"id":"2"},"hash":"0a"}', "a<b&c>d'e\"f", "]]>&amp;<!--", "é😀 \ttab", "line\r\nbreak", "x" * 1024],
)
def test_an_id_comes_back_byte_for_byte(own_form_scene: FormScene, text: str) -> None:
    _, person = arrived(own_form_scene, lis_result_sourcedid=text)
    reach(own_form_scene, person, "80")
    assert [each.sourcedid.replace("&#13;", "\r") for each in own_form_scene.consumer.heard] == [text]


@pytest.mark.case("T1-056")
def test_an_empty_answer_to_reading_is_no_grade(own_form_scene: FormScene) -> None:
    visit, person = arrived(own_form_scene)
    academy = reach(own_form_scene, person, "80")
    own_form_scene.consumer.book.clear()
    academy.confirm()
    assert academy.states() == ["sent"]
    assert academy.last().cause == "It was accepted, but the LMS shows another score."
    assert sourcedid(visit) not in own_form_scene.consumer.book


@pytest.mark.case("T1-056")
def test_an_lms_that_cannot_be_read_back_has_the_score_all_the_same(own_form_scene: FormScene) -> None:
    _, person = arrived(own_form_scene)
    academy = reach(own_form_scene, person, "80")
    own_form_scene.consumer.faults.extend([Reply(200, pox("unsupported"))] * 3)
    academy.confirm()
    assert academy.states() == ["sent"]


@pytest.mark.case("T1-057")
def test_three_times_500_then_success(own_form_scene: FormScene) -> None:
    visit, person = arrived(own_form_scene)
    own_form_scene.consumer.faults.extend([Reply(500, b"oops", "text/plain")] * 3)
    academy = reach(own_form_scene, person, "80")
    assert academy.states() == ["sent"]
    assert [each.outcome for each in academy.last().tries] == ["retry", "retry", "retry", "delivered"]
    assert [each.status for each in academy.last().tries] == [500, 500, 500, 200]
    assert list(own_form_scene.consumer.book) == [sourcedid(visit)]


def test_withdrawn_there_and_kept_here(own_form_scene: FormScene) -> None:
    visit, person = arrived(own_form_scene)
    academy = reach(own_form_scene, person, "80")
    admin = own_form_scene.kit.signed_in(Role.ADMIN)
    page = admin.get(f"/integrations/results/{academy.last().id}")
    form: Any = next(form for form in forms_of(page) if form.action.endswith("/withdraw"))
    shown = form.submit(status=303).follow()
    assert "withdrawn" in shown.text
    academy.work()
    assert own_form_scene.consumer.heard[-1].name == "deleteResult"
    assert own_form_scene.consumer.book == {}
    academy.confirm()
    assert academy.states()[-1] == "confirmed"
    visit.accepted(visit.launch())
    academy.work()
    assert own_form_scene.consumer.book == {}, "a launch does not bring it back"
    reach(own_form_scene, person, "90")
    assert Decimal(own_form_scene.consumer.book[sourcedid(visit)]) == Decimal("0.9")


def test_after_a_rotation_we_sign_with_what_the_lms_knows(own_form_scene: FormScene) -> None:
    visit, person = arrived(own_form_scene)
    kit = own_form_scene.kit
    with kit.session() as session:
        consumers = Consumers(session, kit.runtime.secrets)
        key = consumers.get(own_form_scene.consumer_id)
        consumers.rotate(key)
        newest = consumers.reveal(key)
    assert reach(own_form_scene, person, "50").states() == ["sent"]
    own_form_scene.consumer.secret = newest
    visit.accepted(visit.launch())
    assert reach(own_form_scene, person, "60").states() == ["sent", "sent"]


def test_a_key_switched_off_tells_nobody(own_form_scene: FormScene) -> None:
    _, person = arrived(own_form_scene)
    own_form_scene.set(is_active=False)
    academy = reach(own_form_scene, person, "60")
    assert (academy.states(), academy.last().code, own_form_scene.consumer.heard) == (["dead"], "LTI_NOT_AVAILABLE", [])
    own_form_scene.set(is_active=True)
    admin = own_form_scene.kit.signed_in(Role.ADMIN)
    page = admin.get(f"/integrations/results/{academy.last().id}")
    assert "Send again" in page.text
    next(form for form in forms_of(page) if form.action.endswith("/again")).submit(status=303)
    academy.work()
    assert academy.states() == ["sent"]
