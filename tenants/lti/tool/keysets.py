"""Other systems' public keys: fresh for five minutes, kept a day while their server is away, a forced look per 30 s.

The database holds the last set fetched, shared by all processes; each process keeps it parsed. Nothing here runs
inside a launch's transaction: fetching is HTTP.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.engine import Database
from saas.outbound import Outbound, OutboundError
from saas.problems import Refused
from tenants.lti.tool.models import Platform, PlatformKeys
from tenants.lti.wire.jwks import KeySet

FRESH = timedelta(minutes=5)
STALE_IF_ERROR = timedelta(hours=24)
#: An unknown ``kid`` makes us look again, but not more often than this per key set.
FORCED_LOOK = timedelta(seconds=30)
#: Seconds that a launch waits for another one's look at the same key set.
WAIT = 2.0
#: Looks of one academy at the same time in a process: its slow servers never hold all threads.
LOOKS_PER_TENANT = 2


@dataclass(frozen=True, slots=True)
class HeldKeys:
    """A parsed set; ``fetched_at`` None for a pasted key, which is always fresh. ``error``: of the last look."""

    keys: KeySet
    fetched_at: datetime | None
    error: str = ""

    @property
    def is_fresh(self) -> bool:
        return self.fetched_at is None or self.fetched_at > clock.now() - FRESH

    def serves(self, kid: str) -> bool:
        """Whether there is nothing to gain from looking again; a key passed over has been seen, too."""
        return self.is_fresh and (self.fetched_at is None or not kid or self.keys.knows(kid))


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where the keys of a platform or tool come from; ``owner_id`` is its id."""

    tenant_id: int
    owner_id: UUID
    version: int
    jwks_url: str
    pasted_key: str


class FetchedKeys:
    """One per process and kind of owner; thread-safe. A kind says whose keys they are (``owner``, with ``jwks_url``),
    where the sets are ``kept`` (the column ``kept_by`` is the owner's id) and what people call the owner.
    """

    owner: ClassVar[Any]
    kept: ClassVar[Any]
    kept_by: ClassVar[str]
    owner_name: ClassVar[str]

    def __init__(self, database: Database, outbound: Outbound) -> None:
        self._database = database
        self._outbound = outbound
        self._held: dict[tuple[int, UUID, int], HeldKeys] = {}
        self._fetching: dict[tuple[int, UUID], threading.Lock] = {}
        self._looks: Counter[int] = Counter()
        self._lock = threading.Lock()

    def held(self, source: KeySource) -> HeldKeys | None:
        """What this process has, without touching database or network; for the launch's own transaction."""
        if source.pasted_key:
            return HeldKeys(_pasted(source.pasted_key), None)
        return self._held.get((source.tenant_id, source.owner_id, source.version))

    def get(self, source: KeySource, *, kid: str = "") -> HeldKeys:
        """A set that is fresh, or the last good one; with an unknown ``kid``, looked for again if it may be.

        Raises `Refused` LTI13_JWKS_UNREACHABLE when there is no usable set at all.
        """
        flight = self._single_flight(source)
        if not flight.acquire(timeout=WAIT):
            return self._fallback(self.held(source) or self._stored(source), "the key set is still being asked for")
        try:
            held = self.held(source)
            if held is None or not held.serves(kid):
                held = self._stored(source) or held
            if held is None or not held.serves(kid):
                held = self._look(source, held)
            self._keep(source, held)
            return held
        finally:
            flight.release()

    def _single_flight(self, source: KeySource) -> threading.Lock:
        with self._lock:
            return self._fetching.setdefault((source.tenant_id, source.owner_id), threading.Lock())

    def _keep(self, source: KeySource, held: HeldKeys) -> None:
        with self._lock:
            if len(self._held) > 10_000:
                self._held.clear()
            self._held[source.tenant_id, source.owner_id, source.version] = held

    def _stored(self, source: KeySource) -> HeldKeys | None:
        with self._database.transaction(source.tenant_id, write=False) as session:
            row = session.scalar(sa.select(self.kept).where(self._is_of(source)))
            if row is None or not row.document or row.fetched_at is None:
                return None
            return HeldKeys(KeySet.parse(row.document.encode()), row.fetched_at, row.error)

    def _look(self, source: KeySource, known: HeldKeys | None) -> HeldKeys:
        """Fetches, unless somebody just did; falls back on ``known`` while that is not too old."""
        with self._turn(source.tenant_id) as is_free:
            not_now = self._why_not_now(source) if is_free else "other key sets are still being asked for"
            return self._fallback(known, not_now) if not_now else self._look_now(source, known)

    @contextmanager
    def _turn(self, tenant_id: int) -> Iterator[bool]:
        """Whether the academy may look, too; nobody waits for a turn."""
        with self._lock:
            is_free = self._looks[tenant_id] < LOOKS_PER_TENANT
            self._looks[tenant_id] += is_free
        try:
            yield is_free
        finally:
            with self._lock:
                self._looks[tenant_id] -= is_free
                if not self._looks[tenant_id]:
                    del self._looks[tenant_id]

    def _look_now(self, source: KeySource, known: HeldKeys | None) -> HeldKeys:
        try:
            document, keys = self._fetch(source.jwks_url)
        except (OutboundError, Refused) as error:
            reason = error.reason if isinstance(error, OutboundError) else error.seen
            self._record(source, error=reason)
            return self._fallback(known, reason)
        now = clock.now()
        self._record(source, document=document, fetched_at=now)
        return HeldKeys(keys, now)

    def _fetch(self, url: str) -> tuple[str, KeySet]:
        answer = self._outbound.get(url, {"accept": "application/json"})
        if not answer.ok:
            raise OutboundError(f"the key set address answered with status {answer.status}", "status")
        return answer.body.decode("utf-8", "replace"), KeySet.parse(answer.body)

    def _fallback(self, known: HeldKeys | None, reason: str) -> HeldKeys:
        if known is None or (known.fetched_at and known.fetched_at < clock.now() - STALE_IF_ERROR):
            raise Refused("LTI13_JWKS_UNREACHABLE", seen=reason, wanted=f"the {self.owner_name}'s key set as JSON")
        return HeldKeys(known.keys, known.fetched_at, reason)

    def _why_not_now(self, source: KeySource) -> str:
        """Empty when we may look: a set past its time at once, and else (an unknown ``kid``, a server that failed) once
        per `FORCED_LOOK`, over all processes: whoever moves ``tried_at`` on may.
        """
        now = clock.now()
        with self._database.transaction(source.tenant_id) as session:
            row = session.scalar(sa.select(self.kept).where(self._is_of(source)).with_for_update())
            if row is None:
                return f"the {self.owner_name} is gone"
            if not row.error and (row.fetched_at is None or row.fetched_at <= now - FRESH):
                return ""
            if row.tried_at > now - FORCED_LOOK:
                return row.error or "the key set was asked for moments ago"
            row.tried_at = now
            return ""

    def _is_of(self, source: KeySource) -> sa.ColumnElement[bool]:
        condition: sa.ColumnElement[bool] = getattr(self.kept, self.kept_by) == source.owner_id
        return condition

    def _record(
        self, source: KeySource, *, document: str = "", fetched_at: datetime | None = None, error: str = ""
    ) -> None:
        """One statement: what an address said before the registration was edited is never kept for the new one."""
        values: dict[str, Any] = {"error": error}
        if error:
            values["tried_at"] = clock.now()
        if fetched_at is not None:
            values |= {"document": document, "fetched_at": fetched_at}
        same = sa.exists().where(self.owner.id == source.owner_id, self.owner.jwks_url == source.jwks_url)
        with self._database.transaction(source.tenant_id) as session:
            session.execute(sa.update(self.kept).where(self._is_of(source), same).values(values))


class KeySets(FetchedKeys):
    """Of the platforms."""

    owner = Platform
    kept = PlatformKeys
    kept_by = "platform_id"
    owner_name = "platform"


@lru_cache(maxsize=1000)
def _pasted(text: str) -> KeySet:
    return KeySet.pasted(text)
