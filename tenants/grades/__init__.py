"""What is true, and what each outside LMS was told about it."""

from pyramid.config import Configurator

from tenants.accounts.services import PersonErased
from tenants.grades.services import Channels, Ledger
from tenants.learning.services import ProgressMade


def includeme(config: Configurator) -> None:
    runtime = config.registry.runtime
    channels = runtime.parts[Channels] = Channels()
    runtime.events.subscribe(ProgressMade, lambda session, made: Ledger(session, channels).record(made))
    runtime.events.subscribe(PersonErased, lambda session, erased: Ledger(session, channels).release(erased))
    config.scan("tenants.grades.jobs", categories=["lyceum"])
    config.include("tenants.grades.views")
