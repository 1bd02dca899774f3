"""Deep Linking 2.0 as the platform: what we ask a tool for, and what decides whether its answer is believed.

Deep Linking 2.0 §3 and §4, LTI Security Framework 1.0 §5.2. The caller finds its request and fetches the tool's key; in
between it calls, on one checklist: `AnswerForm.read`, `jws.read`, `jws.check_header`, `check_issuer`,
`jwks.check_signature`, `check_claims`, `read_answer`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self

from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.claims import CLAIM
from tenants.lti.wire.dates import check_dates
from tenants.lti.wire.deeplink import DL_CLAIM, FORM_FIELD, RESOURCE_LINK_ITEM, RESPONSE
from tenants.lti.wire.deeplink_items import Chosen, Fault, read_item
from tenants.lti.wire.jws import MAX_TOKEN
from tenants.lti.wire.launch13 import VERSION
from tenants.lti.wire.params import read_once
from tenants.lti.wire.text import clean, identifier_fault, shown

ACCEPTED_TYPES = (RESOURCE_LINK_ITEM,)
LEEWAY = 60
"""Seconds two clocks may differ."""
MAX_AGE = 3600
"""Seconds an answer is good at most, whatever its own expiry: Hypothesis makes them for an hour."""
MOST_ITEMS = 100
MOST_AUDIENCES = 20
WORDS_LIMIT = 500

ANSWER_STEPS: Mapping[str, str] = MappingProxyType(
    {
        "parameters": "The answer brings one token",
        "request": "We asked for this choice, and it is answered once",
        "person": "It is the person who asked",
        "tool": "The tool is switched on",
        "format": "The token is a signed JWT",
        "algorithm": "The signature algorithm is allowed",
        "kid": "The token names its key",
        "issuer": "The token comes from the tool we asked",
        "key": "The tool has published that key",
        "signature": "The signature is genuine",
        "audience": "The token is meant for us",
        "dates": "The token carries its dates",
        "expiry": "The token has not expired",
        "start": "The token is valid already",
        "age": "The token is fresh",
        "deployment": "The deployment is the one we asked",
        "version": "It is LTI 1.3",
        "message_type": "It is the answer to a choice of content",
        "data": "It brings back what we sent along",
        "nonce": "It comes for the first time",
        "items": "What was chosen can be used",
    }
)


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """What the browser posts from the tool."""

    token: str = field(repr=False)

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]], checks: Checklist) -> Self:
        """Step "parameters". Raises `Refused` CONTENT_PARAM."""
        values, faults = read_once(pairs, {FORM_FIELD: MAX_TOKEN})
        token = values.get(FORM_FIELD, "")
        checks.require(
            "parameters",
            token and not faults,
            "CONTENT_PARAM",
            seen="; ".join(faults) or (f"{len(token)} characters" if token else "none"),
            wanted=FORM_FIELD,
        )
        return cls(token)


@dataclass(frozen=True, slots=True)
class Question:
    """What we asked, of whom. ``is_ours`` knows the data we sent along; ``domains`` are the tool's hosts."""

    issuer: str
    client_id: str
    deployment_id: str
    is_ours: Callable[[str], bool]
    several: bool
    domains: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A choice that can be used; no item: nothing was chosen. The words are the tool's, fit to show as text."""

    items: tuple[Chosen, ...]
    message: str = ""
    log: str = ""
    error: str = ""
    error_log: str = ""


def settings_claim(*, return_url: str, data: str, several: bool, title: str = "", text: str = "") -> dict[str, object]:
    """``deep_linking_settings`` of our request (Deep Linking 2.0 §4.4.1). What is chosen is kept without asking again.

    Other kinds of content are not offered: there is nothing here to show a stranger's HTML or file with.
    """
    claim = {
        "deep_link_return_url": return_url,
        "accept_types": list(ACCEPTED_TYPES),
        "accept_presentation_document_targets": ["iframe", "window"],
        "accept_multiple": several,
        "accept_lineitem": True,
        "auto_create": True,
        "title": clean(title),
        "text": clean(text, 2000),
        "data": data,
    }
    return {name: value for name, value in claim.items() if value != ""}


def check_issuer(checks: Checklist, claims: Mapping[str, object], client_id: str) -> None:
    """Step "issuer", before any key is fetched: a tool signs as the client we gave it."""
    issuer = claims.get("iss")
    checks.require("issuer", issuer == client_id, "CONTENT_ISSUER", seen=shown(issuer), wanted=client_id)


def check_claims(checks: Checklist, claims: Mapping[str, object], question: Question, now: datetime) -> str:
    """Steps "audience" to "data" on a token whose signature is proven; its nonce, which the caller takes once.

    Raises `Refused` CONTENT_AUD, CONTENT_DEPLOYMENT, CONTENT_KIND, CONTENT_DATA, CONTENT_NONCE or one of `check_dates`.
    """
    audience = claims.get("aud")
    listed = audience[:MOST_AUDIENCES] if isinstance(audience, list) else [audience]
    checks.require("audience", question.issuer in listed, "CONTENT_AUD", seen=shown(audience), wanted=question.issuer)
    check_dates(checks, claims, now.timestamp(), leeway=LEEWAY, max_age=MAX_AGE)
    for step, name, wanted, code in (
        ("deployment", "deployment_id", question.deployment_id, "CONTENT_DEPLOYMENT"),
        ("version", "version", VERSION, "CONTENT_KIND"),
        ("message_type", "message_type", RESPONSE, "CONTENT_KIND"),
    ):
        said = claims.get(CLAIM + name)
        checks.require(step, said == wanted, code, seen=shown(said), wanted=wanted)
    data = claims.get(DL_CLAIM + "data")
    ours = isinstance(data, str) and question.is_ours(data)
    checks.require(
        "data", ours, "CONTENT_DATA", seen="ours" if ours else "another one" if data else "none", wanted="ours"
    )
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or identifier_fault(nonce):
        checks.refuse("nonce", "CONTENT_NONCE", seen=identifier_fault(nonce), wanted="text of 1 to 255 characters")
    return nonce


def read_answer(checks: Checklist, claims: Mapping[str, object], question: Question) -> Answer:
    """Step "items". None at all, or no list, is somebody who chose nothing (§4.5).

    Raises `Refused` CONTENT_ITEMS, CONTENT_TYPE, CONTENT_SINGLE or CONTENT_URL.
    """
    named = {name.strip(): value for name, value in claims.items()}
    listed = named.get(DL_CLAIM + "content_items")
    items = [] if listed is None else listed
    if not isinstance(items, list) or len(items) > MOST_ITEMS:
        seen = f"{len(items)} items" if isinstance(items, list) else shown(items)
        checks.refuse("items", "CONTENT_ITEMS", seen=seen, wanted=f"a list of at most {MOST_ITEMS}")
    chosen = tuple(_item(checks, item, question) for item in items)
    if len(chosen) > 1 and not question.several:
        checks.refuse("items", "CONTENT_SINGLE", seen=f"{len(chosen)} items", wanted="one")
    checks.note("items", f"{len(chosen)} items")
    words = {name: clean(named.get(DL_CLAIM + name), WORDS_LIMIT) for name in ("msg", "log", "errormsg", "errorlog")}
    return Answer(chosen, words["msg"], words["log"], words["errormsg"], words["errorlog"])


def _item(checks: Checklist, item: Any, question: Question) -> Chosen:
    kind = item.get("type") if isinstance(item, dict) else None
    if isinstance(item, dict) and kind not in ACCEPTED_TYPES:
        checks.refuse("items", "CONTENT_TYPE", seen=shown(kind, 80), wanted=", ".join(ACCEPTED_TYPES))
    try:
        return read_item(item, question.domains)
    except Fault as fault:
        checks.refuse("items", fault.code, seen=fault.seen, wanted=fault.wanted)
