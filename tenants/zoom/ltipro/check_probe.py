"""Our own addresses, asked as Zoom would ask: by their public name, from outside as far as that goes from here.

The questions are marked (`tenants.lti.own_question`): they leave no line in any log and are not taken for Zoom's.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from saas.outbound import Answer, Outbound, OutboundError
from tenants.lti.own_question import MARK
from tenants.lti.wire.redact import excerpt
from tenants.lti.wire.text import SHOWN_LIMIT, clean, shown
from tenants.zoom.ltipro.addresses import AUTH_PATH, CERTS_PATH, REST_PATH, TOKEN_PATH
from tenants.zoom.ltipro.check_lines import Finding, Outcome, kind_of

#: No profile's, and always the same: who tries many is locked out.
WRONG_TOKEN = "lyceum-check"  # noqa: S105 -- an example of a wrong one
FORM = {"content-type": "application/x-www-form-urlencoded"}
#: How a page of ours names the refusal.
_OWN_CODE = re.compile(rb"\b(?:TOOL|ZOOM|LTI13|LTI|WEB)_[A-Z]{3,}")
_TITLE = re.compile(rb"<title[^>]{0,200}>([^<]{0,200})", re.IGNORECASE)

_CODES: Mapping[str, tuple[Outcome, str]] = {
    "dns": (Outcome.FAILED, "ZOOM_CHECK_SELF_DNS"),
    "tls": (Outcome.FAILED, "ZOOM_CHECK_SELF_TLS"),
    "address": (Outcome.WARNING, "ZOOM_CHECK_SELF_INNER"),
}
_UNREACHABLE = (Outcome.FAILED, "ZOOM_CHECK_SELF_UNREACHABLE")
#: Statuses with which somebody in front says no.
BLOCKED = frozenset({401, 403, 405, 406, 407, 429, 451, 503})


@dataclass(frozen=True, slots=True)
class Firewall:
    """How a protection service gives itself away: by a header, or by words of its page, in small letters."""

    name: str
    headers: tuple[str, ...] = ()
    words: tuple[bytes, ...] = ()


FIREWALLS = (
    Firewall("Cloudflare", ("cf-mitigated",), (b"attention required! | cloudflare", b"cf-chl", b"cdn-cgi/challenge")),
    Firewall("Akamai", (), (b"errors.edgesuite.net", b"<title>access denied</title>")),
    Firewall("Imperva", (), (b"_incapsula_resource", b"incapsula incident id")),
    Firewall("AWS WAF", ("x-amzn-waf-action",), (b"awswafcookiedomainlist", b"awswaf")),
    Firewall("Azure", (), (b"azure waf", b"the request is blocked.")),
    Firewall("F5", (), (b"the requested url was rejected. please consult with your administrator",)),
    Firewall("FortiWeb", (), (b"fortigate", b"fortiweb", b"web page blocked!")),
    Firewall("Sucuri", ("x-sucuri-block",), (b"sucuri website firewall",)),
    Firewall("ModSecurity", (), (b"mod_security", b"modsecurity", b"<title>406 not acceptable</title>")),
    Firewall("Barracuda", (), (b"barracuda",)),
    Firewall("Palo Alto", (), (b"has been blocked in accordance with company policy",)),
    Firewall("a challenge for browsers", (), (b"enable javascript and cookies to continue", b"captcha")),
)


@dataclass(frozen=True, slots=True)
class SelfProbe:
    """``base``: the address Zoom knows us by. ``mark`` empty: where somebody else may be. ``kids``: of the keys to be
    published, the signing one first.
    """

    outbound: Outbound
    base: str
    mark: str
    kids: Callable[[], list[str]]

    def findings(self) -> Iterator[Finding]:
        """Step 2: four lines. Once nothing answers, the rest is not asked."""
        call = {"wstoken": WRONG_TOKEN, "wsfunction": "core_webservice_get_site_info", "moodlewsrestformat": "json"}
        asked = (
            ("self_certs", "GET", CERTS_PATH, "", self._keys),
            ("self_token", "POST", TOKEN_PATH, "", _is_token_refusal),
            ("self_auth", "GET", AUTH_PATH, "", _is_own_page),
            ("self_rest", "POST", REST_PATH, urlencode(call), _is_rest_refusal),
        )
        is_away = False
        for name, method, path, body, judge in asked:
            if is_away:
                yield Finding(name, Outcome.SKIPPED)
                continue
            found = self._ask(name, method, path, body, judge)
            is_away = found.code in (_UNREACHABLE[1], *(code for _outcome, code in _CODES.values()))
            yield found

    def _ask(
        self, name: str, method: str, path: str, body: str, judge: Callable[[Answer], tuple[str, str] | None]
    ) -> Finding:
        headers = {"accept": "*/*", **({MARK: self.mark} if self.mark else {}), **(FORM if method == "POST" else {})}
        try:
            answer = self.outbound.send(method, self.base + path, headers, body.encode())
        except OutboundError as error:
            outcome, code = _CODES.get(kind_of(error), _UNREACHABLE)
            return Finding(name, outcome, code, clean(error.reason, SHOWN_LIMIT))
        fault = judge(answer)
        if fault is None:
            return Finding(name, Outcome.OK, seen=f"{method} {path} · {answer.status}")
        return Finding(name, Outcome.FAILED, *fault)

    def _keys(self, answer: Answer) -> tuple[str, str] | None:
        document = _json(answer)
        keys = document.get("keys") if document is not None and answer.ok else None
        if not isinstance(keys, list):
            return foreign(answer)
        published = [str(key.get("kid", "")) for key in keys if isinstance(key, dict)]
        if not published:
            return "ZOOM_CHECK_KEYS_EMPTY", "no key"
        kids = self.kids()
        if kids and kids[0] not in published:
            seen = f"{', '.join(shown(kid, 80) for kid in published[:3])} instead of {kids[0]}"
            return "ZOOM_CHECK_KEYS_OLD", seen
        return None


def _is_token_refusal(answer: Answer) -> tuple[str, str] | None:
    document = _json(answer)
    return None if document is not None and "error" in document and 400 <= answer.status < 500 else foreign(answer)


def _is_own_page(answer: Answer) -> tuple[str, str] | None:
    return None if answer.status == 204 or _OWN_CODE.search(answer.body) else foreign(answer)


def _is_rest_refusal(answer: Answer) -> tuple[str, str] | None:
    document = _json(answer)
    return None if document is not None and document.get("errorcode") == "invalidtoken" else foreign(answer)


def foreign(answer: Answer) -> tuple[str, str]:
    """Code and what was seen of an answer that is not ours."""
    firewall = firewall_of(answer)
    title = _TITLE.search(answer.body)
    words = [firewall, title[1].decode(errors="replace") if title else excerpt(answer.body)[:80]]
    if answer.status in range(300, 400):
        words.append(f"→ {answer.headers.get('location', '').partition('?')[0]}")
    server = answer.headers.get("server", "")
    seen = " · ".join(filter(None, (str(answer.status), *words, server and f"Server: {server}")))
    is_blocked = firewall or answer.status in BLOCKED
    return "ZOOM_CHECK_SELF_BLOCKED" if is_blocked else "ZOOM_CHECK_SELF_OTHER_APP", clean(seen, SHOWN_LIMIT)


def firewall_of(answer: Answer) -> str:
    """Its name; empty where the page is like none we know."""
    body = answer.body[:65536].lower()
    found = (each for each in FIREWALLS if _gives_away(each, answer.headers, body))
    return next((each.name for each in found), "")


def _gives_away(firewall: Firewall, headers: Collection[str], body: bytes) -> bool:
    return any(name in headers for name in firewall.headers) or any(words in body for words in firewall.words)


def _json(answer: Answer) -> dict[str, Any] | None:
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None
