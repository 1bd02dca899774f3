"""Schema changes by Alembic, run by the role that owns the tables; the application's role then gets data access."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from saas.db.engine import Database
from saas.db.isolation import grant_application

#: One number for "somebody is migrating" on PostgreSQL (advisory lock), so that two starts do not race.
LOCK = 0x4C594345


def _config(folder: Path, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def head(folder: Path) -> str | None:
    return ScriptDirectory.from_config(_config(folder)).get_current_head()


def current(database: Database) -> str | None:
    with database.read.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(database: Database, folder: Path, revision: str = "head", report: Callable[[str], Any] = print) -> None:
    """Brings the schema to ``revision``; safe to call at every start. ``report`` is told each step."""
    _with_owner(database, lambda connection: _upgrade(database, connection, folder, revision, report))


def _upgrade(
    database: Database, connection: Connection, folder: Path, revision: str, report: Callable[[str], Any]
) -> None:
    config = _config(folder, connection)
    config.attributes["report"] = report
    command.upgrade(config, revision)
    if database.kind == "postgresql" and database.owner_url.username != database.url.username and database.url.username:
        grant_application(connection, database.url.username)


def check(database: Database, folder: Path) -> None:
    """Raises `alembic.util.CommandError` when the models and the migrations disagree."""
    _with_owner(database, lambda connection: command.check(_config(folder, connection)))


def _with_owner(database: Database, work: Callable[[Connection], None]) -> None:
    engine = database.owner_engine()
    try:
        with engine.begin() as connection:
            if database.kind == "postgresql":
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            work(connection)
    finally:
        if engine is not database.engine:
            engine.dispose()
