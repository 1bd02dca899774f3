"""Basic Outcomes that tools of LTI 1.2 send us: the order of the checks is that of lti.md §1.2.

Key, sourcedid and the secret that signed must agree on one link; whatever is wrong with a sourcedid, the tool hears the
same words.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Self
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.base import table_of
from saas.db.hot import HotConnection
from saas.db.rows import Keeper, Part, Runner, same
from saas.db.scope import ScopedSession
from saas.db.statement import ScopedStatement
from saas.problems import Refused
from saas.runtime import Runtime
from saas.secrets import SealError
from saas.settings import WebSettings
from saas.tenancy.resolve import Academy, public_urls
from tenants.catalog.models import Activity
from tenants.grades.services import Channels
from tenants.learning.models import Enrolment, Grading, OutsideResult
from tenants.learning.outside import OutsideResults, OutsideScore
from tenants.learning.quick import NotSimpleError
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.addresses import OUTCOMES_PATH
from tenants.lti.platform.links import PURPOSE, sealed_secrets
from tenants.lti.platform.log import Service, note_call
from tenants.lti.platform.models import ToolLink
from tenants.lti.platform.once import use_once
from tenants.lti.platform.quick_results import QuickTelling
from tenants.lti.platform.scores import refuse_late
from tenants.lti.platform.sourcedids import read_sourcedid
from tenants.lti.wire import outcomes_in as wire
from tenants.lti.wire.launch11 import nonce_lifetime
from tenants.lti.wire.pox import Operation, PoxRequest
from tenants.lti.wire.text import shown

#: Links of one key whose secrets are tried, the one the sourcedid names first: a vendor's key may stand in many.
TRIED = wire.MOST_SECRETS
ONE = Decimal(1)
LINK = Part(
    ToolLink, "id", "tool_id", "key", "url", "sealed_secret", "sealed_previous", "previous_until", "results_until"
)
ACTIVITY = Part(Activity, "id", "type", "minimum_score")
_link, _activity, _result = table_of(ToolLink), table_of(Activity), table_of(OutsideResult)

FIND_SIGNERS = ScopedStatement(
    "lti_platform.find_signers",
    sa.select(*LINK.columns, *ACTIVITY.columns)
    .join_from(_link, _activity, same(_activity, id=_link.c.activity_id))
    .where(same(_link, key=sa.bindparam("the_key"), lti_version=Protocol.LTI_12))
    .order_by(sa.case((_link.c.id == sa.bindparam("named", type_=_link.c.id.type), 0), else_=1), _link.c.id)
    .limit(TRIED),
)
FIND_SCORE = ScopedStatement(
    "lti_platform.find_score_said",
    sa.select(_result.c.given, _result.c.maximum).where(
        same(_result, person_id=sa.bindparam("the_person"), activity_id=sa.bindparam("the_activity"))
    ),
)


@dataclass(frozen=True, slots=True)
class Posted:
    """What came in, byte for byte."""

    authorization: str
    content_type: str
    body: bytes
    query: str


@dataclass(frozen=True, slots=True)
class Done:
    """What was understood and done. ``score`` of a read, None for no grade."""

    request: PoxRequest
    score: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Signer:
    """A link with the key that was named; of no session."""

    link: ToolLink
    activity: Activity

    @classmethod
    def of(cls, row: Any) -> Self:
        link, activity = LINK.read(row), ACTIVITY.read(row)
        if link is None or activity is None:
            raise AssertionError("both are inner-joined")
        return cls(link, activity)


#: Takes a score in; `Refused` before anything is written, or with all of it undone.
Take = Callable[[Signer, UUID, OutsideScore], None]


class Outcomes:
    """One request. ``request`` is there once its XML was read, also when a later check refuses."""

    def __init__(self, runtime: Runtime, academy: Academy) -> None:
        self.runtime = runtime
        self.academy = academy
        self.request: PoxRequest | None = None
        #: There once a secret of it has signed.
        self.link: ToolLink | None = None
        #: Whether what came of it, done or refused, stands in the log already.
        self.is_logged = False
        self.person_id: UUID | None = None
        #: A link with the key that was named, for the log of what could not be proven.
        self.suspect: UUID | None = None
        self._known: dict[str, tuple[UUID, UUID] | None] = {}
        #: The activity's that the sourcedid names, where the signature was none of theirs.
        self._unproven: tuple[wire.Header, Sequence[str]] | None = None

    def answer(self, posted: Posted) -> Done:
        """Raises `Refused`. Once the signature is proven its nonce is used and the call is in the log, either way."""
        header = wire.read_header(posted.authorization, posted.content_type, posted.body, posted.query)
        database, tenant_id = self.runtime.database, self.academy.id
        try:
            with database.hot(tenant_id) as connection:
                outcome = self._answer(connection, header, posted.body, partial(self._take_quickly, connection))
        except NotSimpleError:
            with database.transaction(tenant_id) as session:
                outcome = self._answer(session, header, posted.body, partial(self._take, session))
        self.is_logged = True
        if isinstance(outcome, Refused):
            raise outcome
        return outcome

    def _answer(self, keeper: Keeper, header: wire.Header, body: bytes, take: Take) -> Done | Refused:
        signers = self._signers(keeper, header, body)
        self.link = signers[0].link
        try:
            done = self._do(keeper, signers, body, take)
        except Refused as refusal:
            self._note(keeper, 200, refusal.code, f"{refusal.seen}; wanted: {refusal.wanted}")
            return refusal
        self._note(keeper, 200, "")
        return done

    def diagnosed(self, refusal: Refused) -> Refused:
        """For the log, with no transaction open: the same, with what would have matched where that can be told."""
        if refusal.code != "CALL_OUTCOME_SIGNATURE" or self._unproven is None:
            return refusal
        seen = wire.diagnosis(self._unproven[0], self._urls(), self._unproven[1])
        return Refused(refusal.code, seen=seen or refusal.seen, wanted=refusal.wanted)

    def _urls(self) -> list[str]:
        return outcome_urls(self.academy, self.runtime.settings.web)

    def _signers(self, runner: Runner, header: wire.Header, body: bytes) -> Sequence[Signer]:
        """Those whose secret signed it."""
        named = self._named(body)
        found = [Signer.of(row) for row in runner.run(FIND_SIGNERS, the_key=header.key, named=named)]
        self.suspect = found[0].link.id if found else None
        now = clock.now()
        wire.check_time(header, now)
        sealed = [(signer, each) for signer in found for each in sealed_secrets(signer.link)][: wire.MOST_SECRETS]
        signers = self._by_secret(sealed)
        if named is not None and named == self.suspect:
            self._unproven = header, [secret for secret, of in signers.items() if of[0] is found[0]]
        secrets = list(signers)
        try:
            number = wire.check_signature(header, self._urls(), secrets)
        except Refused:
            self._spend_unsealing(wire.MOST_SECRETS - len(sealed))
            raise
        until = now + timedelta(seconds=nonce_lifetime())
        if not use_once(runner, f"nonce:{header.key}", header.nonce, until):
            raise Refused("CALL_OUTCOME_NONCE", seen="a nonce that was used", wanted="a new nonce each time")
        return signers[secrets[number]]

    def _by_secret(self, sealed: Sequence[tuple[Signer, str]]) -> dict[str, list[Signer]]:
        signers: dict[str, list[Signer]] = {}
        for signer, each in sealed:
            with suppress(SealError):  # sealed with a master key that is gone: nobody can have signed with it
                secret = self.runtime.secrets.open(self.academy.id, PURPOSE, each).decode()
                signers.setdefault(secret, []).append(signer)
        return signers

    def _spend_unsealing(self, times: int) -> None:
        """A refusal takes as long however many activities have the key, as `wire.check_signature` does."""
        secrets, tenant_id = self.runtime.secrets, self.academy.id
        stand_in = secrets.seal(tenant_id, PURPOSE, b"no secret of anyone")
        for _ in range(times):
            secrets.open(tenant_id, PURPOSE, stand_in)

    def _named(self, body: bytes) -> UUID | None:
        """The link the sourcedid speaks of; only a hint which secrets to try first."""
        try:
            sourcedid = wire.read_outcome(body).sourcedid
        except Refused:
            return None
        named = self._opened(sourcedid)
        return named[0] if named else None

    def _opened(self, sourcedid: str) -> tuple[UUID, UUID] | None:
        """Unsealing takes as long as a statement, and is asked for before and after the signature."""
        if sourcedid not in self._known:
            self._known[sourcedid] = read_sourcedid(self.runtime.secrets, self.academy.id, sourcedid)
        return self._known[sourcedid]

    def _do(self, runner: Runner, signers: Sequence[Signer], body: bytes, take: Take) -> Done:
        self.request = request = wire.read_outcome(body)
        if request.operation is None:
            wanted = ", ".join(Operation)
            raise Refused("CALL_OUTCOME_OPERATION", seen=shown(request.name, 80), wanted=wanted)
        signer, person_id = self._whose(signers, request.sourcedid)
        score = wire.check_score(request)
        if request.operation is Operation.READ:
            found = runner.run(FIND_SCORE, the_person=person_id, the_activity=signer.activity.id).first()
            return Done(request, share_of(found))
        take(signer, person_id, said(score, signer.link))
        return Done(request)

    def _whose(self, signers: Sequence[Signer], text: str) -> tuple[Signer, UUID]:
        named = self._opened(text)
        signer = next((each for each in signers if named and each.link.id == named[0]), None)
        if named is None or signer is None:
            seen = "not written here, or changed" if named is None else "of another key's link"
            raise Refused("CALL_SOURCEDID", seen=seen, wanted="a sourcedid of a launch with this key")
        self.link, self.person_id = signer.link, named[1]
        return signer, named[1]

    def _take_quickly(self, connection: HotConnection, signer: Signer, person_id: UUID, score: OutsideScore) -> None:
        """In scoped statements, as nearly all of them can be; refused before anything is written."""
        telling = QuickTelling(connection, self.runtime.part(Channels), person_id, signer.activity)
        if not (telling.results.hold() and telling.results.takes_part()):
            raise gone()
        refuse_late(signer.link, clock.now())
        telling.take(score)

    @staticmethod
    def _take(session: ScopedSession, signer: Signer, person_id: UUID, score: OutsideScore) -> None:
        """What is refused leaves nothing but the nonce and the log."""
        activity = session.get_one(Activity, signer.activity.id)
        with session.begin_nested():
            takes_part = sa.select(Enrolment.id).where(
                Enrolment.person_id == person_id, Enrolment.activity_id == activity.id
            )
            if session.scalar(takes_part) is None:
                raise gone()
            refuse_late(signer.link, clock.now())
            OutsideResults(session).take(person_id, activity, score)

    def _note(self, keeper: Keeper, status: int, code: str, seen: str = "") -> None:
        request = self.request
        what = f"{request.name}{f' {shown(request.score, 40)}' if request.score else ''}" if request else "no request"
        note_call(
            keeper,
            Service.OUTCOME,
            status=status,
            code=code,
            seen=f"{what}: {seen}" if seen else what,
            link=self.link,
            person_id=self.person_id,
        )


def gone() -> Refused:
    return Refused("CALL_PERSON", seen="does not take part any more", wanted="a learner of the activity")


def said(score: Decimal | None, link: ToolLink) -> OutsideScore:
    """A replacement, or for None a deletion: that completes nothing."""
    return OutsideScore(
        given=score,
        maximum=None if score is None else ONE,
        completed=score is not None,
        grading=Grading.NONE if score is None else Grading.DECIDED,
        at=clock.now(),
        source=link.tool_name,
        withdrawn=score is None,
    )


def share_of(result: Any) -> Decimal | None:
    """What a read request is answered: 0 to 1, None for no grade. ``result``: ``given`` and ``maximum``, or None."""
    if result is None or result.given is None or result.maximum is None:
        return None
    return min(max(Decimal(result.given) / Decimal(result.maximum), Decimal(0)), ONE)


def outcome_urls(academy: Academy, web: WebSettings) -> list[str]:
    """What may have been signed: the address we give out, then the same on the academy's other hosts."""
    return [f"{url}{OUTCOMES_PATH}" for url in public_urls(academy, web)]
