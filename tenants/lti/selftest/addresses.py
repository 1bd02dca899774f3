"""The other side's addresses, asked live through the guarded client: what each says about DNS, TLS, status, content.

Nothing here runs inside a transaction, and nothing here changes anything: the token we ask for is thrown away.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from saas import clock
from saas.outbound import Answer, Outbound, OutboundError
from saas.problems import Refused
from tenants.lti.selftest.models import Verdict
from tenants.lti.wire.access_token import read_token
from tenants.lti.wire.jwks import KeySet
from tenants.lti.wire.text import SHOWN_LIMIT, clean

#: Seconds the clocks may differ before launches fail (`Registration.leeway`).
LEEWAY = 60
#: Statuses with which a sign-in or token address answers a question it cannot serve.
ANSWERS = frozenset({400, 401, 403, 405, 415, 422})


@dataclass(frozen=True, slots=True)
class Site:
    """What is asked of a platform. ``ask_token`` makes our signed request for an access token."""

    auth_url: str
    token_url: str
    jwks_url: str
    pasted_key: str
    ask_token: Callable[[], Answer]


@dataclass(frozen=True, slots=True)
class Found:
    """One line of the report; ``name`` is a key of `titles.ADDRESSES`."""

    name: str
    verdict: Verdict
    expected: str = ""
    happened: str = ""
    remark: str = ""


class Survey:
    """Asks one address after the other; what `results` yields are `NAMES`, each once."""

    def __init__(self, outbound: Outbound, site: Site) -> None:
        self.outbound = outbound
        self.site = site
        self.ahead: list[float] = []

    def results(self) -> Iterator[list[Found]]:
        """The lines of one address at a time."""
        yield self._jwks()
        yield self._auth()
        yield self._token()
        yield [self._clock()]

    def results_of_tool(self) -> Iterator[list[Found]]:
        """The same of a tool: its login address is the site's ``auth_url``, and it has no tokens to give."""
        yield self._jwks()
        yield self._auth()
        yield [self._clock()]

    def _auth(self) -> list[Found]:
        return self._reach("auth", self.site.auth_url, lambda: self.outbound.get(self.site.auth_url), _status)[1]

    def _jwks(self) -> list[Found]:
        if self.site.pasted_key:
            unasked = _skipped("jwks_dns", "jwks_tls", "jwks_status", "jwks_json")
            return [*unasked, _keys(KeySet.pasted(self.site.pasted_key))]
        url = self.site.jwks_url
        answer, found = self._reach("jwks", url, lambda: self.outbound.get(url, {"accept": "application/json"}), _ok)
        return [*found, *(_key_set(answer) if answer and answer.ok else _skipped("jwks_json", "jwks_keys"))]

    def _token(self) -> list[Found]:
        answer, found = self._reach("token", self.site.token_url, self.site.ask_token, _status)
        if answer is None or found[-1].verdict is not Verdict.PASSED:
            return [*found, *_skipped("token_json", "token_given")]
        return [*found, *_token_answer(answer)]

    def _reach(
        self, name: str, url: str, ask: Callable[[], Answer], judge: Callable[[str, Answer], Found]
    ) -> tuple[Answer | None, list[Found]]:
        """The answer if there is one, and the lines "dns", "tls" and "status"."""
        try:
            answer = ask()
        except OutboundError as error:
            return None, _unreached(name, error)
        self._hear_clock(answer)
        parts = urlsplit(url)
        tls = Verdict.PASSED if parts.scheme == "https" else Verdict.ATTENTION
        reached = Found(f"{name}_dns", Verdict.PASSED, happened=parts.hostname or "")
        return answer, [reached, Found(f"{name}_tls", tls, "https", parts.scheme), judge(name, answer)]

    def _hear_clock(self, answer: Answer) -> None:
        try:
            theirs = parsedate_to_datetime(answer.headers["date"])
        except (KeyError, ValueError, TypeError):
            return
        aware = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
        self.ahead.append((aware - clock.now()).total_seconds())

    def _clock(self) -> Found:
        """The header counts whole seconds, so that one second is no difference."""
        if not self.ahead:
            return Found("clock", Verdict.SKIPPED, happened="no answer told the time")
        worst = max(self.ahead, key=abs)
        words = f"{abs(worst):.0f} s {'ahead' if worst > 0 else 'behind'}" if abs(worst) > 1 else "the same"
        return Found("clock", _verdict(abs(worst) <= LEEWAY), f"at most {LEEWAY} s of difference", words)


def _unreached(name: str, error: OutboundError) -> list[Found]:
    """Which of the three lines the exchange failed at; those after it were not asked."""
    lines = ("dns", "tls", "status")
    at = "dns" if error.kind in ("dns", "address") else "tls" if "TLS" in error.reason else "status"
    reason = Found(f"{name}_{at}", Verdict.FAILED, happened=clean(error.reason, SHOWN_LIMIT))
    before = [Found(f"{name}_{line}", Verdict.PASSED) for line in lines[: lines.index(at)]]
    return [*before, reason, *_skipped(*(f"{name}_{line}" for line in lines[lines.index(at) + 1 :]))]


def _ok(name: str, answer: Answer) -> Found:
    return Found(f"{name}_status", _verdict(answer.ok), "200", str(answer.status))


def _status(name: str, answer: Answer) -> Found:
    """Of an address that cannot be served properly by a question without a person."""
    fine = answer.status < 400 or answer.status in ANSWERS
    verdict = Verdict.PASSED if fine else Verdict.ATTENTION if answer.status >= 500 else Verdict.FAILED
    return Found(f"{name}_status", verdict, "any answer but “not found” or an error of the server", str(answer.status))


def _token_answer(answer: Answer) -> list[Found]:
    """A platform that has not been given our key yet refuses: that is to look at, not wrong."""
    is_json = answer.body.lstrip()[:1] == b"{"
    json = Found("token_json", _verdict(is_json), "JSON", "" if is_json else "something else")
    try:
        read_token(answer.status, answer.body, ())
    except Refused as refusal:
        remark = "If our values are entered there, compare client ID and JWKS URL; else enter them first."
        return [json, Found("token_given", Verdict.ATTENTION, "an access token", refusal.seen, remark)]
    return [json, Found("token_given", Verdict.PASSED, "an access token", "given, and thrown away")]


def _key_set(answer: Answer) -> list[Found]:
    try:
        keys = KeySet.parse(answer.body)
    except Refused as refusal:
        return [Found("jwks_json", Verdict.FAILED, refusal.wanted, refusal.seen), *_skipped("jwks_keys")]
    return [Found("jwks_json", Verdict.PASSED, "JSON"), _keys(keys)]


def _keys(keys: KeySet) -> Found:
    usable = len(keys.keys) or int(keys.sole is not None)
    over = "; ".join(f"{kid}: {why}" for kid, why in list(keys.passed_over.items())[:3])
    words = ", ".join(filter(None, (f"{usable} usable", f"passed over: {over}" if over else "")))
    return Found("jwks_keys", _verdict(usable > 0), "a key to verify signatures with", clean(words, SHOWN_LIMIT))


def _verdict(good: object) -> Verdict:
    return Verdict.PASSED if good else Verdict.FAILED


def _skipped(*names: str) -> list[Found]:
    return [Found(name, Verdict.SKIPPED) for name in names]
