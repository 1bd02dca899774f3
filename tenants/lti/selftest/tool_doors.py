"""The doors of the grade services for the self-test of tools: their own views, asked without a server."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from pyramid.config import Configurator
from pyramid.registry import Registry
from pyramid.response import Response

from saas.web.request import TidyRequest
from tenants.lti.platform.ags_views import GradeServices
from tenants.lti.selftest.tool_rehearsal import Call, Said, ServiceDoors

VIEWS: Mapping[str, Callable[[GradeServices], Response]] = MappingProxyType(
    {"lti_scores": GradeServices.score, "lti_lineitems": GradeServices.create}
)


def knock(registry: Registry, call: Call) -> Said:
    """In the transaction of the call's runtime."""
    request = TidyRequest.blank(
        "/lti/services/self-test",
        base_url=call.academy.url,
        method="POST",
        body=call.body,
        content_type=call.content_type,
        headers={"Authorization": call.authorization} if call.authorization else {},
    )
    problems = call.runtime.problems
    request.registry, request.runtime, request.tenant = registry, call.runtime, call.academy
    request.id, request.problem = "self-test", problems.__getitem__
    request.matchdict = {name: str(value) for name, value in call.names.items()}
    response = VIEWS[call.route](GradeServices(None, request))
    if response.status_int < 300:
        return Said("")
    return Said(response.json["code"], response.json["error_description"])


def includeme(config: Configurator) -> None:
    config.registry.runtime.parts[ServiceDoors] = ServiceDoors(partial(knock, config.registry))
