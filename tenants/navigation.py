"""What stands around a page: the places a person may go, search, the own profile, the way in."""

from dataclasses import dataclass
from typing import Any

from pyramid.request import Request

from saas.web.i18n import _
from tenants.access import Permission

#: Label, route, permission, and the beginnings of addresses that belong to it.
ACADEMY = (
    (_("Home"), "home", Permission.LEARN, ()),
    (
        _("Courses"),
        "courses",
        Permission.LEARN,
        ("/courses", "/activities", "/learn", "/chapters", "/blocks", "/playlists", "/groups"),
    ),
    (_("Calendar"), "calendar", Permission.LEARN, ("/calendar",)),
    (_("Results"), "results", Permission.LEARN, ("/results",)),
    (_("Integrations"), "integrations", Permission.INTEGRATE, ("/integrations",)),
    (_("People"), "people", Permission.PEOPLE, ("/people",)),
)
OPERATOR = ((_("Academies"), "console", Permission.OPERATE, ("/", "/academies")),)


@dataclass(frozen=True, slots=True)
class Place:
    label: Any
    url: str
    current: bool


def frame(request: Request) -> dict[str, Any]:
    """The optional variables of ``templates/_layout.html``."""
    if request.tenant is None:
        return {}
    if request.identity is None:
        at_the_door = request.matched_route is not None and request.matched_route.name == "sign_in"
        return {} if at_the_door else {"sign_in_url": request.route_path("sign_in")}
    searches = not request.tenant.is_operator
    return {
        "nav": navigation(request),
        "profile_url": request.route_path("profile"),
        "search_url": request.route_path("courses") if searches else None,
    }


def navigation(request: Request) -> list[Place]:
    identity = request.identity
    places = OPERATOR if request.tenant.is_operator else ACADEMY
    return [
        Place(request.localizer.translate(label), request.route_path(route), _is_current(request, route, beginnings))
        for label, route, permission, beginnings in places
        if identity.may(permission)
    ]


def _is_current(request: Request, route: str, beginnings: tuple[str, ...]) -> bool:
    matched = request.matched_route.name if request.matched_route else ""
    return matched == route or any(request.path == each or request.path.startswith(f"{each}/") for each in beginnings)
