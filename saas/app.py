"""The composition: what a process includes, in order, and nothing else."""

import os
import threading
from typing import Any

from pyramid.config import Configurator

from saas.observe import configure_logging
from saas.runtime import build_runtime
from saas.settings import SettingsError, Source

#: Prefixes of settings that belong to libraries.
FOREIGN = ("lyceum.", "pyramid.", "__", "here")


def main(_global_config: Any = None, **ini: str) -> Any:
    """The WSGI application (``paste.app_factory``). Raises `SettingsError` naming a key that is wrong or unknown."""
    return configure(ini).make_wsgi_app()


def configure(ini: dict[str, str]) -> Configurator:
    for key in ini:
        if not key.startswith(FOREIGN):
            raise SettingsError(f"unknown setting {key}")
    runtime = build_runtime(Source(ini, os.environ))
    configure_logging(runtime.settings.log)
    config = Configurator(settings={key: value for key, value in ini.items() if key.startswith("pyramid.")})
    config.registry.runtime = runtime
    config.registry.draining = threading.Event()
    config.set_default_permission("nobody")
    config.include("saas.web")
    config.include("saas.console")
    for feature in runtime.settings.app.features:
        config.include(feature)
    config.commit()
    runtime.source.refuse_unclaimed()
    return config
