"""Dynamic registration as the tool: one link pasted into the other LMS, and both sides know each other.

LTI Dynamic Registration 1.0 §3; RFC 7591 §2 and §3.2; OpenID Connect Discovery §3. What comes back waits for our
admin's approval.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit

import orjson

from saas.problems import Refused
from tenants.lti.wire.answers import spoken
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.claims import MAX_ENTRIES, mapping
from tenants.lti.wire.jws import RSA_ALGORITHMS
from tenants.lti.wire.params import read_once
from tenants.lti.wire.redact import excerpt
from tenants.lti.wire.selection import dropped
from tenants.lti.wire.text import URL_LIMIT, clean, identifier, identifier_fault, shown, split_url, web_url

TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
MAX_TOKEN = 8192
LIMITS = {"openid_configuration": URL_LIMIT, "registration_token": MAX_TOKEN}

REGISTRATION_STEPS: Mapping[str, str] = MappingProxyType(
    {
        "link": "The registration link is ours, fresh and unused",
        "parameters": "The platform says where it describes itself",
        "fetched": "Its description can be read",
        "issuer": "It speaks for itself alone",
        "endpoints": "It names every address we need",
        "signing": "It signs in a way we take",
        "unknown": "It is not registered here yet",
        "answer": "It has registered us",
    }
)
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint")


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the platform calls our link with. The token, if any, goes back to it once and is kept nowhere."""

    openid_configuration: str
    registration_token: str = field(default="", repr=False)

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]], checks: Checklist, schemes: Collection[str] = ("https",)) -> Self:
        """Step "parameters". Raises `Refused` LTI13_REG_PARAM; ``schemes`` has http in it in test mode alone."""
        values, faults = read_once(pairs, LIMITS)
        url = values.get("openid_configuration", "")
        if not url:
            faults.append("openid_configuration: missing")
        elif not web_url(url) or urlsplit(url).scheme not in schemes:
            faults.append("openid_configuration: no https address")
        token = values.get("registration_token", "")
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            faults.append("registration_token: no token")
        checks.require(
            "parameters",
            not faults,
            "LTI13_REG_PARAM",
            seen="; ".join(faults) or url,
            wanted="openid_configuration, an https address",
        )
        return cls(**values)


@dataclass(frozen=True, slots=True)
class PlatformDescription:
    """A platform in its own words. ``token_audience`` is empty where it is the token address, as usual."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    registration_endpoint: str
    algorithms: frozenset[str]
    scopes: frozenset[str]
    token_audience: str = ""
    product_family_code: str = ""
    version: str = ""
    messages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """A kind of launch we offer; ``placements`` are where we would like to be found, heeded as the platform likes."""

    type: str
    target_link_uri: str = ""
    label: str = ""
    placements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolDescription:
    """What we tell of ourselves, for one academy."""

    name: str
    description: str
    domain: str
    login_url: str
    redirect_urls: tuple[str, ...]
    jwks_url: str
    target_link_uri: str
    logo_url: str = ""
    home_url: str = ""
    policy_url: str = ""
    terms_url: str = ""
    contacts: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    claims: tuple[str, ...] = ("iss", "sub", "name", "given_name", "family_name", "email", "locale")
    messages: tuple[Message, ...] = ()
    custom: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Registered:
    """What the platform made of it. ``deployment_id`` empty: its admin deploys us first, and we wait for the id."""

    client_id: str
    deployment_id: str = ""
    scopes: frozenset[str] = frozenset()


def read_configuration(
    checks: Checklist, status: int, body: bytes, url: str, schemes: Collection[str] = ("https",)
) -> PlatformDescription:
    """Steps "fetched" to "signing" on what was fetched from ``url``; `Refused` LTI13_REG_CONFIGURATION and others."""
    document = _object(body)
    if not 200 <= status <= 299 or document is None:
        seen = f"{status} {excerpt(body)}".strip()
        checks.refuse("fetched", "LTI13_REG_CONFIGURATION", seen=seen, wanted="an OpenID configuration as JSON")
    checks.note("fetched", url)
    issuer = document.get("issuer")
    fault = identifier_fault(issuer)
    if not isinstance(issuer, str) or fault or _host(issuer) != _host(url):
        wanted = f"an issuer on {_host(url)}, where its description is"
        checks.refuse("issuer", "LTI13_REG_ISSUER", seen=fault or shown(issuer), wanted=wanted)
    checks.note("issuer", issuer)
    faults = [
        f"{name}: {shown(document.get(name), 80)}"
        for name in _ENDPOINTS
        if not (address := web_url(document.get(name))) or urlsplit(address).scheme not in schemes
    ]
    checks.require(
        "endpoints", not faults, "LTI13_REG_ENDPOINT", seen="; ".join(faults) or "all", wanted=", ".join(_ENDPOINTS)
    )
    offered = _texts(document.get("id_token_signing_alg_values_supported")) or ("RS256",)
    algorithms = RSA_ALGORITHMS.intersection(offered)
    checks.require(
        "signing",
        algorithms,
        "LTI13_REG_ALG",
        seen=", ".join(offered),
        wanted=", ".join(sorted(RSA_ALGORITHMS)),
    )
    product = mapping(document, PLATFORM_CONFIGURATION)
    return PlatformDescription(
        issuer=issuer,
        authorization_endpoint=web_url(document.get("authorization_endpoint")),
        token_endpoint=web_url(document.get("token_endpoint")),
        jwks_uri=web_url(document.get("jwks_uri")),
        registration_endpoint=web_url(document.get("registration_endpoint")),
        algorithms=algorithms,
        scopes=frozenset(_texts(document.get("scopes_supported"))),
        token_audience=_audience(document),
        product_family_code=clean(product.get("product_family_code")).lower(),
        version=clean(product.get("version")),
        messages=_messages(product.get("messages_supported")),
    )


def registration_request(tool: ToolDescription, platform: PlatformDescription) -> bytes:
    """The document to post (LTI Dynamic Registration 1.0 §3.5): only what the platform says it can do, nothing empty.

    A platform that lists no scopes or no messages is offered all of ours.
    """
    scopes = [scope for scope in tool.scopes if not platform.scopes or scope in platform.scopes]
    messages = [message for message in tool.messages if not platform.messages or message.type in platform.messages]
    return orjson.dumps(
        dropped(
            {
                "application_type": "web",
                "response_types": ["id_token"],
                "grant_types": ["implicit", "client_credentials"],
                "initiate_login_uri": tool.login_url,
                "redirect_uris": list(tool.redirect_urls),
                "client_name": tool.name,
                "jwks_uri": tool.jwks_url,
                "logo_uri": tool.logo_url,
                "client_uri": tool.home_url,
                "policy_uri": tool.policy_url,
                "tos_uri": tool.terms_url,
                "token_endpoint_auth_method": "private_key_jwt",
                "contacts": list(tool.contacts),
                "scope": " ".join(scopes),
                TOOL_CONFIGURATION: dropped(
                    {
                        "domain": tool.domain,
                        "description": tool.description,
                        "target_link_uri": tool.target_link_uri,
                        "custom_parameters": dict(tool.custom),
                        "claims": list(tool.claims),
                        "messages": [_message(message, platform) for message in messages],
                    }
                ),
            }
        )
    )


def read_registered(checks: Checklist, status: int, body: bytes) -> Registered:
    """Step "answer" (RFC 7591 §3.2). Raises `Refused` LTI13_REG_REFUSED with the platform's words."""
    document = _object(body) if 200 <= status <= 299 else None
    client_id = identifier(document.get("client_id")) if document is not None else ""
    if document is None or not client_id:
        checks.refuse(
            "answer", "LTI13_REG_REFUSED", seen=f"{status} {spoken(body)}".strip(), wanted="a client_id as JSON"
        )
    checks.note("answer", client_id)
    tool = mapping(document, TOOL_CONFIGURATION)
    deployment = identifier(tool.get("deployment_id")) or identifier(document.get("deployment_id"))
    return Registered(client_id, deployment, frozenset(clean(document.get("scope"), 4000).split()))


def conflict(issuer: str, client_id: str) -> Refused:
    """The refusal for a platform that is registered here already under this very client id."""
    return Refused("LTI13_REG_CONFLICT", seen=f"{issuer}, client {client_id}", wanted="a platform not registered yet")


def _message(message: Message, platform: PlatformDescription) -> dict[str, object]:
    there = platform.messages.get(message.type, ())
    return dropped(
        {
            "type": message.type,
            "target_link_uri": message.target_link_uri,
            "label": message.label,
            "placements": [place for place in message.placements if place in there],
        }
    )


def _messages(value: object) -> Mapping[str, tuple[str, ...]]:
    """Kinds of launch and their placements; some platforms list plain names."""
    found = {}
    for entry in value[:MAX_ENTRIES] if isinstance(value, list) else ():
        kind = clean(entry.get("type") if isinstance(entry, dict) else entry)
        if kind:
            found[kind] = _texts(entry.get("placements")) if isinstance(entry, dict) else ()
    return MappingProxyType(found)


def _audience(document: Mapping[str, object]) -> str:
    """``authorization_server`` (LTI Dynamic Registration 1.0 §2.1.1), where the token address is not the audience."""
    audience = identifier(document.get("authorization_server"))
    return "" if audience == document.get("token_endpoint") else audience


def _object(body: bytes) -> Mapping[str, object] | None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _texts(value: object) -> tuple[str, ...]:
    listed = value[:MAX_ENTRIES] if isinstance(value, list) else clean(value, 4000).split()
    return tuple(text for text in map(clean, listed) if text)


def _host(url: str) -> str:
    parts = split_url(url)
    return (parts.hostname or "").lower() if parts else ""
