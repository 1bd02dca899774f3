"""Deep Linking as the platform, on the wire: the settings we send, and answers as tools make them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas.problems import Refused
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.deeplink_answer import (
    ANSWER_STEPS,
    Answer,
    AnswerForm,
    Question,
    check_claims,
    check_issuer,
    read_answer,
    settings_claim,
)
from tenants.lti.wire.deeplink_items import Column, Fault, read_item

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUESTION = Question(
    "https://north.example", "client", "deployment", "ours".__eq__, several=True, domains=frozenset({"tool.example"})
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = st.sampled_from(["type", "url", "title", "text", "custom", "lineItem", "window", "iframe", "scoreMaximum"])


def claims(**changes: Any) -> dict[str, Any]:
    now = int(NOW.timestamp())
    return {
        "iss": "client", "aud": "https://north.example", "iat": now, "exp": now + 60, "nonce": "n",
        CLAIM + "deployment_id": "deployment", CLAIM + "version": "1.3.0",
        CLAIM + "message_type": "LtiDeepLinkingResponse", DL + "data": "ours", **changes,
    }  # fmt: skip


def answer(*items: Any, **changes: Any) -> Answer:
    return read_answer(Checklist(ANSWER_STEPS), claims(**{DL + "content_items": list(items), **changes}), QUESTION)


def test_settings_say_nothing_empty() -> None:
    said = settings_claim(return_url="https://north.example/x", data="d", several=False)
    assert said == {
        "deep_link_return_url": "https://north.example/x",
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["iframe", "window"],
        "accept_multiple": False,
        "accept_lineitem": True,
        "auto_create": True,
        "data": "d",
    }
    assert settings_claim(return_url="x", data="d", several=True, title="The\nsea", text="t")["title"] == "The sea"


def test_every_step_in_order() -> None:
    checks = Checklist(ANSWER_STEPS)
    form = AnswerForm.read([("JWT", "a.b.c"), ("other", "x")], checks)
    check_issuer(checks, claims(), "client")
    assert (form.token, check_claims(checks, claims(), QUESTION, NOW)) == ("a.b.c", "n")
    read_answer(checks, claims(), QUESTION)
    named = [check.name for check in checks.checks]
    assert named == [name for name in ANSWER_STEPS if name in named]
    assert checks.failed is None


@pytest.mark.parametrize("pairs", [[], [("JWT", "")], [("JWT", "a"), ("JWT", "a")], [("JWT", "x" * 70_000)]])
def test_forms_that_cannot_be_read(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(Refused) as refused:
        AnswerForm.read(pairs, Checklist(ANSWER_STEPS))
    assert refused.value.code == "CONTENT_PARAM"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "https://north.example/"}, "CONTENT_AUD"),
        ({"aud": ["x"] * 30 + ["https://north.example"]}, "CONTENT_AUD"),
        ({"aud": {"a": 1}}, "CONTENT_AUD"),
        ({"exp": "soon"}, "LTI13_CLAIM"),
        ({CLAIM + "deployment_id": "Deployment"}, "CONTENT_DEPLOYMENT"),
        ({CLAIM + "version": 1.3}, "CONTENT_KIND"),
        ({CLAIM + "message_type": "LtiDeepLinkingRequest"}, "CONTENT_KIND"),
        ({DL + "data": "theirs"}, "CONTENT_DATA"),
        ({DL + "data": ["ours"]}, "CONTENT_DATA"),
        ({"nonce": "x" * 300}, "CONTENT_NONCE"),
    ],
)
def test_claims_that_are_not_believed(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        check_claims(Checklist(ANSWER_STEPS), claims(**changes), QUESTION, NOW)
    assert refused.value.code == code


def test_an_item_as_pylti1p3_makes_it() -> None:
    """Empty where it has nothing to say."""
    (item,) = answer({"type": "ltiResourceLink", "title": "", "url": "", "custom": {}}).items
    assert (item.url, item.title, item.custom, item.column) == ("", "", (), None)


def test_words_and_names_with_spaces() -> None:
    said = answer(**{DL + "errormsg ": " no\nlicence ", DL + "log": "details", DL + "msg": 7})
    assert (said.error, said.log, said.message, said.error_log) == ("no licence", "details", "", "")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (None, None),
        ({}, None),
        ({"scoreMaximum": 80}, Column(Decimal(80))),
        ({"scoreMaximum": 0.1}, Column(Decimal("0.1"))),
        (
            {"scoreMaximum": "10", "label": "L", "resourceId": 7, "tag": "t"},
            Column(Decimal(10), "L", "7", "t"),
        ),
    ],
)
def test_columns(said: Any, kept: Column | None) -> None:
    assert read_item({"lineItem": said}, frozenset()).column == kept


@given(st.lists(JSON | st.dictionaries(MEMBERS, JSON), max_size=3))
def test_any_items_are_read_or_refused(items: list[Any]) -> None:
    code, read = "", None
    try:
        read = answer(*items)
    except Refused as refusal:
        code = refusal.code
    assert (read is None) == (code in ("CONTENT_ITEMS", "CONTENT_TYPE", "CONTENT_URL"))
    assert read is None or len(read.items) == len(items)


@given(st.dictionaries(MEMBERS, JSON))
def test_any_item_is_read_or_a_fault(item: dict[str, Any]) -> None:
    code, chosen = "", None
    try:
        chosen = read_item(item, frozenset({"tool.example"}))
    except Fault as fault:
        code = fault.code
    assert (chosen is None) == (code in ("CONTENT_ITEMS", "CONTENT_URL"))
    assert chosen is None or chosen.url == "" or "tool.example" in chosen.url
    assert chosen is None or chosen.column is None or chosen.column.maximum > 0
