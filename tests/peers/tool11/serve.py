"""A tool of LTI 1.1 on the package `lti` and Flask that does what a test orders.

``POST /admin/register`` (key, secret) makes a consumer known; ``GET /admin/journal`` lists launches, done and refused;
``POST /admin/do`` with ``launch`` (its number), ``action`` (replace, read, delete), ``score`` and perhaps somebody else's
``sourcedid`` calls the outcome service and answers JSON of what happened.
"""

import argparse
import logging
import os
import socket
import sys
from html import escape
from typing import Any

import waitress
from flask import Flask, jsonify, request
from lti.contrib.flask import FlaskToolProvider
from lti.utils import InvalidLTIConfigError, InvalidLTIRequestError
from oauthlib.oauth1 import RequestValidator
from werkzeug import Response

KEYS: dict[str, str] = {}
JOURNAL: list[dict[str, Any]] = []
LAUNCHES: dict[int, FlaskToolProvider] = {}
USED: set[tuple[str, str]] = set()


class Keys(RequestValidator):
    """oauthlib's checks with the lengths of the real world; a nonce is good once."""

    enforce_ssl = False
    dummy_client = "nobody"
    client_key_length = nonce_length = (1, 255)
    safe_characters = frozenset(map(chr, range(33, 127)))

    def validate_client_key(self, client_key: str, _request: Any) -> bool:
        return client_key in KEYS

    def get_client_secret(self, client_key: str, _request: Any) -> str:
        return KEYS.get(client_key, "unknown")

    def validate_timestamp_and_nonce(self, client_key: str, _time: str, nonce: str, *_more: Any, **_rest: Any) -> bool:
        fresh = (client_key, nonce) not in USED
        USED.add((client_key, nonce))
        return fresh


def done(order: dict[str, Any]) -> dict[str, Any]:
    """What the consumer said to an outcome, as the package understood it."""
    tool = LAUNCHES[order.get("launch") or max(LAUNCHES)]
    asking = tool.new_request({})
    asking.lis_result_sourcedid = order.get("sourcedid") or asking.lis_result_sourcedid
    asking.lis_outcome_service_url = order.get("service_url") or asking.lis_outcome_service_url
    asking.consumer_secret = order.get("secret") or asking.consumer_secret
    try:
        if order["action"] == "replace":
            said = asking.post_replace_result(str(order["score"]))
        else:
            said = asking.post_read_result() if order["action"] == "read" else asking.post_delete_result()
    except (InvalidLTIConfigError, ValueError) as error:
        return {"ok": False, "error": str(error)}
    return {
        "ok": bool(said.is_success()),
        "status": said.response_code,
        "major": str(said.code_major),
        "description": str(said.description or ""),
        "value": None if said.score is None else str(said.score),
    }


def page(words: str, form: str = "") -> str:
    return f"<!doctype html><html lang=en><title>Tool</title><h1>{escape(words)}</h1>{form}</html>"


def application() -> Flask:
    """The Flask application."""
    app = Flask("tool11")

    @app.errorhandler(InvalidLTIRequestError)
    @app.errorhandler(InvalidLTIConfigError)
    def refused(error: Exception) -> tuple[str, int]:
        JOURNAL.append({"number": len(JOURNAL) + 1, "error": str(error), "params": request.form.to_dict()})
        return page(f"Refused: {error}"), 400

    @app.post("/launch")
    def launch() -> str:
        secret = KEYS.get(request.form.get("oauth_consumer_key", ""))
        tool = FlaskToolProvider.from_flask_request(secret=secret, request=request)
        if not tool.is_valid_request(Keys()):
            raise InvalidLTIRequestError("The signature does not hold.")
        number = len(JOURNAL) + 1
        JOURNAL.append({"number": number, "error": "", "params": request.form.to_dict()})
        LAUNCHES[number] = tool
        form = f'<form method=post action=/works/{number}><input name=score type=number step=any aria-label="Points out of 1"><button>Hand in</button></form>'
        title = request.form.get("resource_link_title", "")
        return page(f"{tool.username('Somebody')} in {title}", form)

    @app.post("/works/<int:number>")
    def works(number: int) -> str:
        came = done({"launch": number, "action": "replace", "score": request.form["score"]})
        return page("Handed in" if came["ok"] else f"Not taken: {came}")

    @app.post("/admin/register")
    def register() -> Response:
        told = request.get_json()
        KEYS[told["key"]] = told["secret"]
        return jsonify({"registered": told["key"]})

    @app.get("/admin/journal")
    def journal() -> Response:
        return jsonify(JOURNAL)

    @app.post("/admin/do")
    def do() -> Response:
        return jsonify(done(request.get_json()))

    @app.get("/health")
    def health() -> str:
        return "ok"

    return app


def resolve_localhost_names() -> None:
    """Let every ``*.localhost`` name mean this machine (RFC 6761 §6.3), as browsers do and many resolvers do not."""
    system = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
        return system("127.0.0.1" if isinstance(host, str) and host.endswith(".localhost") else host, *rest, **more)

    socket.getaddrinfo = getaddrinfo


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options = parser.parse_args()
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    os.environ["NO_PROXY"] = "*"
    resolve_localhost_names()
    server = waitress.create_server(application(), host="127.0.0.1", port=options.port, threads=8)
    sys.stdout.write(f"READY http://127.0.0.1:{server.effective_port}\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
