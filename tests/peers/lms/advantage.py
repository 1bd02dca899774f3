"""Deep linking and the roster, as ``lti_consumer`` (Open edX) has them: its classes make the request and its settings,
judge the tool's answer, and write the members down. Storage and HTTP are ours.
"""

from typing import Any
from urllib.parse import parse_qsl

import jwt
from control import Order, posted
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from grades import Denied, said, service
from lti13 import bearer, consumer_for, redirect_uris
from lti_consumer.data import Lti1p3LaunchData
from lti_consumer.lti_1p3.consumer import LtiAdvantageConsumer
from lti_consumer.lti_1p3.exceptions import Lti1p3Exception
from lti_consumer.lti_1p3.extensions.rest_framework.serializers import LtiNrpsContextMemberPIISerializer
from lti_consumer.lti_1p3.nprs import LtiNrps
from school import SCHOOL, Registration, Unknown

ROSTER = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
MEMBERSHIP_SCOPE = LtiNrps("").get_available_scopes()[0]
#: By client id: what was chosen, and why an answer was refused.
CHOSEN: dict[str, list[dict[str, Any]]] = {}
REFUSED: dict[str, list[str]] = {}


def consumer_of(registration: Registration, target: str = "") -> LtiAdvantageConsumer:
    """The package's platform side, with deep linking on."""
    consumer = consumer_for(registration)
    consumer.deployment_id = registration.deployment_ids[0]
    consumer.enable_deep_linking(target, f"{SCHOOL.services}/dl/{registration.client_id}")
    return consumer


@posted
def request(order: Order) -> object:
    """A signed request for a choice: ``client_id, person, target, nonce, state`` → id_token, state."""
    registration, person = SCHOOL.registration(order["client_id"]), SCHOOL.person(order["person"])
    consumer, course = consumer_of(registration, order["target"]), SCHOOL.course("1")
    launch = Lti1p3LaunchData(
        user_id=person.sub,
        user_role=person.role,
        config_id=registration.client_id,
        resource_link_id="none",
        message_type="LtiDeepLinkingRequest",
    )
    hint = dict(parse_qsl(consumer.prepare_preflight_url(launch).lstrip("?")))["lti_message_hint"]
    consumer.set_user_data(person.sub, person.role, person.name, person.email, person.key)
    consumer.set_context_claim(course.id, [], course.title, course.label)
    preflight = {
        "lti_message_hint": hint,
        "client_id": registration.client_id,
        "redirect_uri": redirect_uris(registration, None)[0],
        "state": order["state"],
        "nonce": order["nonce"],
    }
    return consumer.generate_launch_request(preflight)


@csrf_exempt
@service
def answer(request: HttpRequest, client_id: str) -> HttpResponse:
    """The tool's signed choice, judged by the package."""
    registration = SCHOOL.registration(client_id)
    try:
        items = consumer_of(registration).check_and_decode_deep_linking_token(request.POST.get("JWT", ""))
    except (Lti1p3Exception, jwt.InvalidTokenError) as error:
        REFUSED.setdefault(client_id, []).append(type(error).__name__)
        raise Denied(403, f"{type(error).__name__}: {error}") from None
    CHOSEN.setdefault(client_id, []).extend(items)
    return said({"taken": len(items)})


@service
def chosen(request: HttpRequest) -> HttpResponse:
    """What the tool of ``client_id`` has sent."""
    client_id = request.GET.get("client_id", "")
    return said({"items": CHOSEN.get(client_id, []), "refused": REFUSED.get(client_id, [])})


@service
def members(request: HttpRequest, course_id: str) -> HttpResponse:
    """Names and roles of a course, NRPS 2.0 §2; two a page, so that every roster has several."""
    token = request.headers.get("Authorization", "").partition(" ")[2]
    try:
        _registration, scopes = bearer(token)
    except jwt.InvalidTokenError:
        raise Denied(401, "no valid access token") from None
    if MEMBERSHIP_SCOPE not in scopes:
        raise Denied(403, f"needs {MEMBERSHIP_SCOPE}")
    course, start = SCHOOL.courses.get(course_id), int(request.GET.get("from", 0))
    if course is None:
        raise Unknown(f"no course {course_id}")
    people = [SCHOOL.person(key) for key in sorted(course.members)]
    rows = [
        {"external_id": each.sub, "roles": [each.role], "name": each.name, "email": each.email, "status": "Active"}
        for each in people[start : start + 2]
    ]
    page = LtiNrpsContextMemberPIISerializer(rows, many=True).data
    shown = [{**member, "roles": sorted(member["roles"])} for member in page]
    headers = {}
    if start + 2 < len(people):
        headers["Link"] = f'<{SCHOOL.services}/nrps/{course_id}?from={start + 2}>; rel="next"'
    return said({"id": request.path, "context": {"id": course_id}, "members": shown}, ROSTER, headers=headers)
