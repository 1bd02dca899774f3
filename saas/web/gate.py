"""The host decides the tenant before anything else happens; an unknown host gets 421 and nothing more."""

from collections.abc import Callable
from typing import Any

import structlog
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.tweens import EXCVIEW

from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy

#: Answered on any host, because load balancers ask by address.
HOSTLESS = ("/healthz", "/readyz")
#: The same files for everybody; without them the refusals of this gate would be pages without style.
ASSETS = ("/static/", "/vendor/")


def tenant(request: Request) -> Academy | None:
    return request.runtime.tenants.by_host(request.environ.get("HTTP_HOST", ""))


def runtime(request: Request) -> Runtime:
    return request.registry.runtime


def tween_factory(handler: Callable[[Request], Any], _registry: Any) -> Callable[[Request], Any]:
    def tween(request: Request) -> Any:
        path = request.environ.get("PATH_INFO", "")
        if path in HOSTLESS or path.startswith(ASSETS):
            return handler(request)
        if request.tenant is None:
            raise Refused("HOST_UNKNOWN", seen=request.environ.get("HTTP_HOST", "")[:100])
        structlog.contextvars.bind_contextvars(tenant=request.tenant.slug)
        if not request.tenant.active:
            raise Refused("TENANT_SUSPENDED")
        return handler(request)

    return tween


class HousePredicate:
    """Route predicate ``house="academy" | "operator"``: the console exists on the bare host only."""

    def __init__(self, value: str, _config: Configurator) -> None:
        self.operator = value == "operator"

    def text(self) -> str:
        return f"house = {'operator' if self.operator else 'academy'}"

    phash = text

    def __call__(self, _info: Any, request: Request) -> bool:
        return request.tenant is not None and request.tenant.is_operator == self.operator


def includeme(config: Configurator) -> None:
    config.add_request_method(runtime, "runtime", property=True)
    config.add_request_method(tenant, "tenant", reify=True)
    config.add_route_predicate("house", HousePredicate)
    config.add_tween("saas.web.gate.tween_factory", under=EXCVIEW)
