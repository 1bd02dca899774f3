"""The Integrations menu: cards by group, each with its state."""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    config.add_route("integrations", "/integrations", house="academy")
    config.scan("tenants.integrations.views")
