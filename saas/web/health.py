"""For load balancers and Prometheus: /healthz (the process lives), /readyz (it can serve), /metrics (operator host)."""

import hmac
from typing import Any

import sqlalchemy as sa
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from saas.jobs.outbox import measure
from saas.problems import Refused


def alive(_request: Request) -> Any:
    return Response("ok\n", content_type="text/plain")


def ready(request: Request) -> Any:
    """503 while the database does not answer or the process is going down."""
    if request.registry.draining.is_set():
        return Response("draining\n", status=503, content_type="text/plain")
    try:
        with request.runtime.database.shell(write=False) as session:
            session.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        return Response("database\n", status=503, content_type="text/plain")
    return Response("ready\n", content_type="text/plain")


def metrics(request: Request) -> Any:
    token = request.runtime.settings.web.metrics_token
    given = request.headers.get("Authorization", "")
    if token and not hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {token}".encode()):
        raise Refused("WEB_FORBIDDEN")
    measure(request.runtime.database, request.runtime.metrics)
    return Response(generate_latest(request.runtime.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def includeme(config: Configurator) -> None:
    for name, path, view, options in (
        ("healthz", "/healthz", alive, {}),
        ("readyz", "/readyz", ready, {}),
        ("metrics", "/metrics", metrics, {"house": "operator"}),
    ):
        config.add_route(name, path, **options)
        config.add_view(view, route_name=name, request_method="GET", permission=NO_PERMISSION_REQUIRED)
