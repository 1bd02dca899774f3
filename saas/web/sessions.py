"""The session's cookie: host-only and HttpOnly, ``SameSite=Lax`` on our own pages.

Inside another site's frame it is ``SameSite=None; Secure; Partitioned``.
"""

from datetime import timedelta
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request

from saas.sessions import NewSession

COOKIE = "session"


class CookieNames:
    """``__Host-`` binds a cookie to this very host and to https; plain http (development) cannot have it."""

    def __init__(self, *, https: bool) -> None:
        self.prefix = "__Host-" if https else ""

    def __call__(self, name: str) -> str:
        return self.prefix + name


def cookie_name(request: Request, name: str) -> str:
    return request.registry.cookie_names(name)


def is_framed(request: Request) -> bool:
    """The browser says that this document will live in a frame."""
    return request.headers.get("Sec-Fetch-Dest") in ("iframe", "frame")


def set_cookie(request: Request, response: Any, name: str, value: str, *, lifetime: timedelta | None = None) -> None:
    """Host-only, HttpOnly. ``value`` empty deletes it."""
    https = request.runtime.settings.web.scheme == "https"
    framed = is_framed(request)
    parts = [f"{cookie_name(request, name)}={value}", "Path=/", "HttpOnly"]
    if lifetime is not None or not value:
        parts.append(f"Max-Age={int(lifetime.total_seconds()) if lifetime and value else 0}")
    if framed:
        parts += ["SameSite=None", "Secure", "Partitioned"]
    else:
        parts += ["SameSite=Lax", *(["Secure"] if https else [])]
    response.headerlist.append(("Set-Cookie", "; ".join(parts)))


def session_token(request: Request) -> str:
    token = request.cookies.get(cookie_name(request, COOKIE), "")
    return token if 20 <= len(token) <= 100 and token.isascii() else ""


def remember(request: Request, response: Any, fresh: NewSession, lifetime: timedelta) -> None:
    set_cookie(request, response, COOKIE, fresh.token, lifetime=lifetime)


def forget(request: Request, response: Any) -> None:
    set_cookie(request, response, COOKIE, "")


def includeme(config: Configurator) -> None:
    config.registry.cookie_names = CookieNames(https=config.registry.runtime.settings.web.scheme == "https")
    config.add_request_method(session_token, "session_token", reify=True)
