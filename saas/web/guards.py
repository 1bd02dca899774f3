"""View derivers that stand before every view: size and shape of the body, origin, rate.

View options: ``max_body`` (bytes), ``raw_body=True`` (the view reads the body itself), ``files=("picture",)`` (fields
that may be files), ``rate="20/minute"`` per address and tenant, ``require_csrf=False`` for endpoints that prove the
sender in another way (signature, state and nonce).
"""

import ipaddress
import threading
import time
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPBadRequest, HTTPRequestEntityTooLarge
from pyramid.request import Request
from pyramid.viewderivers import INGRESS

from saas.problems import Refused
from saas.web.request import UTF8
from saas.web.transactions import SAFE_METHODS

MAX_BODY = 256 * 1024
MAX_FIELDS = 2000
#: How WebOb fails on bodies: bad text or boundary, unknown charset, an encoded list, parts in parts without end.
UNREADABLE = (ValueError, LookupError, AttributeError, RecursionError)


def guarded_view(view: Any, info: Any) -> Any:
    if info.exception_only:
        return view
    max_body = info.options.get("max_body") or MAX_BODY
    raw_body = info.options.get("raw_body", False)
    files = frozenset(info.options.get("files") or ())
    rate = parse(info.options["rate"]) if info.options.get("rate") else None
    checks_origin = info.options.get("require_csrf") is not False

    def guarded(context: Any, request: Request) -> Any:
        if (request.content_length or 0) > max_body:
            raise HTTPRequestEntityTooLarge
        refuse_malformed(request, files, form=not raw_body)
        if checks_origin and request.method not in SAFE_METHODS:
            refuse_foreign_origin(request)
        if rate is not None and request.method not in SAFE_METHODS | {"HEAD"}:
            request.registry.limiter.hit(
                rate, request.matched_route.name, str(request.tenant.id), counted_address(request)
            )
        return view(context, request)

    return guarded


guarded_view.options = ("max_body", "raw_body", "files", "rate")  # type: ignore[attr-defined]  # -- how Pyramid learns of view options


def refuse_malformed(request: Request, files: frozenset[str], *, form: bool) -> None:
    """What no code should meet: bytes that are no text, NUL (PostgreSQL cannot store it), files where text belongs."""
    try:
        fields = list(request.GET.items())
        if form and request.method not in SAFE_METHODS:
            if request.charset.lower() not in UTF8:
                raise HTTPBadRequest
            fields += request.POST.items()
    except UNREADABLE:
        raise HTTPBadRequest from None
    if len(fields) > MAX_FIELDS:
        raise HTTPRequestEntityTooLarge
    for name, value in fields:
        if not isinstance(name, str) or not _is_text(name):
            raise HTTPBadRequest
        if not _is_text(value) if isinstance(value, str) else name not in files:
            raise HTTPBadRequest


def _is_text(value: str) -> bool:
    """Without NUL and without lone surrogates, which no encoding takes."""
    if "\0" in value or value.isascii():
        return "\0" not in value
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def refuse_foreign_origin(request: Request) -> None:
    """``Sec-Fetch-Site`` where the browser sends it, else ``Origin``; the CSRF token is checked besides."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise Refused("WEB_ORIGIN", seen=site)
        return
    origin = request.headers.get("Origin")
    if origin is not None and _host_of(origin) not in request.tenant.hosts:
        raise Refused("WEB_ORIGIN", seen=origin[:100])


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None


def counted_address(request: Request) -> str:
    """Whom a rate counts: of IPv6 the /64, since a single line has all of that to itself (RFC 6177)."""
    written = request.remote_addr or ""
    if ":" not in written:
        return written
    try:
        address = ipaddress.IPv6Address(written)
    except ValueError:
        return written
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


class OwnRate:
    """A rate counted in this process's memory: neither round trip nor thread, for the hot path. Fixed windows."""

    def __init__(self, rate: RateLimitItem) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._window = 0
        self._counts: Counter[tuple[str, ...]] = Counter()

    def hit(self, *key: str) -> None:
        """Raises `Refused` once the rate is used up."""
        window = int(time.monotonic() // self._rate.get_expiry())
        with self._lock:
            if window != self._window:
                self._window, self._counts = window, Counter()
            self._counts[key] += 1
            used = self._counts[key]
        if used > self._rate.amount:
            raise Refused("WEB_RATE", wanted=str(self._rate))


class RateLimiter:
    """Counts per tenant and address. Redis may be away: then this process counts for itself."""

    def __init__(self, storage: str) -> None:
        self._shared = MovingWindowRateLimiter(storage_from_string(storage))
        self._own = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, rate: RateLimitItem, *key: str, code: str = "WEB_RATE") -> None:
        """Raises `Refused` with ``code`` once the rate is used up."""
        try:
            allowed = self._shared.hit(rate, *key)
        except Exception:  # noqa: BLE001 -- each storage has its own errors, and none may stop a sign-in
            allowed = self._own.hit(rate, *key)
        if not allowed:
            raise Refused(code, wanted=str(rate))


def includeme(config: Configurator) -> None:
    config.registry.limiter = RateLimiter(config.registry.runtime.settings.limits.storage)
    config.add_view_deriver(guarded_view, under=INGRESS, over="csrf_view")
