"""DT for LTI 1.x (Content-Item Selection 1.0): a teacher's request over the launch address, our answer read by oauthlib."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from oauthlib.oauth1.rfc5849 import signature
from webtest import TestResponse

from tenants.lti.launches.models import Outcome
from tenants.lti.launches.services import steps_of
from tenants.lti.tool.consumers import Consumers
from tenants.lti.tool.models11 import ConsumerKey
from tenants.lti.wire.content_items import CONTENT_ITEM_STEPS
from tenants.lti.wire.custom import of_link
from tests.conformance.consumer import Services
from tests.conformance.visits11 import FormScene, FormVisit
from tests.house import House, forms_of

#: What a launch has and a request for content has not (Content-Item Message 1.0 §3.1).
OF_A_LAUNCH = ("resource_link_id", "resource_link_title", "resource_link_description", "lis_outcome_service_url",
               "lis_result_sourcedid")  # fmt: skip


def asked(visit: FormVisit, *left_out: str, how: Any = None, **changes: str) -> TestResponse:
    """As Moodle asks (mod/lti/locallib.php, lti_build_content_item_selection_request)."""
    settings = {
        "lti_message_type": "ContentItemSelectionRequest",
        "roles": "Instructor",
        "content_item_return_url": return_of(visit.scene),
        "accept_media_types": "application/vnd.ims.lti.v1.ltilink",
        "accept_presentation_document_targets": "frame,iframe,window",
        "accept_unsigned": "false",
        "accept_multiple": "true",
        "accept_copy_advice": "false",
        "auto_create": "false",
        "can_confirm": "false",
    }
    return visit.launch(*OF_A_LAUNCH, *left_out, how=how, **{**settings, **changes})


def return_of(scene: FormScene) -> str:
    return f"https://{scene.consumer.name}.example/mod/lti/contentitem_return.php?course=3&id=5"


def picker(visit: FormVisit, *left_out: str, **changes: str) -> TestResponse:
    response = asked(visit, *left_out, **changes)
    assert response.status_int == 303, response.text
    assert "Set-Cookie" not in response.headers, "nobody signs in"
    return visit.browser.get(response.location, status=200)


def sent(visit: FormVisit, page: TestResponse, *activities: Any, **more: str) -> TestResponse:
    fields = [("item", str(each)) for each in activities] + list(more.items())
    return visit.browser.app.post(page.request.path, fields, status="*")


def answer(scene: FormScene, page: TestResponse) -> Mapping[str, str]:
    """The fields of our answer, whose signature oauthlib makes again."""
    (form,) = forms_of(page)
    assert form.action == return_of(scene)
    fields = {name: form[name].value for name in form.fields if name}
    assert fields["oauth_consumer_key"] == scene.consumer.key
    signed = [pair for pair in fields.items() if pair[0] != "oauth_signature"]
    signed += parse_qsl(urlsplit(form.action).query)
    base = signature.signature_base_string(
        "POST", signature.base_string_uri(form.action), signature.normalize_parameters(signed)
    )
    assert signature.sign_hmac_sha1_with_client(base, _Client(scene.consumer.secret)) == fields["oauth_signature"]
    assert (fields["lti_message_type"], fields["lti_version"]) == ("ContentItemSelection", "LTI-1p0")
    return fields


def items(scene: FormScene, page: TestResponse) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(answer(scene, page)["content_items"])["@graph"]
    return found


@pytest.mark.case("DT-001", "DT-006")
def test_a_request_is_answered_with_the_activity_of_the_key_which_then_opens(form_scene: FormScene) -> None:
    other = form_scene.kit.activity()
    before, teacher = form_scene.written(), form_scene.visit()
    page = picker(teacher)
    assert str(form_scene.activity_id) in page
    assert str(other.id) not in page, "the key does not open it"
    assert "LTI_NOT_AVAILABLE" in sent(teacher, page, other.id)
    done = sent(teacher, page, form_scene.activity_id)
    (item,) = items(form_scene, done)
    assert (item["@type"], item["url"], item["title"]) == ("LtiLinkItem", form_scene.url, "An e-learning")
    assert item["custom"] == of_link(form_scene.activity_id)
    assert form_scene.written() == before, "choosing makes no account, no session and no enrolment"
    assert "LTI_PICK_OVER" in teacher.browser.get(page.request.path, status=410)
    row = form_scene.rows(1)[0]
    assert (row.outcome, row.message_type) == (Outcome.ACCEPTED, "ContentItemSelectionRequest")
    assert [step.check.name for step in steps_of(row)] == list(CONTENT_ITEM_STEPS)
    assert all(step.check.passed for step in steps_of(row))
    learner = form_scene.visit()
    learner.accepted(learner.launch(how={"url": item["url"]}))


@pytest.mark.case("DT-001")
def test_the_site_that_asked_may_frame_the_picker(own_form_scene: FormScene) -> None:
    page = picker(own_form_scene.visit(), "launch_presentation_return_url")
    assert f"https://{own_form_scene.consumer.name}.example:443" in page.headers["Content-Security-Policy"]
    assert own_form_scene.key().last_used_at is not None


@pytest.mark.case("DT-001")
def test_a_request_is_used_once(form_scene: FormScene) -> None:
    assert asked(form_scene.visit(), how={"nonce": "chosen-once"}).status_int == 303
    assert "LTI11_NONCE" in asked(form_scene.visit(), how={"nonce": "chosen-once"})


@pytest.mark.case("DT-002")
@pytest.mark.parametrize(
    ("left_out", "changes", "code", "step"),
    [
        (("content_item_return_url",), {}, "LTI_PICK_RETURN", "return"),
        (("accept_media_types",), {}, "LTI_PICK_TYPES", "types"),
        ((), {"accept_media_types": "image/*,text/html"}, "LTI_PICK_TYPES", "types"),
    ],
)
def test_settings_that_cannot_be_answered(
    form_scene: FormScene, left_out: tuple[str, ...], changes: dict[str, str], code: str, step: str
) -> None:
    settings = {"content_item_return_url": return_of(form_scene), **changes}
    settings = {name: value for name, value in settings.items() if name not in left_out}
    assert refused(form_scene, asked(form_scene.visit(), *left_out, **settings), code, step)


@pytest.mark.case("DT-003")
@pytest.mark.parametrize("said", ["false", "no", ""])
def test_a_single_choice(form_scene: FormScene, said: str) -> None:
    page = picker(form_scene.visit(), accept_multiple=said)
    assert page.html.find("input", {"type": "radio"})
    assert not page.html.find("input", {"type": "checkbox"})


@pytest.mark.case("DT-004")
def test_data_comes_back_as_it_was_and_a_choice_may_be_none(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    page = picker(visit, data="op=321&v=44 ü<b>")
    fields = answer(form_scene, sent(visit, page, cancel="1"))
    assert fields["data"] == "op=321&v=44 ü<b>"
    assert json.loads(fields["content_items"])["@graph"] == []
    again = form_scene.visit()
    assert "data" not in answer(form_scene, sent(again, picker(again), form_scene.activity_id))


@pytest.mark.case("DT-007")
@pytest.mark.parametrize("roles", ["Learner", "", "urn:lti:role:ims/lis/Learner,urn:lti:instrole:ims/lis/Staff"])
def test_learners_choose_nothing(form_scene: FormScene, roles: str) -> None:
    assert refused(form_scene, asked(form_scene.visit(), roles=roles), "LTI_PICK_STAFF", "staff")


@pytest.mark.case("DT-008")
def test_a_grade_column_only_where_it_is_taken(form_scene: FormScene) -> None:
    columns: list[Any] = []
    for said in ("false", "true"):
        visit = form_scene.visit()
        (item,) = items(form_scene, sent(visit, picker(visit, accept_lineitem=said), form_scene.activity_id))
        columns.append(item.get("lineItem"))
    assert columns[0] is None
    assert columns[1]["assignedActivity"] == {"activityId": str(form_scene.activity_id)}
    assert columns[1]["scoreConstraints"]["normalMaximum"] == 100


@pytest.mark.case("DT-009")
@pytest.mark.parametrize(
    "address", ["http://school.example/return", "javascript:alert(1)", "//school.example", "data:x"]
)
def test_answers_go_to_safe_addresses_only(form_scene: FormScene, address: str) -> None:
    assert refused(form_scene, asked(form_scene.visit(), content_item_return_url=address), "LTI_PICK_RETURN", "return")


def test_a_key_switched_off_meanwhile_signs_no_answer(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    page = picker(visit)
    form_scene.set(is_active=False)
    assert "LTI_NOT_AVAILABLE" in sent(visit, page, form_scene.activity_id)


def test_lti_switched_off_for_the_academy_offers_nothing(house: House, services: Services) -> None:
    response = asked(FormScene(house.academy(lti=False), services.open()).visit())
    assert "LTI_NOT_AVAILABLE" in response
    assert response.status_int == 403


def test_during_a_rotation_the_answer_is_signed_with_the_secret_they_know(form_scene: FormScene) -> None:
    with form_scene.kit.session() as session:
        Consumers(session, form_scene.kit.runtime.secrets).rotate(session.get_one(ConsumerKey, form_scene.consumer_id))
    visit = form_scene.visit()
    fields = answer(form_scene, sent(visit, picker(visit), form_scene.activity_id))
    assert fields["oauth_consumer_key"] == form_scene.consumer.key


def refused(scene: FormScene, response: TestResponse, code: str, step: str) -> bool:
    problem = scene.kit.runtime.problems[code]
    assert response.status_int == problem.status, response.text
    row = scene.rows(1)[0]
    assert (row.outcome, row.code) == (Outcome.REFUSED, code)
    failed = [entry.check for entry in steps_of(row) if entry.check.passed is False]
    assert [(check.name, check.code) for check in failed] == [(step, code)]
    return code in response.text


class _Client:
    """As oauthlib wants it."""

    def __init__(self, secret: str) -> None:
        self.client_secret = secret
        self.resource_owner_secret = ""
