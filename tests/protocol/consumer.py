"""The other LMS on LTI 1.x: oauthlib's own client signs, so that another hand writes what we verify."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from oauthlib.oauth1 import SIGNATURE_TYPE_BODY, Client

from saas.problems import Refused
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.form11 import Form, read_form
from tenants.lti.wire.launch11 import (
    LAUNCH11_STEPS,
    Consumer,
    Launch11,
    Proven,
    check_key,
    check_launch,
    check_message,
    check_nonce,
    check_person,
    check_signature,
)

KEY = "key-of-week-1"
SECRET = "a secret, with & and ü"
ACTIVITY = "7"
URL = "https://academy.example/lti/launch/7"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
CONSUMER = Consumer(KEY, (SECRET,), frozenset({ACTIVITY}))
FORM = "application/x-www-form-urlencoded"

FULL: Mapping[str, str] = {
    "lti_message_type": "basic-lti-launch-request",
    "lti_version": "LTI-1p0",
    "resource_link_id": "17",
    "resource_link_title": "Week 1",
    "resource_link_description": "Read this",
    "user_id": "4711",
    "roles": "Learner",
    "lis_person_name_given": "Ada",
    "lis_person_name_family": "Lovelace",
    "lis_person_name_full": "Ada Lovelace",
    "lis_person_contact_email_primary": "ada@school.example",
    "lis_person_sourcedid": "sis-4711",
    "context_id": "3",
    "context_label": "C1",
    "context_title": "Course one",
    "context_type": "CourseSection",
    "tool_consumer_info_product_family_code": "moodle",
    "tool_consumer_info_version": "2024100706",
    "tool_consumer_instance_guid": "lms.school.example",
    "tool_consumer_instance_name": "School",
    "launch_presentation_locale": "nl_NL",
    "launch_presentation_document_target": "iframe",
    "launch_presentation_return_url": "https://lms.school.example/return?course=3",
    "lis_outcome_service_url": "https://lms.school.example/service.php?type=1",
    "lis_result_sourcedid": '{"data":{"instanceid":"2","userid":"4"},"hash":"0a1b"}',
    "custom_chapter": "2",
    "oauth_callback": "about:blank",
}


def fields(*left_out: str, **changes: str) -> dict[str, str]:
    """The full set without some, and with some changed."""
    return {name: value for name, value in {**FULL, **changes}.items() if name not in left_out}


def post(
    params: Mapping[str, str] | Sequence[tuple[str, str]],
    *,
    url: str = URL,
    key: str = KEY,
    secret: str = SECRET,
    method: str = "HMAC-SHA1",
    at: int = SECONDS,
    nonce: str = "nonce-1",
) -> bytes:
    """The body of a signed launch."""
    client = Client(
        key,
        client_secret=secret,
        signature_method=method,
        signature_type=SIGNATURE_TYPE_BODY,
        timestamp=str(at),
        nonce=nonce,
    )
    pairs = list(params.items()) if isinstance(params, Mapping) else list(params)
    _, _, body = client.sign(url, "POST", body=urlencode(pairs), headers={"Content-Type": FORM})
    return str(body).encode()


def form_of(pairs: Iterable[tuple[str, str]]) -> bytes:
    """A body that nobody signed."""
    return urlencode(list(pairs)).encode()


def prove(
    body: bytes,
    *,
    url: str = URL,
    published: str = URL,
    aliases: Sequence[str] = (),
    consumer: Consumer | None = CONSUMER,
    checks: Checklist | None = None,
    fresh: bool = True,
    **how: Any,
) -> Proven:
    """Our side up to the nonce: ``url`` is what the browser called, ``published`` what we gave out."""
    checks = checks or Checklist(LAUNCH11_STEPS)
    form: Form = read_form(checks, "POST", FORM, body, urlsplit(url).query)
    check_message(checks, form, **{"now": NOW, **how})
    known = check_key(checks, form, consumer, activity=ACTIVITY, url=published)
    proven = check_signature(checks, form, known, [published, *aliases])
    check_nonce(checks, fresh=fresh)
    return proven


def launch(body: bytes, *, known: bool = False, checks: Checklist | None = None, **how: Any) -> Launch11:
    """Every check of the wire, in the order a server makes them; ``known`` is a person who was here before."""
    checks = checks or Checklist(LAUNCH11_STEPS)
    result = check_launch(checks, prove(body, checks=checks, **how))
    check_person(checks, result, known=known)
    return result


def refusal(body: bytes, **how: Any) -> Refused:
    """The refusal this launch meets; it must meet one, and the checklist must end with it."""
    checks = Checklist(LAUNCH11_STEPS)
    with pytest.raises(Refused) as caught:
        launch(body, checks=checks, **how)
    assert checks.failed is not None
    assert (checks.failed.code, checks.checks[-1]) == (caught.value.code, checks.failed)
    return caught.value
