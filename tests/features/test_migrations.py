"""Migrations run on databases that people have used: staged with rows in between, down again, and up again."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from saas.app import configure
from saas.db import migrate
from saas.db.engine import Database
from saas.db.scope import TENANT_SETTING
from saas.events import Events
from saas.settings import Source, shell_settings
from tests.house import BACKENDS, ROOT, databases_of, settings_for
from tests.rows import fill, reflect

FOLDER = ROOT / "migrations"
TENANTS = (1, 2)
Rows = dict[tuple[str, int], list[dict[str, Any]]]


def revisions() -> list[str]:
    """Oldest first."""
    scripts = ScriptDirectory.from_config(migrate._config(FOLDER))
    return [each.revision for each in scripts.walk_revisions()][::-1]


def fill_all(database: Database) -> None:
    def work(connection: sa.Connection) -> None:
        for tenant_id in TENANTS:
            fill(connection, tenant_id)

    migrate._with_owner(database, work)


def rows_of(database: Database) -> Rows:
    """Every row of every tenant table, by table and tenant."""
    found: Rows = {}

    def work(connection: sa.Connection) -> None:
        tables = [table for table in reflect(connection).sorted_tables if "tenant_id" in table.c]
        for tenant_id in TENANTS:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.set_config(TENANT_SETTING, str(tenant_id), True)))
            for table in tables:
                rows = connection.execute(sa.select(table).where(table.c.tenant_id == tenant_id)).mappings()
                found[table.name, tenant_id] = [dict(row) for row in rows]

    migrate._with_owner(database, work)
    return found


def kept(before: Rows, after: Rows) -> None:
    """Every row is there still, with its values, wherever its table and column are."""
    for place, rows in before.items():
        if place not in after:
            continue
        assert len(after[place]) == len(rows), place
        for old, new in zip(rows, after[place], strict=True):
            assert {name: new[name] for name in old if name in new} == {name: old[name] for name in old if name in new}


@pytest.mark.parametrize("backend", BACKENDS)
def test_rows_survive_every_step_up_and_down(backend: str, tmp_path: Path) -> None:
    ini = settings_for(tmp_path, databases_of(backend).create(tmp_path))
    settings = shell_settings(Source(ini, {}))
    database = Database(settings.database, settings.app.data, Events())
    try:
        steps, rows = revisions(), Rows()
        for revision in steps:
            migrate.upgrade(database, FOLDER, revision, report=lambda _line: None)
            assert migrate.current(database) == revision
            kept(rows, rows_of(database))
            fill_all(database)
            rows = rows_of(database)
        assert len(rows) > 40, "rows for two tenants in every table"
        assert all(rows.values())
        for revision in steps[-2::-1]:
            downgrade(database, revision)
            kept(rows, rows_of(database))
        migrate.upgrade(database, FOLDER, report=lambda _line: None)
        configure(ini).registry.runtime.close()  # every feature's models are known from here on
        migrate.check(database, FOLDER)
    finally:
        database.dispose()
        databases_of(backend).drop(ini["lyceum.database.url"])


def downgrade(database: Database, revision: str) -> None:
    def work(connection: sa.Connection) -> None:
        config = migrate._config(FOLDER, connection)
        config.attributes["report"] = lambda _line: None
        command.downgrade(config, revision)

    migrate._with_owner(database, work)
