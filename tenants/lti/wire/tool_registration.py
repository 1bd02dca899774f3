"""Dynamic registration as the platform: what we say of ourselves, and what a tool says of itself.

LTI Dynamic Registration 1.0 §2 and §3; OpenID Connect Discovery §3; RFC 7591 §2 and §3.2; RFC 7592 §2. What a tool
says waits for our admin's approval.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urlsplit

import orjson

from saas.problems import Refused
from tenants.lti.wire.claims import MAX_ENTRIES, mapping
from tenants.lti.wire.custom_rows import read_map
from tenants.lti.wire.dynamic_registration import PLATFORM_CONFIGURATION, TOOL_CONFIGURATION
from tenants.lti.wire.jws import SUPPORTED
from tenants.lti.wire.launch13 import DEEP_LINKING_REQUEST, RESOURCE_LINK_REQUEST, SUBMISSION_REVIEW_REQUEST
from tenants.lti.wire.selection import dropped
from tenants.lti.wire.text import clean, shown, split_url, web_url

MAX_DOCUMENT = 128 * 1024
NAME_LIMIT = 200
MAX_REDIRECTS = 20
VERSION = "1.0"
AUTH_METHOD = "private_key_jwt"
MESSAGES = (RESOURCE_LINK_REQUEST, DEEP_LINKING_REQUEST, SUBMISSION_REVIEW_REQUEST)
NAME_CLAIMS = ("name", "given_name", "family_name")
CLAIMS = ("iss", "sub", *NAME_CLAIMS, "email", "locale")
_REQUIRED = (
    "response_types",
    "initiate_login_uri",
    "redirect_uris",
    "client_name",
    "jwks_uri",
    "token_endpoint_auth_method",
    TOOL_CONFIGURATION,
)
_REQUIRED_OF_TOOL = ("domain", "target_link_uri")
#: RFC 7591 §3.2.2 and RFC 6750 §3.1; any other refusal is about the metadata.
_ERRORS = {"LTI13_TOOL_REG_REDIRECT": "invalid_redirect_uri", "LTI13_TOOL_REG_TOKEN": "invalid_token"}

#: ``address -> fault``: why an address cannot be used, in words; empty when it can.
AddressFault = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class PlatformSelf:
    """Our addresses, and what can be asked of us."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    registration_endpoint: str
    scopes: tuple[str, ...]
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolRegistration:
    """A tool in its own words. ``scopes`` and ``claims`` are what it asks for, known here or not."""

    name: str
    login_url: str
    redirect_urls: tuple[str, ...]
    jwks_url: str
    target_url: str
    domain: str
    deep_link_url: str = ""
    icon_url: str = ""
    custom: tuple[tuple[str, str], ...] = ()
    scopes: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    @property
    def wants_name(self) -> bool:
        return not {*NAME_CLAIMS}.isdisjoint(self.claims)

    @property
    def wants_email(self) -> bool:
        return "email" in self.claims


@dataclass(frozen=True, slots=True)
class Granted:
    """What became of a registration. ``token`` opens ``client_url`` for reading and changing (RFC 7592 §3)."""

    tool: ToolRegistration
    client_id: str
    deployment_id: str
    scopes: tuple[str, ...]
    client_url: str
    token: str = field(repr=False)


def configuration(own: PlatformSelf) -> dict[str, object]:
    """The OpenID configuration (LTI Dynamic Registration 1.0 §2.1)."""
    return {
        "issuer": own.issuer,
        "authorization_endpoint": own.authorization_endpoint,
        "token_endpoint": own.token_endpoint,
        "token_endpoint_auth_methods_supported": [AUTH_METHOD],
        "token_endpoint_auth_signing_alg_values_supported": sorted(SUPPORTED, key=lambda alg: (alg != "RS256", alg)),
        "jwks_uri": own.jwks_uri,
        "registration_endpoint": own.registration_endpoint,
        "scopes_supported": ["openid", *own.scopes],
        "response_types_supported": ["id_token"],
        "response_modes_supported": ["form_post"],
        "grant_types_supported": ["implicit", "client_credentials"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": list(CLAIMS),
        PLATFORM_CONFIGURATION: {
            "product_family_code": "lyceum",
            "version": VERSION,
            "messages_supported": [
                {"type": RESOURCE_LINK_REQUEST},
                {"type": DEEP_LINKING_REQUEST, "placements": ["ContentArea"]},
                {"type": SUBMISSION_REVIEW_REQUEST},
            ],
            "variables": list(own.variables),
        },
    }


def read_registration(body: bytes, address_fault: AddressFault) -> ToolRegistration:
    """What a tool posted; `Refused` with a code of LTI13_TOOL_REG_…, ``seen`` naming the member."""
    document = _object(body)
    tool: Mapping[str, Any] = mapping(document, TOOL_CONFIGURATION)
    _check_needed(document, tool)
    _check_manner(document)
    for name in ("initiate_login_uri", "jwks_uri"):
        _check_address(name, document[name], address_fault)
    _check_address("target_link_uri", tool["target_link_uri"], address_fault)
    messages = _messages(tool.get("messages"))
    deep_link_url = _deep_link_url(tool, messages)
    if deep_link_url:
        _check_address("target_link_uri of the deep-linking message", deep_link_url, address_fault)
    domain = _domain(tool["domain"])
    for url in filter(None, (tool["target_link_uri"], deep_link_url)):
        if not _is_within(url, domain):
            raise Refused("LTI13_TOOL_REG_DOMAIN", seen=shown(url), wanted=f"an address on {domain}")
    icon = web_url(document.get("logo_uri"))
    return ToolRegistration(
        name=clean(document["client_name"], NAME_LIMIT),
        login_url=document["initiate_login_uri"],
        redirect_urls=_redirects(document["redirect_uris"], address_fault),
        jwks_url=document["jwks_uri"],
        target_url=tool["target_link_uri"],
        domain=domain,
        deep_link_url=deep_link_url,
        icon_url=icon if icon and not address_fault(icon) else "",
        custom=_custom(tool.get("custom_parameters")),
        scopes=texts(document.get("scope")),
        claims=texts(tool.get("claims")),
        messages=tuple(kind for kind, _url in messages),
    )


def registration_answer(granted: Granted) -> dict[str, object]:
    """What was granted, which may be less than asked for (RFC 7591 §3.2.1)."""
    tool = granted.tool
    messages = [
        dropped({"type": kind, "target_link_uri": tool.deep_link_url if kind == DEEP_LINKING_REQUEST else ""})
        for kind in tool.messages
        if kind in MESSAGES
    ]
    return {
        **dropped(
            {
                "client_id": granted.client_id,
                "registration_client_uri": granted.client_url,
                "registration_access_token": granted.token,
                "application_type": "web",
                "response_types": ["id_token"],
                "grant_types": ["implicit", "client_credentials"],
                "initiate_login_uri": tool.login_url,
                "redirect_uris": list(tool.redirect_urls),
                "client_name": tool.name,
                "jwks_uri": tool.jwks_url,
                "logo_uri": tool.icon_url,
                "token_endpoint_auth_method": AUTH_METHOD,
            }
        ),
        "scope": " ".join(granted.scopes),
        TOOL_CONFIGURATION: {
            **dropped(
                {"domain": tool.domain, "target_link_uri": tool.target_url, "custom_parameters": dict(tool.custom)}
            ),
            "version": VERSION,
            "deployment_id": granted.deployment_id,
            "claims": [claim for claim in tool.claims if claim in CLAIMS],
            "messages": messages,
        },
    }


def error_answer(code: str, title: str, seen: str, wanted: str) -> dict[str, str]:
    """RFC 7591 §3.2.2, with our own code for support."""
    said = ", ".join(filter(None, (seen and f"seen: {seen}", wanted and f"wanted: {wanted}")))
    description = f"{title}; {said}" if said else title
    return {"error": _ERRORS.get(code, "invalid_client_metadata"), "error_description": description, "code": code}


def texts(value: object) -> tuple[str, ...]:
    """A list of words, or words with spaces between them; each once."""
    listed = value[:MAX_ENTRIES] if isinstance(value, list) else clean(value, 4000).split()
    return tuple(dict.fromkeys(text for text in map(clean, listed) if text))


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_DOCUMENT:
        raise Refused("LTI13_TOOL_REG_DOCUMENT", seen=f"{len(body)} bytes", wanted=f"at most {MAX_DOCUMENT}")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused("LTI13_TOOL_REG_DOCUMENT", seen="not JSON", wanted="a JSON object") from None
    if not isinstance(document, dict):
        raise Refused("LTI13_TOOL_REG_DOCUMENT", seen="JSON, but not an object", wanted="a JSON object")
    return document


def _check_needed(document: Mapping[str, object], tool: Mapping[str, object]) -> None:
    missing = [name for name in _REQUIRED if document.get(name) in (None, "", {})]
    if TOOL_CONFIGURATION not in missing:
        missing += [name for name in _REQUIRED_OF_TOOL if tool.get(name) in (None, "")]
    if not missing and not clean(document["client_name"]):
        missing.append("client_name")
    if missing:
        _refuse_member(", ".join(f"{name}: missing" for name in missing))


def _check_manner(document: Mapping[str, object]) -> None:
    """Only the one flow there is (LTI Dynamic Registration 1.0 §3.5.1)."""
    kind = document.get("application_type")
    if kind not in (None, "web"):
        _refuse_member(f"application_type: {shown(kind, 80)}", "web")
    responses = document["response_types"]
    if not isinstance(responses, list) or "id_token" not in responses:
        raise Refused("LTI13_TOOL_REG_RESPONSE_TYPE", seen=shown(responses), wanted='["id_token"]')
    if document["token_endpoint_auth_method"] != AUTH_METHOD:
        raise Refused(
            "LTI13_TOOL_REG_AUTH_METHOD", seen=shown(document["token_endpoint_auth_method"]), wanted=AUTH_METHOD
        )


def _check_address(name: str, value: object, address_fault: AddressFault) -> None:
    fault = address_fault(value) if isinstance(value, str) else "this is not text"
    if fault:
        _refuse_member(f"{name}: {shown(value, 120)}: {fault}", "an https address")


def _redirects(value: object, address_fault: AddressFault) -> tuple[str, ...]:
    wanted = f"a list of 1 to {MAX_REDIRECTS} https addresses"
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_REDIRECTS:
        seen = f"{len(value)} addresses" if isinstance(value, list) else shown(value)
        raise Refused("LTI13_TOOL_REG_REDIRECT", seen=seen, wanted=wanted)
    for url in value:
        fault = address_fault(url) if isinstance(url, str) else "this is not text"
        if fault or "#" in url:
            raise Refused("LTI13_TOOL_REG_REDIRECT", seen=f"{shown(url, 120)}: {fault or 'with a #'}", wanted=wanted)
    return tuple(dict.fromkeys(value))


def _messages(value: object) -> list[tuple[str, object]]:
    """Kinds of launch with their addresses, as far as they are any."""
    listed = value[:MAX_ENTRIES] if isinstance(value, list) else ()
    found = ((clean(each.get("type")), each.get("target_link_uri")) for each in listed if isinstance(each, dict))
    return [(kind, url) for kind, url in found if kind]


def _deep_link_url(tool: Mapping[str, Any], messages: Iterable[tuple[str, object]]) -> Any:
    """Where content is chosen: the message's own address, else the tool's."""
    urls: list[Any] = [url or tool["target_link_uri"] for kind, url in messages if kind == DEEP_LINKING_REQUEST]
    return urls[0] if urls else ""


def _domain(value: object) -> str:
    """A host name, perhaps with a port; tools write whole addresses there, too."""
    text = clean(value).lower()
    parts = split_url(text if "://" in text else f"https://{text}")
    if parts is None:
        raise Refused("LTI13_TOOL_REG_DOMAIN", seen=shown(value), wanted="a host name")
    return parts.netloc


def _is_within(url: str, domain: str) -> bool:
    """On the domain or below it; a port counts where the domain names one."""
    try:
        parts, wanted = urlsplit(url), urlsplit(f"//{domain}")
        if wanted.port is not None and wanted.port != (parts.port or {"http": 80, "https": 443}.get(parts.scheme)):
            return False
    except ValueError:
        return False
    host, name = (parts.hostname or "").rstrip("."), (wanted.hostname or "").rstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _custom(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        return ()
    try:
        return read_map(value)
    except ValueError as odd:
        _refuse_member(f"custom_parameters: {shown(str(odd), 80)} is no text", "texts")


def _refuse_member(seen: str, wanted: str = "") -> NoReturn:
    raise Refused("LTI13_TOOL_REG_MEMBER", seen=shown(seen), wanted=wanted)


def scopes_beyond(asked: Collection[str], granted: Collection[str]) -> list[str]:
    """What the tool asked for and does not get; ``openid`` is no service."""
    return [scope for scope in asked if scope not in granted and scope != "openid"]
