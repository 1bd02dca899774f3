"""An LMS of LTI 1.x around oauthlib alone: it signs messages, takes scores and choices, and tells a test what came.

``POST /launch`` (JSON: key, secret, url, params, method?, body?) answers the signed form; ``POST /outcomes`` is the service
a tool calls; ``POST /chosen`` takes an answer to a request for content; ``GET /book`` lists scores, choices and
refusals; ``POST /faults`` orders answers instead of the true one.
"""

import argparse
import json
import sys
import time
import xml.etree.ElementTree as ET
from base64 import b64encode
from collections import deque
from hashlib import sha1
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4
from xml.sax.saxutils import escape

import waitress
from oauthlib.oauth1 import SIGNATURE_TYPE_BODY, Client, RequestValidator, SignatureOnlyEndpoint

FORM = "application/x-www-form-urlencoded"
NS = "{http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0}"
ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeResponse xmlns="{ns}"><imsx_POXHeader><imsx_POXResponseHeaderInfo><imsx_version>V1.0</imsx_version>
<imsx_messageIdentifier>{id}</imsx_messageIdentifier><imsx_statusInfo><imsx_codeMajor>{major}</imsx_codeMajor>
<imsx_severity>status</imsx_severity><imsx_description>{words}</imsx_description>
<imsx_messageRefIdentifier>{ref}</imsx_messageRefIdentifier></imsx_statusInfo></imsx_POXResponseHeaderInfo>
</imsx_POXHeader><imsx_POXBody>{body}</imsx_POXBody></imsx_POXEnvelopeResponse>"""


class School:
    """One key; what is known of everybody's score."""

    def __init__(self) -> None:
        self.url = ""
        self.key = self.secret = ""
        self.book: dict[str, str] = {}
        self.chosen: list[dict[str, Any]] = []
        self.refusals: list[str] = []
        self.faults: deque[dict[str, Any]] = deque()


SCHOOL = School()


class Keys(RequestValidator):
    enforce_ssl = False
    dummy_client = "nobody"
    client_key_length = nonce_length = (1, 100)
    safe_characters = frozenset(map(chr, range(33, 127)))
    used: set[str] = set()  # noqa: RUF012 -- shared by all requests on purpose

    def validate_client_key(self, client_key: str, _request: Any) -> bool:
        return client_key == SCHOOL.key

    def get_client_secret(self, _client_key: str, _request: Any) -> str:
        return SCHOOL.secret

    def validate_timestamp_and_nonce(self, _key: str, at: str, nonce: str, *_arguments: Any, **_tokens: Any) -> bool:
        fresh = nonce not in self.used and abs(time.time() - int(at)) < 300
        self.used.add(nonce)
        return fresh


def launch(order: dict[str, Any]) -> dict[str, Any]:
    """The fields of a signed form; ``%(here)s`` in a value is this LMS's own address."""
    SCHOOL.key, SCHOOL.secret = order["key"], order["secret"]
    params = {
        "lti_message_type": "basic-lti-launch-request",
        "lti_version": "LTI-1p0",
        "oauth_callback": "about:blank",
        "lis_outcome_service_url": f"{SCHOOL.url}/outcomes?course=3",
        **{name: value.replace("%(here)s", SCHOOL.url) for name, value in order["params"].items()},
    }
    client = Client(
        SCHOOL.key,
        client_secret=SCHOOL.secret,
        signature_method=order.get("method", "HMAC-SHA1"),
        signature_type=SIGNATURE_TYPE_BODY,
        timestamp=str(order.get("at", int(time.time()))),
        nonce=order.get("nonce") or uuid4().hex,
    )
    url, _, body = client.sign(order["url"], "POST", body=urlencode(params), headers={"Content-Type": FORM})
    return {"url": url, "fields": parse_qsl(str(body), keep_blank_values=True)}


def genuine(url: str, body: bytes, headers: dict[str, str]) -> Any:
    """The request as oauthlib reads it, or None."""
    valid, request = SignatureOnlyEndpoint(Keys()).validate_request(url, "POST", body.decode(), headers)
    return request if valid else None


def outcome(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """One operation; what is not signed over these very bytes fails."""
    tree = ET.fromstring(body)
    operation = next(iter(tree.find(f"{NS}imsx_POXBody") or ()))
    name = operation.tag.removeprefix(NS).removesuffix("Request")
    ref = tree.findtext(f".//{NS}imsx_messageIdentifier", "")
    if SCHOOL.faults and "status" in SCHOOL.faults[0]:
        fault = SCHOOL.faults.popleft()
        return fault["status"], fault.get("body", "").encode()
    if SCHOOL.faults:
        fault = SCHOOL.faults.popleft()
        return 200, answer(ref, fault["major"], fault.get("description", ""), "")
    request = genuine(url, body, headers)
    hashed = b64encode(sha1(body).digest()).decode()
    if request is None or dict(request.oauth_params).get("oauth_body_hash") != hashed:
        SCHOOL.refusals.append(name)
        return 200, answer(ref, "failure", "signature not valid", "")
    sourcedid = operation.findtext(f".//{NS}sourcedId", "")
    if name == "replaceResult":
        SCHOOL.book[sourcedid] = operation.findtext(f".//{NS}textString", "")
    elif name == "deleteResult":
        SCHOOL.book.pop(sourcedid, None)
    held = SCHOOL.book.get(sourcedid, "")
    said = (
        f"<result><resultScore><textString>{held}</textString></resultScore></result>" if name == "readResult" else ""
    )
    return 200, answer(ref, "success", "", f"<{name}Response>{said}</{name}Response>")


def answer(ref: str, major: str, words: str, body: str) -> bytes:
    values = {
        "ns": NS[1:-1],
        "id": uuid4().hex,
        "major": major,
        "words": escape(words),
        "ref": escape(ref),
        "body": body,
    }
    return ENVELOPE.format(**values).encode()


def chosen(url: str, body: bytes, headers: dict[str, str]) -> None:
    """A choice of content: kept if its signature holds."""
    fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    if genuine(url, body, headers) is None:
        SCHOOL.refusals.append("chosen")
    else:
        SCHOOL.chosen.append({**fields, "items": json.loads(fields["content_items"])["@graph"]})


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """WSGI."""
    body, status, content_type = environ["wsgi.input"].read(), 200, "application/json"
    path, said = environ["PATH_INFO"], b"{}"
    url = f"{SCHOOL.url}{path}" + (f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else "")
    headers = {"Authorization": environ.get("HTTP_AUTHORIZATION", ""), "Content-Type": environ.get("CONTENT_TYPE", "")}
    headers = {name: value for name, value in headers.items() if value}
    if path == "/launch":
        said = json.dumps(launch(json.loads(body))).encode()
    elif path == "/outcomes":
        (status, said), content_type = outcome(url, body, headers), "application/xml"
    elif path == "/chosen":
        chosen(url, body, headers)
    elif path == "/book":
        said = json.dumps({"book": SCHOOL.book, "chosen": SCHOOL.chosen, "refusals": SCHOOL.refusals}).encode()
    elif path == "/faults":
        SCHOOL.faults.extend(json.loads(body))
    start_response(f"{status} -", [("Content-Type", content_type), ("Content-Length", str(len(said)))])
    return [said]


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options = parser.parse_args()
    server = waitress.create_server(application, host="127.0.0.1", port=options.port, threads=4)
    SCHOOL.url = f"http://127.0.0.1:{server.effective_port}"
    sys.stdout.write(f"READY {SCHOOL.url}\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
