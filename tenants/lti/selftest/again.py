"""A launch of the log, judged once more by today's settings, without anybody launching.

The log keeps a redacted message and no signature: so the message is written anew, signed by a rehearsal, and judged by
the launch's own code. What only a new launch can tell keeps the answer it had then, and says so.
"""

import re
import secrets as random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.lti.launches.models import Launch, Protocol
from tenants.lti.launches.services import launch_steps
from tenants.lti.selftest.messages11 import Signer
from tenants.lti.selftest.rehearsal import Asked, Rehearsal, StandIn, undone
from tenants.lti.tool.consumers import secrets_of
from tenants.lti.tool.models import Platform, PlatformKeys
from tenants.lti.tool.models11 import ConsumerKey
from tenants.lti.wire import oauth1
from tenants.lti.wire.checks import LOGIN_STEPS, Check
from tenants.lti.wire.jwks import KeySet
from tenants.lti.wire.jws import sign

#: Steps that a redacted message cannot answer. "key" is answered from the key set we hold.
ONLY_NEW = frozenset(
    {
        "state", "answer", "browser", "format", "algorithm", "kid", "signature", "dates", "expiry", "start", "age",
        "nonce", "method", "oauth", "timestamp",
    }
)  # fmt: skip
_ACTIVITY = re.compile(r"/lti/launch/([0-9a-fA-F-]{36})/?$")
_KID = re.compile(r"^a key for \S+ named (.+)$")


class Verdict(StrEnum):
    """``open``: what failed then can only be judged by a new launch. ``unknown``: the log kept too little."""

    PASSES = "passes"
    REFUSED = "refused"
    OPEN = "open"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Step:
    """``judged``: by today's settings; else as it was then."""

    part: str
    title: str
    check: Check
    judged: bool


@dataclass(frozen=True, slots=True)
class Again:
    verdict: Verdict
    code: str = ""
    steps: Sequence[Step] = ()


@dataclass(frozen=True, slots=True)
class _Replayed:
    """What today's code says, and as far as it got there."""

    login: Sequence[Check]
    launch: Sequence[Check]
    titles: Mapping[str, str]
    code: str


def judge_again(runtime: Runtime, academy: Academy, launch: Launch) -> Again:
    """Nothing is written. ``launch`` may be of another transaction."""
    if not launch.claims and not launch.login_shown:
        return Again(Verdict.UNKNOWN)
    stand_in = StandIn.make()
    with undone(runtime.database, academy.id) as connection:
        rehearsal = Rehearsal(runtime, academy, connection, stand_in, activated=False)
        if launch.protocol == Protocol.LTI_12:
            replayed = _form(rehearsal, launch)
        else:
            replayed = _token(rehearsal, launch, stand_in)
        key = _key_today(connection, rehearsal.runtime, launch)
    return _compare(launch, replayed, key)


def _token(rehearsal: Rehearsal, launch: Launch, stand_in: StandIn) -> _Replayed:
    titles = launch_steps(launch)
    fields = {name: value for name, value in launch.login_shown.items() if isinstance(value, str)}
    asked = rehearsal.login(fields, launch.platform_id)
    if not isinstance(asked, Asked):
        return _Replayed(asked.checks.checks, (), titles, asked.code)
    if not launch.claims:
        return _Replayed(asked.checks.checks, (), titles, "")
    now = int(clock.now().timestamp())
    claims = {**launch.claims, "iat": now, "exp": now + 300, "nonce": asked.nonce}
    claims.pop("nbf", None)
    token = sign(claims, stand_in.key)
    outcome = rehearsal.launch({"state": asked.state, "id_token": token}, cookies=(asked.state,))
    return _Replayed(asked.checks.checks, outcome.checks.checks, outcome.checks.steps, outcome.code)


def _form(rehearsal: Rehearsal, launch: Launch) -> _Replayed:
    """Signed for the address we give out, whatever was signed then."""
    found = _ACTIVITY.search(launch.target)
    if found is None:
        raise AssertionError("a launch of LTI 1.2 was at an activity's address")
    key = str(launch.claims.get("oauth_consumer_key", ""))
    signer = Signer(key, _secret(rehearsal, key), UUID(found[1]))
    posted = signer.post(launch.target, list(_pairs(launch.claims)), signature_method=_method(launch))
    outcome = rehearsal.form(signer.activity_id, posted)
    return _Replayed((), outcome.checks.checks, outcome.checks.steps, outcome.code)


def _pairs(claims: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The parameters as they came, without the signature's own; a repeated one as often as it came."""
    for name, value in claims.items():
        if not name.startswith("oauth_"):
            yield from ((name, str(each)) for each in (value if isinstance(value, list) else [value]))


def _secret(rehearsal: Rehearsal, key: str) -> str:
    """Any text for a key that nobody has: it is refused before."""
    with ScopedSession(rehearsal.connection.core, rehearsal.academy.id, rehearsal.runtime.events) as session:
        row = session.scalar(sa.select(ConsumerKey).where(ConsumerKey.key == key))
        known = secrets_of(rehearsal.runtime.secrets, rehearsal.academy.id, row, clock.now()) if row else ()
    return known[0] if known else random.token_urlsafe(16)


def _method(launch: Launch) -> str:
    """As the log says it; one that nobody may use is answered as then."""
    seen = next((row[2] for row in launch.checks.get("launch", []) if row[0] == "signature_method"), "")
    return seen if seen in oauth1.SUPPORTED else oauth1.HMAC_SHA1


def _key_today(connection: HotConnection, runtime: Runtime, launch: Launch) -> Check | None:
    """Whether the key that was looked for then is in the set we hold now; None where that was not the question."""
    wanted = next((row[3] for row in launch.checks.get("launch", []) if row[4] == "LTI13_KEY_NOT_FOUND"), "")
    named = _KID.match(wanted)
    if named is None or launch.platform_id is None:
        return None
    with ScopedSession(connection.core, connection.tenant_id, runtime.events) as session:
        platform = session.get(Platform, launch.platform_id)
        held = session.scalar(sa.select(PlatformKeys).where(PlatformKeys.platform_id == launch.platform_id))
        if platform is None or platform.pasted_key or held is None or not held.document or held.fetched_at is None:
            return None
        keys, read_at = KeySet.parse(held.document.encode()), held.fetched_at.isoformat(timespec="seconds")
    if named[1] in keys.keys:
        return Check("key", True, f"{named[1]}, in the key set read {read_at}")
    return Check("key", False, f"{keys.describe(named[1])} (read {read_at})", wanted, "LTI13_KEY_NOT_FOUND")


def _compare(launch: Launch, replayed: _Replayed, key: Check | None) -> Again:
    then = {row[0]: Check(*row) for row in launch.checks.get("launch", [])}
    now = {check.name: check for check in replayed.launch}
    if key is not None:
        now["key"] = key
    kept = ONLY_NEW | ({"key"} if key is None and launch.protocol == Protocol.LTI_13 else set())
    if then.get("signature_method", Check("", None)).seen not in oauth1.SUPPORTED:
        kept |= {"signature_method"}
    if then.get("parameters", Check("", None)).passed is False:
        kept |= {"parameters"}
    steps = [Step("login", LOGIN_STEPS[check.name], check, judged=True) for check in replayed.login]
    for name, title in replayed.titles.items() if replayed.launch else ():
        judged = name not in kept
        check = (now if judged else then).get(name, Check(name, None))
        steps.append(Step("launch", title, check, judged=judged))
    return _verdict(steps, replayed)


def _verdict(steps: Sequence[Step], replayed: _Replayed) -> Again:
    """The first refusal by today's settings decides; one that stands from then leaves the question open."""
    refused = next((step for step in steps if step.judged and step.check.passed is False), None)
    if refused is not None:
        return Again(Verdict.REFUSED, refused.check.code, steps)
    if replayed.code:
        return Again(Verdict.REFUSED, replayed.code, steps)
    if not replayed.launch or any(step.check.passed is False for step in steps):
        return Again(Verdict.OPEN, steps=steps)
    return Again(Verdict.PASSES, steps=steps)
