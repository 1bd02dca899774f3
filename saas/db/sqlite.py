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
    """The engine. Whoever may write takes the lock at BEGIN: a read that turns into a write loses against a writer.

    Writers of the hot paths, one at a time anyway, share one connection: what another connection has written empties
    SQLite's cache of pages, which then are read again for every statement.
    """

    def __init__(self, url: URL, settings: DatabaseSettings) -> None:
        if url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        sizes = {"max_overflow": settings.pool, "pool_use_lifo": True}
        self.engine = sa.create_engine(url, pool_size=settings.pool, **sizes, **json.SERIALIZERS)
        self._writers = sa.create_engine(url, pool_size=2, **sizes)
        self.hot_dialect = sqlite.dialect(paramstyle="qmark", **json.SERIALIZERS)
        self._synchronous = settings.sqlite_synchronous
        # Losers of SQLite's own lock sleep; a process-wide lock hands over at once (docs/performance.md).
        self._write_lock = threading.Lock()
        event.listen(self.engine, "connect", self._configure)
        event.listen(self._writers, "connect", self._configure)
        event.listen(self.engine, "begin", self._begin)
        event.listen(self.engine, "rollback", lambda connection: self.rollback(connection.connection))
        event.listen(self.engine, "commit", lambda connection: self.commit(connection.connection))

    def transaction(self, _tenant_id: int, *, write: bool) -> "SqliteTransaction":
        return SqliteTransaction(self, write=write)

    def dispose(self) -> None:
        self.engine.dispose()
        self._writers.dispose()

    def _configure(self, driver: Any, _record: object) -> None:
        driver.isolation_level = None  # the driver would otherwise begin on its own
        driver.create_function("lower", 1, _lower, deterministic=True)
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
        self._open(pooled, write=write)

    def take(self, *, write: bool) -> PoolProxiedConnection:
        """A connection whose transaction has begun, for a hot path. The lock comes first: with it, the writers'
        connection is free.
        """
        locked = write and self._write_lock.acquire(timeout=LOCK_SECONDS)
        try:
            pooled = (self._writers if write else self.engine).raw_connection()
        except BaseException:
            if locked:
                self._write_lock.release()
            raise
        pooled.info["write_lock"] = locked
        try:
            self._open(pooled, write=write)
        except BaseException:
            pooled.close()
            raise
        return pooled

    def give_back(self, pooled: PoolProxiedConnection) -> None:
        """The connection before the lock, for the same reason."""
        locked = pooled.info.pop("write_lock", False)
        pooled.close()
        if locked:
            self._write_lock.release()

    def _open(self, pooled: PoolProxiedConnection, *, write: bool) -> None:
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

    pooled: PoolProxiedConnection | None = None

    def __init__(self, backend: Sqlite, *, write: bool) -> None:
        self._backend = backend
        self._write = write

    def execute(self, sql: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
        rows: list[Sequence[Any]] = _driver(self.begin()).execute(sql, values).fetchall()
        return rows

    def begin(self) -> PoolProxiedConnection:
        if self.pooled is None:
            self.pooled = self._backend.take(write=self._write)
        return self.pooled

    def commit(self) -> None:
        if self.pooled is not None:
            _driver(self.pooled).commit()

    def end(self) -> None:
        if self.pooled is None:
            return
        try:
            _driver(self.pooled).rollback()
        finally:
            self._backend.give_back(self.pooled)


def _driver(pooled: PoolProxiedConnection) -> Any:
    return pooled.driver_connection


def _lower(text: Any) -> Any:
    """SQLite's own knows ASCII alone: a search for "özil" would not find "Özil", as PostgreSQL does."""
    return text.lower() if isinstance(text, str) else text
