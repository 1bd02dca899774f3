"""Frozen, typed settings from ``lyceum.*`` in the ini and ``LYCEUM_*`` in the environment (the environment wins).

``lyceum.database.url`` and ``LYCEUM_DATABASE_URL`` are the same key. Each section is claimed by the part of the program
that uses it; a key nobody claims is refused by name, so a typing error never passes for a default.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from limits import parse
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

PREFIX = "lyceum."
ENVIRONMENT_PREFIX = "LYCEUM_"
#: Variables of the test suite and of the command line, which are no settings.
NOT_SETTINGS = ("LYCEUM_TEST_", "LYCEUM_CONFIG")


class SettingsError(Exception):
    """The installation is configured wrongly; the message names the key."""


def words(value: object) -> object:
    """Splits ``"a, b c"`` into a tuple, so that lists fit on one line of an ini file."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def rate(value: str) -> str:
    """As it was, or ValueError: a rate is written such as ``20/minute``."""
    parse(value)
    return value


Words = Annotated[tuple[str, ...], BeforeValidator(words)]
Rate = Annotated[str, AfterValidator(rate)]


class Section(BaseModel):
    """Base of every section: frozen, and an unknown key is an error.

    Descriptions of the fields are what docs/operating.md says of them (tests/manual.py).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class AppSettings(Section):
    data: Path = Field(
        Path("var"), description="folder of what an embedded installation stores: SQLite file, master key"
    )
    features: Words = Field(("tenants",), description="packages to include, in order")
    demo: bool = Field(
        False, description="`lyceum run` makes the demonstration academies; `lyceum demo --reset` is allowed"
    )


class DatabaseSettings(Section):
    url: str = Field("", description="the application's address of the database; empty: SQLite in `lyceum.app.data`")
    owner_url: str = Field("", description="address for the role that owns the tables: `lyceum migrate`; empty: `url`")
    migrations: Path = Field(Path("migrations"), description="folder of the migrations")
    pool: int = Field(16, ge=1, description="connections a process keeps; it opens as many again at need")
    prepared: bool = Field(True, description="false for a pooler that cannot keep prepared statements")
    sqlite_synchronous: Literal["NORMAL", "FULL"] = Field("NORMAL", description="SQLite's `PRAGMA synchronous`")


class WebSettings(Section):
    host: str = Field("localhost", description="the operator's bare host; academies are at `<short name>.<host>`")
    scheme: Literal["http", "https"] = Field("http", description="of public addresses; https makes cookies `Secure`")
    port: int = Field(6543, description="of public addresses, and to listen on; 0: the scheme's own (name `--port`)")
    threads: int = Field(8, ge=1, description="requests a process works on at the same time")
    trusted_proxy: str = Field("", description="the address whose `X-Forwarded-For` and `-Proto` are believed")
    templates: Path = Field(Path("templates"), description="folder of the pages")
    static: Path = Field(Path("static"), description="folder of styles, scripts and icons")
    session_hours: int = Field(168, ge=1, description="how long somebody stays signed in")
    metrics_token: str = Field("", repr=False, description="bearer token that `/metrics` asks for; empty: none")
    reload_templates: bool = Field(False, description="notice changed templates and static files (development)")
    styleguide: bool = Field(False, description="show the parts of the pages at `/styleguide` (development)")
    max_body_bytes: int = Field(8 * 1024 * 1024, description="largest request body at all; most pages take less")


class SecretSettings(Section):
    keys: Words = Field(
        (), repr=False, description="master keys, newest first; empty: one made in `lyceum.app.data` (SQLite only)"
    )


class JobSettings(Section):
    broker: str = Field("", repr=False, description="Redis for jobs; empty: jobs stay inside their process")
    embedded: bool = Field(True, description="`lyceum serve` runs the jobs, too")
    threads: int = Field(4, ge=1, description="jobs a process runs at the same time")
    lease_seconds: float = Field(90, description="after which a job whose worker died runs again")
    retry_base_seconds: float = Field(15, description="first wait after a failure; it doubles each time, with jitter")
    retry_cap_seconds: float = Field(6 * 3600, description="longest wait between two tries")
    poll_seconds: float = Field(1.0, description="how often a worker looks for due jobs when nothing wakes it")
    in_flight: int = Field(64, ge=1, description="jobs leased at the same time, all processes together")
    in_flight_per_tenant: int = Field(32, ge=1, description="of those, one academy's at most")


class LimitSettings(Section):
    storage: str = Field(
        "memory://", repr=False, description="where rates are counted: `redis://…`, or each process by itself"
    )
    logins: Rate = Field(
        "1200/minute",
        description="LTI logins and launches of LTI 1.2 from one address to one academy; each process counts by itself",
    )


class OutboundSettings(Section):
    allow: Words = Field(
        (), description="hosts and networks exempt from the address guard, and allowed over plain http"
    )
    connect_seconds: float = Field(5, description="limit for connecting to somebody else's server")
    total_seconds: float = Field(10, description="limit for the whole exchange")
    max_bytes: int = Field(512 * 1024, description="largest answer read")


class LogSettings(Section):
    format: Literal["console", "json"] = Field(
        "console", description="for people or for a log collector; always on stderr"
    )
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least important lines shown")


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
