"""An outside LMS on LTI 1.2 for conformance cases: oauthlib's own client signs, and its outcomes service answers HTTP.

It is honest unless told otherwise: `ConsumerDouble.faults` are answers its service gives instead of the true one.
"""

import re
import threading
import time
from base64 import b64encode
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha1
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

from oauthlib.oauth1 import SIGNATURE_TYPE_BODY, Client, RequestValidator, SignatureOnlyEndpoint

FORM = "application/x-www-form-urlencoded"
_numbers = count(1)
_ANSWER = """<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeResponse xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0">
<imsx_POXHeader><imsx_POXResponseHeaderInfo><imsx_version>V1.0</imsx_version>
<imsx_messageIdentifier>{number}</imsx_messageIdentifier><imsx_statusInfo><imsx_codeMajor>{major}</imsx_codeMajor>
<imsx_severity>status</imsx_severity><imsx_description>{words}</imsx_description></imsx_statusInfo>
</imsx_POXResponseHeaderInfo></imsx_POXHeader><imsx_POXBody>{body}</imsx_POXBody></imsx_POXEnvelopeResponse>"""


def pox(major: str = "success", words: str = "", body: str = "<replaceResultResponse/>") -> bytes:
    return _ANSWER.format(number=next(_numbers), major=major, words=words, body=body).encode()


@dataclass(frozen=True)
class Reply:
    """An answer of the LMS's service."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/xml"


@dataclass(frozen=True)
class Operation:
    """One request of ours, proven by oauthlib; ``score`` is the text of a replacement."""

    name: str
    sourcedid: str
    score: str
    content_type: str


class _Keys(RequestValidator):
    """Knows one key; what oauthlib asks of a signature without a user."""

    enforce_ssl = False
    dummy_client = "nobody"
    client_key_length = nonce_length = (1, 100)
    safe_characters = frozenset(map(chr, range(33, 127)))

    def __init__(self, key: str, secret: str) -> None:
        super().__init__()
        self.key, self.secret = key, secret
        self.used: set[str] = set()

    def validate_client_key(self, client_key: str, _request: Any) -> bool:
        return client_key == self.key

    def get_client_secret(self, _client_key: str, _request: Any) -> str:
        return self.secret

    def validate_timestamp_and_nonce(self, _key: str, _at: str, nonce: str, _request: Any, **_tokens: Any) -> bool:
        fresh = nonce not in self.used
        self.used.add(nonce)
        return fresh


class Services:
    """One HTTP server for all consumers of a test process, each below its own path."""

    def __init__(self) -> None:
        self.consumers: dict[str, ConsumerDouble] = {}
        services = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                consumer = services.consumers[urlsplit(self.path).path.split("/")[1]]
                reply = consumer.take(services.url + self.path, body, dict(self.headers.items()))
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.content_type)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def open(self) -> "ConsumerDouble":
        consumer = ConsumerDouble(self, f"school{next(_numbers)}")
        self.consumers[consumer.name] = consumer
        return consumer

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@dataclass
class ConsumerDouble:
    """One LMS. ``key`` and ``secret`` are what its admin pasted; ``book`` holds scores by sourcedid."""

    services: Services
    name: str
    key: str = ""
    secret: str = ""
    faults: deque[Reply] = field(default_factory=deque)
    heard: list[Operation] = field(default_factory=list)
    book: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    @property
    def service_url(self) -> str:
        return f"{self.services.url}/{self.name}/service.php?type=1&x=a%20b"

    @property
    def return_url(self) -> str:
        return f"https://{self.name}.example/return?course=3"

    def fields(self, *left_out: str, sub: str, **changes: str) -> dict[str, str]:
        """The full set of a learner's launch as Moodle names things."""
        full = {
            "lti_message_type": "basic-lti-launch-request",
            "lti_version": "LTI-1p0",
            "resource_link_id": "17",
            "resource_link_title": "Week 1",
            "resource_link_description": "Read this",
            "user_id": sub,
            "roles": "Learner",
            "lis_person_name_given": "Ada",
            "lis_person_name_family": "Lovelace",
            "lis_person_name_full": "Ada Lovelace",
            "lis_person_contact_email_primary": f"{sub[:40]}@{self.name}.example",
            "context_id": "3",
            "context_label": "C1",
            "context_title": "Course one",
            "tool_consumer_info_product_family_code": "moodle",
            "tool_consumer_info_version": "2024100706",
            "tool_consumer_instance_guid": f"{self.name}.example",
            "tool_consumer_instance_name": f"School {self.name}",
            "launch_presentation_locale": "en",
            "launch_presentation_document_target": "iframe",
            "launch_presentation_return_url": self.return_url,
            "lis_outcome_service_url": self.service_url,
            "lis_result_sourcedid": f'{{"data":{{"userid":"{sub}"}},"hash":"0a<1&b"}}',
            "custom_chapter": "2",
            "oauth_callback": "about:blank",
        }
        return {name: value for name, value in {**full, **changes}.items() if name not in left_out}

    def sign(
        self,
        url: str,
        fields: Mapping[str, str] | Iterable[tuple[str, str]],
        *,
        method: str = "HMAC-SHA1",
        at: float | str | None = None,
        nonce: str = "",
        **credentials: str,
    ) -> list[tuple[str, str]]:
        """The form a browser posts to ``url``, signed by oauthlib; ``at`` may be no time at all."""
        client = Client(
            credentials.get("key", self.key),
            client_secret=credentials.get("secret", self.secret),
            signature_method=method,
            signature_type=SIGNATURE_TYPE_BODY,
            timestamp=str(int(time.time()) if at is None else at),
            nonce=nonce or uuid4().hex,
        )
        pairs = list(fields.items()) if isinstance(fields, Mapping) else list(fields)
        _, _, body = client.sign(url, "POST", body=urlencode(pairs), headers={"Content-Type": FORM})
        return parse_qsl(str(body), keep_blank_values=True)

    def take(self, url: str, body: bytes, headers: dict[str, str]) -> Reply:
        """An outcome request: its signature judged by oauthlib, its hash over the very bytes."""
        keys = _Keys(self.key, self.secret)
        keys.used = self.used
        genuine, request = SignatureOnlyEndpoint(keys).validate_request(url, "POST", body.decode(), headers)
        hashed = b64encode(sha1(body).digest()).decode()
        if not genuine or dict(request.oauth_params).get("oauth_body_hash") != hashed:
            return Reply(body=pox("failure", "the signature is wrong"), content_type="text/html")
        text = body.decode()
        name = next(iter(re.findall(r"<(\w+)Request>", text.partition("imsx_POXBody")[2])))
        found = [unescape(part) for part in re.findall(r"<sourcedId>(.*?)</sourcedId>", text, re.DOTALL)]
        score = next(iter(re.findall(r"<textString>(.*?)</textString>", text)), "")
        self.heard.append(Operation(name, found[0], score, headers["content-type"]))
        return self.faults.popleft() if self.faults else self._obey(name, found[0], score)

    def _obey(self, name: str, sourcedid: str, score: str) -> Reply:
        if name == "replaceResult":
            self.book[sourcedid] = score
        elif name == "deleteResult":
            self.book.pop(sourcedid, None)
        said = f"<result><resultScore><textString>{self.book.get(sourcedid, '')}</textString></resultScore></result>"
        body = f"<{name}Response>{said if name == 'readResult' else ''}</{name}Response>"
        return Reply(body=pox(body=body))
