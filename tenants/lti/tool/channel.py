"""Scores to an LTI 1.3 platform (AGS 2.0): find or make the grade column, send the score, read it back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from time import monotonic
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from saas import clock
from saas.db.scope import ScopedSession
from saas.jobs.registry import JobRun
from saas.problems import Refused
from tenants.grades.channels import RouteLabel, Statement, Try, Verdict
from tenants.grades.models import DeliveryState
from tenants.grades.services import is_pending
from tenants.lti.tool.addresses import resource_url
from tenants.lti.tool.exchange import Conversation, Ended, end, verdict_of
from tenants.lti.tool.landing13 import CHANNEL
from tenants.lti.tool.models import Participant, ResourceLink
from tenants.lti.tool.routes import Route, load_route
from tenants.lti.tool.tokens import Tokens
from tenants.lti.wire import ags
from tenants.lti.wire.answers import Answer, Kind, Step
from tenants.lti.wire.links import next_page

#: A job looks for a grade column no longer than this, so that it is done before another may claim the search.
SEARCH_SECONDS = 45.0
CLAIM = timedelta(seconds=90)
MAXIMUM = Decimal(100)


#: The launch offered no grade service at all: there is nobody to tell, and nothing to mend.
NO_GRADES = Answer(Kind.FINAL, "AGS_NO_LINE_ITEM", "The other LMS keeps no grades for this link.")

STRANGER = Answer(
    Kind.FINAL, "AGS_NOT_ENROLLED", "The grade column is there, but the platform grades no such person in it."
)
GONE = Answer(Kind.FINAL, "AGS_NO_LINE_ITEM", "The link to the other LMS is gone.")


class AgsChannel:
    name = CHANNEL
    tells_progress = True

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
        said = self.statement.score is not None or self.statement.withdrawn
        verdict = verdict_of(answer, may_confirm=answer.kind is Kind.DELIVERED and said and self._may_read())
        if answer is NO_GRADES:
            verdict = replace(verdict, state=DeliveryState.CANCELLED)
        return verdict, self._tries()

    def confirm(self) -> tuple[bool | None, Sequence[Try]]:
        try:
            route = self._load()
            url = ags.results_url(route.line_item, route.sub)
            body = self._talk.ask(Step.RESULTS, "GET", url, {"accept": ags.RESULTS_TYPE}).body
            result = ags.result_of(ags.parse_results(body), route.sub)
        except (Ended, Refused):
            return None, self._tries()
        if self.statement.withdrawn:
            return result is None or result.score is None, self._tries()
        if result is None or result.score is None or self.statement.score is None:
            return None, self._tries()
        there = result.score / result.maximum * MAXIMUM
        return abs(there - self.statement.score) < Decimal("0.01"), self._tries()

    def _load(self) -> Route:
        with self.run.transaction(write=False) as session:
            route = load_route(session, self.statement.route_id)
        if route is None:
            raise Ended(GONE)
        if not (route.line_item or route.line_items or route.scopes):
            raise Ended(NO_GRADES)
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
                if not self._is_gone(route, line_item):
                    return STRANGER
                relooked = True
                self._forget_line_item(route)
            elif answer.kind is Kind.SUPERSEDED and not renewed:
                renewed = True
            else:
                return answer

    def _is_gone(self, route: Route, line_item: str) -> bool:
        """A 404 to a score may mean the person as well (AGS 2.0 leaves it open); a new column would not help them."""
        if not route.scopes & ags.READING_SCOPES:
            return True
        http, answer = self._talk.asked(Step.FIND, "GET", line_item, {"accept": ags.LINE_ITEM_TYPE})
        if answer.kind in (Kind.RETRY, Kind.NEW_TOKEN):
            raise Ended(answer)
        return http is not None and http.status in (404, 410)

    def _post_score(self, route: Route, line_item: str, *, now: bool) -> Answer:
        """``now``: say it with the present time, because the LMS holds something it takes for newer."""
        said = self.statement
        given, activity, grading = _in_ags(said)
        body = ags.score(
            user_id=route.sub,
            at=self._next_timestamp(route, clock.now() if now or said.withdrawn else said.at),
            given=given,
            maximum=MAXIMUM,
            activity=activity,
            grading=grading,
            new_submission=None if said.first_try and not said.withdrawn else False,
        )
        try:
            return self._talk.asked(
                Step.SCORE, "POST", ags.scores_url(line_item), {"content-type": ags.SCORE_TYPE}, body
            )[1]
        except Ended as ended:
            return ended.answer

    def _next_timestamp(self, route: Route, at: datetime) -> datetime:
        """Strictly increasing per person and grade column, also over crashes: it is kept before it is used.

        Whoever was superseded gets none: its older word would carry a newer time than the word that replaced it.
        """
        with self.run.transaction() as session:
            participant = session.get(Participant, route.participant_id, with_for_update=True)
            if participant is None or not is_pending(session, self.statement.delivery_id):
                end(Kind.SUPERSEDED, "AGS_SUPERSEDED", "A newer result is on its way, or the person is gone.")
            participant.last_timestamp = ags.score_time(at, now=clock.now(), previous=participant.last_timestamp)
            return participant.last_timestamp

    def _find_line_item(self, route: Route) -> str:
        if not route.line_items:
            end(Kind.FINAL, "AGS_NO_LINE_ITEM", "The platform gave no grade column for this link.")
        found = self._claim(route)
        if not found:
            try:
                found = self._look(route) or self._create(route)
            finally:
                self._unclaim(route, found)
        route.line_item = found
        return found

    def _claim(self, route: Route) -> str:
        """Of parallel first scores one makes the grade column; the others come back and are given it."""
        now = clock.now()
        with self.run.transaction() as session:
            link = session.get(ResourceLink, route.link_id, with_for_update=True)
            if link is None:
                raise Ended(GONE)
            if not link.line_item and link.claimed_at and abs(now - link.claimed_at) < CLAIM:
                end(Kind.RETRY, "AGS_BUSY", "Another score is just finding the grade column.")
            link.claimed_at = None if link.line_item else now
            return link.line_item

    def _unclaim(self, route: Route, found: str) -> None:
        with self.run.transaction() as session:
            link = session.get(ResourceLink, route.link_id, with_for_update=True)
            if link is not None:
                link.claimed_at, link.line_item = None, found or link.line_item

    def _look(self, route: Route) -> str:
        """By resource link and our activity, over all pages."""
        if not route.scopes & ags.READING_SCOPES:
            end(Kind.FINAL, "AGS_NO_SCOPE", "The platform lets us neither find nor make a grade column.")
        url = ags.line_items_url(route.line_items, route.resource_link_id, str(route.activity_id))
        deadline = monotonic() + SEARCH_SECONDS
        for _page in range(ags.MAX_PAGES):
            if monotonic() > deadline:
                end(Kind.RETRY, "AGS_BUSY", "The platform lists its grade columns too slowly.")
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
            review_url=resource_url(self.run.academy, route.activity_id),
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
        with self.run.transaction() as session:
            link = session.get(ResourceLink, route.link_id, with_for_update=True)
            if link is not None and link.line_item == route.line_item:
                link.line_item = ""
        route.line_item = ""


def _in_ags(said: Statement) -> tuple[Decimal | None, ags.ActivityProgress, ags.GradingProgress]:
    """A score without ``scoreGiven`` clears the one that stands there (AGS 2.0 §3.4.5); a completion that has none
    yet is still to be graded.
    """
    if said.withdrawn:
        return None, ags.ActivityProgress.INITIALIZED, ags.GradingProgress.NOT_READY
    if said.completed:
        graded = ags.GradingProgress.PENDING if said.score is None else ags.GradingProgress.FULLY_GRADED
        return said.score, ags.ActivityProgress.COMPLETED, graded
    return None, ags.ActivityProgress.IN_PROGRESS, ags.GradingProgress.PENDING
