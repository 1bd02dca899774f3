"""What of a logged launch may be shown to people outside the academy: names of what came, technical values, no person.

A value is shown only when its name is listed here; of what a step quotes, the person's own values are taken out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from tenants.lti.wire.checks import Check
from tenants.lti.wire.redact import HIDDEN
from tenants.lti.wire.text import web_url

#: Last parts of names of claims and parameters whose values are about systems.
_TECHNICAL = frozenset(
    {
        "iss", "aud", "azp", "iat", "exp", "nbf", "version", "message_type", "deployment_id", "target_link_uri",
        "roles", "product_family_code", "document_target", "locale", "return_url", "scope", "accept_types",
        "accept_multiple",
        "accept_presentation_document_targets", "auto_create", "client_id", "lti_deployment_id", "type", "errors",
        "lti_message_type", "lti_version", "oauth_consumer_key", "oauth_timestamp", "oauth_version", "oauth_callback",
        "tool_consumer_info_product_family_code", "tool_consumer_info_version", "tool_consumer_instance_guid",
        "launch_presentation_document_target", "launch_presentation_locale", "launch_presentation_return_url",
        "resource_link_id", "context_type", "service_versions", "lti_storage_target",
    }
)  # fmt: skip
#: Objects whose members' ``id`` and ``guid`` name things, not people.
_THINGS = frozenset({"resource_link", "context", "tool_platform"})
#: Objects whose members an LMS names as it likes: a technical name there says nothing.
_FREE = frozenset({"custom", "ext"})
#: Steps that speak of a person: whether they passed is shown, what was seen is not.
_PERSONAL_STEPS = frozenset({"subject", "user", "email", "name", "person", "enrolment", "scores", "claims", "answer"})
_PERSONAL_NAMES = re.compile(
    r"(sub|(given|family|middle|preferred_user)_?name|nickname|email|picture|login_hint|.*user_?id|.*user_?name"
    r"|lis_person_.*|.*person_sourcedid|lis_result_sourcedid)",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[^\s@,;:<>\"'()]+@[^\s@,;:<>\"'()]+")
_SHORTEST = 2  # as names are: Li, Wu
MAX_VALUES = 200


def shared_claims(claims: Mapping[str, object], personal: Sequence[str]) -> dict[str, object]:
    """Every name that came; values only of what is technical. ``personal``: see `personal_values`."""
    return {name: _shown(name, value, personal) for name, value in claims.items()}


def shared_check(check: Check, personal: Sequence[str]) -> Check:
    """The step as outsiders may see it; ``personal`` are the values of `personal_values`."""
    told = check.name not in _PERSONAL_STEPS or (check.passed is False and "missing" in check.seen)
    seen, wanted = (_scrubbed(text, personal) for text in (check.seen, check.wanted))
    return check._replace(seen=seen if told else "", wanted=wanted)


def personal_values(claims: Mapping[str, object], *more: str) -> tuple[str, ...]:
    """What the launch says of the person, longest first, so that a part never hides the whole from us."""
    found = {text for text in (*_personal(claims), *more) if len(text) >= _SHORTEST}
    words = {word for text in found for word in text.split() if len(word) >= _SHORTEST}
    return tuple(sorted(found | words, key=len, reverse=True))[:MAX_VALUES]


def _shown(name: str, value: object, personal: Sequence[str], inside: str = "") -> object:
    last = name.rpartition("/")[2]
    if isinstance(value, dict):
        hidden = last in _FREE
        return {each: HIDDEN if hidden else _shown(each, part, personal, last) for each, part in value.items()}
    is_thing = inside in _THINGS and last in ("id", "guid")
    return _plain(value, personal) if last in _TECHNICAL or is_thing else HIDDEN


def _plain(value: object, personal: Sequence[str]) -> object:
    """Addresses without their query, which may name a person; no object where a value belongs."""
    if isinstance(value, list):
        return [_plain(each, personal) for each in value]
    if isinstance(value, str):
        text = f"{value.partition('?')[0]}?{HIDDEN}" if web_url(value) and "?" in value else value
        return _scrubbed(text, personal)
    return HIDDEN if isinstance(value, dict) else value


def _personal(claims: Mapping[str, object]) -> Iterator[str]:
    """Deeper than the first level, a ``name`` is that of a course or a system."""
    full_name = claims.get("name")
    if isinstance(full_name, str):
        yield full_name
    yield from _named_personal(claims)


def _named_personal(values: Mapping[str, object]) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _named_personal(value)
        elif isinstance(value, str) and _PERSONAL_NAMES.fullmatch(name.rpartition("/")[2]) and value != HIDDEN:
            yield value


def _scrubbed(text: str, personal: Sequence[str]) -> str:
    text = _EMAIL.sub(HIDDEN, text)
    for value in personal:
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", HIDDEN, text, flags=re.IGNORECASE)
    return text
