"""What a tool answers when content was chosen in it (Deep Linking 2.0 §4.5): proven, then made into drafts of a course.

It is believed for the tool's signature, the data only the tool was told, and the session of the person who asked; once,
within an hour.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from hmac import compare_digest
from uuid import UUID

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.accounts.models import Person
from tenants.catalog.models import Activity, ActivityType, Content, Course
from tenants.catalog.services import Catalog
from tenants.lti.entered import InvalidValues
from tenants.lti.launches.models import Protocol
from tenants.lti.platform import addresses
from tenants.lti.platform.columns import coupled_column
from tenants.lti.platform.grants import ContentRequest
from tenants.lti.platform.links import LinkValues, ToolLinks
from tenants.lti.platform.log import Service, note_call
from tenants.lti.platform.models import OpensIn, Tool, ToolLink
from tenants.lti.platform.once import hash_of, use_once
from tenants.lti.platform.tool_keys import ToolKeySets
from tenants.lti.platform.tools import domains_of, require_active
from tenants.lti.wire import jws
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.deeplink_answer import (
    ANSWER_STEPS,
    MAX_AGE,
    Answer,
    AnswerForm,
    Question,
    check_claims,
    check_issuer,
    read_answer,
)
from tenants.lti.wire.deeplink_items import Chosen, Column
from tenants.lti.wire.jwks import check_signature

#: An exam made of a choice begins with this minimum score, percent; its author sets their own before publishing.
FIRST_MINIMUM = 60


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of an answer: drafts in their course, or nothing; and the tool's words."""

    course_id: UUID
    activity_ids: Sequence[UUID]
    answer: Answer


class ContentAnswers:
    """One answer of a tool. Every step is one of `tenants.lti.wire.deeplink_answer`, in its order."""

    def __init__(self, runtime: Runtime, academy: Academy) -> None:
        self.runtime = runtime
        self.academy = academy
        self.checks = Checklist(ANSWER_STEPS)
        self.tool: Tool | None = None

    def take(
        self,
        request_id: UUID,
        pairs: Sequence[tuple[str, str]],
        person_id: UUID | None,
        *,
        log_refusal: Callable[[], bool] = lambda: True,
    ) -> Taken:
        """Creates what was chosen, and logs the call. Asks the tool's key set in between its two transactions.

        Raises `Refused`; then nothing was created, and the request is not used up.
        """
        try:
            form = AnswerForm.read(pairs, self.checks)
            tool = self._asked(request_id, person_id)
            token = self._proven(tool, form.token)
            with self.runtime.database.transaction(self.academy.id) as session:
                taken = self._create(session, request_id, token)
                said = "; ".join(filter(None, (f"{len(taken.activity_ids)} items", taken.answer.log)))
                self._note(session, 200, "", said, person_id)
        except Refused as refusal:
            if self.tool is not None or log_refusal():
                self._log(refusal, person_id)
            raise
        return taken

    def _asked(self, request_id: UUID, person_id: UUID | None) -> Tool:
        """Steps "request", "person" and "tool"."""
        with self.runtime.database.transaction(self.academy.id, write=False) as session:
            request = self._open(session, request_id)
            person = session.get(Person, person_id) if person_id else None
            self.tool = tool = session.get_one(Tool, request.tool_id)
            session.expunge(tool)
            is_same = person is not None and person.id == request.person_id
            seen = "the same" if is_same else person.role.value if person else "nobody signed in"
            self.checks.require("person", is_same, "CONTENT_PERSON", seen=seen, wanted="the person who asked")
            if person is None or not person.is_staff:
                self.checks.refuse("person", "WEB_FORBIDDEN", seen=seen)
        require_active(self.checks, "tool", self.academy, tool)
        return tool

    def _open(self, session: ScopedSession, request_id: UUID, *, lock: bool = False) -> ContentRequest:
        request = session.get(ContentRequest, request_id, with_for_update=lock or None)
        wanted = "a request of the last hour, not answered yet"
        if request is None:
            self.checks.refuse("request", "CONTENT_REQUEST", seen="a request we never made", wanted=wanted)
        if request.used_at is not None:
            self.checks.refuse("request", "CONTENT_REQUEST", seen="answered already", wanted=wanted)
        if request.expires_at <= clock.now():
            self.checks.refuse("request", "CONTENT_REQUEST", seen="too old", wanted=wanted)
        if not lock:
            self.checks.note("request", f"begun at {request.created_at:%H:%M:%S} UTC")
        return request

    def _proven(self, tool: Tool, text: str) -> jws.Token:
        """Steps "format" to "signature", with no transaction open."""
        token = jws.read(self.checks, text)
        jws.check_header(self.checks, token, jws.SUPPORTED, kid_required=not tool.pasted_key)
        check_issuer(self.checks, token.claims, tool.client_id)
        try:
            key = self.runtime.part(ToolKeySets).verifying_key(self.academy.id, tool, token)
        except Refused as refusal:
            self.checks.refuse("key", refusal.code, seen=refusal.seen, wanted=refusal.wanted)
        self.checks.note("key", token.kid or "the pasted key")
        check_signature(self.checks, token, key)
        return token

    def _create(self, session: ScopedSession, request_id: UUID, token: jws.Token) -> Taken:
        """Steps "audience" to "items". Whoever is second waits at the lock and finds the request used up."""
        request = self._open(session, request_id, lock=True)
        tool, now = session.get_one(Tool, request.tool_id), clock.now()
        question = Question(
            issuer=addresses.issuer(self.academy),
            client_id=tool.client_id,
            deployment_id=tool.deployment_id,
            is_ours=lambda data: compare_digest(hash_of(data), request.data_hash),
            several=not request.is_exam,
            domains=domains_of(tool),
        )
        nonce = check_claims(self.checks, token.claims, question, now)
        first = use_once(session, f"dl:{tool.id}", nonce, now + timedelta(seconds=2 * MAX_AGE))
        self.checks.require("nonce", first, "CONTENT_NONCE", seen="new" if first else "used already", wanted="new")
        answer = read_answer(self.checks, token.claims, question)
        request.used_at = now
        activities = Choice(session, self.runtime, tool, request).keep(answer.items)
        return Taken(request.course_id, [activity.id for activity in activities], answer)

    def _log(self, refusal: Refused, person_id: UUID | None) -> None:
        problem = self.runtime.problems[refusal.code]
        seen = f"{refusal.seen}; wanted: {refusal.wanted}" if refusal.wanted else refusal.seen
        with self.runtime.database.transaction(self.academy.id) as session:
            self._note(session, problem.status, refusal.code, seen, person_id)

    def _note(self, session: ScopedSession, status: int, code: str, seen: str, person_id: UUID | None) -> None:
        note_call(session, Service.CONTENT, status=status, code=code, seen=seen, tool=self.tool, person_id=person_id)


class Choice:
    """What was chosen becomes activities of the course: drafts, each with its link, and its column if one is wanted."""

    def __init__(self, session: ScopedSession, runtime: Runtime, tool: Tool, request: ContentRequest) -> None:
        self.session = session
        self.catalog = Catalog(session)
        self.links = ToolLinks(session, runtime.secrets, runtime.outbound)
        self.tool = tool
        self.is_exam = request.is_exam
        self.course = self.catalog.course(request.course_id)

    def keep(self, items: Sequence[Chosen]) -> list[Activity]:
        """Raises `Refused` CONTENT_URL or CONTENT_ITEMS for what cannot be an activity here; then none is."""
        return [self._activity(item) for item in items]

    def _activity(self, item: Chosen) -> Activity:
        activity = self.catalog.create_activity(
            self.course,
            item.title or self.tool.name,
            item.text,
            type_=ActivityType.EXAM if self.is_exam else ActivityType.E_LEARNING,
            content=Content.LTI,
            minimum=FIRST_MINIMUM if self.is_exam else None,
        )
        link = self._link(activity, item)
        if item.column is not None:
            self._column(link, item.column)
        return activity

    def _link(self, activity: Activity, item: Chosen) -> ToolLink:
        values = LinkValues(
            lti_version=Protocol.LTI_13,
            tool_id=self.tool.id,
            url=item.url,
            send_name=self.tool.send_name,
            send_email=self.tool.send_email,
            custom=item.custom,
            opens_in=OpensIn.WINDOW if item.new_window else OpensIn.FRAME,
        )
        try:
            return self.links.save(activity, values)
        except InvalidValues as faults:
            name, fault = next(iter(faults.fields.items()))
            code = "CONTENT_URL" if name == "url" else "CONTENT_ITEMS"
            raise Refused(code, seen=f"{item.url or 'no url'}: {fault}", wanted="an activity of the tool") from None

    def _column(self, link: ToolLink, wanted: Column) -> None:
        """The scale is the tool's: what it sends is out of that (Deep Linking 2.0 §3.1.1)."""
        column = coupled_column(self.session, link)
        column.maximum = Decimal(wanted.maximum)
        column.label = wanted.label or column.label
        column.resource_id, column.tag = wanted.resource_id, wanted.tag
        column.submission_review = dict(wanted.review)


def chosen_in(course: Course, ids: Sequence[str]) -> list[Activity]:
    """Those of the course among the ids, in their order here."""
    return [activity for activity in course.activities if str(activity.id) in ids]
