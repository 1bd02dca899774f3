"""HTTP: the order in which the shell answers a request. From outside: observe, headers, transaction, errors, gate."""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    for part in (
        "saas.web.observation",
        "saas.web.headers",
        "saas.web.gate",
        "saas.web.transactions",
        "saas.web.guards",
        "saas.web.csrf",
        "saas.web.sessions",
        "saas.web.flash",
        "saas.web.i18n",
        "saas.web.assets",
        "saas.web.rendering",
        "saas.web.panels",
        "saas.web.errors",
        "saas.web.health",
        "saas.web.styleguide",
        "saas.web.request",
    ):
        config.include(part)
