"""A tool small enough to prove the peer LMS with: a key, a login, a launch that takes anything, scores to send.

It checks nothing by itself; the test looks at what it was sent.
"""

import json
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.peers.lms.client import Registered

AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
ALL = (AGS + "lineitem", AGS + "lineitem.readonly", AGS + "result.readonly", AGS + "score")
SCORE = "application/vnd.ims.lis.v1.score+json"


class ToyTool:
    """The tool's side of everything; ``url`` is where it answers."""

    def __init__(self) -> None:
        """Make a key; the HTTP side is started by ``running``."""
        self.url = ""
        self.auth_url = ""
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.logins: list[dict[str, str]] = []
        self.launches: list[dict[str, str]] = []
        self.http = httpx.Client(trust_env=False, timeout=10)

    @property
    def key_set(self) -> dict[str, Any]:
        """The public key as a JWK set."""
        return {"keys": [{**jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True), "kid": "toy"}]}

    @property
    def state_and_nonce(self) -> tuple[str, str]:
        """Those sent with the last authentication request."""
        return f"state-{len(self.logins)}", f"nonce-{len(self.logins)}"

    def authentication_request(self, login: dict[str, str]) -> str:
        """Where to redirect after a login initiation, LTI 1.3 §5.1.1.2."""
        self.logins.append(login)
        state, nonce = self.state_and_nonce
        asked = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": login["client_id"],
            "redirect_uri": f"{self.url}/launch",
            "login_hint": login["login_hint"],
            "lti_message_hint": login["lti_message_hint"],
            "state": state,
            "nonce": nonce,
        }
        return f"{self.auth_url}?{urlencode(asked)}"

    def ask_token(
        self, platform: Registered, scopes: Sequence[str] = ALL, *, key: rsa.RSAPrivateKey | None = None, **claims: Any
    ) -> httpx.Response:
        """Request an access token; ``claims`` change the assertion."""
        now = int(time.time())
        assertion = {
            "iss": platform.client_id,
            "sub": platform.client_id,
            "aud": platform.token_url,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_hex(8),
            **claims,
        }
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode(assertion, key or self.key, algorithm="RS256", headers={"kid": "toy"}),
            "scope": " ".join(scopes),
        }
        return self.http.post(platform.token_url, data=form)

    def bearer(self, platform: Registered, *scopes: str) -> dict[str, str]:
        """An Authorization header with the scopes named by their last part; all of them by default."""
        wanted = [AGS + scope for scope in scopes] or ALL
        token = self.ask_token(platform, wanted).raise_for_status().json()["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def send_score(
        self, url: str, bearer: dict[str, str], user_id: str, *, media_type: str = SCORE, **members: Any
    ) -> httpx.Response:
        """Post a score to a line item; ``members`` change it, None removes one."""
        score = {
            "userId": user_id,
            "scoreGiven": 64.5,
            "scoreMaximum": 80,
            "timestamp": "2026-03-01T10:00:00.000Z",
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
            **members,
        }
        content = json.dumps({name: value for name, value in score.items() if value is not None})
        address = urlsplit(url)
        target = address._replace(path=f"{address.path}/scores").geturl()
        return self.http.post(target, content=content, headers={**bearer, "Content-Type": media_type})


@contextmanager
def running() -> Iterator[ToyTool]:
    """The tool, answering on a free port of 127.0.0.1."""
    tool = ToyTool()

    class Handler(BaseHTTPRequestHandler):
        """Four addresses: /jwks, /login, /launch; everything else is 404."""

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path == "/jwks":
                self._answer(200, json.dumps(tool.key_set))
            elif address.path == "/login":
                self._answer(302, location=tool.authentication_request(dict(parse_qsl(address.query))))
            else:
                self._answer(404)

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(sent, keep_blank_values=True).items()}
            if self.path == "/login":
                self._answer(302, location=tool.authentication_request(form))
            else:
                tool.launches.append(form)
                self._answer(200, "launched")

        def _answer(self, status: int, text: str = "", location: str = "") -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tool.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield tool
    finally:
        server.shutdown()
        server.server_close()
        tool.http.close()
