"""Content-Item Selection 1.0 as the tool: what an LMS on LTI 1.x asks for, and the signed form that answers it.

Content-Item Message 1.0 §3. The request is a launch: `launch11` proves it first, with `CONTENT_ITEM_SELECTION` among
the message types.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType

import orjson

from tenants.lti.wire import oauth1
from tenants.lti.wire.ags import plain
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.deeplink import DEEP_LINKING_STEPS, check_staff
from tenants.lti.wire.launch11 import LAUNCH11_STEPS, VERSION, Consumer, Launch11
from tenants.lti.wire.selection import MESSAGE_LIMIT, Offer, Picked, check_count, dropped, return_fault, truth
from tenants.lti.wire.text import clean, shown

RESPONSE = "ContentItemSelection"
MEDIA_TYPE = "application/vnd.ims.lti.v1.ltilink"
CONTEXT = "http://purl.imsglobal.org/ctx/lti/v1/ContentItem"

_OF_A_LAUNCH = frozenset({"email", "name", "available", "person", "enrolment", "scores"})
CONTENT_ITEM_STEPS: Mapping[str, str] = MappingProxyType(
    {name: title for name, title in LAUNCH11_STEPS.items() if name not in _OF_A_LAUNCH}
    | {name: DEEP_LINKING_STEPS[name] for name in ("staff", "return", "types", "person", "answered")}
)


def check_offer(checks: Checklist, launch: Launch11) -> Offer:
    """Steps "staff", "return" and "types"; what may be picked, or `Refused`."""
    check_staff(checks, is_staff=launch.is_staff_there, roles=launch.roles.known)
    values = launch.raw
    address = values.get("content_item_return_url", "")
    fault = return_fault(address, (launch.return_url,))
    checks.require(
        "return",
        not fault,
        "LTI_PICK_RETURN",
        seen=fault or shown(address),
        wanted="content_item_return_url, an address",
    )
    types = _words(values, "accept_media_types")
    checks.require(
        "types",
        any(fnmatchcase(MEDIA_TYPE, pattern.partition(";")[0].strip()) for pattern in types),
        "LTI_PICK_TYPES",
        seen=", ".join(types) or "none",
        wanted=MEDIA_TYPE,
    )
    return Offer(
        address,
        truth(values.get("accept_multiple")),
        truth(values.get("accept_lineitem")),
        _words(values, "accept_presentation_document_targets"),
        clean(values.get("title")),
        clean(values.get("text"), 2000),
        values.get("data"),
    )


def content_items(items: Sequence[Picked], offer: Offer) -> str:
    """The JSON-LD of the choice (Content-Item Message 1.0 §3.2)."""
    return orjson.dumps({"@context": CONTEXT, "@graph": [_item(item, offer) for item in items]}).decode()


def response_form(  # noqa: PLR0913 -- the parts of the answer
    offer: Offer,
    consumer: Consumer,
    items: Sequence[Picked],
    *,
    nonce: str,
    timestamp: int,
    message: str = "",
    log: str = "",
    error: str = "",
    error_log: str = "",
) -> oauth1.Pairs:
    """Every field the browser posts to the return address, signed with the key's current secret.

    `Refused` LTI_PICK_SINGLE for too many items; none means the teacher cancelled.
    """
    check_count(offer, items)
    texts = {"lti_msg": message, "lti_log": log, "lti_errormsg": error, "lti_errorlog": error_log}
    fields = [
        ("lti_message_type", RESPONSE),
        ("lti_version", VERSION),
        ("content_items", content_items(items, offer)),
        *((name, clean(text, MESSAGE_LIMIT)) for name, text in texts.items() if text),
    ]
    if offer.data is not None:
        fields.append(("data", offer.data))
    return oauth1.sign_form(
        offer.return_url, fields, key=consumer.key, secret=consumer.secrets[0], nonce=nonce, timestamp=timestamp
    )


def _item(item: Picked, offer: Offer) -> dict[str, object]:
    column: dict[str, object] = {}
    if offer.grade_columns and item.maximum is not None:
        maximum = orjson.Fragment(plain(item.maximum))
        column = {
            "@type": "LineItem",
            "label": item.shown_title,
            "reportingMethod": "http://purl.imsglobal.org/ctx/lis/v2p1/Result#totalScore",
            "assignedActivity": dropped({"activityId": item.resource_id}),
            "scoreConstraints": {"@type": "NumericLimits", "normalMaximum": maximum, "totalMaximum": maximum},
        }
    return dropped(
        {
            "@type": "LtiLinkItem",
            "mediaType": MEDIA_TYPE,
            "url": item.url,
            "title": item.shown_title,
            "text": item.shown_text,
            "icon": {"@id": item.icon} if item.icon else {},
            "custom": dict(item.custom),
            "lineItem": dropped(column),
            "placementAdvice": {"presentationDocumentTarget": "window" if offer.new_window(item) else "iframe"},
        }
    )


def _words(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(text for text in map(clean, values.get(name, "").split(",")[:100]) if text)
