"""The platforms' public keys: fresh for five minutes, kept a day while their server is away, one forced look per 30 s.

The database holds the last set fetched, shared by all processes; each process keeps it parsed. Nothing here runs
inside a launch's transaction: fetching is HTTP.
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.engine import Database
from saas.outbound import Outbound, OutboundError
from saas.problems import Refused
from tenants.lti.tool.models import PlatformKeys
from tenants.lti.wire.jwks import KeySet

FRESH = timedelta(minutes=5)
STALE_IF_ERROR = timedelta(hours=24)
#: An unknown ``kid`` makes us look again, but not more often than this per platform.
FORCED_LOOK = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class HeldKeys:
    """A parsed set; ``fetched_at`` None for a pasted key, which is always fresh. ``error``: of the last look."""

    keys: KeySet
    fetched_at: datetime | None
    error: str = ""

    @property
    def is_fresh(self) -> bool:
        return self.fetched_at is None or self.fetched_at > clock.now() - FRESH


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where a platform's keys come from."""

    tenant_id: int
    platform_id: UUID
    version: int
    jwks_url: str
    pasted_key: str


class KeySets:
    """One per process; thread-safe."""

    def __init__(self, database: Database, outbound: Outbound) -> None:
        self._database = database
        self._outbound = outbound
        self._held: dict[tuple[int, UUID, int], HeldKeys] = {}
        self._fetching: dict[tuple[int, UUID], threading.Lock] = {}
        self._lock = threading.Lock()

    def held(self, source: KeySource) -> HeldKeys | None:
        """What this process has, without touching database or network; for the launch's own transaction."""
        if source.pasted_key:
            return HeldKeys(_pasted(source.pasted_key), None)
        return self._held.get((source.tenant_id, source.platform_id, source.version))

    def get(self, source: KeySource, *, kid: str = "") -> HeldKeys:
        """A set that is fresh, or the last good one; with an unknown ``kid``, looked for again if it may be.

        Raises `Refused` LTI13_JWKS_UNREACHABLE when there is no usable set at all.
        """
        with self._single_flight(source):
            held = self.held(source)
            if held is None or not held.is_fresh:
                held = self._stored(source)
            if held is None or not held.is_fresh or (kid and kid not in held.keys.keys and held.fetched_at):
                held = self._look(source, held)
            self._keep(source, held)
            return held

    def _single_flight(self, source: KeySource) -> threading.Lock:
        with self._lock:
            return self._fetching.setdefault((source.tenant_id, source.platform_id), threading.Lock())

    def _keep(self, source: KeySource, held: HeldKeys) -> None:
        with self._lock:
            if len(self._held) > 10_000:
                self._held.clear()
            self._held[source.tenant_id, source.platform_id, source.version] = held

    def _stored(self, source: KeySource) -> HeldKeys | None:
        with self._database.transaction(source.tenant_id, write=False) as session:
            row = session.scalar(sa.select(PlatformKeys).where(PlatformKeys.platform_id == source.platform_id))
            if row is None or not row.document or row.fetched_at is None:
                return None
            return HeldKeys(KeySet.parse(row.document.encode()), row.fetched_at, row.error)

    def _look(self, source: KeySource, known: HeldKeys | None) -> HeldKeys:
        """Fetches, unless somebody just did; falls back on ``known`` while that is not too old."""
        if not self._may_look(source):
            return self._fallback(known, "the key set was asked for moments ago")
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
            raise Refused("LTI13_JWKS_UNREACHABLE", seen=reason, wanted="the platform's key set as JSON")
        return HeldKeys(known.keys, known.fetched_at, reason)

    def _may_look(self, source: KeySource) -> bool:
        """One look per `FORCED_LOOK`, over all processes: whoever moves ``tried_at`` on may."""
        now = clock.now()
        with self._database.transaction(source.tenant_id) as session:
            row = session.scalar(
                sa.select(PlatformKeys).where(PlatformKeys.platform_id == source.platform_id).with_for_update()
            )
            if row is None:
                return False
            stale = row.fetched_at is None or row.fetched_at < now - FRESH
            if row.tried_at > now - FORCED_LOOK and not (stale and not row.error):
                return False
            row.tried_at = now
            return True

    def _record(
        self, source: KeySource, *, document: str = "", fetched_at: datetime | None = None, error: str = ""
    ) -> None:
        with self._database.transaction(source.tenant_id) as session:
            row = session.scalar(sa.select(PlatformKeys).where(PlatformKeys.platform_id == source.platform_id))
            if row is None:
                return
            row.error = error
            if fetched_at is not None:
                row.document, row.fetched_at = document, fetched_at


@lru_cache(maxsize=1000)
def _pasted(text: str) -> KeySet:
    return KeySet.pasted(text)
