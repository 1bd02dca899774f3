"""Basic Outcomes as a tool sends them, server side: what must hold before its XML is believed (LTI 1.1.1 §6).

The order is that of lti.md §1.2. Key, secrets and nonces are whoever holds them's; nothing here knows who is meant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from saas.problems import Refused
from tenants.lti.wire import oauth1
from tenants.lti.wire.launch11 import WINDOW
from tenants.lti.wire.pox import Operation, PoxRequest, read_request, read_score
from tenants.lti.wire.text import clock, identifier_fault, shown
from tenants.lti.wire.xml import NotXml

FORM = "application/x-www-form-urlencoded"
MAX_QUERY = 2048
"""Characters; our address has none, and what a proxy adds is signed over many times."""
MOST_SECRETS = 4
"""Secrets one request is tried with."""
_NEEDED = (
    "oauth_consumer_key",
    "oauth_nonce",
    "oauth_timestamp",
    "oauth_signature",
    "oauth_signature_method",
    oauth1.BODY_HASH,
)


@dataclass(frozen=True, slots=True)
class Header:
    """The OAuth header of a request, whole and plausible; ``signed`` is still to be proven."""

    key: str
    nonce: str
    timestamp: int
    signed: oauth1.Signed


def read_header(header: str, content_type: str, body: bytes, query: str) -> Header:
    """Steps 1 to 3. `Refused` CALL_OUTCOME_FORM, CALL_OUTCOME_UNSIGNED, CALL_OUTCOME_HASH."""
    if content_type.partition(";")[0].strip().lower() == FORM:
        raise Refused("CALL_OUTCOME_FORM", seen=FORM, wanted="application/xml")
    pairs = oauth1.read_authorization(header)
    if not header.strip() or pairs is None:
        seen = shown(header.partition(" ")[0], 40) if header.strip() else "no Authorization header"
        raise Refused("CALL_OUTCOME_UNSIGNED", seen=seen, wanted="an OAuth header")
    values = dict(pairs)
    missing = [name for name in _NEEDED if not values.get(name)]
    if missing or len(values) < len(pairs):
        seen = f"missing: {', '.join(missing)}" if missing else "a parameter twice"
        code = "CALL_OUTCOME_HASH" if missing == [oauth1.BODY_HASH] else "CALL_OUTCOME_UNSIGNED"
        raise Refused(code, seen=seen, wanted=", ".join(_NEEDED))
    method = values["oauth_signature_method"]
    if fault := identifier_fault(values["oauth_consumer_key"]):
        raise Refused("CALL_OUTCOME_SIGNATURE", seen=f"a key {fault}", wanted="the key of an activity")
    if method not in oauth1.SUPPORTED or identifier_fault(values["oauth_nonce"]):
        raise Refused("CALL_OUTCOME_SIGNATURE", seen=shown(method, 40), wanted=", ".join(sorted(oauth1.SUPPORTED)))
    if not oauth1.same_hash(body, values[oauth1.BODY_HASH], method):
        raise Refused("CALL_OUTCOME_HASH", seen="the hash of other bytes", wanted="the hash of the body")
    stamp = values["oauth_timestamp"]
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise Refused("CALL_OUTCOME_TIME", seen=shown(stamp, 40), wanted="seconds since 1970")
    others = tuple((name, value) for name, value in pairs if name != "oauth_signature")
    signed = oauth1.Signed(others, values["oauth_signature"], _query(query), method)
    return Header(values["oauth_consumer_key"], values["oauth_nonce"], int(stamp), signed)


def check_time(header: Header, now: datetime) -> None:
    """`Refused` CALL_OUTCOME_TIME with both clocks."""
    difference = now.timestamp() - header.timestamp
    if abs(difference) > WINDOW:
        wanted = f"our clock says {clock(now.timestamp())}; {WINDOW} s of difference are allowed"
        raise Refused("CALL_OUTCOME_TIME", seen=f"signed {clock(header.timestamp)}", wanted=wanted)


def check_signature(header: Header, urls: Sequence[str], secrets: Sequence[str]) -> int:
    """The number of the secret it was signed with, of at most `MOST_SECRETS`. `Refused` CALL_OUTCOME_SIGNATURE: one
    code for a wrong secret and for a key nobody has (``secrets`` empty), which take the same work; only the log is
    told apart.
    """
    match = oauth1.verify(header.signed, urls, secrets) if secrets else None
    if match is not None:
        return match.secret
    if missing := MOST_SECRETS - len(secrets):
        oauth1.verify(header.signed, urls, ["no secret of anyone"] * missing)
    if not secrets:
        raise Refused("CALL_OUTCOME_SIGNATURE", seen="a key no activity here has", wanted="the key of an activity")
    seen = "signed with another secret, or changed on the way"
    raise Refused("CALL_OUTCOME_SIGNATURE", seen=seen, wanted=f"POST {urls[0]} signed with the activity's secret")


def diagnosis(header: Header, urls: Sequence[str], secrets: Sequence[str]) -> str:
    """What `check_signature` refused, in words for the log: what would have matched, empty if nothing. Dear."""
    change = oauth1.diagnose(header.signed, urls, secrets)
    return f"it would match {change}" if change else ""


def read_outcome(body: bytes) -> PoxRequest:
    """Steps 5 and 6. `Refused` CALL_OUTCOME_XML; an operation we do not know is left to the caller."""
    try:
        return read_request(body)
    except NotXml as fault:
        raise Refused("CALL_OUTCOME_XML", seen=str(fault), wanted="an envelope with one request") from None


def check_score(request: PoxRequest) -> Decimal | None:
    """The score of a replacement, None for the others. `Refused` CALL_OUTCOME_SCORE."""
    if request.operation is not Operation.REPLACE:
        return None
    score = read_score(request.score)
    if score is None:
        raise Refused("CALL_OUTCOME_SCORE", seen=shown(request.score, 80) or "nothing", wanted="a number from 0 to 1")
    return score


def _query(query: str) -> oauth1.Pairs:
    if len(query) > MAX_QUERY:
        raise Refused("CALL_OUTCOME_SIGNATURE", seen=f"a query of {len(query)} characters", wanted="none")
    try:
        return oauth1.read_pairs(query)
    except ValueError:
        raise Refused("CALL_OUTCOME_SIGNATURE", seen="a query that is no text", wanted="the address as given") from None
