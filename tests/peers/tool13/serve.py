"""A tool of LTI 1.3 on PyLTI1p3 and Flask, as the package's documentation shows, that does what a test orders.

``POST /admin/register`` (issuer, client_id, deployment_id, auth_url, token_url, jwks_url) makes a platform known and
answers the tool's addresses; ``GET /admin/journal`` lists launches, done and refused; ``POST /admin/do`` with ``launch``
(its number) and ``action`` lets the package call the platform and answers JSON of what happened.
"""

import argparse
import json
import logging
import secrets
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from typing import Any

import requests
import waitress
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, jsonify, request, url_for
from flask_caching import Cache
from pylti1p3.assignments_grades import AssignmentsGradesService
from pylti1p3.contrib.flask import FlaskCacheDataStorage, FlaskMessageLaunch, FlaskOIDCLogin, FlaskRequest
from pylti1p3.deep_link_resource import DeepLinkResource
from pylti1p3.exception import LtiException, LtiServiceException, OIDCException
from pylti1p3.grade import Grade
from pylti1p3.lineitem import LineItem
from pylti1p3.registration import Registration
from pylti1p3.tool_config import ToolConfDict
from werkzeug import Response

Order = dict[str, Any]
CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
SETTINGS = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
PLATFORMS: dict[str, list[dict[str, Any]]] = {}
JOURNAL: list[dict[str, Any]] = []
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
).decode()  # fmt: skip


class Asked(requests.Session):
    """What the package asks of a platform in one launch, so that a test can see it."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.headers["User-Agent"] = "PyLTI1p3-client"
        self.seen: list[dict[str, Any]] = []

    def request(self, method: Any, url: Any, *rest: Any, **more: Any) -> requests.Response:
        answer = super().request(method, url, *rest, **{**more, "timeout": 30})
        self.seen.append({"method": method, "url": url, "status": answer.status_code, "body": answer.text[:5000]})
        return answer


LAUNCHES: dict[int, tuple[FlaskMessageLaunch, Asked]] = {}


def configuration() -> ToolConfDict:
    """PyLTI1p3's configuration for every platform registered so far; one key for all."""
    made = ToolConfDict(PLATFORMS)
    for issuer, clients in PLATFORMS.items():
        for client in clients:
            made.set_private_key(issuer, PRIVATE, client_id=client["client_id"])
            made.set_public_key(issuer, PUBLIC, client_id=client["client_id"])
    return made


def score(ags: AssignmentsGradesService, launch: FlaskMessageLaunch, order: Order) -> Any:
    """``line_item`` and ``user`` may be somebody else's; ``given`` left out sends no score."""
    grade = Grade()
    grade.set_activity_progress(order.get("activity_progress", "Completed"))
    grade.set_grading_progress(order.get("grading_progress", "FullyGraded"))
    grade.set_user_id(order.get("user") or launch.get_launch_data()["sub"])
    grade.set_timestamp(order.get("timestamp") or datetime.now(UTC).isoformat(timespec="milliseconds"))
    if "given" in order:
        grade.set_score_given(order["given"]).set_score_maximum(order.get("maximum", 100))
    if order.get("comment"):
        grade.set_comment(order["comment"])
    return ags.put_grade(grade, LineItem({"id": order["line_item"]}) if order.get("line_item") else None)["body"]


def column(ags: AssignmentsGradesService, launch: FlaskMessageLaunch, order: Order) -> Any:
    """Found by its tag, or made."""
    item = LineItem().set_tag(order["tag"]).set_label(order["label"]).set_score_maximum(order.get("maximum", 100))
    if order.get("resource_id"):
        item.set_resource_id(order["resource_id"])
    if order.get("in_link"):
        item.set_resource_link_id(launch.get_launch_data()[CLAIM + "resource_link"]["id"])
    made = ags.find_or_create_lineitem(item)
    return {"id": made.get_id(), "tag": made.get_tag(), "label": made.get_label(), "maximum": made.get_score_maximum()}


ACTIONS: dict[str, Callable[[AssignmentsGradesService, FlaskMessageLaunch, Order], Any]] = {
    "score": score,
    "column": column,
    "columns": lambda ags, _launch, _order: ags.get_lineitems(),
    "read_column": lambda ags, _launch, order: json.loads(ags.get_lineitem(order.get("line_item")).get_value()),
    "results": lambda ags, _launch, order: ags.get_grades(
        LineItem({"id": order["line_item"]}) if order.get("line_item") else None
    ),
}


def choice(launch: FlaskMessageLaunch, order: Order) -> dict[str, str]:
    """The signed answer of Deep Linking; ``items`` have url, title, custom, tag and maximum."""
    resources = []
    for item in order["items"]:
        resource = DeepLinkResource().set_title(item.get("title", "")).set_custom_params(item.get("custom") or {})
        if item.get("url"):
            resource.set_url(item["url"])
        if "maximum" in item:
            line = LineItem().set_label(item["title"]).set_score_maximum(item["maximum"])
            resource.set_lineitem(line.set_tag(item.get("tag", "")))
        resources.append(resource)
    link = launch.get_deep_link()
    return {
        "url": launch.get_launch_data()[SETTINGS]["deep_link_return_url"],
        "JWT": link.get_response_jwt(resources),
        "form": link.output_response_form(resources),
    }


def done(order: Order) -> dict[str, Any]:
    """What came of an order: ``ok`` with ``value``, or the platform's ``status`` and words; ``asked`` is the traffic."""
    launch, asked = LAUNCHES[order.get("launch") or max(LAUNCHES)]
    asked.seen.clear()
    came: dict[str, Any] = {"ok": False, "status": None, "asked": asked.seen}
    try:
        if order["action"] == "choice":
            value: Any = choice(launch, order)
        elif order["action"] == "members":
            value = launch.get_nrps().get_members()
        else:
            value = ACTIONS[order["action"]](launch.get_ags(), launch, order)
    except LtiServiceException as error:
        return {**came, "status": error.response.status_code, "error": error.response.text}
    except LtiException as error:
        return {**came, "error": str(error)}
    return {**came, "ok": True, "value": value}


def page(words: str, form: str = "") -> str:
    return f"<!doctype html><html lang=en><title>Tool</title><h1>{escape(words)}</h1>{form}</html>"


def controls(app: Flask) -> None:
    """The key set, and where tests give orders."""

    @app.get("/jwks")
    def jwks() -> Response:
        return jsonify({"keys": [Registration.get_jwk(PUBLIC)]})

    @app.post("/admin/register")
    def register() -> Response:
        told = request.get_json()
        client = {
            "default": True,
            "client_id": told["client_id"],
            "auth_login_url": told["auth_url"],
            "auth_token_url": told["token_url"],
            "auth_audience": None,
            "key_set_url": told["jwks_url"],
            "key_set": None,
            "deployment_ids": [told["deployment_id"]],
        }
        PLATFORMS.setdefault(told["issuer"], []).append(client)
        return jsonify({"registered": told["client_id"]})

    @app.get("/admin/journal")
    def journal() -> Response:
        return jsonify(JOURNAL)

    @app.post("/admin/do")
    def do() -> Response:
        return jsonify(done(request.get_json()))

    @app.get("/health")
    def health() -> str:
        return "ok"


def application() -> Flask:
    """The Flask application; states and nonces live in Flask-Caching, as in PyLTI1p3's Flask example."""
    app = Flask("tool13")
    app.config.from_mapping(CACHE_TYPE="SimpleCache", CACHE_DEFAULT_TIMEOUT=600, SECRET_KEY=secrets.token_hex())
    storing = FlaskCacheDataStorage(Cache(app))

    @app.errorhandler(LtiException)
    @app.errorhandler(OIDCException)
    def refused(error: Exception) -> tuple[str, int]:
        JOURNAL.append({"number": len(JOURNAL) + 1, "error": str(error), "form": request.form.to_dict()})
        return page(f"Refused: {error}"), 400

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Response:
        answer: Response = FlaskOIDCLogin(FlaskRequest(), configuration(), launch_data_storage=storing).redirect(
            url_for("launch", _external=True)
        )
        return answer

    @app.post("/launch")
    def launch() -> str:
        if request.form.get("error"):
            raise LtiException(f"{request.form['error']}: {request.form.get('error_description', '')}")
        asked = Asked()
        message = FlaskMessageLaunch(
            FlaskRequest(), configuration(), launch_data_storage=storing, requests_session=asked
        )
        claims, number = message.get_launch_data(), len(JOURNAL) + 1
        JOURNAL.append({"number": number, "error": "", "claims": claims})
        LAUNCHES[number] = message, asked
        if message.is_deep_link_launch():
            form = "".join(f"<button name=choice value={name}>{name}</button>" for name in ("one", "several", "none"))
            return page("Choose content", f"<form method=post action=/choices/{number}>{form}</form>")
        title = claims.get(CLAIM + "resource_link", {}).get("title", "")
        form = f'<form method=post action=/works/{number}><input name=given type=number step=any aria-label="Points out of 100"><button>Hand in</button></form>'
        return page(f"{claims.get('name', 'Somebody')} in {title}", form)

    @app.post("/choices/<int:number>")
    def choices(number: int) -> str:
        count = {"one": 1, "several": 3}.get(request.form["choice"], 0)
        items = [
            {"title": f"Chapter {n}", "url": url_for("launch", _external=True), "custom": {"chapter": str(n)},
             "maximum": 80, "tag": f"chapter-{n}"}
            for n in range(1, count + 1)
        ]  # fmt: skip
        return choice(LAUNCHES[number][0], {"items": items})["form"]

    @app.post("/works/<int:number>")
    def works(number: int) -> str:
        came = done({"launch": number, "action": "score", "given": float(request.form["given"])})
        return page("Handed in" if came["ok"] else f"Not taken: {came['status']} {came['error']}")

    controls(app)
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
    resolve_localhost_names()
    server = waitress.create_server(application(), host="127.0.0.1", port=options.port, threads=8)
    sys.stdout.write(f"READY http://127.0.0.1:{server.effective_port}\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
