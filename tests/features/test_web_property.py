"""No request, however malformed, gives a 5xx: a fixed battery at every view, and what Hypothesis makes of the same parts.

``LYCEUM_TEST_PROPERTY=deep`` throws about fifty times as many, differently each time.
"""

import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import cycle, islice
from typing import Any
from urllib.parse import quote_from_bytes, urlencode
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tenants.access import Role
from tests.addresses import Address, addresses
from tests.furnished import Furnished, furnish
from tests.house import BACKENDS, HOST, Browser, House

DEEP = os.environ.get("LYCEUM_TEST_PROPERTY") == "deep"
PROFILE = settings(
    max_examples=20_000 if DEEP else 200, derandomize=not DEEP, deadline=None, database=None, print_blob=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
FORM = "application/x-www-form-urlencoded"
#: Requests after which the things behind the addresses are made again, because some of them were deleted.
REFRESH = 80

#: A right value for every field of every form; which form is asked takes what it knows.
RIGHT = {
    "title": "Title", "summary": "Words", "description": "Words", "duration_minutes": "10", "given_name": "Ada", "family_name": "King",
    "role": "learner", "email": "ada@people.example", "password": "a long enough one", "next": "/courses", "on": "1", "active": "1",
    "again": "1", "kind": "single", "prompt": "Which?", "number": "4.2", "tolerance": "0.1", "feedback": "So.", "choices-0-text": "one",
    "choices-0-correct": "y", "choices-1-text": "two", "markdown": "**bold**", "picture": "", "alt": "Alt", "caption": "Caption",
    "name": "School", "issuer": "https://lms.example", "client_id": "client", "deployment_ids": "1", "auth_url": "https://lms.example/auth",
    "token_url": "https://lms.example/token", "jwks_url": "https://lms.example/jwks", "pasted_key": "", "token_audience": "",
    "is_active": "y", "accept_new_deployments": "y", "state": "waiting", "id_token": "e30.e30.e30", "iss": "https://lms.example",
    "login_hint": "1", "lti_message_hint": "2", "lti_deployment_id": "1", "target_link_uri": "https://x.example/lti/launch", "error": "",
    "slug": "school", "admin_email": "ada@people.example", "host": "", "reason": "because", "q": "sea", "outcome": "accepted",
}  # fmt: skip
FIELDS = [
    *RIGHT,
    "more",
    "before",
    "choices-99999999-text",
    "choices--1-text",
    "choices-x",
    "error_description",
    "csrf_token",
]
#: What stands where text, a number, an id or an address belongs.
NASTY = (
    "", " ", "\t\r\n", "0", "-1", "1e309", "NaN", "9" * 40, "2147483648", "9223372036854775808", "1,5", "٣", "0x10", "null", "true",
    "\u200b", "\ufeff", "\u202eabc", "e\u0301" * 50, "𝕏", "\ue000", "\uffff", "<script>alert(1)</script>", "{{7*7}}", "${7*7}", "%s%n",
    "' OR 1=1 --", "\\", "..", "../../etc/passwd", "//evil.example", "javascript:alert(1)", "http://[::1", "https://x:99999/", "http://" + "a" * 300,
    "2026-13-45T99:99", "2026-01-01T00:00:00+00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "x" * 5000,
    "a@b", "a@" + "b" * 300, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "[" * 3000, '{"keys": [' * 50, "e30.e30.e30", "a.b.c",
)  # fmt: skip
#: Bytes that are no text, as they stand in a query, a form or a cookie.
BROKEN = (
    b"\xff\xfe",
    b"\x00",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"\xf8\x88\x80\x80\x80",
    b"%",
    b"%zz",
    b"%u0041",
    b"\r\nSet-Cookie: x=y",
    b"\x1b[31m",
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "PROPFIND", "X" * 200)
HEADERS = (
    "HX_REQUEST", "HX_BOOSTED", "HX_HISTORY_RESTORE_REQUEST", "HX_CURRENT_URL", "HX_TARGET", "ACCEPT", "ACCEPT_LANGUAGE", "ACCEPT_CHARSET",
    "ACCEPT_ENCODING", "AUTHORIZATION", "CACHE_CONTROL", "CONTENT_ENCODING", "DATE", "EXPECT", "FORWARDED", "FROM", "IF_MATCH", "IF_MODIFIED_SINCE",
    "IF_NONE_MATCH", "IF_RANGE", "IF_UNMODIFIED_SINCE", "MAX_FORWARDS", "ORIGIN", "PRAGMA", "PURPOSE", "RANGE", "REFERER", "SEC_FETCH_DEST",
    "SEC_FETCH_MODE", "SEC_FETCH_SITE", "SEC_PURPOSE", "TRANSFER_ENCODING", "UPGRADE", "USER_AGENT", "VIA", "X_CSRF_TOKEN", "X_FORWARDED_FOR",
    "X_FORWARDED_HOST", "X_FORWARDED_PROTO", "X_HTTP_METHOD_OVERRIDE", "X_REQUEST_ID", "TRACEPARENT",
)  # fmt: skip
TYPES = (
    FORM, f"{FORM}; charset=utf-16", f"{FORM}; charset=no-such", f"{FORM}; charset=", "multipart/form-data", "multipart/form-data; boundary=",
    "multipart/form-data; boundary=x", 'multipart/form-data; boundary="x y"', "multipart/form-data; boundary=" + "b" * 300, "multipart/mixed; boundary=x",
    "application/json", "application/json; charset=utf-7", "text/plain", "text/html", "image/svg+xml", "", "/", ";;;", "\xff", "x" * 2000,
)  # fmt: skip
MULTIPART = (
    b"--x\r\n", b"--x--\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\nvalue\r\n--x--\r\n",
    b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\n\xff\xfe\x00\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="title"; filename="f"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="picture"; filename="\xff\x00../../x.svg"\r\n\r\n<svg onload="x"/>\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="picture"\r\n\r\nno file\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="csrf_token"; filename="t"\r\n\r\nt\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Length: -5\r\n\r\nv\r\n--x--\r\n',
    b'--x\r\nContent-Type: multipart/mixed; boundary=y\r\nContent-Disposition: form-data; name="n"\r\n\r\n--y\r\n\r\ndeep\r\n--y--\r\n--x--\r\n',
    b"--x\r\n" + b"Header: value\r\n" * 500 + b"\r\n\r\n--x--\r\n",
    b'--x\r\nContent-Disposition: form-data; name="' + b"n" * 5000 + b'"\r\n\r\nv\r\n--x--',
    b'--x\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: form-data; name="title"\r\n\r\n!!!!\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="title"\r\nContent-Type: text/plain; charset=no-such\r\n\r\nv\r\n--x--\r\n',
    (b'--x\r\nContent-Transfer-Encoding: base64\r\nContent-Type: multipart/mixed; boundary=y\r\nContent-Disposition: form-data; name="n"\r\n\r\n'
    b"--y\r\n\r\ndeep\r\n--y--\r\n--x--\r\n"),
    b'--x\r\nContent-Disposition: form-data; name="title"; filename="f"\r\n\r\n' + b"z" * 5000 + b'\r\n--x\r\nContent-Disposition: form-data; '
    b'name="t"\r\nContent-Type: multipart/mixed; boundary=\x01\r\n\r\nx\r\n--x--\r\n',
    b"--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" * 2000, b"\r\n" * 2000,
)  # fmt: skip
BODIES = (
    b"", b"&", b"=&=&=", b"title", b"title=%", b"title=%zz&title=%u0041", b"title=%ff%fe", b"title=%00", b"title=%ED%A0%80", b"title=\xff", b"title=\x00",
    b"%00=1", b"%ff=1", b"a=1&" * 10_000, b"title=1&title=2&title=3", b"on=1&on=", b"csrf_token=a&csrf_token=b", b"x=" + b"y" * 200_000,
    b"z=" + b"y" * 300_000, b"{", b"[" * 20_000, b'{"a":' * 5_000, b"\x00" * 100, bytes(range(256)), b";" * 1000, b"title[]=1&title[a][b]=2",
)  # fmt: skip


@dataclass
class Asked:
    """One WSGI request in raw parts: ``path`` and headers are the latin-1 text that servers make of bytes."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    content_type: str | None = None
    length: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cookies: str = ""

    def environ(self, host: str) -> dict[str, Any]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method, "SCRIPT_NAME": "", "PATH_INFO": self.path, "QUERY_STRING": self.query, "SERVER_NAME": host,
            "SERVER_PORT": "443", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": host, "REMOTE_ADDR": f"192.0.2.{uuid4().int % 256}:{uuid4().int % 9999}",
            "wsgi.version": (1, 0), "wsgi.url_scheme": "https", "wsgi.input": io.BytesIO(self.body), "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
        }  # fmt: skip
        if self.content_type is not None:
            environ["CONTENT_TYPE"] = self.content_type
        environ["CONTENT_LENGTH"] = str(len(self.body)) if self.length is None else self.length
        environ |= {f"HTTP_{name}": value for name, value in self.headers.items()}
        return {**environ, "HTTP_COOKIE": self.cookies} if self.cookies else environ


class Target:
    """An academy and its operator, somebody of each role, and the things behind the addresses, made again now and then."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.furnished: Furnished = furnish(house)
        self.addresses = [
            each for each in addresses(house.application) if each.route not in ("sign_out", "__vendor/htmx/")
        ]
        self.cookies: dict[str, str] = {"stranger": ""}
        self.tokens: dict[str, str] = {"stranger": "x"}
        for role in (Role.LEARNER, Role.AUTHOR, Role.ADMIN, Role.OPERATOR):
            self._sign_in(role)
        self.count = 0

    def _sign_in(self, role: Role) -> None:
        browser: Browser = self.house.operator() if role is Role.OPERATOR else self.furnished.kit.signed_in(role)
        token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/profile").text)
        assert token
        self.tokens[role] = token[1]
        self.cookies[role] = "__Host-session=" + browser.app.cookies["__Host-session"]

    def host(self, role: str) -> str:
        return HOST if role == Role.OPERATOR else self.furnished.kit.host

    def answer(self, asked: Asked, role: str) -> tuple[int, dict[str, str]]:
        """Status and headers; the answer's body is read to its end."""
        self.count += 1
        if self.count % REFRESH == 0:
            self.furnished = furnish(self.house, self.furnished.kit)
        said: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> None:
            said[:] = [status, headers]

        body = self.house.application(asked.environ(self.host(role)), start_response)
        b"".join(body)
        getattr(body, "close", lambda: None)()
        return int(said[0].split()[0]), {name.lower(): value for name, value in said[1]}


def check(target: Target, asked: Asked, role: str) -> None:
    status, headers = target.answer(asked, role)
    assert 200 <= status < 500, f"{status} for {asked}"
    assert headers["x-request-id"]
    assert "default-src 'none'" in headers["content-security-policy"]
    for name, value in headers.items():
        assert not re.search(r"[\r\n\0]", name + value), name
        value.encode("latin-1")


@pytest.fixture(scope="module")
def targets() -> dict[str, Target]:
    return {}


@pytest.fixture
def target(house: House, targets: dict[str, Target]) -> Target:
    if house.backend not in targets:
        targets[house.backend] = Target(house)
    return targets[house.backend]


def raw(text: str) -> str:
    """As a server gives it to us: each byte of UTF-8 a character."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def battery(address: Address, ids: dict[str, str], token: str) -> Iterator[Asked]:
    """The fixed part: each kind of rubbish once at this view, in turn with the others."""
    path, csrf = address.path(ids), {"X_CSRF_TOKEN": token}
    usual = "GET" if "GET" in address.methods else "POST"
    for method in METHODS:
        yield Asked(method, path, body=b"title=x", content_type=FORM, headers=csrf)
    for value in (*NASTY, *(each.decode("latin-1") for each in BROKEN)):
        for place in address.places:
            yield Asked(usual, raw(address.path({**ids, place: value})), headers=csrf)
    words = (*NASTY, "1", "bytes=0-0", 'W/"x"', "en;q=nope,*;q=2")
    for name, value in zip(HEADERS, cycle(words), strict=False):
        yield Asked(usual, path, headers={**csrf, name: raw(value)})
    if "GET" in address.methods:
        yield from queries(path)
    if "POST" in address.methods:
        yield from bodies(path, token)


@cache
def nasty_queries() -> list[str]:
    encoded = [
        quote_from_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        for text in (*NASTY, *BROKEN)
    ]
    said = ["&".join(f"{name}={value}" for name in ("q", "state", "outcome", "before", "next")) for value in encoded]
    return said + [query.decode("latin-1") for query in (*BODIES, *BROKEN)]


@cache
def nasty_forms(token: str) -> list[bytes]:
    return [
        urlencode(dict.fromkeys(FIELDS, text) | {"csrf_token": token}, errors="surrogatepass").encode()
        for text in NASTY
    ]


def queries(path: str) -> Iterator[Asked]:
    for query in nasty_queries():
        yield Asked("GET", path, query=query)


def bodies(path: str, token: str) -> Iterator[Asked]:
    csrf = {"X_CSRF_TOKEN": token}
    for form in nasty_forms(token):
        yield Asked("POST", path, body=form, content_type=FORM)
    for body in BODIES:
        yield Asked("POST", path, body=body, content_type=FORM, headers=csrf)
    for body in MULTIPART:
        yield Asked("POST", path, body=body, content_type="multipart/form-data; boundary=x", headers=csrf)
    for content_type in TYPES:
        yield Asked("POST", path, body=b"--x\r\ntitle=1", content_type=content_type, headers=csrf)
    for length in ("", "-1", "abc", "0", "5", "1e3", "+7", raw("٣")):  # more than there is: the server's business
        yield Asked("POST", path, body=b"title=12345", content_type=FORM, length=length, headers=csrf)


#: One in so many of the battery at each view, beginning somewhere else at each and on each database; deep: all of it.
STEP = 1 if DEEP else 17


@pytest.mark.parametrize("role", ["stranger", Role.ADMIN, Role.OPERATOR], ids=str)
def test_every_view_survives_the_battery(target: Target, role: str) -> None:
    wrong: list[str] = []
    thrown = 0
    for place, address in enumerate(target.addresses, BACKENDS.index(target.house.backend) * (STEP // 2)):
        if address.house and (address.house == "operator") != (role == Role.OPERATOR):
            continue
        asks = battery(address, target.furnished.ids, target.tokens[role])
        for asked in islice(asks, place % STEP, None, STEP):
            asked.cookies = target.cookies[role]
            thrown += 1
            try:
                check(target, asked, role)
            except Exception as error:  # noqa: BLE001 -- collected: the list of all is worth more than the first
                wrong.append(f"{address.route}: {type(error).__name__} {str(error)[:300]}")
    assert wrong == []
    assert thrown > 150


rubbish = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=60),
    st.text(st.characters(categories=("Cc", "Cf", "Cs", "Co", "Zs", "Nd")), max_size=12),
    st.integers().map(str),
    st.floats(allow_nan=True).map(str),
    st.binary(max_size=40).map(lambda value: value.decode("latin-1")),
)
header_text = st.one_of(
    st.sampled_from(NASTY), st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=80)
).map(raw)


@st.composite
def forms(draw: st.DrawFn, token: str, names: list[str]) -> bytes:
    """Fields that views know, each perhaps several times, some with bytes that are no text."""
    pairs = draw(st.lists(st.tuples(st.one_of(st.sampled_from(names), rubbish), rubbish), max_size=6))
    right = {} if draw(st.integers(0, 3)) == 0 else RIGHT
    kept = [pair for pair in right.items() if pair[0] not in dict(pairs)]
    text = urlencode([*kept, *pairs], errors="surrogatepass").encode()
    broken = b"&".join(b"title=" + each for each in draw(st.lists(st.sampled_from(BROKEN), max_size=2)))
    sent = [text, broken, b"csrf_token=" + token.encode()]
    return b"&".join(each for each in sent if each)


@st.composite
def multiparts(draw: st.DrawFn, token: str, names: list[str]) -> bytes:
    lines = [b'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n' + token.encode()]
    for _ in range(draw(st.integers(0, 6))):
        name = raw(draw(st.one_of(st.sampled_from(names), rubbish))).encode("latin-1")
        file = draw(st.sampled_from((b"", b'; filename="f.png"', b"; filename*=UTF-8''%ff", b'; filename="')))
        lines.append(
            b'--x\r\nContent-Disposition: form-data; name="'
            + name
            + b'"'
            + file
            + b"\r\n\r\n"
            + draw(st.binary(max_size=200))
        )
    return b"\r\n".join([*lines, b"--x--\r\n"])


@st.composite
def requests(draw: st.DrawFn, target: Target, role: str) -> Asked:
    """Mostly right and partly wrong, because what is all wrong is refused at the first look."""
    mine = [
        each for each in target.addresses if not each.house or (each.house == "operator") == (role == Role.OPERATOR)
    ]
    address = draw(st.sampled_from(mine))
    ids, token = target.furnished.ids, target.tokens[role]
    for place in address.places if draw(st.integers(0, 3)) == 0 else ():
        ids = {**ids, place: raw(draw(rubbish))}
    names = [*FIELDS, f"a-{target.furnished.ids['block_id']}"]
    method = draw(st.one_of(st.sampled_from(address.methods), st.sampled_from(METHODS)))
    body, content_type = b"", None
    if method == "POST":
        content_type = draw(st.sampled_from((FORM, FORM, FORM, "multipart/form-data; boundary=x", *TYPES)))
        kinds = {FORM: forms(token, names), "multipart/form-data; boundary=x": multiparts(token, names)}
        body = draw(kinds.get(content_type, st.one_of(st.sampled_from((*BODIES, *MULTIPART)), st.binary(max_size=300))))
    query = draw(st.one_of(st.just(""), forms(token, names).map(lambda value: value.decode("latin-1")), header_text))
    headers = draw(st.dictionaries(st.sampled_from(HEADERS), header_text, max_size=4))
    cookies = target.cookies[role]
    if draw(st.integers(0, 4)) == 0:
        cookies = draw(
            st.sampled_from(
                (f"{cookies}; {{}}", "{}", "__Host-session={}", "__Host-csrf={}", f"{cookies}; __Host-flash={{}}")
            )
        ).format(draw(header_text))
    return Asked(
        method,
        raw(address.path(ids)) if ids is target.furnished.ids else address.path(ids),
        query,
        body,
        content_type,
        None,
        headers,
        cookies,
    )


@pytest.mark.parametrize("role", ["stranger", Role.LEARNER, Role.AUTHOR, Role.ADMIN, Role.OPERATOR], ids=str)
def test_nothing_hypothesis_makes_gives_a_5xx(target: Target, role: str) -> None:
    thrown = 0

    @PROFILE
    @given(st.data())
    def throw(data: st.DataObject) -> None:
        nonlocal thrown
        thrown += 1
        asked = data.draw(requests(target, role))
        note(repr(asked))
        check(target, asked, role)

    throw()
    assert thrown >= PROFILE.max_examples
