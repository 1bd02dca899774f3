"""PostgreSQL by its own client library, as psycopg exposes it (`psycopg.pq`): transactions and scoped statements.

psycopg's cursors do their work in Python, at twice the cost of the call itself, and give up the interpreter several
times per statement (docs/performance.md). Values go as text, results come as binary, which no setting of the server
can change. Everything else, and all errors, stay psycopg's.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from psycopg import errors
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.types.json import Json, Jsonb

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


def _text(value: str) -> bytes:
    """The library would take a NUL for the end: one key or name would pass for another."""
    if "\0" in value:
        raise errors.DataError("text with NUL")
    return value.encode()


#: By Python type: a value as the server reads it.
_WRITERS: dict[type, Callable[[Any], bytes]] = {
    str: _text,
    int: lambda value: b"%d" % value,
    bool: lambda value: b"t" if value else b"f",
    UUID: lambda value: value.hex.encode(),
    bytes: lambda value: b"\\x" + value.hex().encode(),
    datetime: lambda value: value.isoformat().encode(),
    Json: lambda value: orjson.dumps(value.obj),
    Jsonb: lambda value: orjson.dumps(value.obj),
}


def _integer(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)


#: By the server's type (pg_type.oid): a value as we read it.
_READERS: dict[int, Callable[[bytes], Any]] = {
    16: lambda data: data == b"\x01",
    17: bytes,
    20: _integer,
    21: _integer,
    23: _integer,
    25: bytes.decode,
    114: orjson.loads,
    1043: bytes.decode,
    1184: lambda data: _EPOCH + timedelta(microseconds=_integer(data)),
    2950: lambda data: UUID(bytes=data),
    3802: lambda data: orjson.loads(data[1:]),  # after the version of the format
}


def command(driver: Any, sql: str) -> None:
    """One or several commands without values, in one round trip. Raises `psycopg.Error`."""
    _checked(driver.pgconn.exec_(sql.encode()))


def undo(driver: Any) -> None:
    """Ends a transaction that still runs, if the connection lives."""
    connection = driver.pgconn
    if connection.status == ConnStatus.OK and connection.transaction_status != TransactionStatus.IDLE:
        command(driver, "ROLLBACK")


class Statements:
    """What one connection has prepared. ``keep`` False: nothing is, for poolers that cannot."""

    def __init__(self, driver: Any, *, keep: bool) -> None:
        self._connection = driver.pgconn
        self._keep = keep
        self._names: dict[str, bytes] = {}

    def execute(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """All rows. Raises `psycopg.Error`; TypeError for a value or a column of a type nobody has needed yet."""
        written = [None if value is None else _WRITERS[type(value)](value) for value in values]
        if self._keep:
            name = self._names.get(sql) or self._prepare(sql)
            result = self._connection.exec_prepared(name, written, None, Format.BINARY)
        else:
            result = self._connection.exec_params(sql.encode(), written, None, None, Format.BINARY)
        _checked(result)
        return _rows(result)

    def _prepare(self, sql: str) -> bytes:
        name = b"lyceum_%d" % len(self._names)
        _checked(self._connection.prepare(name, sql.encode()))
        self._names[sql] = name
        return name


def _rows(result: Any) -> list[tuple[Any, ...]]:
    columns = [(place, _READERS[result.ftype(place)]) for place in range(result.nfields)]
    get = result.get_value
    return [
        tuple(None if (data := get(row, place)) is None else read(data) for place, read in columns)
        for row in range(result.ntuples)
    ]


def _checked(result: Any) -> None:
    if result.status not in _GOOD:
        raise errors.error_from_result(result)
