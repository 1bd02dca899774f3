"""A request id on every answer, one log line and the metrics of every request."""

import secrets
from collections.abc import Callable
from functools import lru_cache
from time import perf_counter
from typing import Any

import structlog
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.tweens import INGRESS
from pyramid_retry import is_error_retryable

log = structlog.get_logger()
#: Others count as one: a label made of what a stranger sends would grow the metrics without end.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

#: More than there are routes with their methods and statuses.
LABELS = 4096


def new_id(_request: Request) -> str:
    """Ours, never the client's: it is quoted in support mails and must not carry foreign text."""
    return secrets.token_hex(8)


def tween_factory(handler: Callable[[Request], Any], registry: Any) -> Callable[[Request], Any]:
    counter, timer = registry.runtime.metrics.requests, registry.runtime.metrics.seconds
    #: Found by its labels once: that takes longer than counting.
    counted, timed = lru_cache(maxsize=LABELS)(counter.labels), lru_cache(maxsize=LABELS)(timer.labels)

    def tween(request: Request) -> Any:
        began = perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request.id)
        response = handler(request)
        route = request.matched_route.name if getattr(request, "matched_route", None) else "-"
        elapsed = perf_counter() - began
        counted(route, request.method if request.method in METHODS else "-", response.status_int).inc()
        timed(route).observe(elapsed)
        response.headers["X-Request-Id"] = request.id
        log.info("request", route=route, method=request.method, status=response.status_int, ms=round(elapsed * 1000, 1))
        if not is_error_retryable(request, getattr(request, "exception", None)):
            request.close_files()
        return response

    return tween


def includeme(config: Configurator) -> None:
    config.add_request_method(new_id, "id", reify=True)
    config.add_tween("saas.web.observation.tween_factory", under=INGRESS)
