"""Opening a tool with LTI 1.3: the login initiation, and the row of the log that waits for the tool's answer.

The ``lti_message_hint`` is a random token kept as a hash. Its row says person, session, tool, link and kind of message;
it is good for five minutes and used up by one answer (`tenants.lti.platform.authorize`).
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from saas import clock
from saas.db.scope import ScopedSession
from saas.tenancy.resolve import Academy
from tenants.learning.outside import OutsideResults
from tenants.lti.launches.models import Direction, Launch, Outcome, Protocol
from tenants.lti.platform.addresses import issuer
from tenants.lti.platform.messages import Seat
from tenants.lti.platform.models import OpensIn, Tool, ToolLink
from tenants.lti.platform.opening import Opening, Sitting, seated
from tenants.lti.platform.users import ToolUsers, audience_of_tool
from tenants.lti.tool.login import hash_state
from tenants.lti.wire.launch13 import RESOURCE_LINK_REQUEST
from tenants.lti.wire.login_initiation import LoginInitiation
from tenants.lti.wire.redact import redacted_params

HINT_LIFETIME = timedelta(minutes=5)


def open_by_login(opening: Opening, link: ToolLink, tool: Tool, sitting: Sitting) -> LoginInitiation:
    """Takes part and writes the log. Whoever calls has seen to `Opening.link` and consent."""
    OutsideResults(opening.session).begin(sitting.person.id, opening.activity)
    launch_id, seat = seated(sitting, opening.academy, opening.activity)
    occasion = opening.occasion(link, sitting.person, seat)
    initiation = _initiation(opening.academy, tool, link.url, occasion.sub, seat.opens_in)
    opening.checks.note("sent", tool.login_url)
    opening.log(
        link,
        sitting,
        id=launch_id,
        message_type=RESOURCE_LINK_REQUEST,
        **_kept(initiation, sitting.session_id, seat),
    )
    return initiation


def begin_message(  # noqa: PLR0913 -- what a message is about
    session: ScopedSession,
    academy: Academy,
    tool: Tool,
    sitting: Sitting,
    *,
    message_type: str,
    target: str,
    activity_id: UUID | None = None,
    link: ToolLink | None = None,
    about: Mapping[str, Any] | None = None,
    iss: str = "",
) -> LoginInitiation:
    """The same for another kind of message (Deep Linking, Submission Review); ``about`` is what its maker will need,
    JSON (`tenants.lti.platform.messages.MessageKinds`). ``iss``: as in `messages.addressee_of`.
    """
    sub = ToolUsers(session).known_as(sitting.person.id, audience_of_tool(tool.id)).sub
    initiation = replace(_initiation(academy, tool, target, sub, sitting.seat.opens_in), iss=iss or issuer(academy))
    session.add(
        Launch(
            started_at=clock.now(),
            outcome=Outcome.WAITING,
            direction=Direction.OUT,
            protocol=Protocol.LTI_13.value,
            message_type=message_type,
            tool_id=tool.id,
            tool_link_id=link.id if link else None,
            platform_name=tool.name,
            person_id=sitting.person.id,
            person_name=sitting.person.name,
            activity_id=activity_id,
            target=target,
            browser=sitting.browser,
            **_kept(initiation, sitting.session_id, sitting.seat, dict(about or {})),
        )
    )
    session.flush()
    return initiation


def _initiation(academy: Academy, tool: Tool, target: str, sub: str, opens_in: OpensIn) -> LoginInitiation:
    return LoginInitiation(
        login_url=tool.login_url,
        iss=issuer(academy),
        login_hint=sub,
        target_link_uri=target,
        lti_message_hint=secrets.token_urlsafe(32),
        client_id=tool.client_id,
        lti_deployment_id=tool.deployment_id,
        framed=opens_in is OpensIn.FRAME,
    )


def _kept(
    initiation: LoginInitiation, session_id: UUID, seat: Seat, about: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Columns of the row: the hint as a hash, and what the answer is held against and made of."""
    shown = ((name, value) for name, value in initiation.fields.items() if name != "lti_message_hint")
    return {
        "state_hash": hash_state(initiation.lti_message_hint),
        "login": {
            "session": str(session_id),
            "login_hint": initiation.login_hint,
            "opens_in": seat.opens_in.value,
            "return_url": seat.return_url,
            "locale": seat.locale,
            "about": about or {},
        },
        "login_shown": redacted_params(shown),
    }
