"""What one process is made of. Requests, jobs and commands reach the shell through it and nothing ambient."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from saas.db.engine import Database
from saas.events import Events
from saas.observe import Metrics
from saas.outbound import Outbound
from saas.problems import Catalogue
from saas.secrets import Secrets, key_under
from saas.settings import Settings, SettingsError, Source, shell_settings
from saas.tenancy.resolve import Tenants

if TYPE_CHECKING:
    from saas.jobs.registry import Jobs

PartT = TypeVar("PartT")


@dataclass
class Runtime:
    """``parts`` holds what features add (caches, channels), keyed by their class."""

    source: Source
    settings: Settings
    database: Database
    secrets: Secrets
    outbound: Outbound
    events: Events
    tenants: Tenants
    metrics: Metrics
    problems: Catalogue
    jobs: "Jobs"
    parts: dict[type, Any] = field(default_factory=dict)
    health: dict[str, Callable[[], str]] = field(default_factory=dict)

    def part(self, kind: type[PartT]) -> PartT:
        """What a feature put there with ``runtime.parts[kind] = …``."""
        return cast("PartT", self.parts[kind])

    def close(self) -> None:
        self.outbound.close()
        self.database.dispose()


def build_runtime(source: Source) -> Runtime:
    from saas.jobs.registry import Jobs

    settings = shell_settings(source)
    events = Events()
    database, metrics = Database(settings.database, settings.app.data, events), Metrics()
    return Runtime(
        source=source,
        settings=settings,
        database=database,
        secrets=_secrets(settings, database),
        outbound=Outbound(settings.outbound, lambda outcome: metrics.outbound.labels(outcome).inc()),
        events=events,
        tenants=Tenants(database, settings.web),
        metrics=metrics,
        problems=Catalogue(),
        jobs=Jobs(),
    )


def _secrets(settings: Settings, database: Database) -> Secrets:
    try:
        return Secrets(settings.secrets.keys or _generated_key(settings, database))
    except ValueError:
        raise SettingsError("setting lyceum.secrets.keys: a master key is 32 bytes in URL-safe base64") from None


def _generated_key(settings: Settings, database: Database) -> tuple[str, ...]:
    if database.kind != "sqlite":
        raise SettingsError("setting lyceum.secrets.keys is needed: several processes must share the master keys")
    return (key_under(settings.app.data),)
