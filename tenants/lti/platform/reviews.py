"""Submission Review 1.0, we are the platform: staff look at what a learner handed in, inside the tool.

Offered where the tool asked for it with a grade column of the activity (``submissionReview``, AGS 2.0 §3.2), for
learners whose newest score there has one of the states it names.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.tenancy.resolve import Academy
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.lti.platform.launch13 import begin_message
from tenants.lti.platform.messages import Asked, Seat, addressee_of, occasion_of, with_services
from tenants.lti.platform.models import LineItem, ReceivedScore, Tool, ToolLink
from tenants.lti.platform.opening import Sitting
from tenants.lti.platform.tools import domains_of
from tenants.lti.platform.users import ToolUsers, agreed_shares, audience_of_tool, shares_of_link
from tenants.lti.wire.custom_rows import Rows, rows_fault
from tenants.lti.wire.id_token import message
from tenants.lti.wire.launch13 import SUBMISSION_REVIEW_REQUEST
from tenants.lti.wire.login_initiation import LoginInitiation
from tenants.lti.wire.memberships_out import LEARNER
from tenants.lti.wire.review import FOR_USER
from tenants.lti.wire.shares import Share
from tenants.lti.wire.text import is_at, web_url

#: Columns of one link that are looked through, ours first.
LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class Offer:
    """The grade column with which a tool offers it."""

    link: ToolLink
    tool: Tool
    column: LineItem

    @property
    def label(self) -> str:
        """What the tool calls it; empty where it says nothing."""
        return str(self._said.get("label", ""))

    @property
    def states(self) -> frozenset[str]:
        """``activityProgress`` of what can be looked at; without any, whatever there is."""
        return frozenset(self._said.get("reviewableStatus", ()))

    @property
    def target(self) -> str:
        """The tool's page for it. An address that is not at the tool is none: a token goes there."""
        url = web_url(self._said.get("url"))
        return url if url and is_at(url, domains_of(self.tool)) else self.link.url

    @property
    def custom(self) -> Rows:
        rows = tuple(self._said.get("custom", {}).items())
        return () if rows_fault(rows) else rows

    @property
    def _said(self) -> dict[str, Any]:
        return self.column.submission_review


class SubmissionReviews:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def offer(self, activity: Activity) -> Offer | None:
        """None where the activity's tool offers none, is switched off, or was granted no grades."""
        is_its_own = sa.and_(LineItem.tool_link_id == ToolLink.id, LineItem.tool_id == ToolLink.tool_id)
        query = (
            sa.select(ToolLink, Tool, LineItem)
            .join(Tool, Tool.id == ToolLink.tool_id)
            .join(LineItem, is_its_own)
            .where(ToolLink.activity_id == activity.id, Tool.is_active)
            .order_by(LineItem.is_coupled.desc(), LineItem.id)
        )
        rows = self.session.execute(query.limit(LOOKED_AT)).all()
        offers = (Offer(*row) for row in rows if row.Tool.is_graded)
        return next((each for each in offers if each.column.submission_review), None)

    def reviewable(self, offer: Offer, people: Sequence[UUID]) -> frozenset[UUID]:
        """Those of ``people`` whose work can be looked at."""
        query = sa.select(ReceivedScore.person_id).where(
            ReceivedScore.line_item_id == offer.column.id, ReceivedScore.person_id.in_(people)
        )
        if offer.states:
            query = query.where(ReceivedScore.activity_progress.in_(sorted(offer.states)))
        return frozenset(self.session.scalars(query))

    def begin(self, academy: Academy, activity: Activity, learner_id: UUID, sitting: Sitting) -> LoginInitiation:
        """`Refused` WEB_NOT_FOUND where there is nothing to look at."""
        offer = self.offer(activity)
        if offer is None or learner_id not in self.reviewable(offer, [learner_id]):
            raise Refused("WEB_NOT_FOUND")
        return begin_message(
            self.session,
            academy,
            offer.tool,
            sitting,
            message_type=SUBMISSION_REVIEW_REQUEST,
            target=offer.target,
            activity_id=activity.id,
            link=offer.link,
            about={"learner": str(learner_id)},
        )


def review_message(asked: Asked) -> dict[str, object]:
    """The claims, for `MessageKinds`: staff only. `Refused` WEB_FORBIDDEN, TOOL_CLOSED where it is over meanwhile."""
    if not asked.person.is_staff:
        raise Refused("WEB_FORBIDDEN", seen=asked.person.role.value)
    session, academy, tool = asked.session, asked.academy, asked.tool
    learner = session.get(Person, UUID(asked.about["learner"]))
    activity = session.get(Activity, asked.launch.activity_id)
    offer = SubmissionReviews(session).offer(activity) if activity is not None else None
    if learner is None or activity is None or offer is None or offer.tool.id != tool.id:
        raise Refused("TOOL_CLOSED", seen="the learner, the activity or its grade column is gone")
    sub = ToolUsers(session).known_as(asked.person.id, audience_of_tool(tool.id)).sub
    occasion = occasion_of(academy, offer.link, activity, asked.person, Seat.of(asked.launch), sub=sub)
    occasion = with_services(occasion, academy, tool, activity, offer.column)
    occasion = replace(occasion, custom=(*occasion.custom, *offer.custom))
    addressee = replace(addressee_of(academy, tool, asked.launch.target), message_type=SUBMISSION_REVIEW_REQUEST)
    claims = message(occasion, addressee, shares_of_link(offer.link))
    return {**claims, FOR_USER: _for_user(session, tool, learner)}


def _for_user(session: ScopedSession, tool: Tool, learner: Person) -> dict[str, object]:
    """As the tool knows them; name and e-mail where its switches say so and the person agreed (§3.1)."""
    known = ToolUsers(session).known_as(learner.id, audience_of_tool(tool.id))
    said: dict[str, object] = {"user_id": known.sub, "roles": [LEARNER]}
    shares = agreed_shares(tool, known)
    if Share.NAME in shares:
        said |= {"name": learner.name, "given_name": learner.given_name, "family_name": learner.family_name}
    if Share.EMAIL in shares:
        said["email"] = learner.email
    return {name: value for name, value in said.items() if value}
