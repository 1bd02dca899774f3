"""What an academy has: one folder per feature, each wired by its own ``includeme``."""

from pyramid.config import Configurator

#: In the order of their layers, lowest first.
FEATURES = (
    "tenants.accounts",
    "tenants.catalog",
    "tenants.learning",
    "tenants.grades",
    "tenants.calendar",
    "tenants.lti",
    "tenants.zoom",
    "tenants.integrations",
    "tenants.reports",
)


def includeme(config: Configurator) -> None:
    from tenants.navigation import frame
    from tenants.problems import PROBLEMS

    config.registry.runtime.problems.add(PROBLEMS)
    config.include("tenants.lti.tool.views")  # routes are tried in order, and most requests are launches
    for feature in FEATURES:
        config.include(feature)
    config.set_frame(frame)
