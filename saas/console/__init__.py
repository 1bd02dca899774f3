"""The operator's pages on the bare host: academies, their state and what is switched on for them."""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    config.add_route("console", "/", house="operator")
    config.add_route("academy_new", "/academies/new", house="operator")
    config.add_route("academy", "/academies/{slug}", house="operator")
    config.add_route("academy_status", "/academies/{slug}/status", house="operator")
    config.add_route("academy_feature", "/academies/{slug}/features/{name}", house="operator")
    config.add_route("academy_decline", "/academies/{slug}/features/{name}/decline", house="operator")
    config.scan("saas.console.views")
