"""Choosing activities for a course over there: Deep Linking 2.0, and Content-Item Selection of LTI 1.x."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from oauthlib.oauth1 import Client

from saas.problems import Refused
from tenants.lti.wire import content_items, deeplink, jws
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.claims import CLAIM, LaunchClaims
from tenants.lti.wire.content_items import CONTENT_ITEM_STEPS
from tenants.lti.wire.deeplink import DEEP_LINKING_STEPS, DL_CLAIM, SETTINGS, content_item, response_claims
from tenants.lti.wire.launch11 import CONTENT_ITEM_SELECTION, Launch11
from tenants.lti.wire.launch13 import DEEP_LINKING_REQUEST
from tenants.lti.wire.oauth1 import read_authorization
from tenants.lti.wire.selection import Offer, Picked
from tests.protocol.consumer import CONSUMER, FORM, KEY, SECRET, fields, launch, post
from tests.protocol.lms import CLIENT, ISSUER, MEMBERSHIP, NOW, Platform

RETURN = ISSUER + "/mod/lti/contentitem_return.php?course=3"
ASKED: dict[str, Any] = {
    "deep_link_return_url": RETURN,
    "accept_types": ["link", "ltiResourceLink"],
    "accept_presentation_document_targets": ["iframe", "window"],
    "accept_multiple": True,
    "accept_lineitem": True,
    "title": "Pick",
    "data": "op=321&v=44",
}
QUIZ = Picked("https://academy.example/lti/activities/7", "Quiz\x00 one", "About", Decimal("80.50"), "act-7", "quiz")
PAGE = Picked("https://academy.example/lti/activities/8", "Page", custom={"chapter": "2"})
OFFER = Offer(RETURN, several=True, grade_columns=True, targets=("iframe", "window"), data="d")


def asked(platform: Platform, *left_out: str, role: str = "Instructor", **changes: object) -> LaunchClaims:
    """A proven deep-linking request of the other LMS."""
    settings = {name: value for name, value in {**ASKED, **changes}.items() if name not in left_out}
    claims = platform.claims("resource_link", message_type=DEEP_LINKING_REQUEST, roles=[MEMBERSHIP + role])
    return platform.launch({**claims, SETTINGS: settings}, message_types=frozenset({DEEP_LINKING_REQUEST}))


def offered(launched: LaunchClaims) -> Offer:
    return deeplink.check_offer(Checklist(DEEP_LINKING_STEPS), launched, [ISSUER + "/auth"])


def refused(launched: LaunchClaims) -> Refused:
    checks = Checklist(DEEP_LINKING_STEPS)
    with pytest.raises(Refused) as caught:
        deeplink.check_offer(checks, launched, [ISSUER + "/auth"])
    assert checks.failed == checks.checks[-1]
    return caught.value


def test_dt_001_what_the_platform_offers_is_read(platform: Platform) -> None:
    offer = offered(asked(platform))
    assert (offer.return_url, offer.several, offer.grade_columns) == (RETURN, True, True)
    assert (offer.targets, offer.title, offer.data) == (("iframe", "window"), "Pick", "op=321&v=44")


@pytest.mark.parametrize("left_out", ["deep_link_return_url", "accept_types", "accept_presentation_document_targets"])
def test_dt_002_settings_are_needed(platform: Platform, left_out: str) -> None:
    with pytest.raises(Refused) as caught:
        asked(platform, left_out)
    assert (caught.value.code, left_out in caught.value.seen) == ("LTI13_CLAIM", True)
    with pytest.raises(Refused):
        platform.launch(
            platform.claims(message_type=DEEP_LINKING_REQUEST), message_types=frozenset({DEEP_LINKING_REQUEST})
        )


def test_dt_002_no_link_is_accepted(platform: Platform) -> None:
    refusal = refused(asked(platform, accept_types=["file", "html"]))
    assert (refusal.code, refusal.seen) == ("LTI_PICK_TYPES", "file, html")
    assert refused(asked(platform, accept_types=[])).code == "LTI_PICK_TYPES"


@pytest.mark.parametrize(
    ("value", "several"), [(True, True), ("true", True), (False, False), ("false", False), (None, False), (1, False)]
)
def test_dt_003_one_or_several(platform: Platform, value: object, several: bool) -> None:
    launched = asked(platform, accept_multiple=value)
    offer = offered(launched)
    assert offer.several is several
    if not several:
        with pytest.raises(Refused) as caught:
            response_claims(launched, offer, [QUIZ, PAGE], nonce="n", now=NOW)
        assert caught.value.code == "LTI_PICK_SINGLE"
        assert response_claims(launched, offer, [QUIZ], nonce="n", now=NOW)


def test_dt_001_the_answer_is_a_token_others_accept(platform: Platform, other_key: jws.SigningKey) -> None:
    launched = asked(platform)
    token = jws.sign(
        response_claims(launched, offered(launched), [QUIZ, PAGE], nonce="n-1", now=datetime.now(UTC), message="Done"),
        other_key,
    )
    assert jwt.get_unverified_header(token)["kid"] == other_key.kid
    claims = jwt.decode(
        token,
        other_key.private.public_key(),
        ["RS256"],
        audience=ISSUER,
        issuer=CLIENT,
        options={"require": ["exp", "iat", "nonce"]},
    )
    assert (claims["aud"], claims["nonce"]) == (ISSUER, "n-1")
    assert claims["exp"] - claims["iat"] <= 3600
    assert claims[CLAIM + "deployment_id"] == "1"
    assert claims[CLAIM + "message_type"] == "LtiDeepLinkingResponse"
    assert claims[CLAIM + "version"] == "1.3.0"
    assert (claims[DL_CLAIM + "data"], claims[DL_CLAIM + "msg"]) == ("op=321&v=44", "Done")
    assert claims[DL_CLAIM + "content_items"] == [
        {
            "type": "ltiResourceLink",
            "url": QUIZ.url,
            "title": "Quiz one",
            "text": "About",
            "lineItem": {
                "label": "Quiz one",
                "scoreMaximum": 80.5,
                "resourceId": "act-7",
                "tag": "quiz",
                "submissionReview": {"reviewableStatus": ["InProgress", "Submitted", "Completed"], "url": QUIZ.url},
            },
        },
        {"type": "ltiResourceLink", "url": PAGE.url, "title": "Page", "custom": {"chapter": "2"}},
    ]


@pytest.mark.parametrize("data", ["", "x" * 5000, '{"a":"ü\\n"}'])
def test_dt_004_data_goes_back_as_it_came(platform: Platform, data: str) -> None:
    launched = asked(platform, data=data)
    assert response_claims(launched, offered(launched), [], nonce="n", now=NOW)[DL_CLAIM + "data"] == data


def test_dt_004_without_data_there_is_no_claim(platform: Platform) -> None:
    for launched in (asked(platform, "data"), asked(platform, data=None), asked(platform, data=5)):
        claims = response_claims(launched, offered(launched), [], nonce="n", now=NOW, error="No", error_log="why")
        assert DL_CLAIM + "data" not in claims
        assert claims[DL_CLAIM + "content_items"] == []
        assert (claims[DL_CLAIM + "errormsg"], claims[DL_CLAIM + "errorlog"]) == ("No", "why")


@pytest.mark.parametrize("role", ["Learner", "Mentor", "Wizard"])
def test_dt_007_a_learner_chooses_nothing(platform: Platform, role: str) -> None:
    assert refused(asked(platform, role=role)).code == "LTI_PICK_STAFF"


@pytest.mark.parametrize("value", [False, "false", None])
def test_dt_008_no_column_where_none_is_accepted(platform: Platform, value: object) -> None:
    assert "lineItem" not in content_item(QUIZ, offered(asked(platform, accept_lineitem=value)))


def test_dt_009_the_answer_goes_to_no_less_safe_address(platform: Platform) -> None:
    refusal = refused(asked(platform, deep_link_return_url="http://lms.school.example/return"))
    assert (refusal.code, refusal.seen) == ("LTI_PICK_RETURN", "http, though the LMS is on https")
    with pytest.raises(Refused) as caught:
        asked(platform, deep_link_return_url="javascript:alert(1)")
    assert caught.value.code == "LTI13_CLAIM"


@pytest.mark.parametrize(
    ("targets", "wish", "window"),
    [
        (("iframe", "window"), False, False),
        (("iframe", "window"), True, True),
        (("window",), False, True),
        (("iframe",), True, False),
        ((), True, False),
    ],
)
def test_a_window_only_where_the_lms_takes_one(targets: tuple[str, ...], wish: bool, window: bool) -> None:
    item = Picked("https://a.example/x", "X", new_window=wish)
    offer = Offer(RETURN, several=False, grade_columns=False, targets=targets)
    assert ("window" in content_item(item, offer)) is window


# Content-Item Selection


def selection(*left_out: str, **changes: str) -> Launch11:
    """A proven selection request of an LMS on LTI 1.x."""
    given = {
        "lti_message_type": CONTENT_ITEM_SELECTION,
        "roles": "Instructor",
        "content_item_return_url": RETURN,
        "accept_media_types": "image/*, application/vnd.ims.lti.v1.ltilink",
        "accept_presentation_document_targets": "frame,iframe,window",
        "accept_multiple": "true",
        "accept_lineitem": "true",
        "data": "d&1",
    }
    params = {**fields("resource_link_id"), **given, **changes}
    body = post({name: value for name, value in params.items() if name not in left_out})
    return launch(body, message_types={CONTENT_ITEM_SELECTION})


def test_what_an_old_lms_offers_is_read() -> None:
    offer = content_items.check_offer(Checklist(CONTENT_ITEM_STEPS), selection())
    assert (offer.return_url, offer.several, offer.grade_columns, offer.data) == (RETURN, True, True, "d&1")
    assert offer.targets == ("frame", "iframe", "window")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"roles": "Learner"}, "LTI_PICK_STAFF"),
        ({"content_item_return_url": "javascript:x"}, "LTI_PICK_RETURN"),
        ({"content_item_return_url": ""}, "LTI_PICK_RETURN"),
        ({"content_item_return_url": "http://lms.school.example/x"}, "LTI_PICK_RETURN"),
        ({"accept_media_types": "text/html,image/*"}, "LTI_PICK_TYPES"),
        ({"accept_media_types": ""}, "LTI_PICK_TYPES"),
    ],
)
def test_selections_that_cannot_be_answered(changes: dict[str, str], code: str) -> None:
    with pytest.raises(Refused) as caught:
        content_items.check_offer(Checklist(CONTENT_ITEM_STEPS), selection(**changes))
    assert caught.value.code == code


@pytest.mark.parametrize("types", ["*/*", "application/*", "application/vnd.ims.lti.v1.ltilink;q=0.5"])
def test_media_types_are_matched_by_pattern(types: str) -> None:
    offer = content_items.check_offer(Checklist(CONTENT_ITEM_STEPS), selection(accept_media_types=types))
    assert offer.return_url == RETURN


def test_the_signed_form_is_what_oauthlib_would_have_signed() -> None:
    form = dict(content_items.response_form(OFFER, CONSUMER, [QUIZ, PAGE], nonce="n", timestamp=9, message="Done"))
    signature = form.pop("oauth_signature")
    plain = {name: value for name, value in form.items() if name == "oauth_callback" or not name.startswith("oauth_")}
    client = Client(KEY, client_secret=SECRET, timestamp="9", nonce="n")
    _, headers, _ = client.sign(RETURN, "POST", body=urlencode(plain), headers={"Content-Type": FORM})
    assert dict(read_authorization(headers["Authorization"]) or ())["oauth_signature"] == signature
    assert (form["lti_message_type"], form["lti_version"]) == ("ContentItemSelection", "LTI-1p0")
    assert (form["data"], form["lti_msg"]) == ("d", "Done")
    document = json.loads(form["content_items"])
    assert document["@context"] == "http://purl.imsglobal.org/ctx/lti/v1/ContentItem"
    quiz, page = document["@graph"]
    assert (quiz["@type"], quiz["mediaType"]) == ("LtiLinkItem", "application/vnd.ims.lti.v1.ltilink")
    assert (quiz["url"], quiz["title"], quiz["text"]) == (QUIZ.url, "Quiz one", "About")
    assert quiz["lineItem"]["scoreConstraints"]["totalMaximum"] == 80.5
    assert quiz["placementAdvice"] == {"presentationDocumentTarget": "iframe"}
    assert page["custom"] == {"chapter": "2"}
    assert "lineItem" not in page


def test_a_cancelled_selection_and_too_many_items() -> None:
    one = Offer(RETURN, several=False, grade_columns=False, targets=())
    form = dict(content_items.response_form(one, CONSUMER, [], nonce="n", timestamp=9, error="No", error_log="why"))
    assert json.loads(form["content_items"])["@graph"] == []
    assert "data" not in form
    assert (form["lti_errormsg"], form["lti_errorlog"]) == ("No", "why")
    with pytest.raises(Refused):
        content_items.response_form(one, CONSUMER, [QUIZ, PAGE], nonce="n", timestamp=9)
    assert "lineItem" not in content_items.content_items([QUIZ], one)
