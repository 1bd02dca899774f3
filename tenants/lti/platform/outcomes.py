"""Basic Outcomes that tools of LTI 1.2 send us: the order of the checks is that of lti.md §1.2.

Key, sourcedid and the secret that signed must agree on one link; whatever is wrong with a sourcedid, the tool hears the
same words.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.runtime import Runtime
from saas.secrets import SealError
from saas.settings import WebSettings
from saas.tenancy.resolve import Academy, public_url
from tenants.catalog.models import Activity
from tenants.learning.models import Enrolment, Grading, OutsideResult
from tenants.learning.outside import OutsideResults, OutsideScore
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.addresses import OUTCOMES_PATH
from tenants.lti.platform.links import ToolLinks
from tenants.lti.platform.log import Service, note_call
from tenants.lti.platform.models import ToolLink
from tenants.lti.platform.once import use_once
from tenants.lti.platform.scores import refuse_late
from tenants.lti.platform.sourcedids import read_sourcedid
from tenants.lti.wire import outcomes_in as wire
from tenants.lti.wire.launch11 import nonce_lifetime
from tenants.lti.wire.pox import Operation, PoxRequest
from tenants.lti.wire.text import IDENTIFIER_LIMIT, shown

#: Links of one key whose secrets are tried, the one the sourcedid names first: a vendor's key may stand in many.
TRIED = 20
ONE = Decimal(1)


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


class Outcomes:
    """One request. ``request`` is there once its XML was read, also when a later check refuses."""

    def __init__(self, runtime: Runtime, academy: Academy) -> None:
        self.runtime = runtime
        self.academy = academy
        self.request: PoxRequest | None = None
        self.link: ToolLink | None = None
        self.person_id: UUID | None = None
        #: A link with the key that was named, for the log of what could not be proven.
        self.suspect: UUID | None = None

    def answer(self, posted: Posted) -> Done:
        """Raises `Refused`. Once the signature is proven its nonce is used and the call is in the log, either way."""
        header = wire.read_header(posted.authorization, posted.content_type, posted.body, posted.query)
        outcome: Done | Refused
        with self.runtime.database.transaction(self.academy.id) as session:
            links = self._signers(session, header, posted.body)
            self.link = links[0]
            try:
                with session.begin_nested():
                    outcome = self._do(session, links, posted.body)
                self._note(session, 200, "")
            except Refused as refusal:
                outcome = refusal
                self._note(session, 200, refusal.code, f"{refusal.seen}; wanted: {refusal.wanted}")
        if isinstance(outcome, Refused):
            raise outcome
        return outcome

    @property
    def is_logged(self) -> bool:
        return self.link is not None

    def _signers(self, session: ScopedSession, header: wire.Header, body: bytes) -> Sequence[ToolLink]:
        """The links whose secret signed it."""
        if len(header.key) > IDENTIFIER_LIMIT:
            raise Refused("CALL_OUTCOME_SIGNATURE", seen="an endless key", wanted="the key of an activity")
        links = ToolLinks(session, self.runtime.secrets, self.runtime.outbound)
        signers: dict[str, list[ToolLink]] = {}
        for link in session.scalars(self._of_key(header.key, self._named(body))):
            self.suspect = self.suspect or link.id
            with suppress(SealError):  # sealed with a master key that is gone: nobody can have signed with it
                for secret in links.secrets_of(link):
                    signers.setdefault(secret, []).append(link)
        now, secrets = clock.now(), list(signers)
        if secrets:
            wire.check_time(header, now)
        number = wire.check_signature(header, outcome_urls(self.academy, self.runtime.settings.web), secrets)
        until = now + timedelta(seconds=nonce_lifetime())
        if not use_once(session, f"nonce:{header.key}", header.nonce, until):
            raise Refused("CALL_OUTCOME_NONCE", seen="a nonce that was used", wanted="a new nonce each time")
        return signers[secrets[number]]

    def _named(self, body: bytes) -> UUID | None:
        """The link the sourcedid speaks of; only a hint which secrets to try first."""
        try:
            sourcedid = wire.read_outcome(body).sourcedid
        except Refused:
            return None
        named = read_sourcedid(self.runtime.secrets, self.academy.id, sourcedid)
        return named[0] if named else None

    @staticmethod
    def _of_key(key: str, named: UUID | None) -> sa.Select[Any]:
        query = sa.select(ToolLink).where(ToolLink.key == key, ToolLink.lti_version == Protocol.LTI_12)
        first = sa.case((ToolLink.id == named, 0), else_=1)
        return query.order_by(first, ToolLink.id).limit(TRIED)

    def _do(self, session: ScopedSession, signers: Sequence[ToolLink], body: bytes) -> Done:
        self.request = request = wire.read_outcome(body)
        if request.operation is None:
            wanted = ", ".join(Operation)
            raise Refused("CALL_OUTCOME_OPERATION", seen=shown(request.name, 80), wanted=wanted)
        link, activity = self._whose(session, signers, request.sourcedid)
        score = wire.check_score(request)
        results, person_id = OutsideResults(session), self._person
        if request.operation is Operation.READ:
            return Done(request, share_of(results.of(person_id, activity.id)))
        takes_part = sa.select(Enrolment.id).where(
            Enrolment.person_id == person_id, Enrolment.activity_id == activity.id
        )
        if session.scalar(takes_part) is None:
            raise Refused("CALL_PERSON", seen="does not take part any more", wanted="a learner of the activity")
        refuse_late(link, clock.now())
        results.take(person_id, activity, said(score, link))
        return Done(request)

    @property
    def _person(self) -> UUID:
        if self.person_id is None:
            raise AssertionError("no sourcedid has been read yet")
        return self.person_id

    def _whose(self, session: ScopedSession, signers: Sequence[ToolLink], text: str) -> tuple[ToolLink, Activity]:
        named = read_sourcedid(self.runtime.secrets, self.academy.id, text)
        link = next((each for each in signers if named and each.id == named[0]), None)
        if named is None or link is None:
            seen = "not written here, or changed" if named is None else "of another key's link"
            raise Refused("CALL_SOURCEDID", seen=seen, wanted="a sourcedid of a launch with this key")
        self.link, self.person_id = link, named[1]
        return link, session.get_one(Activity, link.activity_id)

    def _note(self, session: ScopedSession, status: int, code: str, seen: str = "") -> None:
        request = self.request
        what = f"{request.name}{f' {shown(request.score, 40)}' if request.score else ''}" if request else "no request"
        note_call(
            session,
            Service.OUTCOME,
            status=status,
            code=code,
            seen=f"{what}: {seen}" if seen else what,
            link=self.link,
            person_id=self.person_id,
        )


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


def share_of(result: OutsideResult | None) -> Decimal | None:
    """What a read request is answered: 0 to 1, None for no grade."""
    if result is None or result.given is None or result.maximum is None:
        return None
    return min(max(Decimal(result.given) / Decimal(result.maximum), Decimal(0)), ONE)


def outcome_urls(academy: Academy, web: WebSettings) -> list[str]:
    """What may have been signed: the address we give out, then the same on the academy's other hosts."""
    others = sorted(public_url(host, web) for host in academy.hosts - {academy.host})
    return [f"{url}{OUTCOMES_PATH}" for url in (academy.url, *others)]
