"""The application's addresses as the application itself lists them, so that no test can forget one."""

import re
from dataclasses import dataclass
from typing import Any

from pyramid.interfaces import IRoutesMapper

from saas.web.gate import HousePredicate

#: What fills placeholders that are no ids.
WORDS = {
    "way": "up",
    "kind": "text",
    "type": "e-learning",
    "field": "auth_url",
    "tool_field": "login_url",
    "slug": "nowhere",
    "name": "lti",
    "token": "x" * 43,
    "subpath": "css/base.css",
    "slash": "",
}
_PLACE = re.compile(r"\{(\w+)(?::[^}]*)?\}|\*(\w+)")


@dataclass(frozen=True)
class Address:
    """One view behind a route. ``house`` is "academy", "operator" or "" (both)."""

    route: str
    pattern: str
    methods: tuple[str, ...]
    permission: str | None
    csrf: bool
    house: str
    options: tuple[str, ...]

    @property
    def places(self) -> set[str]:
        return {found[1] or found[2] for found in _PLACE.finditer(self.pattern)}

    @property
    def id_places(self) -> set[str]:
        return {place for place in self.places if place.endswith("_id")}

    def path(self, values: dict[str, str]) -> str:
        filled = _PLACE.sub(lambda found: {**WORDS, **values}[found[1] or found[2]], self.pattern)
        return filled if filled.startswith("/") else f"/{filled}"


def addresses(application: Any) -> list[Address]:
    """Every view that a route leads to; a view without a method answers GET."""
    registry = application.registry
    houses = {route.name: _house(route) for route in registry.getUtility(IRoutesMapper).get_routes()}
    patterns = {
        entry["introspectable"]["name"]: entry["introspectable"]["pattern"]
        for entry in registry.introspector.get_category("routes")
    }
    found = []
    for entry in registry.introspector.get_category("views"):
        view = entry["introspectable"]
        if view["route_name"] in patterns:
            found.append(_address(entry, view, patterns[view["route_name"]], houses[view["route_name"]]))
    return sorted(found, key=lambda each: (each.pattern, each.methods))


def _house(route: Any) -> str:
    for predicate in route.predicates:
        if isinstance(predicate, HousePredicate):
            return "operator" if predicate.operator else "academy"
    return ""


def _address(entry: Any, view: Any, pattern: str, house: str) -> Address:
    methods = view["request_methods"] or ("GET",)
    permissions = [each.discriminator for each in entry["related"] if each.category_name == "permissions"]
    return Address(
        route=view["route_name"],
        pattern=pattern,
        methods=(methods,) if isinstance(methods, str) else tuple(methods),
        permission=str(permissions[0]) if permissions else None,
        csrf=view["require_csrf"] is not False,
        house=house,
        options=tuple(name for name in ("framable", "raw_body", "rate", "max_body") if view.get(name)),
    )
