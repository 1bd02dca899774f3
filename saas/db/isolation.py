"""The DDL that makes a table tenant-proof on each database; a migration that creates a tenant table calls `isolate`.

PostgreSQL: row-level security with FORCE, so that even the owner obeys. After a transaction that set it, the setting
reads as an empty string on a pooled connection, hence ``nullif``. SQLite: a trigger keeps ``tenant_id`` immutable.
"""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from saas.db.scope import TENANT_SETTING, enter_tenant

POLICY = "tenant_isolation"
OWN_ROW = f"tenant_id = nullif(current_setting('{TENANT_SETTING}', true), '')::integer"


def isolate(connection: Connection, table: str) -> None:
    for statement in isolation_ddl(connection.dialect.name, table):
        connection.exec_driver_sql(statement)


def isolation_ddl(dialect: str, table: str) -> list[str]:
    if dialect == "postgresql":
        return [
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
            f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
            f'CREATE POLICY {POLICY} ON "{table}" USING ({OWN_ROW}) WITH CHECK ({OWN_ROW})',
        ]
    fixed = f'CREATE TRIGGER "{table}_keeps_tenant" BEFORE UPDATE OF tenant_id ON "{table}" '
    return [fixed + "WHEN NEW.tenant_id IS NOT OLD.tenant_id BEGIN SELECT RAISE(ABORT, 'tenant_id is fixed'); END"]


def for_each_tenant(connection: Connection, change: Callable[[int], None]) -> None:
    """Runs a data migration tenant by tenant: under FORCE the owner, too, sees one tenant at a time."""
    for tenant_id in connection.execute(sa.text("SELECT id FROM tenant ORDER BY id")).scalars().all():
        enter_tenant(connection, tenant_id)
        change(tenant_id)


def grant_application(connection: Connection, role: str) -> None:
    """Gives the application's role data access, and nothing that could change the schema or its policies."""
    quoted = connection.dialect.identifier_preparer.quote(role)
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {quoted}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {quoted}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}",
    ):
        connection.exec_driver_sql(statement)
