"""The WSGI application of practice Zoom."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from wsgiref.handlers import format_date_time

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPClientError
from pyramid.request import Request
from pyramid.response import Response

from tests.peers.zoom import control, launch, marketplace, meetings
from tests.peers.zoom.moodle import Sites
from tests.peers.zoom.render import refusal
from tests.peers.zoom.state import Practice

Handler = Callable[[Request], Response]


def application() -> Any:
    """With a memory of its own."""
    config = Configurator(settings={})
    practice = Practice()
    config.registry.practice = practice
    config.registry.sites = Sites(practice)
    config.add_tween("tests.peers.zoom.app.clock_tween")
    config.add_exception_view(refused, context=HTTPClientError)
    for module in (marketplace, launch, meetings, control):
        config.include(module)
    return config.make_wsgi_app()


def refused(error: HTTPClientError, request: Request) -> Response:
    return refusal(error.detail or error.explanation, error.status_int)


def clock_tween(handler: Handler, registry: Any) -> Handler:
    """With the fault ``clock`` our time is that many seconds off."""

    def answer(request: Request) -> Response:
        response = handler(request)
        if seconds := registry.practice.faults.get("clock"):
            then = datetime.now(UTC) + timedelta(seconds=seconds)
            response.headers["Date"] = format_date_time(then.timestamp())
        return response

    return answer
