"""An LMS of LTI 1.1 around the package `lti`: it signs launches, takes scores, and tells a test what came.

``POST /launch`` (JSON: key, secret, url, params) answers the signed form; ``POST /outcomes`` is the service a tool calls;
``GET /book`` lists scores and refusals; ``POST /faults`` orders answers instead of the true one.
"""

import argparse
import json
import sys
from collections import deque
from typing import Any
from urllib.parse import parse_qsl

import waitress
from lti import OutcomeRequest, OutcomeResponse, ToolConsumer
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint


class School:
    """One key; what is known of everybody's score."""

    def __init__(self) -> None:
        self.url = ""
        self.key = self.secret = ""
        self.book: dict[str, str] = {}
        self.refusals: list[str] = []
        self.faults: deque[dict[str, Any]] = deque()


SCHOOL = School()


class Keys(RequestValidator):
    enforce_ssl = False
    dummy_client = "nobody"
    client_key_length = nonce_length = (1, 100)
    safe_characters = frozenset(map(chr, range(33, 127)))

    def validate_client_key(self, client_key: str, _request: Any) -> bool:
        return client_key == SCHOOL.key

    def get_client_secret(self, _client_key: str, _request: Any) -> str:
        return SCHOOL.secret

    def validate_timestamp_and_nonce(self, *_arguments: Any, **_tokens: Any) -> bool:
        return True


class Posted:
    """What `lti` wants of a request."""

    def __init__(self, body: bytes) -> None:
        self.body = body


def launch(order: dict[str, Any]) -> dict[str, Any]:
    """The fields of a signed launch, as the package makes them."""
    SCHOOL.key, SCHOOL.secret = order["key"], order["secret"]
    params = {
        "lti_message_type": "basic-lti-launch-request",
        "lti_version": "LTI-1p0",
        "lis_outcome_service_url": f"{SCHOOL.url}/outcomes?course=3",
        **order["params"],
    }
    consumer = ToolConsumer(SCHOOL.key, SCHOOL.secret, launch_url=order["url"], params=params)
    if not consumer.has_required_params():
        raise ValueError("lti finds a parameter missing")
    request = consumer.generate_launch_request()
    body = request.body if isinstance(request.body, str) else request.body.decode()
    return {"url": request.url, "fields": parse_qsl(body, keep_blank_values=True)}


def outcome(body: bytes, environ: dict[str, Any]) -> tuple[int, bytes]:
    """Judged by oauthlib, read and answered by `lti`."""
    headers = {"Authorization": environ.get("HTTP_AUTHORIZATION", ""), "Content-Type": environ["CONTENT_TYPE"]}
    url = f"{SCHOOL.url}{environ['PATH_INFO']}?{environ['QUERY_STRING']}"
    genuine, _ = SignatureOnlyEndpoint(Keys()).validate_request(url, "POST", body.decode(), headers)
    asked = OutcomeRequest.from_post_request(Posted(body))
    sourcedid, said = str(asked.lis_result_sourcedid), OutcomeResponse()
    said.message_identifier, said.message_ref_identifier = "1", asked.message_identifier
    said.operation, said.severity, said.code_major = asked.operation, "status", "success"
    said.description = ""
    if SCHOOL.faults:
        fault = SCHOOL.faults.popleft()
        if "status" in fault:
            return fault["status"], fault.get("body", "").encode()
        said.code_major, said.description = fault["major"], fault.get("description", "")
    elif not genuine:
        SCHOOL.refusals.append(asked.operation)
        said.code_major, said.severity, said.description = "failure", "error", "signature not valid"
    elif asked.is_replace_request():
        SCHOOL.book[sourcedid] = asked.score
    elif asked.is_delete_request():
        SCHOOL.book.pop(sourcedid, None)
    else:
        said.score = SCHOOL.book.get(sourcedid, "")
    return 200, said.generate_response_xml()


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """WSGI."""
    body, status, content_type = environ["wsgi.input"].read(), 200, "application/json"
    path, answer = environ["PATH_INFO"], b"{}"
    if path == "/launch":
        answer = json.dumps(launch(json.loads(body))).encode()
    elif path == "/outcomes":
        (status, answer), content_type = outcome(body, environ), "application/xml"
    elif path == "/book":
        answer = json.dumps({"book": SCHOOL.book, "refusals": SCHOOL.refusals}).encode()
    elif path == "/faults":
        SCHOOL.faults.extend(json.loads(body))
    start_response(f"{status} -", [("Content-Type", content_type), ("Content-Length", str(len(answer)))])
    return [answer]


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
