"""The claims of a proven launch, read into one frozen object: tolerant where platforms are odd, never raising.

LTI 1.3 Core §5.3, §5.4 and appendix C; AGS 2.0 §3.1; NRPS 2.0 §3.6.1.1. Absent text is empty.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tenants.lti.wire.roles import Roles
from tenants.lti.wire.text import clean, identifier, web_url

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
AGS_CLAIM = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS_CLAIM = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"

TEXT_LIMIT = 2000
EMAIL_LIMIT = 254
MAX_ENTRIES = 100
_NO_EMAIL = frozenset({"null", "none", "undefined", "nil", "n/a"})
_DOCUMENT_TARGETS = frozenset({"iframe", "window", "frame"})
_EMPTY: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Person:
    """Who came, as far as the platform tells; any part may be empty.

    ``email_verified`` is false only where the platform says so itself (OpenID Connect Core §5.1).
    """

    given_name: str = ""
    family_name: str = ""
    full_name: str = ""
    email: str = ""
    email_verified: bool = True


@dataclass(frozen=True, slots=True)
class Context:
    """A course over there."""

    id: str
    label: str = ""
    title: str = ""
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceLink:
    """The place in that course from which people come."""

    id: str
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class AgsEndpoint:
    """Where scores go; ``lineitem`` only if the platform chose one column for the link."""

    lineitem: str = ""
    lineitems: str = ""
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PlatformInstance:
    """Which product, and which installation of it."""

    name: str = ""
    product_family_code: str = ""
    version: str = ""
    guid: str = ""


@dataclass(frozen=True, slots=True)
class LaunchClaims:
    """A launch every check has passed. ``raw`` is the whole payload; `redact.redacted` makes it fit for the log."""

    message_type: str
    issuer: str
    client_id: str
    deployment_id: str
    sub: str
    nonce: str
    target_link_uri: str
    roles: Roles
    new_deployment: bool
    person: Person
    context: Context | None
    resource_link: ResourceLink | None
    platform: PlatformInstance
    ags: AgsEndpoint | None
    nrps_url: str
    custom: Mapping[str, str]
    locale: str
    return_url: str
    document_target: str
    raw: Mapping[str, object] = field(repr=False)

    @property
    def is_staff_there(self) -> bool:
        return self.roles.staff


def mapping(claims: Mapping[str, object], name: str) -> Mapping[str, object]:
    """The claim if it is an object, else an empty one."""
    value = claims.get(name)
    return value if isinstance(value, dict) else _EMPTY


def read_person(claims: Mapping[str, object]) -> Person:
    """Names and e-mail; a missing name part is taken from the full name ("Ada King Lovelace", "Lovelace, Ada")."""
    given, family, full = (clean(claims.get(name)) for name in ("given_name", "family_name", "name"))
    if full and not (given and family):
        given, family = _split_name(full, given, family)
    email = clean(claims.get("email"), EMAIL_LIMIT + 1)
    return Person(
        given,
        family,
        full or f"{given} {family}".strip(),
        "" if email.lower() in _NO_EMAIL else email,
        claims.get("email_verified") not in (False, "false"),
    )


def _split_name(full: str, given: str, family: str) -> tuple[str, str]:
    if given and full.startswith(f"{given} "):
        return given, full[len(given) + 1 :]
    if family and full.endswith(f" {family}"):
        return full[: -len(family) - 1], family
    last, comma, first = (part.strip() for part in full.partition(","))
    if not comma or not first or not last:
        first, _, last = full.rpartition(" ")
        first, last = (first, last) if first else (last, "")
    return given or first, family or last


def read_context(claims: Mapping[str, object]) -> Context | None:
    """The course; without an id it is none. Its type may be missing or a single text."""
    context = mapping(claims, CLAIM + "context")
    context_id = identifier(context.get("id"))
    if not context_id:
        return None
    types = context.get("type")
    listed = types if isinstance(types, list) else [types]
    return Context(
        context_id,
        clean(context.get("label")),
        clean(context.get("title"), TEXT_LIMIT),
        tuple(text for text in map(clean, listed[:MAX_ENTRIES]) if text),
    )


def read_resource_link(claims: Mapping[str, object]) -> ResourceLink | None:
    link = mapping(claims, CLAIM + "resource_link")
    link_id = identifier(link.get("id"))
    if not link_id:
        return None
    return ResourceLink(link_id, clean(link.get("title"), TEXT_LIMIT), clean(link.get("description"), TEXT_LIMIT))


def read_ags(claims: Mapping[str, object]) -> AgsEndpoint | None:
    """AGS 2.0 §3.1; None without a usable address."""
    endpoint = mapping(claims, AGS_CLAIM)
    lineitem, lineitems = web_url(endpoint.get("lineitem")), web_url(endpoint.get("lineitems"))
    if not (lineitem or lineitems):
        return None
    scopes = endpoint.get("scope")
    listed = scopes if isinstance(scopes, list) else clean(scopes, TEXT_LIMIT).split()
    return AgsEndpoint(lineitem, lineitems, frozenset(text for text in map(clean, listed[:MAX_ENTRIES]) if text))


def read_custom(claims: Mapping[str, object]) -> Mapping[str, str]:
    """Custom parameters as text; numbers and truth values as JSON writes them, null dropped."""
    custom = mapping(claims, CLAIM + "custom")
    return MappingProxyType(
        {clean(name): _as_text(value) for name, value in list(custom.items())[:MAX_ENTRIES] if value is not None}
    )


def _as_text(value: object) -> str:
    return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), TEXT_LIMIT)


def read_platform(claims: Mapping[str, object]) -> PlatformInstance:
    platform = mapping(claims, CLAIM + "tool_platform")
    name, family, version = (clean(platform.get(member)) for member in ("name", "product_family_code", "version"))
    return PlatformInstance(name, family.lower(), version, identifier(platform.get("guid")))


def read_nrps_url(claims: Mapping[str, object]) -> str:
    return web_url(mapping(claims, NRPS_CLAIM).get("context_memberships_url"))


def read_presentation(claims: Mapping[str, object]) -> tuple[str, str, str]:
    """Locale, return address and document target."""
    presentation = mapping(claims, CLAIM + "launch_presentation")
    target = clean(presentation.get("document_target")).lower()
    locale = clean(claims.get("locale") or presentation.get("locale"), 35)
    return locale, web_url(presentation.get("return_url")), target if target in _DOCUMENT_TARGETS else ""
