"""A tool's configuration as JSON that somebody pastes: Canvas's kind, or the body of a dynamic registration.

Nothing is checked here: what is found fills the form, where our admin looks at it and the form's own checks speak.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tenants.lti.wire.claims import MAX_ENTRIES, mapping
from tenants.lti.wire.custom_rows import Rows
from tenants.lti.wire.dynamic_registration import TOOL_CONFIGURATION
from tenants.lti.wire.launch13 import DEEP_LINKING_REQUEST
from tenants.lti.wire.text import URL_LIMIT, clean
from tenants.lti.wire.tool_registration import MAX_DOCUMENT, NAME_CLAIMS, NAME_LIMIT, texts

_LOGIN = ("initiate_login_uri", "oidc_initiation_url", "oidc_login_url", "login_url")
_KEYS = ("jwks_uri", "public_jwk_url", "jwks_url", "public_keyset_url")
_NAMES = ("client_name", "title", "name")
_ICONS = ("logo_uri", "icon_url")
_CUSTOM = ("custom_parameters", "custom_fields")


@dataclass(frozen=True, slots=True)
class Draft:
    """What could be read; empty where nothing was said. ``send_…`` None: the configuration does not speak of it."""

    name: str
    login_url: str
    jwks_url: str
    pasted_key: str
    redirect_urls: tuple[str, ...]
    target_url: str
    deep_link_url: str
    icon_url: str
    custom: Rows
    scopes: tuple[str, ...]
    send_name: bool | None
    send_email: bool | None


def read_draft(text: str) -> Draft | None:
    """None for what is no configuration of a tool: no JSON object, or one that names no address to log in at."""
    try:
        document = orjson.loads(text) if len(text) <= MAX_DOCUMENT else None
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None
    if not isinstance(document, dict):
        return None
    tool = mapping(document, TOOL_CONFIGURATION)
    settings = _canvas_settings(document)
    login_url = _first(_LOGIN, document)
    if not login_url:
        return None
    shares_name, shares_email = _privacy(document, tool)
    return Draft(
        name=_first(_NAMES, document, limit=NAME_LIMIT),
        login_url=login_url,
        jwks_url=_first(_KEYS, document),
        pasted_key=_key(document),
        redirect_urls=_redirects(document),
        target_url=_first(("target_link_uri",), tool, document),
        deep_link_url=_deep_link_url(document, tool, settings),
        icon_url=_first(_ICONS, document, settings),
        custom=_custom(document, tool),
        scopes=(*texts(document.get("scope")), *texts(document.get("scopes"))),
        send_name=shares_name,
        send_email=shares_email,
    )


def _first(names: tuple[str, ...], *places: Mapping[str, Any], limit: int = URL_LIMIT) -> str:
    return next((text for place in places for name in names if (text := clean(place.get(name), limit))), "")


def _canvas_settings(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the extension for Canvas itself says, else the first one's."""
    found = [mapping(each, "settings") for each in _objects(document.get("extensions"))]
    return next(iter(found), {})


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    yield from (each for each in (value[:MAX_ENTRIES] if isinstance(value, list) else ()) if isinstance(each, dict))


def _key(document: Mapping[str, Any]) -> str:
    """A key or key set that stands in the document itself, as JSON for the field of pasted keys."""
    key = next((each for name in ("public_jwk", "jwks") if (each := mapping(document, name))), None)
    return orjson.dumps(key).decode() if key and ("kty" in key or "keys" in key) else ""


def _redirects(document: Mapping[str, Any]) -> tuple[str, ...]:
    listed = document.get("redirect_uris")
    return tuple(filter(None, (clean(each, URL_LIMIT) for each in listed))) if isinstance(listed, list) else ()


def _deep_link_url(document: Mapping[str, Any], tool: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    target = _first(("target_link_uri",), tool, document)
    asked = [
        _first(("target_link_uri",), each) or target
        for each in _objects(tool.get("messages"))
        if clean(each.get("type")) == DEEP_LINKING_REQUEST
    ]
    placed = [
        _first(("target_link_uri", "url"), each) or target
        for each in _objects(settings.get("placements"))
        if clean(each.get("message_type")) == DEEP_LINKING_REQUEST
    ]
    return next(iter((*asked, *placed)), "")


def _custom(document: Mapping[str, Any], tool: Mapping[str, Any]) -> Rows:
    given = next((each for place in (tool, document) for name in _CUSTOM if (each := mapping(place, name))), {})
    return tuple((clean(name), clean(value, 2000)) for name, value in given.items() if isinstance(value, str))


def _privacy(document: Mapping[str, Any], tool: Mapping[str, Any]) -> tuple[bool | None, bool | None]:
    """Canvas's privacy level, or the claims a registration asks for; whether name and e-mail are wanted."""
    levels = [clean(each.get("privacy_level")) for each in (document, *_objects(document.get("extensions")))]
    level = next(filter(None, levels), "")
    if level:
        return level in ("public", "name_only"), level in ("public", "email_only")
    if not isinstance(tool.get("claims"), list):
        return None, None
    claims = texts(tool["claims"])
    return not {*NAME_CLAIMS}.isdisjoint(claims), "email" in claims
