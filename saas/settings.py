"""Frozen, typed settings from ``lyceum.*`` in the ini and ``LYCEUM_*`` in the environment (the environment wins).

``lyceum.database.url`` and ``LYCEUM_DATABASE_URL`` are the same key. Each section is claimed by the part of the program
that uses it; a key nobody claims is refused by name, so a typing error never passes for a default.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

PREFIX = "lyceum."
ENVIRONMENT_PREFIX = "LYCEUM_"
#: Variables of the test suite and of the command line, which are no settings.
NOT_SETTINGS = ("LYCEUM_TEST_", "LYCEUM_CONFIG")


class SettingsError(Exception):
    """The installation is configured wrongly; the message names the key."""


def words(value: object) -> object:
    """Splits ``"a, b c"`` into a tuple, so that lists fit on one line of an ini file."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(words)]


class Section(BaseModel):
    """Base of every section: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AppSettings(Section):
    """``data`` holds the SQLite file and the generated key; ``features`` are the packages to include."""

    data: Path = Path("var")
    features: Words = ("tenants",)
    demo: bool = False


class DatabaseSettings(Section):
    """``url`` empty means SQLite under ``data``. ``owner_url`` is the role that owns the tables and runs migrations."""

    url: str = ""
    owner_url: str = ""
    migrations: Path = Path("migrations")
    pool: int = Field(16, ge=1)
    sqlite_synchronous: Literal["NORMAL", "FULL"] = "NORMAL"


class WebSettings(Section):
    """``host`` is the operator's bare host; public addresses are built from ``scheme``, the tenant's host and ``port``.

    ``port`` 0 means the scheme's own. ``trusted_proxy`` is the address whose ``X-Forwarded-*`` are believed.
    """

    host: str = "localhost"
    scheme: Literal["http", "https"] = "http"
    port: int = 6543
    threads: int = Field(8, ge=1)
    trusted_proxy: str = ""
    templates: Path = Path("templates")
    static: Path = Path("static")
    session_hours: int = Field(168, ge=1)
    metrics_token: str = Field("", repr=False)
    reload_templates: bool = False
    styleguide: bool = False
    max_body_bytes: int = 8 * 1024 * 1024


class SecretSettings(Section):
    """``keys``: master keys, newest first; empty means one generated under ``data`` (embedded mode only)."""

    keys: Annotated[tuple[str, ...], BeforeValidator(words)] = Field((), repr=False)


class JobSettings(Section):
    """``broker`` empty runs jobs inside the web process. Times in seconds; ``give_up_hours`` ends the retries."""

    broker: str = Field("", repr=False)
    embedded: bool = True
    threads: int = Field(4, ge=1)
    lease_seconds: float = 90
    retry_base_seconds: float = 15
    retry_cap_seconds: float = 6 * 3600
    give_up_hours: float = 72
    poll_seconds: float = 1.0
    in_flight: int = Field(64, ge=1)
    in_flight_per_tenant: int = Field(32, ge=1)


class LimitSettings(Section):
    """``storage`` as the `limits` library names it: ``memory://`` or ``redis://…``."""

    storage: str = Field("memory://", repr=False)


class OutboundSettings(Section):
    """``allow`` names hosts and networks exempt from the address guard and allowed over plain http."""

    allow: Words = ()
    connect_seconds: float = 5
    total_seconds: float = 10
    max_bytes: int = 512 * 1024


class LogSettings(Section):
    format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Section):
    """What the shell itself reads."""

    app: AppSettings
    database: DatabaseSettings
    web: WebSettings
    secrets: SecretSettings
    jobs: JobSettings
    limits: LimitSettings
    outbound: OutboundSettings
    log: LogSettings


SectionT = TypeVar("SectionT", bound=Section)


class Source:
    """All configured values, and who has claimed which section of them."""

    def __init__(self, ini: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self._values = {key[len(PREFIX) :]: value for key, value in ini.items() if key.startswith(PREFIX)}
        for name, value in environment.items():
            if name.startswith(ENVIRONMENT_PREFIX) and not name.startswith(NOT_SETTINGS):
                self._values[name[len(ENVIRONMENT_PREFIX) :].lower().replace("_", ".", 1)] = value
        self._claimed: dict[str, type[Section]] = {}

    def section(self, name: str, model: type[SectionT]) -> SectionT:
        """The section ``name``, checked by ``model``; raises `SettingsError` that names the key at fault."""
        self._claimed[name] = model
        values = {key.partition(".")[2]: value for key, value in self._values.items() if key.startswith(f"{name}.")}
        try:
            return model.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            key = f"{PREFIX}{name}.{'.'.join(str(part) for part in first['loc'])}"
            if first["type"] == "extra_forbidden":
                raise SettingsError(f"unknown setting {key}") from None
            raise SettingsError(f"setting {key}: {first['msg']}") from None

    def refuse_unclaimed(self) -> None:
        for key in sorted(self._values):
            if key.partition(".")[0] not in self._claimed:
                raise SettingsError(f"unknown setting {PREFIX}{key}")


def shell_settings(source: Source) -> Settings:
    sections = {name: source.section(name, field.annotation) for name, field in Settings.model_fields.items()}  # type: ignore[arg-type]  # -- every field of Settings is a Section
    return Settings(**sections)
