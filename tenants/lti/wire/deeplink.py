"""Deep Linking 2.0 as the tool: what the platform asks for, and the claims of our signed answer.

Deep Linking 2.0 §3 and §4. The launch's own checks (`launch13.check_claims`) come first, with `DEEP_LINKING_REQUEST`
among the message types; the answer is signed by `jws.sign` and posted as the field `FORM_FIELD`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

import orjson

from tenants.lti.wire.ags import plain, submission_review
from tenants.lti.wire.checks import LAUNCH_STEPS, Checklist
from tenants.lti.wire.claims import CLAIM, MAX_ENTRIES, LaunchClaims, mapping
from tenants.lti.wire.launch13 import VERSION
from tenants.lti.wire.selection import (
    MESSAGE_LIMIT,
    Offer,
    Picked,
    check_count,
    dropped,
    return_fault,
    truth,
)
from tenants.lti.wire.text import clean, shown

DL_CLAIM = "https://purl.imsglobal.org/spec/lti-dl/claim/"
SETTINGS = DL_CLAIM + "deep_linking_settings"
RESPONSE = "LtiDeepLinkingResponse"
RESOURCE_LINK_ITEM = "ltiResourceLink"
FORM_FIELD = "JWT"
LIFETIME = 600
"""Seconds the answer is good: the browser carries it at once, but some LMSs ask their user again first."""
BACKDATE = 5

_BEFORE = ("available", "person", "enrolment", "scores", "target")
DEEP_LINKING_STEPS: Mapping[str, str] = MappingProxyType(
    {name: title for name, title in LAUNCH_STEPS.items() if name not in _BEFORE}
    | {
        "staff": "Someone who builds the course is choosing",
        "return": "We know where the choice goes",
        "types": "The platform takes links to activities",
        "person": LAUNCH_STEPS["person"],
        "answered": "The choice was sent back",
    }
)


class Asked(Protocol):
    """Whom the answer is for; a launch says it."""

    @property
    def issuer(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def deployment_id(self) -> str: ...


def check_offer(checks: Checklist, launch: LaunchClaims, platform_urls: Sequence[str]) -> Offer:
    """Steps "staff", "return" and "types" on a proven deep-linking request; what may be picked, or `Refused`.

    ``platform_urls`` are addresses of the platform as registered, to compare the scheme with.
    """
    check_staff(checks, is_staff=launch.is_staff_there, roles=launch.roles.known)
    settings = mapping(launch.raw, SETTINGS)
    return_url = settings.get("deep_link_return_url")
    address = return_url if isinstance(return_url, str) else ""
    fault = return_fault(address, (launch.issuer, *platform_urls))
    checks.require(
        "return", not fault, "LTI_PICK_RETURN", seen=fault or shown(address), wanted="deep_link_return_url, an address"
    )
    types = _words(settings.get("accept_types"))
    checks.require(
        "types",
        RESOURCE_LINK_ITEM in types,
        "LTI_PICK_TYPES",
        seen=", ".join(types) or "none",
        wanted=RESOURCE_LINK_ITEM,
    )
    data = settings.get("data")
    return Offer(
        address,
        truth(settings.get("accept_multiple")),
        truth(settings.get("accept_lineitem")),
        _words(settings.get("accept_presentation_document_targets")),
        clean(settings.get("title")),
        clean(settings.get("text"), 2000),
        data if isinstance(data, str) else None,
    )


def check_staff(checks: Checklist, *, is_staff: bool, roles: Sequence[str]) -> None:
    """Step "staff": learners choose nothing for a course."""
    checks.require(
        "staff", is_staff, "LTI_PICK_STAFF", seen=", ".join(roles) or "no role", wanted="a teacher's or admin's role"
    )


def content_item(item: Picked, offer: Offer) -> dict[str, object]:
    """One ltiResourceLink (Deep Linking 2.0 §3.1); nothing empty, a line item only where they are accepted."""
    column: dict[str, object] = {}
    if offer.grade_columns and item.maximum is not None:
        column = {
            "label": item.shown_title,
            "scoreMaximum": orjson.Fragment(plain(item.maximum)),
            "resourceId": item.resource_id,
            "tag": item.tag,
            "submissionReview": submission_review(item.url),
        }
    return dropped(
        {
            "type": RESOURCE_LINK_ITEM,
            "url": item.url,
            "title": item.shown_title,
            "text": item.shown_text,
            "icon": {"url": item.icon} if item.icon else {},
            "custom": dict(item.custom),
            "lineItem": dropped(column),
            "window": {"targetName": "_blank"} if offer.new_window(item) else {},
        }
    )


def response_claims(  # noqa: PLR0913 -- the claims of the answer
    asked: Asked,
    offer: Offer,
    items: Sequence[Picked],
    *,
    nonce: str,
    now: datetime,
    message: str = "",
    log: str = "",
    error: str = "",
    error_log: str = "",
) -> dict[str, object]:
    """What we sign (Deep Linking 2.0 §4.5). No item is a choice, too: the teacher cancelled.

    The audience is one text, because some platforms refuse a list. `Refused` LTI_PICK_SINGLE for too many items.
    """
    check_count(offer, items)
    seconds = int(now.timestamp())
    texts = {"msg": message, "log": log, "errormsg": error, "errorlog": error_log}
    claims: dict[str, object] = {
        "iss": asked.client_id,
        "aud": asked.issuer,
        "iat": seconds - BACKDATE,
        "exp": seconds + LIFETIME,
        "nonce": nonce,
        CLAIM + "deployment_id": asked.deployment_id,
        CLAIM + "message_type": RESPONSE,
        CLAIM + "version": VERSION,
        DL_CLAIM + "content_items": [content_item(item, offer) for item in items],
    }
    if offer.data is not None:
        claims[DL_CLAIM + "data"] = offer.data
    return claims | {DL_CLAIM + name: clean(text, MESSAGE_LIMIT) for name, text in texts.items() if text}


def _words(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else value.split(",") if isinstance(value, str) else []
    return tuple(text for text in map(clean, listed[:MAX_ENTRIES]) if text)
