"""A tool of LTI 1.1 on the package `lti` and Flask, wired as its README shows, with a database behind it.

The key and its secret are held in memory, waitress does not log its queue. ``python serve.py --key K --secret S
--database-url sqlite:///peer.sqlite`` prints ``READY http://127.0.0.1:PORT`` once it answers.
"""

import argparse
import logging
import sys
import time
from typing import Any

import waitress
from flask import Flask, redirect, request, url_for
from lti.contrib.flask import FlaskToolProvider
from lti.utils import InvalidLTIRequestError
from oauthlib.oauth1 import RequestValidator
from storage import Replayed, Storage
from werkzeug import Response

COOKIE = "peer_session"
WINDOW = 300


class Keys(RequestValidator):
    """One key; oauthlib's own limits on the shape of keys and nonces are those of LMSs."""

    enforce_ssl = False
    dummy_client = "nobody"
    client_key_length = nonce_length = (1, 100)
    safe_characters = frozenset(map(chr, range(33, 127)))

    def __init__(self, key: str, secret: str) -> None:
        super().__init__()
        self.key, self.secret = key, secret

    def validate_client_key(self, client_key: str, _request: Any) -> bool:
        return client_key == self.key

    def get_client_secret(self, _client_key: str, _request: Any) -> str:
        return self.secret

    def validate_timestamp_and_nonce(self, _key: str, timestamp: str, *_arguments: Any, **_tokens: Any) -> bool:
        """The nonce is used up with the launch, in the same transaction."""
        return abs(time.time() - int(timestamp)) <= WINDOW


def application(keys: Keys, storage: Storage) -> Flask:
    app = Flask(__name__)

    @app.errorhandler(Replayed)
    @app.errorhandler(InvalidLTIRequestError)
    def refused(error: Exception) -> tuple[str, int]:
        return str(error) or "used before", 400

    @app.post("/launch")
    def launch() -> Response | tuple[str, int]:
        provider = FlaskToolProvider.from_flask_request(request=request)
        if not provider.is_valid_request(keys):
            return "The signature is wrong.", 401
        token, link_id = storage.launched(request.form)
        answer = redirect(url_for("activity", link_id=link_id), code=302)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="Lax")
        return answer

    @app.get("/activities/<link_id>")
    def activity(link_id: str) -> tuple[str, int]:
        held = storage.session(request.cookies.get(COOKIE, ""), link_id)
        return (f"{held.person.name} in {link_id}", 200) if held else ("Launch this from a course.", 403)

    return app


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--database-url", required=True, help="sqlite:///FILE or postgresql+psycopg://…")
    parser.add_argument("--key", required=True)
    parser.add_argument("--secret", required=True)
    options = parser.parse_args()
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    app = application(Keys(options.key, options.secret), Storage(options.database_url, options.threads))
    server = waitress.create_server(app, host="127.0.0.1", port=options.port, threads=options.threads)
    sys.stdout.write(f"READY http://127.0.0.1:{server.effective_port}\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
