"""Taking part: enrolment, attempts, progress, the player."""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    config.include("tenants.learning.views")
