"""The other side: outside tools that an academy's learners open, and what those tools then ask of its services."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import count as numbers
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

import orjson
import sqlalchemy as sa
from webob import Request

from benchmarks.measure import FailedError, OverHttp
from benchmarks.school import School, get
from benchmarks.systems import Lyceum
from saas import clock
from saas.db.scope import ScopedSession
from saas.sessions import open_session
from tenants.access import Role
from tenants.accounts.models import MadeBy, Person
from tenants.accounts.services import People
from tenants.catalog.models import Activity, ActivityType, Content
from tenants.catalog.services import Catalog
from tenants.learning.models import Attempt, AttemptState, EnrolledBy, Enrolment, Grading, OutsideResult, Verdict
from tenants.learning.outside import OutsideResults
from tenants.lti.launches.models import Direction, Launch, Outcome, Protocol
from tenants.lti.platform.addresses import lineitem_url, outcomes_url, token_url
from tenants.lti.platform.columns import coupled_column
from tenants.lti.platform.consent import Consent
from tenants.lti.platform.launch13 import open_by_login
from tenants.lti.platform.links import LinkValues, ToolLinks
from tenants.lti.platform.log import Service
from tenants.lti.platform.messages import Seat
from tenants.lti.platform.models import OpensIn, ServiceCall, ToolLink
from tenants.lti.platform.opening import Opening, Sitting
from tenants.lti.platform.sourcedids import write_sourcedid
from tenants.lti.platform.tokens import TokenRequests
from tenants.lti.platform.tools import Tools, ToolValues
from tenants.lti.platform.users import ToolUsers, audience_of
from tenants.lti.wire import ags
from tenants.lti.wire.access_token import assertion_claims, token_form
from tenants.lti.wire.jws import sign
from tenants.lti.wire.login_initiation import LoginInitiation
from tenants.lti.wire.oauth1 import authorization_header
from tenants.lti.wire.pox import CONTENT_TYPE, Operation, build_request
from tests.cost import counted

FORM = "application/x-www-form-urlencoded"
VENDOR = "https://tool.vendor.example"
KEY, SECRET = "vendor-key", "a-secret-of-the-vendor"
MINIMUM = 70
#: People of the gradebook for each that the school knows: 200 make 10,000.
CROWD = 50
SESSION = timedelta(hours=12)

accepted = sa.select(sa.func.count(Launch.id)).where(
    Launch.direction == Direction.OUT, Launch.outcome == Outcome.ACCEPTED
)


def done(service: Service) -> sa.Select[int]:
    return sa.select(sa.func.count(ServiceCall.id)).where(ServiceCall.service == service.value, ServiceCall.code == "")


#: Status of the right answer, and where the log counts what was done; a page of ours is not in it.
PLATFORM_PATHS: Mapping[str, tuple[int, sa.Select[int] | None]] = {
    "authorize_lti13": (200, accepted),
    "tool_token": (200, done(Service.TOKEN)),
    "score_post": (204, done(Service.SCORE)),
    "outcome_post": (200, done(Service.OUTCOME)),
    "gradebook": (200, None),
}


@dataclass(frozen=True)
class Learner:
    """As the tool knows them, in both versions; ``cookie`` is their browser's."""

    id: UUID
    session_id: UUID
    cookie: str
    sub: str
    sourcedid: str


@dataclass
class PlatformPath(OverHttp):
    """``log`` counts what was done: a tool's fault may be answered with 200, too, so at the end both must agree.

    Without a log it is a page of ours for staff, who do not come twenty times a second: latencies at a tenth of the rate.
    """

    lyceum: Lyceum = field(kw_only=True)
    log: sa.Select[int] | None = field(kw_only=True)

    def __post_init__(self) -> None:
        self.sent, self.before, self.render = 0, self._logged(), self.prepare
        self.prepare = self._counted

    def gently(self, count: int, rate: float) -> Sequence[float]:
        return super().gently(count, rate) if self.log is not None else super().gently(count // 2, rate / 10)

    def more(self) -> Mapping[str, float]:
        """What the database is asked in one request, once the process is warm."""
        warming, measured = self.prepare(1), self.prepare(1)
        self._in_process(*warming)
        with counted(self.lyceum.runtime.database) as cost:
            self._in_process(*measured)
        if self.log is not None and (logged := self._logged() - self.before) != self.sent:
            raise FailedError(f"{self.name}: {self.sent} were sent and {logged} done")
        return {"statements": len(cost.statements)}

    def _counted(self, count: int) -> Sequence[bytes]:
        self.sent += count
        return self.render(count)

    def _in_process(self, sent: bytes) -> None:
        status = Request.from_bytes(sent).get_response(self.lyceum.application).status_int
        if status != self.accepted:
            raise FailedError(f"{self.name}: wrong answer {status} in this process")

    def _logged(self) -> int:
        if self.log is None:
            return 0
        with self.lyceum.kit.session() as session:
            return session.scalar(self.log) or 0


class OutsideTool:
    """A vendor's tool, as an exam by LTI 1.3 and by LTI 1.2, with learners who have begun both and agreed to it.

    Its key set is the school's: somebody's real one, fetched over HTTP.
    """

    def __init__(self, lyceum: Lyceum, school: School) -> None:
        self.lyceum, self.kit, self.school = lyceum, lyceum.kit, school
        self.turns, self.seats = numbers(), numbers()
        self.start = clock.now() - timedelta(hours=1)
        with self.kit.session() as session:
            tool = Tools(session, lyceum.runtime.outbound).create(
                ToolValues("A tool", f"{VENDOR}/login", f"{school.services}/jwks", is_active=True)
            )
            self.client_id, self.target = tool.client_id, f"{VENDOR}/launch"
            self.modern = self._exam(session, LinkValues(Protocol.LTI_13, tool.id, self.target))
            legacy = LinkValues(Protocol.LTI_12, url=self.target, resource_link_id="exam-1", key=KEY, secret=SECRET)
            self.legacy = self._exam(session, legacy)
            self.learners = [self._sit(session) for _ in range(school.known)]
            column = coupled_column(session, self._link(session, self.modern))
            self.scores_url = lineitem_url(self.kit.academy, column.course_id, column.id) + "/scores"
        lyceum.settle()

    def requests(self, path: str) -> Callable[[int], Sequence[bytes]]:
        known = {
            "authorize_lti13": self.authentications,
            "tool_token": self.assertions,
            "score_post": self.scores,
            "outcome_post": self.outcomes,
            "gradebook": self.pages,
        }
        return known[path]

    def authentications(self, count: int) -> list[bytes]:
        """Each answers a launch of its own, begun as the learner's page begins it."""
        made = []
        with self.kit.session() as session:
            for learner in self._next(count):
                begun = self._begin(session, learner)
                asked = {
                    "scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none",
                    "client_id": self.client_id, "redirect_uri": self.target, "state": uuid4().hex, "nonce": uuid4().hex,
                    "login_hint": begun.login_hint, "lti_message_hint": begun.lti_message_hint,
                }  # fmt: skip
                made.append(get(self.lyceum.tool.host, f"/lti/authorize?{urlencode(asked)}", learner.cookie))
        return made

    def assertions(self, count: int) -> list[bytes]:
        url = token_url(self.kit.academy)
        return [self._call(url, urlencode(self._assertion()).encode(), FORM) for _ in range(count)]

    def scores(self, count: int) -> list[bytes]:
        return [self._score(learner, next(self.turns)) for learner in self._next(count)]

    def outcomes(self, count: int) -> list[bytes]:
        return [self._outcome(learner, next(self.turns)) for learner in self._next(count)]

    def pages(self, count: int) -> list[bytes]:
        return [self._page] * count

    @cached_property
    def _page(self) -> bytes:
        """An author's, of an exam that many sat; written as `OutsideResults` leaves it."""
        size = CROWD * self.school.known
        with self.kit.session() as session:
            activity = Catalog(session).create_activity(
                Catalog(session).create_course("A crowd"), "An exam", type_=ActivityType.EXAM, minimum=MINIMUM
            )
            session.add_all(people := [somebody(number) for number in range(size)])
            session.flush()
            for number, person in enumerate(people):
                session.add_all(sat(person, activity, number % 101))
            path = f"/activities/{activity.id}/results"
        self.lyceum.settle()
        return get(self.lyceum.tool.host, path, self.lyceum.signed_in(Role.AUTHOR))

    def _next(self, count: int) -> list[Learner]:
        """In turn, so that two scores of one person are never under way at once."""
        return [self.learners[next(self.seats) % len(self.learners)] for _ in range(count)]

    def _exam(self, session: ScopedSession, values: LinkValues) -> UUID:
        catalog = Catalog(session)
        course = catalog.create_course("Of a vendor")
        activity = catalog.create_activity(
            course, "An exam", "What it is about", 10, ActivityType.EXAM, content=Content.LTI, minimum=MINIMUM
        )
        ToolLinks(session, self.lyceum.runtime.secrets, self.lyceum.runtime.outbound).save(activity, values)
        catalog.publish(activity, on=True)
        catalog.publish(course, on=True)
        return activity.id

    def _link(self, session: ScopedSession, activity_id: UUID) -> ToolLink:
        return session.scalars(sa.select(ToolLink).where(ToolLink.activity_id == activity_id)).one()

    def _sit(self, session: ScopedSession) -> Learner:
        person = People(session).create(f"{uuid4().hex[:12]}@people.example", "Katharina", "Example")
        fresh = open_session(session, person.id, "link", SESSION)
        for activity_id in (self.modern, self.legacy):
            consent = Consent(session, self._link(session, activity_id), person)
            consent.give(share.value for share in consent.shares)
            OutsideResults(session).begin(person.id, session.get_one(Activity, activity_id))
        sub = ToolUsers(session).known_as(person.id, audience_of(self._link(session, self.modern))).sub
        legacy = self._link(session, self.legacy)
        sourcedid = write_sourcedid(self.lyceum.runtime.secrets, self.kit.academy.id, legacy.id, person.id)
        return Learner(person.id, fresh.id, f"session={fresh.token}", sub, sourcedid)

    def _begin(self, session: ScopedSession, learner: Learner) -> LoginInitiation:
        """What the page with the form that sends itself is made of."""
        person = session.get_one(Person, learner.id)
        opening = Opening(session, self.lyceum.runtime, self.kit.academy, session.get_one(Activity, self.modern))
        link = opening.link()
        if link.tool is None or not opening.consented(link, person):
            raise FailedError("the learner was to be asked")
        sitting = Sitting(person, learner.session_id, Seat(OpensIn.FRAME, "en", ""), {"family": "Chrome"})
        return open_by_login(opening, link, link.tool, sitting)

    def _assertion(self) -> dict[str, str]:
        claims = assertion_claims(self.client_id, token_url(self.kit.academy), jti=uuid4().hex, now=clock.now())
        return token_form(sign(claims, self.school.key), ags.SCOPES)

    @cached_property
    def _token(self) -> str:
        return TokenRequests(self.lyceum.runtime, self.kit.academy).answer(list(self._assertion().items())).value

    def _score(self, learner: Learner, turn: int) -> bytes:
        """Later and better than any before it."""
        document = {
            "userId": learner.sub, "scoreGiven": MINIMUM + turn / 1000, "scoreMaximum": 100,
            "activityProgress": "Completed", "gradingProgress": "FullyGraded",
            "timestamp": (self.start + timedelta(milliseconds=turn)).isoformat(timespec="milliseconds"),
        }  # fmt: skip
        return self._call(self.scores_url, orjson.dumps(document), ags.SCORE_TYPE, f"Bearer {self._token}")

    def _outcome(self, learner: Learner, turn: int) -> bytes:
        score = Decimal(MINIMUM) / 100 + Decimal(turn) / 100_000
        url, body = (
            outcomes_url(self.kit.academy),
            build_request(Operation.REPLACE, uuid4().hex, learner.sourcedid, score),
        )
        header = authorization_header(url, body, key=KEY, secret=SECRET, nonce=uuid4().hex, timestamp=int(time.time()))
        return self._call(url, body, CONTENT_TYPE, header)

    def _call(self, url: str, body: bytes, content_type: str, authorization: str = "") -> bytes:
        """As a vendor's server sends it."""
        said = f"Authorization: {authorization}\r\n" if authorization else ""
        head = (
            f"POST {urlsplit(url).path} HTTP/1.1\r\nHost: {self.lyceum.tool.host}\r\nUser-Agent: vendor/1.0\r\nAccept: */*\r\n"
            f"{said}Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def somebody(number: int) -> Person:
    email = f"crowd-{number}@people.example"
    return Person(
        email=email, email_key=email, given_name="Katharina", family_name=f"Crowd-{number % 997:03}",
        role=Role.LEARNER, made_by=MadeBy.ACADEMY,
    )  # fmt: skip


def sat(person: Person, activity: Activity, percent: int) -> list[object]:
    """The rows of somebody who took part and was given a score."""
    who, score, at = {"person_id": person.id, "activity_id": activity.id}, Decimal(percent), datetime.now(UTC)
    verdict = Verdict.PASSED if percent >= MINIMUM else Verdict.FAILED
    attempt = Attempt(
        **who, number=1, state=AttemptState.COMPLETED, progress=Decimal(100), score=score, completed_at=at
    )
    result = OutsideResult(
        **who, given=str(percent), maximum="100", percent=score, grading=Grading.DECIDED, verdict=verdict,
        minimum=MINIMUM, source="A tool", said_at=at,
    )  # fmt: skip
    return [Enrolment(**who, enrolled_by=EnrolledBy.SELF), attempt, result]
