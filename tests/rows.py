"""Rows for every table there is, made from what the database says of itself; no model is asked, so they fit any revision."""

import re
import zlib
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from saas.db.scope import TENANT_SETTING

_number = count(1)
#: Tables that are not ours to fill.
NOT_OURS = {"alembic_version"}


def reflect(connection: Connection) -> sa.MetaData:
    metadata = sa.MetaData()
    metadata.reflect(connection)
    for name in NOT_OURS:
        if name in metadata.tables:
            metadata.remove(metadata.tables[name])
    return metadata


def fill(connection: Connection, tenant_id: int, *, slug: str = "") -> dict[str, dict[str, Any]]:
    """A row in every table for this tenant, made where there is none; returns the values by table."""
    metadata = reflect(connection)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT set_config('{TENANT_SETTING}', %s, true)", (str(tenant_id),))
    rows: dict[str, dict[str, Any]] = {}
    for table in metadata.sorted_tables:
        owner = table.c.get("tenant_id", table.c.get("id") if table.name == "tenant" else None)
        there = (
            connection.execute(sa.select(table).where(owner == tenant_id)).mappings().first()
            if owner is not None
            else None
        )
        rows[table.name] = dict(there) if there else _row(connection, table, rows, tenant_id, slug)
        if not there:
            connection.execute(sa.insert(table).values(rows[table.name]))
    return rows


def _row(
    connection: Connection, table: sa.Table, rows: dict[str, dict[str, Any]], tenant_id: int, slug: str
) -> dict[str, Any]:
    allowed = _allowed(connection, table.name)
    row = {column.name: _value(column, allowed) for column in table.columns}
    for key in table.foreign_key_constraints:
        for element in key.elements:
            target = element.target_fullname.split(".")
            row[element.parent.name] = rows[target[0]][target[1]]
    if "tenant_id" in table.c:
        row["tenant_id"] = tenant_id
    if table.name == "tenant":
        row |= {"id": tenant_id, "slug": slug or f"t{tenant_id}"}
    return row


def _allowed(connection: Connection, table: str) -> dict[str, str]:
    """Column → a value its check constraint lets pass."""
    found = {}
    for check in sa.inspect(connection).get_check_constraints(table):
        column = re.match(r"\(*\"?(\w+)\"?\)*(?:::text)?\)* (?:IN|=)", check["sqltext"])
        value = re.search(r"'([^']+)'", check["sqltext"])
        if column and value:
            found[column[1]] = value[1]
    return found


def _value(column: sa.Column[Any], allowed: dict[str, str]) -> Any:
    kind, number = column.type, next(_number)
    at = datetime(2026, 1, 1, tzinfo=UTC if getattr(kind, "timezone", False) else None)
    by_kind: list[tuple[type[Any], Any]] = [
        (sa.Uuid, uuid4()),
        (sa.CHAR, uuid4().hex),  # how SQLite keeps them
        (sa.Boolean, False),
        (sa.Integer, number),
        (sa.DateTime, at),
        (sa.LargeBinary, zlib.compress(b"{}")),  # a picture to whom it is none; see `saas.db.base.PackedJson`
        (sa.JSON, {"number": number}),
        (sa.types.TypeEngine, f"text {number}"),
    ]
    return allowed.get(column.name) or next(value for type_, value in by_kind if isinstance(kind, type_))
