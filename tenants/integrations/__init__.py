"""The Integrations menu: cards by group, each with its state; and what was asked of the operator."""

from pyramid.config import Configurator

from saas.tenancy.requests import FeatureAnswered
from tenants.integrations.services import note_answer


def includeme(config: Configurator) -> None:
    config.registry.runtime.events.subscribe(FeatureAnswered, note_answer)
    config.include("tenants.integrations.views")
