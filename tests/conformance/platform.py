"""An outside LMS for conformance cases: it signs with PyJWT, another hand than ours, and answers real HTTP.

It is honest unless told otherwise: `PlatformDouble.faults` are answers its key set gives instead of the true one.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self
from urllib.parse import parse_qs
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
LEARNER, INSTRUCTOR = MEMBERSHIP + "Learner", MEMBERSHIP + "Instructor"
#: Names in short that stand for claims of LTI.
_LTI = frozenset(
    {
        "version", "message_type", "deployment_id", "target_link_uri", "roles", "context", "resource_link",
        "tool_platform", "launch_presentation", "custom", "lis", "ext",
    }
)  # fmt: skip
_numbers = count(1)


@cache
def rsa(number: int = 0, bits: int = 2048) -> RSAPrivateKey:
    """A key made once per test process; making one takes a while."""
    return generate_private_key(65537, bits)


@cache
def elliptic() -> EllipticCurvePrivateKey:
    return generate_ec_key(SECP256R1())


@dataclass(frozen=True)
class Key:
    """A signing key under a name; its public half as PyJWT writes it."""

    kid: str
    private: RSAPrivateKey | EllipticCurvePrivateKey

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """None drops a member."""
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            numbers: dict[str, Any] = RSAAlgorithm.to_jwk(public, as_dict=True)  # type: ignore[call-overload]  # -- an RSA key
            about = {"alg": "RS256", "use": "sig", "kid": self.kid}
        else:
            numbers = ECAlgorithm.to_jwk(public, as_dict=True)  # type: ignore[call-overload]  # -- an EC key
            about = {"alg": "ES256", "use": "sig", "kid": self.kid}
        numbers.pop("key_ops", None)
        return {name: value for name, value in {**numbers, **about, **changes}.items() if value is not None}


@dataclass(frozen=True)
class Answer:
    """An answer of the LMS's server; ``delay`` in seconds before it begins."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    delay: float = 0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Heard:
    """A request to an address of `PlatformDouble.services`."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Site:
    """One HTTP server for all platforms of a test process, each below its own path."""

    def __init__(self) -> None:
        self.platforms: dict[str, PlatformDouble] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                platform = site.platforms[self.path.split("/")[1]]
                self._give(platform.serve(self.path, dict(self.headers), b"") or platform.give_keys())

            def do_POST(self) -> None:
                platform = site.platforms[self.path.split("/")[1]]
                body = self.rfile.read(int(self.headers["content-length"]))
                served = platform.serve(self.path, dict(self.headers), body)
                form = parse_qs(body.decode()) if served is None else {}
                self._give(served or platform.give_token({k: v[0] for k, v in form.items()}))

            def _give(self, answer: Answer) -> None:
                if answer.delay:
                    site.closing.wait(answer.delay)
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

            def handle(self) -> None:
                try:
                    super().handle()
                except (ConnectionError, TimeoutError):
                    """Whoever asked did not wait for the answer: that is what a time-out tests."""

        self.closing = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def open(self, **more: Any) -> "PlatformDouble":
        platform = PlatformDouble(self, f"lms{next(_numbers)}", **more)
        self.platforms[platform.name] = platform
        return platform

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


@dataclass
class PlatformDouble:
    """One LMS. ``published`` are its keys as its key set shows them, ``signer`` the one it signs with."""

    site: Site
    name: str
    issuer: str = ""
    client_id: str = ""
    deployment: str = "1"
    signer: Key = field(default_factory=lambda: Key("key-0", rsa(0)))
    published: list[dict[str, Any]] = field(default_factory=list)
    faults: deque[Answer] = field(default_factory=deque)
    looks: int = 0
    tool_keys: dict[str, Any] = field(default_factory=dict)
    token_requests: list[dict[str, Any]] = field(default_factory=list)
    services: dict[str, Callable[[Heard], Answer]] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)

    def serve(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """By the first word after the platform's own; None for the addresses every platform has."""
        service = self.services.get(path.partition("?")[0].split("/")[2])
        if service is None:
            return None
        heard = Heard(path, {name.lower(): value for name, value in headers.items()}, body)
        self.heard.append(heard)
        return service(heard)

    def __post_init__(self) -> None:
        self.issuer = self.issuer or f"https://{self.name}.school.example"
        self.client_id = self.client_id or f"client-of-{self.name}"
        self.published = self.published or [self.signer.jwk()]

    @property
    def auth_url(self) -> str:
        return f"{self.issuer}/auth?tenant=5"

    @property
    def jwks_url(self) -> str:
        return f"{self.site.url}/{self.name}/jwks"

    @property
    def token_url(self) -> str:
        return f"{self.site.url}/{self.name}/token"

    def sibling(self, **more: Any) -> Self:
        """Another tool registration of the same LMS."""
        return self.site.open(issuer=self.issuer, client_id=f"client-{uuid4().hex[:6]}", **more)  # type: ignore[return-value]  # -- the same class

    def rotate(self, number: int, *, keep: bool = True) -> None:
        """Signs with another key from now on; the old one stays published or not."""
        self.signer = Key(f"key-{number}", rsa(number))
        self.published = [self.signer.jwk(), *(self.published if keep else [])]

    def give_keys(self) -> Answer:
        self.looks += 1
        if self.faults:
            return self.faults.popleft()
        return Answer(body=json.dumps({"keys": self.published}).encode())

    def learn_keys(self, key_set: Mapping[str, Any]) -> None:
        """Caches the tool's key set, as an LMS that does not ask again."""
        self.tool_keys = {each["kid"]: jwt.PyJWK(each).key for each in key_set["keys"]}

    def give_token(self, form: dict[str, str]) -> Answer:
        """An access token for an assertion signed with a key this LMS knows (Security Framework 1.0 §4.1.1)."""
        assertion = form["client_assertion"]
        kid = jwt.get_unverified_header(assertion)["kid"]
        if kid not in self.tool_keys:
            return Answer(401, b'{"error": "invalid_client"}')
        claims = jwt.decode(
            assertion, self.tool_keys[kid], algorithms=["RS256"], audience=self.token_url, issuer=self.client_id
        )
        self.token_requests.append({**claims, "kid": kid})
        granted = {"access_token": uuid4().hex, "token_type": "Bearer", "expires_in": 3600, "scope": form["scope"]}
        return Answer(body=json.dumps(granted).encode())

    def claims(self, *left_out: str, nonce: str, target: str, sub: str, **changes: Any) -> dict[str, Any]:
        """The full set of a learner's launch; a change or name like ``roles`` means the claim of LTI."""
        now = int(time.time())
        full = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": sub,
            "iat": now - 1,
            "exp": now + 60,
            "nonce": nonce,
            "given_name": "Ada",
            "family_name": "Lovelace",
            "name": "Ada Lovelace",
            "email": f"{sub[:40]}@{self.name}.school.example",
            "locale": "en",
            **_named(
                {
                    "version": "1.3.0",
                    "message_type": "LtiResourceLinkRequest",
                    "deployment_id": self.deployment,
                    "target_link_uri": target,
                    "roles": [LEARNER],
                    "context": {
                        "id": "3",
                        "label": "C1",
                        "title": "Course one",
                        "type": [MEMBERSHIP + "CourseSection"],
                    },
                    "resource_link": {"id": "17", "title": "Week 1", "description": "Read this"},
                    "tool_platform": {"name": "School", "product_family_code": "generic", "version": "9", "guid": "g"},
                    "launch_presentation": {"document_target": "iframe", "return_url": f"{self.issuer}/back?course=3"},
                    "custom": {"chapter": "2"},
                }
            ),
            AGS: {
                "scope": [SCOPE + "lineitem", SCOPE + "score", SCOPE + "result.readonly"],
                "lineitems": f"{self.site.url}/{self.name}/items?type_id=1",
                "lineitem": f"{self.site.url}/{self.name}/items/2?type_id=1",
            },
            NRPS: {"context_memberships_url": f"{self.site.url}/{self.name}/members"},
        }
        gone = {_full_name(name) for name in left_out}
        return {name: value for name, value in {**full, **_named(changes)}.items() if name not in gone}

    def sign(self, claims: Mapping[str, Any], *, key: Any = None, algorithm: str = "RS256", **header: Any) -> str:
        """A token of any claims, even those no sane LMS sends; a header of None is left out."""
        headers = {name: value for name, value in {"kid": self.signer.kid, **header}.items() if value is not None}
        return jwt.PyJWS().encode(json.dumps(claims).encode(), key or self.signer.private, algorithm, headers=headers)


def _full_name(name: str) -> str:
    return CLAIM + name if name in _LTI else name


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_full_name(name): value for name, value in values.items()}
