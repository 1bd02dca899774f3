"""The steps of Check Zoom connection, in order. Nothing here opens a transaction while it talks to the network.

Nothing is made for it either: the hints of its login are random values, which our authentication endpoint would answer
as unknown. Redirects are followed only to addresses the guard lets through, and never to ourselves.
"""

import ipaddress
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from urllib.parse import quote, urlencode, urlsplit

from saas import clock
from saas.outbound import AddressRefusedError, Answer, OutboundError
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy, public_urls
from tenants.lti.keys import KeyRing
from tenants.lti.own_question import mark_of
from tenants.lti.platform.log import Service
from tenants.lti.wire.jwks import KeySet
from tenants.lti.wire.login_initiation import LoginInitiation
from tenants.lti.wire.redact import excerpt
from tenants.lti.wire.text import SHOWN_LIMIT, clean, shown
from tenants.zoom.ltipro.addresses import AUTH_PATH, ZoomAddresses
from tenants.zoom.ltipro.check_answers import LoginAnswer, Site, bare, judge_request, read
from tenants.zoom.ltipro.check_lines import Finding, Outcome, Subject, kind_of
from tenants.zoom.ltipro.check_probe import FORM, SelfProbe
from tenants.zoom.ltipro.profile_values import key_fault

#: Names that mean something inside a network only (RFC 6761, RFC 6762, RFC 8375).
_INNER_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "corp", "invalid", "example", "test")
#: Seconds the clocks may differ.
FINE, BEARABLE = 30, 120
MAX_REDIRECTS = 2
#: By kind of failure (`kind_of`).
_UNREACHED: Mapping[str, str] = MappingProxyType(
    {
        "dns": "ZOOM_CHECK_ZOOM_DNS",
        "address": "ZOOM_CHECK_ZOOM_ADDRESS",
        "tls": "ZOOM_CHECK_ZOOM_TLS",
        "timeout": "ZOOM_CHECK_ZOOM_TIMEOUT",
        "connect": "ZOOM_CHECK_ZOOM_PROXY",
        "network": "ZOOM_CHECK_ZOOM_PROXY",
    }
)
#: The line of the evidence that an error belongs to, by the service it was at; a launch has none.
_WRONG: Mapping[str, str] = MappingProxyType({"": "launches", Service.CALENDAR.value: "calendar"})


class Steps:
    """Of one check; `findings` are all lines of `LINES`, each once, as they become known."""

    def __init__(self, runtime: Runtime, academy: Academy, subject: Subject) -> None:
        self.runtime = runtime
        self.academy = academy
        self.subject = subject
        self.outbound = runtime.outbound
        self.zoom = runtime.part(ZoomAddresses)

    def findings(self) -> Iterator[Finding]:
        yield self._values()
        ring, tenant = self.runtime.part(KeyRing), self.academy.id
        mark = mark_of(self.runtime.secrets, tenant) if self._is_ours() else ""
        probe = SelfProbe(self.outbound, self.subject.issuer, mark, lambda: _kids(ring, tenant))
        yield from probe.findings()
        reached, answer = self._zoom()
        yield reached
        yield _clock(answer)
        yield from self._login() if answer is not None else _skipped("login", "answer", "request")
        yield from self._evidence()
        yield self._by_hand()

    def _values(self) -> Finding:
        """Step 1. What the operator exempted from the guard of addresses, a practice installation, is let through."""
        subject = self.subject
        code, seen = self._issuer_fault()
        if code:
            return Finding("values", Outcome.FAILED, code, shown(seen))
        if fault := key_fault(subject.lti_key):
            return Finding("values", Outcome.FAILED, "ZOOM_CHECK_KEY_FORMAT", fault)
        if not subject.is_on:
            return Finding("values", Outcome.FAILED, "ZOOM_OFF", self.academy.name)
        if not subject.is_active:
            return Finding("values", Outcome.WARNING, "ZOOM_CHECK_INACTIVE")
        return Finding("values", Outcome.OK, seen=subject.issuer)

    def _is_ours(self) -> bool:
        """Whether the academy is at the address Zoom knows: one it gave up may be anybody's by now."""
        return bare(self.subject.issuer) in map(bare, public_urls(self.academy, self.runtime.settings.web))

    def _issuer_fault(self) -> tuple[str, str]:
        issuer = self.subject.issuer
        try:
            parts = urlsplit(issuer)
            host = parts.hostname or ""
        except ValueError:
            return "ZOOM_CHECK_ISSUER_FORM", issuer
        is_exempt = self.outbound.allow.covers(host)
        if parts.scheme != "https" and not is_exempt:
            return "ZOOM_CHECK_ISSUER_HTTPS", issuer
        if parts.path or parts.query or parts.fragment:
            return "ZOOM_CHECK_ISSUER_FORM", issuer
        if is_inner(host) and not is_exempt:
            return "ZOOM_CHECK_HOST_INNER", host
        if not self._is_ours():
            return "ZOOM_CHECK_ISSUER_MOVED", issuer
        return "", ""

    def _zoom(self) -> tuple[Finding, Answer | None]:
        """Step 3, and the answer as far as there is one."""
        try:
            answer = self.outbound.get(self.zoom.jwks_url, {"accept": "application/json"})
        except OutboundError as error:
            return _unreached("zoom", error), None
        if answer.status == 407:
            return Finding("zoom", Outcome.FAILED, "ZOOM_CHECK_ZOOM_PROXY", _said(answer)), None
        try:
            keys = KeySet.parse(answer.body) if answer.ok else KeySet()
        except Refused:
            keys = KeySet()
        if not keys.keys and keys.sole is None:
            return Finding("zoom", Outcome.FAILED, "ZOOM_CHECK_ZOOM_KEYS", _said(answer)), answer
        return Finding("zoom", Outcome.OK, seen=f"{self.zoom.jwks_url} · {answer.status}"), answer

    def _login(self) -> Iterator[Finding]:
        """Steps 5 to 7."""
        if key_fault(self.subject.lti_key):
            yield from _skipped("login", "answer", "request")
            return
        subject = self.subject
        login_url = self.zoom.login_url(quote(subject.lti_key, safe=""))
        sent = LoginInitiation(
            login_url=login_url,
            iss=subject.issuer,
            login_hint=f"check-{secrets.token_urlsafe(16)}",
            target_link_uri=self.zoom.target_url,
            lti_message_hint=f"check-{secrets.token_urlsafe(16)}",
            client_id=subject.client_id,
            lti_deployment_id=subject.deployment_id,
            framed=False,
        ).fields
        try:
            answer = self._post(login_url, sent)
        except OutboundError as error:
            yield _unreached("login", error)
            yield from _skipped("answer", "request")
            return
        yield Finding("login", Outcome.OK, seen=f"{bare(login_url)} · {answer.status}")
        yield from self._answered(login_url, sent, answer)

    def _answered(self, url: str, sent: Mapping[str, str], answer: Answer) -> Iterator[Finding]:
        try:
            last, answer = self._followed(url, answer)
        except AddressRefusedError as error:
            yield Finding("answer", Outcome.FAILED, "ZOOM_CHECK_REDIRECTED", clean(error.reason, SHOWN_LIMIT))
            yield from _skipped("request")
            return
        except OutboundError as error:
            yield _unreached("answer", error)
            yield from _skipped("request")
            return
        outcome, code = read(last, self._site, is_new=not self.subject.is_saved)
        seen = last.seen
        if code == "ZOOM_CHECK_SITE":
            seen = f"{seen} instead of {self._site.auth_url}"
        elif outcome is not Outcome.OK and not last.auth_url:
            seen = " · ".join(filter(None, (seen, excerpt(answer.body))))
        yield Finding("answer", outcome, code, clean(seen, 2 * SHOWN_LIMIT))
        is_ours = last.auth_url == self._site.auth_url or last.auth_url in self._site.others
        yield judge_request(last.asked, sent, self.subject.redirect_urls) if is_ours else _skip("request")

    def _followed(self, url: str, answer: Answer) -> tuple[LoginAnswer, Answer]:
        """Where Zoom leads in the end. What is sent on holds no secret, and every step passes the guard."""
        found = LoginAnswer.of(answer, url)
        for _turn in range(MAX_REDIRECTS):
            if found.auth_url or not found.location:
                break
            url = found.location
            answer = self.outbound.get(url, {"accept": "text/html"})
            found = LoginAnswer.of(answer, url)
        return found, answer

    def _post(self, url: str, fields: Mapping[str, str]) -> Answer:
        headers = {**FORM, "accept": "text/html", "referer": f"{self.subject.issuer}/"}
        return self.outbound.post(url, headers, urlencode(fields).encode())

    @property
    def _site(self) -> Site:
        web = self.runtime.settings.web
        others = (bare(base + AUTH_PATH) for base in public_urls(self.academy, web))
        return Site(bare(self.subject.issuer + AUTH_PATH), frozenset(others))

    def _evidence(self) -> Iterator[Finding]:
        """Step 8. What has not happened yet is no fault."""
        health = self.subject.health
        if not self.subject.is_saved:
            yield from _skipped("keys", "launches", "calendar")
            return
        for name, at, missing in (
            ("keys", health.last_keys, "ZOOM_CHECK_NEVER_KEYS"),
            ("launches", health.last_launch, "ZOOM_CHECK_NEVER_LAUNCHED"),
            ("calendar", health.last_calendar, "ZOOM_CHECK_NEVER_CALLED"),
        ):
            trouble = health.last_error if health.is_failing else None
            if trouble is not None and _WRONG.get(trouble.service) == name:
                yield Finding(name, Outcome.WARNING, trouble.code, clean(trouble.seen, SHOWN_LIMIT))
            elif at is None:
                yield Finding(name, Outcome.SKIPPED, missing)
            else:
                yield Finding(name, Outcome.OK, seen=at.isoformat(timespec="seconds"))

    def _by_hand(self) -> Finding:
        """Step 9, as it stands before anybody opened Zoom; `check_watch` says how it ends."""
        if not self.subject.is_saved:
            return _skip("launch")
        code = "ZOOM_CHECK_BY_HAND" if self.subject.has_place else "ZOOM_CHECK_NO_PLACE"
        return Finding("launch", Outcome.SKIPPED, code)


def is_inner(host: str) -> bool:
    """Whether nobody outside could mean us by it: an address in numbers, a name without a dot, or a reserved one."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        name = host.rstrip(".").lower()
        return "." not in name or any(name.endswith(f".{inner}") for inner in _INNER_NAMES)
    return True


def _kids(ring: KeyRing, tenant_id: int) -> list[str]:
    return [str(key.get("kid", "")) for key in ring.published(tenant_id)]


def _clock(answer: Answer | None) -> Finding:
    """Step 4: the header of an answer counts whole seconds (RFC 9110 §6.6.1)."""
    try:
        theirs = parsedate_to_datetime(answer.headers["date"] if answer is not None else "")
    except (KeyError, ValueError, TypeError, OverflowError):
        return _skip("clock")
    ahead = ((theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)) - clock.now()).total_seconds()
    apart = abs(ahead)
    seen = f"{apart:.0f} s {'ahead' if ahead > 0 else 'behind'}" if apart > 1 else "the same"
    if apart <= FINE:
        return Finding("clock", Outcome.OK, seen=seen)
    return Finding("clock", Outcome.WARNING if apart <= BEARABLE else Outcome.FAILED, "ZOOM_CHECK_CLOCK", seen)


def _unreached(name: str, error: OutboundError) -> Finding:
    return Finding(name, Outcome.FAILED, _UNREACHED[kind_of(error)], clean(error.reason, SHOWN_LIMIT))


def _said(answer: Answer) -> str:
    return clean(f"{answer.status} · {excerpt(answer.body)}", SHOWN_LIMIT)


def _skip(name: str) -> Finding:
    return Finding(name, Outcome.SKIPPED)


def _skipped(*names: str) -> Iterator[Finding]:
    yield from map(_skip, names)
