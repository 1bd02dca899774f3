"""Security headers of every answer: a strict content policy, and framing only by whom the tenant has registered."""

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.viewderivers import INGRESS

POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
)
FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}

CSP = "Content-Security-Policy"
FRAMABLE = "lyceum.framable"
#: ``(request) -> origins`` that may frame this tenant's learning pages.
FrameOrigins = Callable[[Request], Iterable[str]]


def content_policy(ancestors: Iterable[str], form_targets: Iterable[str] = (), frames: Iterable[str] = ()) -> str:
    """``frames``: whose pages may stand in a frame of this one, besides our own; without any, no frames at all."""
    framers = " ".join(ancestors) or "'none'"
    forms, framed = " ".join(("'self'", *form_targets)), " ".join(frames)
    own = (f"frame-src 'self' {framed}",) if framed else ()
    return "; ".join((*POLICY, *own, f"form-action {forms}", f"frame-ancestors {framers}"))


def tween_factory(handler: Callable[[Request], Any], registry: Any) -> Callable[[Request], Any]:
    https = registry.runtime.settings.web.scheme == "https"
    closed = content_policy(())
    always = {**FIXED, "Cache-Control": "no-store"}
    if https:
        always["Strict-Transport-Security"] = "max-age=31536000"

    def tween(request: Request) -> Any:
        response = handler(request)
        given = {name.lower() for name, _ in response.headerlist}
        policy = {} if CSP.lower() in given else {CSP: _framed_policy(request, response) or closed}
        said = ((name, value) for name, value in {**always, **policy}.items() if name.lower() not in given)
        response.headerlist.extend(said)
        return response

    return tween


def framable_view(view: Any, info: Any) -> Any:
    """View option ``framable=True``: the tenant's registered platforms may show this page in a frame."""
    if not info.options.get("framable"):
        return view

    def framed(context: Any, request: Request) -> Any:
        allow_framing(request)
        return view(context, request)

    return framed


framable_view.options = ("framable",)  # type: ignore[attr-defined]  # -- how Pyramid learns of view options


def allow_framing(request: Request, *origins: str) -> None:
    """Also for answers made outside a framable view (errors of a launch); ``origins`` besides the tenant's own."""
    request.environ[FRAMABLE] = tuple(filter(None, origins))


def _framed_policy(request: Request, response: Any) -> str:
    """Asked for last, and only of answers that have something to show: redirects of a launch cost no query."""
    if FRAMABLE not in request.environ or 300 <= response.status_int < 400:
        return ""
    try:
        origins = request.registry.frame_origins(request) if request.tenant is not None else ()
    except sa.exc.SQLAlchemyError:
        return ""
    return content_policy(("'self'", *origins, *request.environ[FRAMABLE]))


def set_frame_origins(config: Configurator, origins: FrameOrigins) -> None:
    config.registry.frame_origins = origins


def includeme(config: Configurator) -> None:
    config.registry.frame_origins = lambda _request: ()
    config.add_directive("set_frame_origins", set_frame_origins)
    config.add_tween("saas.web.headers.tween_factory", under="saas.web.observation.tween_factory")
    config.add_view_deriver(framable_view, under=INGRESS, over="guarded_view")
