"""Content chosen in an outside tool (Deep Linking 2.0, we are the platform): the question and its message.

The answer comes to an address with the request's id, which is no secret (`tenants.lti.platform.content_answers`).
"""

import secrets
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.tenancy.resolve import Academy
from tenants.catalog.models import Course
from tenants.lti.platform import addresses
from tenants.lti.platform.grants import ContentRequest
from tenants.lti.platform.launch13 import begin_message
from tenants.lti.platform.messages import Asked, addressee_of
from tenants.lti.platform.models import Tool
from tenants.lti.platform.once import hash_of
from tenants.lti.platform.opening import Sitting
from tenants.lti.platform.users import ToolUsers, agreed_shares, audience_of_tool
from tenants.lti.wire.deeplink import SETTINGS
from tenants.lti.wire.deeplink_answer import (
    settings_claim,
)
from tenants.lti.wire.id_token import message
from tenants.lti.wire.launch13 import DEEP_LINKING_REQUEST
from tenants.lti.wire.login_initiation import LoginInitiation
from tenants.lti.wire.occasion import Occasion
from tenants.lti.wire.shares import Share, shares_of

LIFETIME = timedelta(hours=1)


def can_pick(tool: Tool) -> bool:
    return tool.is_active and bool(tool.deep_link_url)


def begin_choice(
    session: ScopedSession, academy: Academy, tool: Tool, course: Course, sitting: Sitting, *, is_exam: bool
) -> LoginInitiation:
    """The request's row, and the login initiation that begins the message; the tool's old requests are forgotten.

    Raises `Refused` CONTENT_NO_TOOL.
    """
    if not can_pick(tool):
        raise Refused("CONTENT_NO_TOOL", seen=tool.name)
    over = sa.delete(ContentRequest).where(ContentRequest.tool_id == tool.id, ContentRequest.expires_at < clock.now())
    session.execute(over)
    asked = ContentRequest(
        tool_id=tool.id,
        course_id=course.id,
        person_id=sitting.person.id,
        data_hash=hash_of(secrets.token_urlsafe(32)),  # nobody's, until the message is made
        is_exam=is_exam,
        expires_at=clock.now() + LIFETIME,
    )
    session.add(asked)
    session.flush()
    return begin_message(
        session,
        academy,
        tool,
        sitting,
        message_type=DEEP_LINKING_REQUEST,
        target=tool.deep_link_url,
        about={"request": str(asked.id)},
    )


def request_message(asked: Asked) -> dict[str, object]:
    """The claims of LtiDeepLinkingRequest, for `MessageKinds`: staff only. `Refused` WEB_FORBIDDEN."""
    request = asked.session.get(ContentRequest, UUID(asked.about["request"]))
    if request is None or request.used_at is not None or not asked.person.is_staff:
        raise Refused("WEB_FORBIDDEN", seen=asked.person.role.value)
    data = secrets.token_urlsafe(32)
    request.data_hash = hash_of(data)
    course, person, tool = asked.session.get_one(Course, request.course_id), asked.person, asked.tool
    user = ToolUsers(asked.session).known_as(person.id, audience_of_tool(tool.id))
    agreed = agreed_shares(tool, user)
    occasion = Occasion(
        sub=user.sub,
        course_id=str(course.id),
        course_title=course.title,
        link_id="",
        link_title="",
        given_name=person.given_name,
        family_name=person.family_name,
        email=person.email or "",
        is_staff=True,
        locale=asked.launch.login.get("locale", ""),
        document_target=asked.launch.login.get("opens_in", ""),
        platform_guid=asked.academy.host,
        platform_name=asked.academy.name,
        platform_url=asked.academy.url,
        custom=tuple((name, value) for name, value in tool.custom),
    )
    shares = shares_of(send_name=Share.NAME in agreed, send_email=Share.EMAIL in agreed)
    addressee = replace(addressee_of(asked.academy, tool, tool.deep_link_url), message_type=DEEP_LINKING_REQUEST)
    settings = settings_claim(
        return_url=addresses.content_url(asked.academy, str(request.id)),
        data=data,
        several=not request.is_exam,
        title=course.title,
    )
    return {**message(occasion, addressee, shares), SETTINGS: settings}
