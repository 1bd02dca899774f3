"""The exact message an activity's settings would send, before they are saved, made by what makes a real launch."""

import json
from dataclasses import dataclass

from sqlalchemy.orm.attributes import set_committed_value

from saas.db.scope import ScopedSession
from saas.tenancy.resolve import Academy
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.addresses import outcomes_url
from tenants.lti.platform.links import LinkValues
from tenants.lti.platform.messages import Seat, occasion_of, resource_link_message, with_services
from tenants.lti.platform.models import Tool, ToolLink
from tenants.lti.platform.users import ToolUsers, audience_of, shares_of_link
from tenants.lti.wire import consumer12
from tenants.lti.wire.shares import Share

#: What each launch makes anew.
FRESH = "…"


@dataclass(frozen=True, slots=True)
class Preview:
    """``message`` is text: parameters of the form, or claims of the token as JSON; ``shares`` what it tells."""

    version: Protocol
    url: str
    message: str
    shares: tuple[Share, ...]


def unsaved_link(session: ScopedSession, activity: Activity, known: ToolLink | None, values: LinkValues) -> ToolLink:
    """As it would be saved, in no session: nothing of it is ever written."""
    tool = session.get(Tool, values.tool_id) if values.tool_id else None
    is_legacy = values.lti_version is Protocol.LTI_12
    link = ToolLink(
        activity_id=activity.id,
        lti_version=values.lti_version,
        tool_id=None if is_legacy or tool is None else tool.id,
        url=values.url or (tool.target_url if tool else ""),
        resource_link_id=values.resource_link_id or (known.resource_link_id if known else FRESH),
        key=values.key,
        sealed_secret="",
        send_name=values.send_name,
        send_email=values.send_email,
        custom=[list(row) for row in values.custom],
        opens_in=values.opens_in,
        results_until=values.results_until,
    )
    set_committed_value(link, "tool", None if is_legacy else tool)
    return link


def preview_of(
    session: ScopedSession, academy: Academy, activity: Activity, link: ToolLink, person: Person, seat: Seat
) -> Preview:
    """As it would be sent when ``person`` opened it; nobody gets a pseudonym for looking."""
    user = ToolUsers(session).find(person.id, audience_of(link))
    occasion = occasion_of(academy, link, activity, person, seat, sub=user.sub if user else FRESH)
    shares = shares_of_link(link)
    if link.tool is None:
        fields = consumer12.parameters(occasion, shares, outcome_url=outcomes_url(academy), sourcedid=FRESH)
        signed = {**fields, "oauth_consumer_key": link.key, "oauth_signature": FRESH}
        return Preview(Protocol.LTI_12, link.url, "\n".join(f"{name}={text}" for name, text in signed.items()), shares)
    occasion = with_services(occasion, academy, link.tool, activity, None)
    claims = resource_link_message(occasion, academy, link.tool, link.url, shares)
    text = json.dumps({**claims, "nonce": FRESH}, indent=2, ensure_ascii=False)
    return Preview(Protocol.LTI_13, link.url, text, shares)
