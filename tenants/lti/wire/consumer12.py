"""A launch of LTI 1.x as its consumer writes it: every parameter, in the form a browser posts (LTI 1.1.1 §3 and §6).

What is sold as 1.2 says ``LTI-1p0``. Optional parameters without a value are left out: tools disagree on blanks.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from saas.problems import Refused
from tenants.lti.wire import oauth1
from tenants.lti.wire.custom_rows import PREFIX, wire_name
from tenants.lti.wire.occasion import CONTEXT_TYPE, PRODUCT, PRODUCT_VERSION, Occasion
from tenants.lti.wire.shares import Share
from tenants.lti.wire.substitution import substituted

MESSAGE_TYPE = "basic-lti-launch-request"
VERSION = "LTI-1p0"
_BREAK = re.compile(r"\r\n|\r|\n")
#: What a launch says of people, roles, places and itself: only ever by us.
OURS = frozenset({"user_id", "user_image", "roles", "role_scope_mentor"})
OURS_PREFIXES = ("lis_", "lti_", "oauth_", "context_", "resource_link_", "tool_consumer_", "launch_presentation_")


def parameters(
    occasion: Occasion, shares: Iterable[Share], *, outcome_url: str = "", sourcedid: str = ""
) -> dict[str, str]:
    """All but the signature; ``outcome_url`` and ``sourcedid`` only where results are taken. Line breaks are CRLF, as
    browsers send them: the signature must be over what arrives.
    """
    shares = tuple(shares)
    sends_name, sends_email = Share.NAME in shares, Share.EMAIL in shares
    fields = {
        "lti_message_type": MESSAGE_TYPE,
        "lti_version": VERSION,
        "resource_link_id": occasion.link_id,
        "resource_link_title": occasion.link_title,
        "resource_link_description": occasion.link_description,
        "user_id": occasion.sub,
        "roles": occasion.role,
        "context_id": occasion.course_id,
        "context_label": occasion.course_title,
        "context_title": occasion.course_title,
        "context_type": CONTEXT_TYPE,
        "lis_person_name_given": occasion.given_name if sends_name else "",
        "lis_person_name_family": occasion.family_name if sends_name else "",
        "lis_person_name_full": occasion.full_name if sends_name else "",
        "lis_person_contact_email_primary": occasion.email if sends_email else "",
        "lis_course_section_sourcedid": occasion.course_id,
        "launch_presentation_locale": occasion.locale,
        "launch_presentation_document_target": occasion.document_target,
        "launch_presentation_return_url": occasion.return_url,
        "tool_consumer_info_product_family_code": PRODUCT,
        "tool_consumer_info_version": PRODUCT_VERSION,
        "tool_consumer_instance_guid": occasion.platform_guid,
        "tool_consumer_instance_name": occasion.platform_name,
        "tool_consumer_instance_url": occasion.platform_url,
        "lis_outcome_service_url": outcome_url if sourcedid else "",
        "lis_result_sourcedid": sourcedid if outcome_url else "",
        **custom_fields(substituted(occasion, shares)),
    }
    return {name: _BREAK.sub("\r\n", value) for name, value in fields.items() if value.strip()}


def custom_fields(custom: Mapping[str, str]) -> dict[str, str]:
    """``custom_`` names in lower case with ``_`` for every odd character (LTI 1.1.1 §3), and as written where that
    differs: tools look for either.
    """
    tidy = {PREFIX + wire_name(name): value for name, value in custom.items()}
    return tidy | {PREFIX + name: value for name, value in custom.items() if PREFIX + name not in tidy}


def query_fault(url: str) -> str:
    """Why a launch URL's query cannot be signed, in words; empty when it can.

    It would be said in our name, and instead of what we say: whoever writes it would be anybody in the tool.
    """
    try:
        names = [name for name, _value in oauth1.read_pairs(urlsplit(url).query)]
    except ValueError:
        return "The part behind the ? cannot be read"
    for name in names:
        known_as = wire_name(name.strip())  # servers fold names, too: PHP takes "user.id" for "user_id"
        if known_as in OURS or known_as.startswith(OURS_PREFIXES):
            return f"It must not say “{name[:40]}” behind the ?: that is sent with every launch"
    return ""


def signed(url: str, fields: Mapping[str, str], *, key: str, secret: str, nonce: str, timestamp: int) -> oauth1.Pairs:
    """The form to post to ``url``. What its query says is signed as part of the address, and not said again.

    Raises `Refused` LTI_LINK_INCOMPLETE where the query says what is ours to say (`query_fault`).
    """
    if fault := query_fault(url):
        raise Refused("LTI_LINK_INCOMPLETE", seen=fault, wanted="a launch URL that says nothing in our name")
    query = {name for name, _ in oauth1.read_pairs(urlsplit(url).query)}
    own = [(name, value) for name, value in fields.items() if name not in query]
    return oauth1.sign_form(url, own, key=key, secret=secret, nonce=nonce, timestamp=timestamp)
