"""For practice alone: what Zoom has no address for. Everything is told and ordered here, by people and by programs.

``POST /practice/instances`` (JSON: key, name, url, client_id, token) enters what an admin would type in the
Marketplace; ``POST /practice/faults`` orders faults, in place of those before; ``POST /practice/keys`` signs with a
new key from now on; ``GET /practice/state`` tells everything; ``/practice`` is all of that for people.
"""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from tests.peers.zoom.render import page
from tests.peers.zoom.state import FAULTS

INSTANCE = ("key", "name", "url", "client_id", "token")


def includeme(config: Configurator) -> None:
    for name, path, view in (
        ("practice", "/practice", overview),
        ("practice_state", "/practice/state", state),
        ("practice_instances", "/practice/instances", instances),
        ("practice_faults", "/practice/faults", faults),
        ("practice_keys", "/practice/keys", keys),
    ):
        config.add_route(name, path)
        config.add_view(view, route_name=name)


def overview(request: Request) -> Response:
    practice = request.registry.practice
    with practice.lock:
        calls = list(reversed(practice.calls))
    return page("practice.html", calls=calls, faults=practice.faults, names=sorted(FAULTS))


def state(request: Request) -> Response:
    """``waiting``: calendar calls that are not made yet."""
    return Response(json_body={**request.registry.practice.told(), "waiting": request.registry.sites.waiting})


def _document(request: Request) -> dict[str, Any] | None:
    """The JSON object sent by a program. Pages of other sites cannot send one without being asked (CORS)."""
    try:
        found = request.json_body if request.content_type == "application/json" else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def instances(request: Request) -> Response:
    document = _document(request)
    if document is None or any(not isinstance(document.get(name), str) or not document[name] for name in INSTANCE):
        return Response(json_body={"wrong": f"JSON with the texts {', '.join(INSTANCE)}"}, status=400)
    practice = request.registry.practice
    credential = practice.credential(document["name"], document["key"])
    credential.with_calendar = document.get("calendar") is not False
    practice.add_instance(credential, document["url"], document["client_id"], document["token"])
    return Response(json_body={"key": credential.key, "instances": len(credential.instances)})


def faults(request: Request) -> Response:
    document = _document(request)
    wrong = "a JSON object" if document is None else request.registry.practice.order_faults(document)
    if wrong:
        return Response(json_body={"wrong": wrong}, status=400)
    return Response(json_body={"faults": request.registry.practice.faults})


def keys(request: Request) -> Response:
    if request.method == "POST":
        request.registry.practice.keys.rotate()
    return Response(json_body={"kid": request.registry.practice.keys.kid})
