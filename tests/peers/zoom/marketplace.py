"""The screens of the App Marketplace that the manual leads through: from Manage to Add Instance."""

from typing import Any
from urllib.parse import urlsplit

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import FileResponse, Response

from tests.peers.zoom.render import FOLDER, page
from tests.peers.zoom.state import Credential

APP = "/marketplace/apps/lti-pro"


def includeme(config: Configurator) -> None:
    for name, path, view in (
        ("home", "/", home),
        ("style", "/practice.css", style),
        ("script", "/practice.js", script),
        ("manage", "/marketplace/manage", manage),
        ("added_apps", "/marketplace/apps", added_apps),
        ("app", APP, app),
        ("credentials", f"{APP}/configure", credentials),
        ("credential_new", f"{APP}/configure/new", credential_new),
        ("credential", f"{APP}/configure/{{key}}", credential),
        ("third_party", f"{APP}/configure/{{key}}/third-party", third_party),
        ("moodle", f"{APP}/configure/{{key}}/third-party/moodle", moodle),
        ("instance_new", f"{APP}/configure/{{key}}/third-party/moodle/new", instance_new),
    ):
        config.add_route(name, path)
        config.add_view(view, route_name=name)


def credential_of(request: Request) -> Credential:
    found: Credential | None = request.registry.practice.credentials.get(request.matchdict["key"])
    if found is None:
        raise HTTPNotFound("no such credential")
    return found


def _path(credential: Credential, *more: str) -> str:
    return "/".join((f"{APP}/configure", credential.key, *more))


def home(request: Request) -> Response:
    return page("home.html")


def style(request: Request) -> Response:
    return FileResponse(FOLDER / "practice.css", request=request, content_type="text/css")


def script(request: Request) -> Response:
    return FileResponse(FOLDER / "practice.js", request=request, content_type="text/javascript")


def manage(request: Request) -> Response:
    return page("manage.html")


def added_apps(request: Request) -> Response:
    return page("added_apps.html", app=APP)


def app(request: Request) -> Response:
    return page("app.html", app=APP)


def credentials(request: Request) -> Response:
    return page("credentials.html", app=APP, credentials=list(request.registry.practice.credentials.values()))


def credential_new(request: Request) -> Response:
    name = request.POST.get("name", "").strip()
    if request.method == "POST" and name:
        made = request.registry.practice.credential(name)
        raise HTTPSeeOther(_path(made))
    return page("credential_new.html", app=APP)


def credential(request: Request) -> Response:
    found = credential_of(request)
    if request.method == "POST":
        found.students_host = "students_host" in request.POST
        raise HTTPSeeOther(_path(found))
    return page("credential.html", app=APP, credential=found)


def third_party(request: Request) -> Response:
    return page("third_party.html", app=APP, credential=credential_of(request))


def moodle(request: Request) -> Response:
    """The button switches Calendar on or off, or removes an instance."""
    found = credential_of(request)
    if request.method == "POST":
        if "remove" in request.POST:
            found.instances = [each for each in found.instances if each.url != request.POST["remove"]]
        else:
            found.with_calendar = request.POST.get("calendar") == "on"
        raise HTTPSeeOther(_path(found, "third-party", "moodle"))
    return page("moodle.html", app=APP, credential=found)


def instance_new(request: Request) -> Response:
    """Values are taken as they were typed, as Zoom does; only what cannot be a site is refused."""
    found, wrong = credential_of(request), ""
    values: dict[str, Any] = {name: request.POST.get(name, "") for name in ("url", "client_id", "token")}
    if request.method == "POST":
        wrong = _wrong(values)
        if not wrong:
            request.registry.practice.add_instance(found, values["url"], values["client_id"], values["token"])
            raise HTTPSeeOther(_path(found, "third-party", "moodle"))
    return page("instance_new.html", app=APP, credential=found, values=values, wrong=wrong)


def _wrong(values: dict[str, Any]) -> str:
    if not urlsplit(values["url"]).hostname:
        return "Enter the site's address, such as https://academy.example"
    if not values["client_id"]:
        return "Enter the Client ID"
    return "" if values["token"] else "Enter the Access Token"
