"""Scores to an LTI 1.3 platform (AGS 2.0): find or make the grade column, send the score, read it back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from saas import clock
from saas.db.scope import ScopedSession
from saas.jobs.registry import JobRun
from saas.problems import Refused
from tenants.grades.models import DeliveryState
from tenants.grades.services import RouteLabel, Statement, Try, Verdict
from tenants.lti.tool.exchange import Conversation, Ended, end
from tenants.lti.tool.landing import CHANNEL
from tenants.lti.tool.models import Participant, ResourceLink
from tenants.lti.tool.routes import Route, load_route
from tenants.lti.tool.tokens import Tokens
from tenants.lti.wire import ags
from tenants.lti.wire.answers import Answer, Kind, Step
from tenants.lti.wire.links import next_page

#: How long one job may take to find or make a grade column before another may try.
CLAIM = timedelta(seconds=60)
MAXIMUM = Decimal(100)
_STATES = {
    Kind.DELIVERED: DeliveryState.SENT,
    Kind.SUPERSEDED: DeliveryState.SUPERSEDED,
    Kind.RETRY: DeliveryState.WAITING,
    Kind.NEW_TOKEN: DeliveryState.WAITING,
    Kind.LINE_ITEM_GONE: DeliveryState.DEAD,
    Kind.FINAL: DeliveryState.DEAD,
}


class AgsChannel:
    name = CHANNEL

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def routes(self, session: ScopedSession, person_id: UUID, activity_id: UUID) -> Sequence[UUID]:
        query = sa.select(Participant.id).join(ResourceLink, ResourceLink.id == Participant.resource_link_id)
        return session.scalars(
            query.where(Participant.person_id == person_id, ResourceLink.activity_id == activity_id)
        ).all()

    def whose(self, session: ScopedSession, route_id: UUID) -> tuple[UUID, UUID] | None:
        participant = session.get(Participant, route_id)
        return (participant.person_id, participant.link.activity_id) if participant else None

    def labels(self, session: ScopedSession, route_ids: Sequence[UUID]) -> Mapping[UUID, RouteLabel]:
        loaded = selectinload(Participant.link).selectinload(ResourceLink.platform)
        rows = session.scalars(sa.select(Participant).where(Participant.id.in_(route_ids)).options(loaded))
        return {
            row.id: RouteLabel(
                row.link.platform.name, " › ".join(filter(None, (row.link.context_title, row.link.title)))
            )
            for row in rows
        }

    def deliver(self, run: JobRun, statement: Statement) -> tuple[Verdict, Sequence[Try]]:
        return Delivery(self.tokens, run, statement).deliver()

    def confirm(self, run: JobRun, statement: Statement) -> tuple[bool | None, Sequence[Try]]:
        return Delivery(self.tokens, run, statement).confirm()


class Delivery:
    """One run: never holds a transaction while it talks."""

    def __init__(self, tokens: Tokens, run: JobRun, statement: Statement) -> None:
        self.tokens = tokens
        self.run = run
        self.statement = statement
        self.talk: Conversation | None = None

    def deliver(self) -> tuple[Verdict, Sequence[Try]]:
        try:
            route = self._load()
            answer = self._send(route)
        except Ended as ended:
            answer = ended.answer
        may_confirm = answer.kind is Kind.DELIVERED and self.statement.score is not None and self._may_read()
        return Verdict(_STATES[answer.kind], answer.code, answer.cause, answer.retry_after, may_confirm), self._tries()

    def confirm(self) -> tuple[bool | None, Sequence[Try]]:
        try:
            route = self._load()
            url = ags.results_url(route.line_item, route.sub)
            body = self._talk.ask(Step.RESULTS, "GET", url, {"accept": ags.RESULTS_TYPE}).body
            result = ags.result_of(ags.parse_results(body), route.sub)
        except (Ended, Refused):
            return None, self._tries()
        if result is None or result.score is None or self.statement.score is None:
            return None, self._tries()
        there = result.score / result.maximum * MAXIMUM
        return abs(there - self.statement.score) < Decimal("0.01"), self._tries()

    def _load(self) -> Route:
        with self.run.transaction(write=False) as session:
            route = load_route(session, self.statement.route_id)
        if route is None:
            end(Kind.FINAL, "AGS_NO_LINE_ITEM", "The link to the other LMS is gone.")
        if not route.is_active or not self.run.academy.has("lti"):
            end(Kind.FINAL, "LTI_NOT_AVAILABLE", "The platform, or LTI for this academy, is switched off.")
        if ags.SCORE_SCOPE not in route.scopes:
            end(Kind.FINAL, "AGS_NO_SCOPE", "The platform gives us no right to send scores.")
        self.talk = Conversation(self.tokens, self.run, route)
        return route

    @property
    def _talk(self) -> Conversation:
        if self.talk is None:
            raise AssertionError("the route is loaded first")
        return self.talk

    def _tries(self) -> Sequence[Try]:
        return self.talk.tries if self.talk else ()

    def _may_read(self) -> bool:
        return self.talk is not None and ags.RESULT_SCOPE in self.talk.route.scopes

    def _send(self, route: Route) -> Answer:
        """The score; a grade column that is gone is looked for once more, a 409 answered once with a newer time."""
        relooked = renewed = False
        while True:
            line_item = route.line_item or self._find_line_item(route)
            answer = self._post_score(route, line_item, now=renewed)
            if answer.kind is Kind.LINE_ITEM_GONE and route.line_items and not relooked:
                relooked = True
                self._forget_line_item(route)
            elif answer.kind is Kind.SUPERSEDED and not renewed:
                renewed = True
            else:
                return answer

    def _post_score(self, route: Route, line_item: str, *, now: bool) -> Answer:
        """``now``: say it with the present time, because the LMS holds something it takes for newer."""
        said = self.statement
        body = ags.score(
            user_id=route.sub,
            at=self._next_timestamp(route, clock.now() if now else said.at),
            given=said.score if said.completed else None,
            maximum=MAXIMUM,
            activity=ags.ActivityProgress.COMPLETED if said.completed else ags.ActivityProgress.IN_PROGRESS,
            grading=ags.GradingProgress.FULLY_GRADED if said.completed else ags.GradingProgress.PENDING,
            new_submission=None if said.first_try else False,
        )
        try:
            return self._talk.asked(
                Step.SCORE, "POST", ags.scores_url(line_item), {"content-type": ags.SCORE_TYPE}, body
            )[1]
        except Ended as ended:
            return ended.answer

    def _next_timestamp(self, route: Route, at: datetime) -> datetime:
        """Strictly increasing per person and grade column, also over crashes: it is kept before it is used."""
        with self.run.transaction() as session:
            participant = session.get_one(Participant, route.participant_id, with_for_update=True)
            participant.last_timestamp = ags.score_time(at, now=clock.now(), previous=participant.last_timestamp)
            return participant.last_timestamp

    def _find_line_item(self, route: Route) -> str:
        if not route.line_items:
            end(Kind.FINAL, "AGS_NO_LINE_ITEM", "The platform gave no grade column for this link.")
        self._claim(route)
        try:
            found = self._look(route) or self._create(route)
        finally:
            self._unclaim(route)
        route.line_item = found
        with self.run.transaction() as session:
            session.get_one(ResourceLink, route.link_id).line_item = found
        return found

    def _claim(self, route: Route) -> None:
        """Of parallel first scores one makes the grade column; the others come back and find it."""
        now = clock.now()
        with self.run.transaction() as session:
            link = session.get_one(ResourceLink, route.link_id, with_for_update=True)
            if link.claimed_at and link.claimed_at > now - CLAIM:
                end(Kind.RETRY, "AGS_BUSY", "Another score is just finding the grade column.", retry_after=2)
            link.claimed_at = now

    def _unclaim(self, route: Route) -> None:
        with self.run.transaction() as session:
            session.get_one(ResourceLink, route.link_id).claimed_at = None

    def _look(self, route: Route) -> str:
        """By resource link and our activity, over all pages."""
        if not route.scopes & {ags.LINE_ITEM_SCOPE, ags.LINE_ITEM_READ_SCOPE}:
            end(Kind.FINAL, "AGS_NO_SCOPE", "The platform lets us neither find nor make a grade column.")
        url = ags.line_items_url(route.line_items, route.resource_link_id, str(route.activity_id))
        for _page in range(ags.MAX_PAGES):
            answer = self._talk.ask(Step.FIND, "GET", url, {"accept": ags.LINE_ITEMS_TYPE})
            item = ags.find_line_item(self._parsed(answer.body), route.resource_link_id, str(route.activity_id))
            if item is not None:
                return item.id
            url = next_page(answer.headers.get("link", ""), url)
            if not url:
                break
        return ""

    def _create(self, route: Route) -> str:
        if ags.LINE_ITEM_SCOPE not in route.scopes:
            end(Kind.FINAL, "AGS_NO_LINE_ITEM", "There is no grade column, and the platform does not let us make one.")
        body = ags.line_item(
            label=route.title,
            maximum=MAXIMUM,
            resource_id=str(route.activity_id),
            resource_link_id=route.resource_link_id,
        )
        headers = {"content-type": ags.LINE_ITEM_TYPE, "accept": ags.LINE_ITEM_TYPE}
        made = self._parsed(self._talk.ask(Step.CREATE, "POST", route.line_items, headers, body).body)
        if not made:
            end(Kind.RETRY, "AGS_ODD_ANSWER", "The platform made a grade column but did not say where.")
        return made[0].id

    def _parsed(self, body: bytes) -> tuple[ags.LineItem, ...]:
        try:
            return ags.parse_line_items(body)
        except Refused as refusal:
            end(Kind.RETRY, refusal.code, "The platform's list of grade columns cannot be read.")

    def _forget_line_item(self, route: Route) -> None:
        route.line_item = ""
        with self.run.transaction() as session:
            session.get_one(ResourceLink, route.link_id).line_item = ""
