"""A tool on PyLTI1p3 and Flask, wired as its documentation shows, with a database behind it like any real tool.

Tuned where that costs nothing: the platform's key set is given inline (the default fetches it on every launch), the
tool configuration is built once, waitress does not log its queue. ``python serve.py --platform platform.json
--database-url sqlite:///peer.sqlite`` prints ``READY http://127.0.0.1:PORT`` once it answers.
"""

import argparse
import json
import logging
import secrets
import sys
import uuid
from pathlib import Path
from typing import Any

import waitress
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, redirect, request, url_for
from flask_caching import Cache
from pylti1p3.contrib.flask import FlaskCacheDataStorage, FlaskMessageLaunch, FlaskOIDCLogin, FlaskRequest
from pylti1p3.exception import LtiException, OIDCException
from pylti1p3.tool_config import ToolConfDict
from storage import Storage
from werkzeug import Response

COOKIE = "peer_session"


def tool_configuration(platform: dict[str, Any]) -> ToolConfDict:
    """PyLTI1p3's configuration for one platform: issuer, client_id, deployment_id, auth_url, token_url, jwks."""
    client = {
        "default": True,
        "client_id": platform["client_id"],
        "auth_login_url": platform["auth_url"],
        "auth_token_url": platform["token_url"],
        "auth_audience": None,
        "key_set_url": None,
        "key_set": platform["jwks"],
        "deployment_ids": [platform["deployment_id"]],
    }
    configuration = ToolConfDict({platform["issuer"]: [client]})
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    configuration.set_private_key(platform["issuer"], private.decode(), client_id=platform["client_id"])
    return configuration


def application(configuration: ToolConfDict, storage: Storage, cache_url: str) -> Flask:
    """The Flask application; states and nonces live in Flask-Caching, as in PyLTI1p3's Flask example."""
    app = Flask("pylti1p3_flask")
    kind = {"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": cache_url} if cache_url else {"CACHE_TYPE": "SimpleCache"}
    # The threshold is far above any load, so that the in-process cache never drops a nonce still to be used.
    app.config.from_mapping(kind, CACHE_DEFAULT_TIMEOUT=600, CACHE_THRESHOLD=5_000_000, SECRET_KEY=secrets.token_hex())
    cache = Cache(app)

    @app.errorhandler(LtiException)
    @app.errorhandler(OIDCException)
    def refused(error: Exception) -> tuple[str, int]:
        return str(error), 400

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Response:
        storing = FlaskCacheDataStorage(cache)
        oidc = FlaskOIDCLogin(FlaskRequest(), configuration, launch_data_storage=storing)
        answer: Response = oidc.redirect(url_for("launch", _external=True))
        return answer

    @app.post("/launch")
    def launch() -> Response:
        storing = FlaskCacheDataStorage(cache)
        message = FlaskMessageLaunch(FlaskRequest(), configuration, launch_data_storage=storing)
        token, link_id = storage.launched(message.get_launch_data(), message.get_client_id())
        answer = redirect(url_for("activity", link_id=link_id), code=302)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="Lax")
        return answer

    @app.get("/activities/<uuid:link_id>")
    def activity(link_id: uuid.UUID) -> tuple[str, int]:
        held = storage.session(request.cookies.get(COOKIE, ""), link_id)
        return (
            (f"{held.person.name} in {held.resource_link.title}", 200) if held else ("Launch this from a course.", 403)
        )

    return app


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--database-url", required=True, help="sqlite:///FILE or postgresql+psycopg://…")
    parser.add_argument("--platform", type=Path, required=True, help="JSON file describing the platform")
    parser.add_argument("--cache", default="", help="redis://… instead of a cache in the process")
    options = parser.parse_args()
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    app = application(
        tool_configuration(json.loads(options.platform.read_text())),
        Storage(options.database_url, options.threads),
        options.cache,
    )
    server = waitress.create_server(app, host="127.0.0.1", port=options.port, threads=options.threads)
    sys.stdout.write(f"READY http://127.0.0.1:{server.effective_port}\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
