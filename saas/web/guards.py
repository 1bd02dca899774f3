"""View derivers that stand before every view: size and shape of the body, origin, rate.

View options: ``max_body`` (bytes), ``raw_body=True`` (the view reads the body itself), ``rate="20/minute"`` per address
and tenant, ``require_csrf=False`` for endpoints that prove the sender in another way (signature, state and nonce).
"""

from typing import Any
from urllib.parse import urlsplit

from limits import parse
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPBadRequest, HTTPRequestEntityTooLarge
from pyramid.request import Request
from pyramid.viewderivers import INGRESS

from saas.problems import Refused
from saas.web.transactions import SAFE_METHODS

MAX_BODY = 256 * 1024


def guarded_view(view: Any, info: Any) -> Any:
    if info.exception_only:
        return view
    max_body = info.options.get("max_body") or MAX_BODY
    raw_body = info.options.get("raw_body", False)
    rate = parse(info.options["rate"]) if info.options.get("rate") else None
    checks_origin = info.options.get("require_csrf") is not False

    def guarded(context: Any, request: Request) -> Any:
        if (request.content_length or 0) > max_body:
            raise HTTPRequestEntityTooLarge
        refuse_malformed(request, form=not raw_body)
        if checks_origin and request.method not in SAFE_METHODS:
            refuse_foreign_origin(request)
        if rate is not None and request.method not in SAFE_METHODS | {"HEAD"}:
            request.registry.limiter.hit(
                rate, request.matched_route.name, str(request.tenant.id), request.client_addr or ""
            )
        return view(context, request)

    return guarded


guarded_view.options = ("max_body", "raw_body", "rate")  # type: ignore[attr-defined]  # -- how Pyramid learns of view options


def refuse_malformed(request: Request, *, form: bool) -> None:
    """Bytes that are no text, and NUL, which PostgreSQL cannot store: a plain 400 before any code meets them."""
    try:
        fields = list(request.GET.items())
        if form and request.method not in SAFE_METHODS:
            fields += request.POST.items()
    except (UnicodeDecodeError, ValueError, KeyError):
        raise HTTPBadRequest from None
    for name, value in fields:
        if "\0" in name or (isinstance(value, str) and ("\0" in value or _has_surrogate(value))):
            raise HTTPBadRequest


def _has_surrogate(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value)


def refuse_foreign_origin(request: Request) -> None:
    """``Sec-Fetch-Site`` where the browser sends it, else ``Origin``; the CSRF token is checked besides."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise Refused("WEB_ORIGIN", seen=site)
        return
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).hostname not in request.tenant.hosts:
        raise Refused("WEB_ORIGIN", seen=origin[:100])


class RateLimiter:
    """Counts per tenant and address. Redis may be away: then this process counts for itself."""

    def __init__(self, storage: str) -> None:
        self._shared = MovingWindowRateLimiter(storage_from_string(storage))
        self._own = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, rate: Any, *key: str) -> None:
        """Raises `Refused` once the rate is used up."""
        try:
            allowed = self._shared.hit(rate, *key)
        except Exception:  # noqa: BLE001 -- each storage has its own errors, and none may stop a sign-in
            allowed = self._own.hit(rate, *key)
        if not allowed:
            raise Refused("WEB_RATE", wanted=str(rate))


def includeme(config: Configurator) -> None:
    config.registry.limiter = RateLimiter(config.registry.runtime.settings.limits.storage)
    config.add_view_deriver(guarded_view, under=INGRESS, over="csrf_view")
