"""SQLite: one file, one writer at a time, WAL so that readers never wait."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, Connection
from sqlalchemy.pool import PoolProxiedConnection

from saas.db import json
from saas.db.errors import as_sqlalchemy
from saas.db.hot import BEGUN
from saas.settings import DatabaseSettings

#: How long a writer waits for SQLite's only write lock.
LOCK_SECONDS = 15
#: Pages of 4 kB after which the log is written back: seldom enough that a page changed often is written once.
CHECKPOINT_PAGES = 4000


class Sqlite:
    """The engine. Whoever may write takes the lock at BEGIN: a read that turns into a write loses against a writer."""

    def __init__(self, url: URL, settings: DatabaseSettings) -> None:
        if url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = sa.create_engine(url, pool_size=settings.pool, max_overflow=settings.pool, **json.SERIALIZERS)
        self.hot_dialect = sqlite.dialect(paramstyle="qmark", **json.SERIALIZERS)
        self._synchronous = settings.sqlite_synchronous
        # Losers of SQLite's own lock sleep; a process-wide lock hands over at once (docs/performance.md).
        self._write_lock = threading.Lock()
        event.listen(self.engine, "connect", self._configure)
        event.listen(self.engine, "begin", self._begin)
        event.listen(self.engine, "rollback", lambda connection: self.rollback(connection.connection))
        event.listen(self.engine, "commit", lambda connection: self.commit(connection.connection))

    def transaction(self, pooled: PoolProxiedConnection, _tenant_id: int, *, write: bool) -> "SqliteTransaction":
        return SqliteTransaction(self, pooled, write=write)

    def _configure(self, driver: Any, _record: object) -> None:
        driver.isolation_level = None  # the driver would otherwise begin on its own
        for pragma in (
            "journal_mode=WAL",
            "foreign_keys=ON",
            f"busy_timeout={LOCK_SECONDS * 1000}",
            f"synchronous={self._synchronous}",
            f"wal_autocheckpoint={CHECKPOINT_PAGES}",
        ):
            driver.execute(f"PRAGMA {pragma}")

    def _begin(self, connection: Connection) -> None:
        options = connection.get_execution_options()
        pooled = connection.connection
        if not options.get(BEGUN):
            try:
                self.begin(pooled, write=options.get("write", True))
            except self.engine.dialect.loaded_dbapi.Error as error:
                raise as_sqlalchemy(self.engine.dialect, pooled, error, "BEGIN") from error

    def begin(self, pooled: PoolProxiedConnection, *, write: bool) -> None:
        if write:
            pooled.info["write_lock"] = self._write_lock.acquire(timeout=LOCK_SECONDS)
        try:
            _driver(pooled).execute("BEGIN IMMEDIATE" if write else "BEGIN")
        except BaseException:
            self._unlock(pooled)
            raise

    def commit(self, pooled: PoolProxiedConnection) -> None:
        _driver(pooled).commit()
        self._unlock(pooled)

    def rollback(self, pooled: PoolProxiedConnection) -> None:
        _driver(pooled).rollback()
        self._unlock(pooled)

    def _unlock(self, pooled: PoolProxiedConnection) -> None:
        if pooled.info.pop("write_lock", False):
            self._write_lock.release()


class SqliteTransaction:
    """See `saas.db.hot.Transaction`."""

    def __init__(self, backend: Sqlite, pooled: PoolProxiedConnection, *, write: bool) -> None:
        self._backend = backend
        self._pooled = pooled
        self._driver = _driver(pooled)
        self._write = write
        self._begun = False

    def execute(self, sql: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
        if not self._begun:
            self.begin()
        rows: list[Sequence[Any]] = self._driver.execute(sql, values).fetchall()
        return rows

    def begin(self) -> None:
        if not self._begun:
            self._backend.begin(self._pooled, write=self._write)
            self._begun = True

    def commit(self) -> None:
        self._backend.commit(self._pooled)
        self._begun = False

    def rollback(self) -> None:
        if self._begun:
            self._backend.rollback(self._pooled)


def _driver(pooled: PoolProxiedConnection) -> Any:
    return pooled.driver_connection
