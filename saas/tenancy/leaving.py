"""An academy that leaves: everything it has in one file, and then nothing of it here.

The export is a zip with one ``<table>.jsonl`` per table: a JSON object per row, times in ISO 8601, decimals as text,
bytes in base64. What only this installation can use stays out: sealed values and hashes of passwords and tokens.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile

import orjson
import sqlalchemy as sa

from saas.db.base import Base
from saas.db.scope import enter_tenant, scoped_tables
from saas.problems import Refused
from saas.tenancy.lifecycle import Lifecycle
from saas.tenancy.models import TenantStatus

if TYPE_CHECKING:
    from saas.runtime import Runtime

#: Rows read and deleted at a time: a large academy must neither fill the memory nor hold a lock for long.
BATCH = 500


def export(runtime: "Runtime", slug: str, file: Path) -> dict[str, int]:
    """Rows written, by table. All tables as of one moment. Raises FileExistsError."""
    with runtime.database.shell(write=False) as session:
        tenant_id = Lifecycle(session, runtime.settings.web).by_slug(slug).id
    counts = {}
    with runtime.database.read.begin() as connection, ZipFile(file, "x", ZIP_DEFLATED) as archive:
        if runtime.database.kind == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        enter_tenant(connection, tenant_id)
        for table in sorted(scoped_tables(), key=lambda each: each.name):
            counts[table.name] = 0
            with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as lines:
                for row in _rows(connection, table, tenant_id):
                    lines.write(orjson.dumps(row, default=_plain) + b"\n")
                    counts[table.name] += 1
    return counts


def erase(runtime: "Runtime", slug: str) -> int:
    """Deletes every row of a suspended academy and returns how many; stopped midway, it is simply run again."""
    with runtime.database.shell(write=False) as session:
        tenant = Lifecycle(session, runtime.settings.web).by_slug(slug)
        if tenant.status is not TenantStatus.SUSPENDED:
            raise Refused("TENANT_NOT_SUSPENDED", seen=tenant.status.value)
        tenant_id = tenant.id
    deleted = sum(_empty(runtime, table, tenant_id) for table in reversed(Base.metadata.sorted_tables))
    with runtime.database.shell() as session:
        Lifecycle(session, runtime.settings.web).bury(Lifecycle(session, runtime.settings.web).by_slug(slug))
    runtime.tenants.forget()
    return deleted


def _rows(connection: sa.Connection, table: sa.Table, tenant_id: int) -> Iterator[dict[str, Any]]:
    """By id, a batch at a time."""
    columns = [each for each in table.c if "sealed" not in each.info and not each.name.endswith("_hash")]
    query = sa.select(*columns).where(table.c.tenant_id == tenant_id).order_by(table.c.id).limit(BATCH)
    found = connection.execute(query).mappings().all()
    while found:
        yield from map(dict, found)
        found = connection.execute(query.where(table.c.id > found[-1]["id"])).mappings().all()


def _plain(value: object) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _empty(runtime: "Runtime", table: sa.Table, tenant_id: int) -> int:
    """A transaction per batch. `Domain` and `Feature` stay until the end, and the tenant's own row for ever."""
    if not {"tenant_id", "id"} <= set(table.c.keys()):
        return 0
    some = sa.select(table.c.id).where(table.c.tenant_id == tenant_id).limit(BATCH)
    query = sa.delete(table).where(table.c.tenant_id == tenant_id, table.c.id.in_(some))
    total = 0
    while True:
        with runtime.database.write.begin() as connection:
            enter_tenant(connection, tenant_id)
            count = connection.execute(query).rowcount
        total += count
        if not count:
            return total
