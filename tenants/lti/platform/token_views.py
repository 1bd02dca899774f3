"""The token address of tools: `POST /lti/token` (LTI 1.3 Security Framework 1.0 §4.1, RFC 6749)."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from saas.problems import Refused
from tenants.lti.availability import require_lti
from tenants.lti.platform.addresses import TOKEN_PATH
from tenants.lti.platform.doors import Knock, json_response, problem_of, refuse, vanished
from tenants.lti.platform.log import Service
from tenants.lti.platform.tokens import TokenRequests
from tenants.lti.wire import oauth1
from tenants.lti.wire.assertion import error_of
from tenants.lti.wire.outcomes_in import FORM
from tenants.lti.wire.text import shown

MAX_FORM = 128 * 1024


@view_config(
    route_name="lti_token",
    request_method="POST",
    permission=NO_PERMISSION_REQUIRED,
    require_csrf=False,
    raw_body=True,
    max_body=MAX_FORM,
)
def token(_context: Any, request: Request) -> Response:
    """The tool's signature proves the sender; no cookie is looked at."""
    asked = TokenRequests(request.runtime, request.tenant)
    return answer_token(request, asked, refusal_of, lambda: require_lti(request.tenant))


def answer_token(
    request: Request,
    asked: TokenRequests,
    tell: Callable[[Request, TokenRequests, Refused], Response],
    require_feature: Callable[[], None] = lambda: None,
) -> Response:
    """``tell`` answers what is refused."""
    try:
        require_feature()
        issued = asked.answer(form_of(request), with_secret="Authorization" in request.headers)
    except Refused as refusal:
        return tell(request, asked, refusal)
    except sa.exc.IntegrityError as error:
        return tell(request, asked, vanished(request, error))
    return json_response(issued.as_json())


def refusal_of(request: Request, asked: TokenRequests, refusal: Refused) -> Response:
    """As OAuth has it (RFC 6749 §5.2)."""
    status, error = error_of(refusal.code)
    knock = Knock(Service.TOKEN, asked.tool, is_proven=asked.is_proven)
    response = refuse(request, knock, refusal, error)
    response.status_int = status
    return response


def form_of(request: Request) -> oauth1.Pairs:
    """`Refused` CALL_TOKEN_FORM for anything but a form."""
    if (request.content_type or "").lower() != FORM:
        raise Refused("CALL_TOKEN_FORM", seen=shown(request.content_type or "no content type", 80), wanted=FORM)
    try:
        return oauth1.read_pairs(request.body.decode("ascii"))
    except ValueError:
        raise Refused("CALL_TOKEN_FORM", seen="a form that is no text", wanted=FORM) from None


def includeme(config: Configurator) -> None:
    config.add_route("lti_token", TOKEN_PATH, house="academy")
    config.add_hot_path(TOKEN_PATH)
    config.add_problem_format("lti_token", problem_of)
    config.scan(__name__)
