"""What authors see of everybody's results."""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    config.include("tenants.reports.views")
