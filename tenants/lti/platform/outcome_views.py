"""The address of Basic Outcomes for tools of LTI 1.2: one POST, always answered in XML (LTI 1.1.1 §6)."""

from typing import Any

import sqlalchemy as sa
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from saas.problems import Problem, Refused
from tenants.lti.availability import require_lti
from tenants.lti.platform.addresses import OUTCOMES_PATH
from tenants.lti.platform.doors import Knock, note_refusal, vanished
from tenants.lti.platform.log import Service
from tenants.lti.platform.outcomes import Outcomes, Posted
from tenants.lti.tool.views import may_log
from tenants.lti.wire.pox import CONTENT_TYPE, Major, Operation, PoxRequest, build_answer
from tenants.lti.wire.xml import MAX_DOCUMENT

#: What the tool hears; whatever else is known stands in the log.
WORDS = {
    "CALL_OUTCOME_FORM": "A form is no Basic Outcomes request",
    "CALL_OUTCOME_UNSIGNED": "An OAuth header with every parameter is needed",
    "CALL_OUTCOME_HASH": "oauth_body_hash is not that of the body",
    "CALL_OUTCOME_SIGNATURE": "Invalid signature",
    "CALL_OUTCOME_NONCE": "The nonce was used before",
    "CALL_OUTCOME_XML": "The body is not the XML of Basic Outcomes",
    "CALL_SOURCEDID": "Invalid sourcedid",
    "CALL_OUTCOME_SCORE": "The score is not a number from 0 to 1",
    "CALL_PERSON": "The user is not enrolled",
    "CALL_SCORE_LATE": "Past due: no result is accepted any more",
    "CALL_NOT_YOURS": "It is not there any more",
    "LTI_OFF": "LTI is not enabled here",
}


@view_config(
    route_name="lti_outcomes",
    request_method="POST",
    permission=NO_PERMISSION_REQUIRED,
    require_csrf=False,
    raw_body=True,
    max_body=2 * MAX_DOCUMENT,
)
def outcomes(_context: Any, request: Request) -> Response:
    """The signature proves the sender; no cookie is looked at."""
    asked = Outcomes(request.runtime, request.tenant)
    header = request.headers.get("Authorization", "")
    try:
        require_lti(request.tenant)
        done = asked.answer(Posted(header, request.content_type or "", request.body, request.query_string))
    except Refused as refusal:
        return refusal_of(request, asked, refusal)
    except sa.exc.IntegrityError as error:
        return refusal_of(request, asked, vanished(request, error))
    words = f"{done.request.operation}: done"
    return xml(build_answer(Major.SUCCESS, request.id, request=done.request, description=words, score=done.score))


def refusal_of(request: Request, asked: Outcomes, refusal: Refused) -> Response:
    """200, because tools read the body; 401 only where nobody says who is asking."""
    request.runtime.metrics.refusals.labels(refusal.code).inc()
    if not asked.is_logged and (asked.link is not None or may_log(request)):
        whose = asked.link.id if asked.link is not None else asked.suspect
        note_refusal(request, Knock(Service.OUTCOME, link_id=whose), asked.diagnosed(refusal))
    about = asked.request
    if refusal.code == "CALL_OUTCOME_OPERATION" and about is not None:
        return xml(build_answer(Major.UNSUPPORTED, request.id, request=about, description=f"{about.name}: unknown"))
    words = WORDS.get(refusal.code, "Refused")
    if refusal.code == "CALL_OUTCOME_TIME":
        words = f"oauth_timestamp: {refusal.seen}; {refusal.wanted}"
    response = xml(build_answer(Major.FAILURE, request.id, request=answerable(about), description=words))
    if not header_of(request):
        response.status_int = 401
        response.headers["WWW-Authenticate"] = f'OAuth realm="{request.tenant.host}"'
    return response


def problem_of(request: Request, problem: Problem) -> Response:
    """Whatever the rest of the program says to a tool that reads nothing but XML."""
    response = xml(build_answer(Major.FAILURE, request.id, description=problem.title))
    response.status_int = problem.status
    return response


def answerable(about: PoxRequest | None) -> PoxRequest | None:
    """A request whose operation we know is echoed in the body of the answer."""
    return about if about is not None and about.operation in set(Operation) else None


def header_of(request: Request) -> str:
    return str(request.headers.get("Authorization", "")).strip()


def xml(body: bytes) -> Response:
    response = Response(body=body, content_type=CONTENT_TYPE, charset="utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


def includeme(config: Configurator) -> None:
    config.add_route("lti_outcomes", OUTCOMES_PATH, house="academy")
    config.add_hot_path(OUTCOMES_PATH)
    config.add_problem_format("lti_outcomes", problem_of)
    config.scan(__name__)
