"""What Zoom's answer to a login says. What Zoom really answers is not published, so the meanings are a table."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from types import MappingProxyType
from typing import Self
from urllib.parse import parse_qsl, urljoin, urlsplit, urlunsplit

from saas.outbound import Answer
from tenants.lti.wire.text import shown
from tenants.zoom.ltipro.addresses import AUTH_PATH
from tenants.zoom.ltipro.check_lines import Finding, Outcome

#: Of a page no more is looked at: the way back stands near the top.
READ_LIMIT = 64 * 1024
MAX_FIELDS = 50
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ADDRESS = re.compile(r"https?://[^\s\"'<>\\]{1,300}?" + re.escape(AUTH_PATH) + r"(?:\?[^\s\"'<>\\]{0,8000})?")
_ESCAPES = (("\\/", "/"), ("\\u0026", "&"), ("\\u003d", "="), ("\\x26", "&"), ("\\x3d", "="))
#: Python's own parser takes time with the square of a broken page's length; these do not.
_TAG = re.compile(r"<(form|input)\b([^<>]{0,8000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-z-]{1,20})\s{0,5}=\s{0,5}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_SILENT = ("script", "style")
#: Words of a page, or members of a JSON answer, that tell of an error.
_MARKERS = re.compile(
    r"\b(?:error|invalid|unknown|denied|failed|forbidden|incorrect|missing|unauthori[sz]ed|expired|"
    r"not (?:found|valid|registered|recogni[sz]ed|authori[sz]ed|configured|exist)|does(?: not|n.t) exist)\b|"
    r"\berror_?code\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class LoginAnswer:
    """``auth_url``: the Moodle address it leads to, bare; empty where it leads to none. ``asked``: what it asks there.

    ``location``: where a redirect leads, absolute. ``words``: the page as people would read it.
    """

    status: int
    auth_url: str = ""
    asked: Mapping[str, str] = field(default_factory=dict)
    location: str = ""
    words: str = ""

    @classmethod
    def of(cls, answer: Answer, url: str) -> Self:
        """``url`` is what was asked."""
        location = _joined(url, answer.headers.get("location", "")) if answer.status in REDIRECTS else ""
        if is_auth(location):
            return cls(answer.status, bare(location), _query(location), location)
        text = answer.body[:READ_LIMIT].decode(errors="replace").replace("\0", "")
        words = _words(text)
        action, fields = _form(text)
        if action:
            target = _joined(url, action)
            return cls(answer.status, bare(target), {**_query(target), **fields}, location, words)
        plain = unescape(text)
        for escaped, sign in _ESCAPES:
            plain = plain.replace(escaped, sign)
        found = _ADDRESS.search(plain)
        if found is None:
            return cls(answer.status, location=location, words=words)
        return cls(answer.status, bare(found[0]), _query(found[0]), location, words)

    @property
    def seen(self) -> str:
        """For people: no parameter of an address, which may be somebody's."""
        leads = self.auth_url or bare(self.location)
        return " · ".join(filter(None, (str(self.status), leads and f"→ {shown(leads)}")))

    @property
    def tells_of_error(self) -> bool:
        return bool(_MARKERS.search(self.words))


@dataclass(frozen=True, slots=True)
class Site:
    """Where Zoom should lead: the address entered in Zoom, and the academy's others."""

    auth_url: str
    others: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """A row of the table. ``may_be_new``: no wonder where Zoom cannot know the profile yet."""

    fits: Callable[[LoginAnswer, Site], bool]
    outcome: Outcome
    code: str = ""
    may_be_new: bool = False


def _status(*statuses: int) -> Callable[[LoginAnswer, Site], bool]:
    return lambda answer, _site: answer.status in statuses


#: The first that fits.
READINGS: Sequence[Reading] = (
    Reading(lambda answer, site: answer.auth_url == site.auth_url, Outcome.OK),
    Reading(lambda answer, site: answer.auth_url in site.others, Outcome.WARNING, "ZOOM_CHECK_SITE_ALIAS"),
    Reading(lambda answer, _site: bool(answer.auth_url), Outcome.FAILED, "ZOOM_CHECK_SITE"),
    Reading(_status(404, 410), Outcome.FAILED, "ZOOM_CHECK_KEY_UNKNOWN"),
    Reading(_status(407), Outcome.FAILED, "ZOOM_CHECK_ZOOM_PROXY"),
    Reading(_status(429), Outcome.WARNING, "ZOOM_CHECK_ZOOM_BUSY"),
    Reading(lambda answer, _site: answer.status >= 500, Outcome.WARNING, "ZOOM_CHECK_ZOOM_DOWN"),
    Reading(
        lambda answer, _site: answer.status >= 400, Outcome.FAILED, "ZOOM_CHECK_REJECTED", may_be_new=True
    ),
    Reading(
        lambda answer, _site: answer.tells_of_error, Outcome.FAILED, "ZOOM_CHECK_NOT_REGISTERED", may_be_new=True
    ),
    Reading(lambda _answer, _site: True, Outcome.WARNING, "ZOOM_CHECK_INCONCLUSIVE"),
)  # fmt: skip


def read(answer: LoginAnswer, site: Site, *, is_new: bool) -> tuple[Outcome, str]:
    """What the answer means; ``is_new``: Zoom was asked with a client ID it cannot know."""
    row = next(each for each in READINGS if each.fits(answer, site))
    return (Outcome.WARNING, "ZOOM_CHECK_NOT_SAVED") if row.may_be_new and is_new else (row.outcome, row.code)


def judge_request(asked: Mapping[str, str], sent: Mapping[str, str], redirect_urls: Sequence[str]) -> Finding:
    """Line "request": the authentication request Zoom would send (LTI Security Framework 1.0 §5.1.1.2).

    ``sent`` are the fields of our login; ``redirect_urls`` where we may answer.
    """
    if not asked:
        return Finding("request", Outcome.SKIPPED)
    client, target = asked.get("client_id", ""), asked.get("redirect_uri", "")
    if client != sent["client_id"]:
        seen = f"{shown(client) or 'none'} instead of {sent['client_id']}"
        return Finding("request", Outcome.FAILED, "ZOOM_CHECK_CLIENT", seen)
    if target not in redirect_urls:
        return Finding("request", Outcome.FAILED, "ZOOM_CHECK_REDIRECT_URI", shown(bare(target)) or "none")
    faults = [name for name, fits in _EXPECTED.items() if not fits(asked.get(name, ""))]
    faults += [name for name in ("login_hint", "lti_message_hint") if asked.get(name) != sent[name]]
    if faults:
        return Finding("request", Outcome.WARNING, "ZOOM_CHECK_REQUEST", ", ".join(faults))
    return Finding("request", Outcome.OK, seen=shown(bare(target)))


_EXPECTED: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "scope": lambda said: "openid" in said.split(),
        "response_type": lambda said: said == "id_token",
        "response_mode": lambda said: said == "form_post",
        "nonce": bool,
        "state": bool,
    }
)


def is_auth(url: str) -> bool:
    return bare(url).endswith(AUTH_PATH)


def bare(url: str) -> str:
    """Without query and usual port, the host in small letters; empty for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    host = (parts.hostname or "") + (f":{port}" if port and port != usual else "")
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _query(url: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        return {}


def _joined(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError:
        return ""


def _form(text: str) -> tuple[str, dict[str, str]]:
    """Action and fields of the first form that goes to a Moodle's address."""
    action = ""
    fields: dict[str, str] = {}
    for tag in _TAG.finditer(text):
        values = {
            found[1].lower(): unescape(found[2] or found[3] or found[4] or "") for found in _ATTRIBUTE.finditer(tag[2])
        }
        if tag[1].lower() == "form":
            if action:
                break
            action = values.get("action", "") if is_auth(values.get("action", "")) else ""
        elif action and values.get("name") and len(fields) < MAX_FIELDS:
            fields[values["name"]] = values.get("value", "")
    return action, fields


def _words(text: str) -> str:
    """What people would read, in one pass: neither tags nor what stands in scripts and styles."""
    lower, parts, at = text.lower(), [], 0
    while (tag := text.find("<", at)) >= 0:
        parts.append(text[at:tag])
        silent = next((name for name in _SILENT if lower.startswith(name, tag + 1)), "")
        end = lower.find(f"</{silent}", tag + 1) if silent else text.find(">", tag)
        if end < 0:
            return " ".join(unescape(" ".join(parts)).split())
        at = end + (0 if silent else 1)
    return " ".join(unescape(" ".join([*parts, text[at:]])).split())
