"""``lyceum doctor``: what is wrong with this installation and what to do about it."""

import ssl
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click
import redis
import sqlalchemy as sa

from saas import clock
from saas.cli.context import CommandError, Shell, json_option, print_json
from saas.db import migrate
from saas.db.sealed import sealed_columns
from saas.jobs.models import Heartbeat
from saas.secrets import SealError
from saas.settings import SettingsError
from saas.tenancy.models import Tenant

#: A worker that has not been seen for this long is not there.
SILENT = timedelta(seconds=45)


class Failed(Exception):
    """What is wrong, and what to do."""

    def __init__(self, found: str, remedy: str) -> None:
        super().__init__(found)
        self.remedy = remedy


def settings(shell: Shell) -> str:
    try:
        web = shell.runtime.settings.web
    except SettingsError as error:
        raise Failed(str(error), "correct the key in the ini file or the environment") from None
    return f"{shell.config_file}: {web.scheme}://{web.host}"


def database(shell: Shell) -> str:
    try:
        with shell.runtime.database.shell(write=False) as session:
            session.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError as error:
        raise Failed(type(error).__name__, "check lyceum.database.url and that the server runs") from None
    if shell.runtime.database.kind == "postgresql":
        _refuse_strong_role(shell)
    return str(shell.runtime.database.kind)


def _refuse_strong_role(shell: Shell) -> None:
    above = sa.text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    owns = sa.text("SELECT count(*) > 0 FROM pg_tables WHERE tableowner = current_user")
    with shell.runtime.database.shell(write=False) as session:
        if session.scalar(above) or session.scalar(owns):
            raise Failed(
                "the application's role may ignore or remove row-level security",
                "use a role without SUPERUSER, BYPASSRLS and tables of its own (docs/operating.md)",
            )


def migrations(shell: Shell) -> str:
    runtime = shell.runtime
    here, wanted = migrate.current(runtime.database), migrate.head(runtime.settings.database.migrations)
    if here != wanted:
        raise Failed(f"the schema is at {here}, this program needs {wanted}", "run: lyceum migrate")
    return str(here)


def redis_servers(shell: Shell) -> str:
    broker, rates = shell.runtime.settings.jobs.broker, shell.runtime.settings.limits.storage
    if not broker:
        return "none: jobs run inside the web process"
    for key, url in (("lyceum.jobs.broker", broker), ("lyceum.limits.storage", rates)):
        if not url.startswith("redis"):
            raise Failed(
                f"{key} is no Redis, so each process counts rates for itself", f"give {key} a redis:// address"
            )
        try:
            redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3).ping()
        except redis.RedisError as error:
            raise Failed(
                f"Redis does not answer ({type(error).__name__})", f"check {key}; jobs wait in the outbox"
            ) from None
    return "Redis answers"


def web(shell: Shell) -> str:
    """What is only wrong in front of the public."""
    settings = shell.runtime.settings.web
    if settings.scheme == "http":
        return "plain http: for development"
    if not settings.trusted_proxy:
        raise Failed(
            "https without lyceum.web.trusted_proxy: everybody has the proxy's address, and shares its limits of rate",
            "name the proxy's address",
        )
    if not settings.metrics_token:
        raise Failed(f"{settings.host}/metrics is open to everybody", "set LYCEUM_WEB_METRICS_TOKEN")
    return f"behind {settings.trusted_proxy}"


def workers(shell: Shell) -> str:
    with shell.runtime.database.shell(write=False) as session:
        alive = session.scalars(sa.select(Heartbeat.worker).where(Heartbeat.seen_at > clock.now() - SILENT)).all()
    if not alive:
        raise Failed("no worker is running", "start `lyceum serve` (embedded) or `lyceum worker`")
    return ", ".join(alive)


def clocks(shell: Shell) -> str:
    """Against the database's clock; LTI allows a minute."""
    question = sa.text("SELECT extract(epoch FROM clock_timestamp())")
    if shell.runtime.database.kind == "sqlite":
        return "one machine, one clock"
    with shell.runtime.database.shell(write=False) as session:
        drift = abs(float(session.scalar(question)) - clock.now().timestamp())
    if drift > 5:
        raise Failed(f"this machine and the database differ by {drift:.0f} s", "switch NTP on")
    return f"within {drift:.1f} s of the database"


def keys(shell: Shell) -> str:
    """Every sealed value must open; one per column and tenant is tried, of rows that have one."""
    runtime, tried = shell.runtime, 0
    with runtime.database.shell(write=False) as session:
        tenants = session.scalars(sa.select(Tenant.id)).all()
    for tenant_id in tenants:
        with runtime.database.transaction(tenant_id, write=False) as scoped:
            for mapper, name, purpose in sealed_columns():
                filled = getattr(mapper.class_, name) != ""
                for row in scoped.scalars(sa.select(mapper.class_).where(filled).limit(1)):
                    try:
                        runtime.secrets.open(tenant_id, purpose, getattr(row, name))
                    except SealError:
                        raise Failed(
                            f"{mapper.local_table} of tenant {tenant_id} does not open",
                            "add the master key it was sealed with",
                        ) from None
                    tried += 1
    return f"{tried} sealed values open"


def tls(_shell: Shell) -> str:
    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or paths.capath):
        raise Failed("no certificate authorities", "install the system's ca-certificates")
    return "certificate authorities found"


CHECKS: tuple[tuple[str, Callable[[Shell], str]], ...] = (
    ("settings", settings),
    ("database", database),
    ("migrations", migrations),
    ("redis", redis_servers),
    ("worker", workers),
    ("clock", clocks),
    ("keys", keys),
    ("tls", tls),
    ("web", web),
)


@click.command()
@json_option
@click.pass_obj
def doctor(shell: Shell, *, as_json: bool) -> None:
    """Check settings, database, migrations, Redis, workers, clock and keys."""
    findings: list[dict[str, Any]] = []
    for name, check in CHECKS:
        try:
            findings.append({"check": name, "ok": True, "found": check(shell), "remedy": ""})
        except Failed as failure:
            findings.append({"check": name, "ok": False, "found": str(failure), "remedy": failure.remedy})
            if name in ("settings", "database", "migrations"):
                break
    if as_json:
        print_json({"ok": all(each["ok"] for each in findings), "checks": findings})
    else:
        for each in findings:
            click.echo(f"{'ok  ' if each['ok'] else 'FAIL'} {each['check']}: {each['found']}")
            if each["remedy"]:
                click.echo(f"     → {each['remedy']}")
    if not all(each["ok"] for each in findings):
        raise CommandError("something needs attention")


def add_to(group: click.Group) -> None:
    group.add_command(doctor)
