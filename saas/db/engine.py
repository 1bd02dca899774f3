"""Engines, their per-connection settings, and the sessions made from them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, CursorResult
from sqlalchemy.orm import Session

from saas.db.scope import ScopedSession, enter_tenant
from saas.db.statement import ScopedStatement
from saas.events import Events
from saas.settings import DatabaseSettings

#: SQLSTATE of a serialization failure and of a deadlock: the same request may simply be run again.
RETRYABLE_STATES = frozenset({"40001", "40P01"})
#: How long a writer waits for SQLite's only write lock.
LOCK_SECONDS = 15


class HotConnection:
    """A Core connection of one tenant for the hot paths: one transaction, scoped statements only."""

    def __init__(self, connection: Connection, tenant_id: int) -> None:
        self.core = connection
        self.tenant_id = tenant_id

    def run(self, statement: ScopedStatement, **parameters: Any) -> CursorResult[Any]:
        return self.core.execute(statement.clause, statement.bind(self.tenant_id, parameters))


class Database:
    """The application's engine. ``read`` and ``write`` share one pool; on SQLite writers take the lock at BEGIN."""

    def __init__(self, settings: DatabaseSettings, data: Path, events: Events) -> None:
        self.url = sa.make_url(settings.url or f"sqlite:///{data / 'lyceum.sqlite'}")
        self.owner_url = sa.make_url(settings.owner_url) if settings.owner_url else self.url
        self.kind = self.url.get_backend_name()
        self.events = events
        self.engine = self._sqlite(settings) if self.kind == "sqlite" else self._postgresql(settings)
        event.listen(self.engine, "handle_error", _mark_retryable)
        self.read = self.engine.execution_options(write=False)
        self.write = self.engine.execution_options(write=True)

    def _sqlite(self, settings: DatabaseSettings) -> sa.Engine:  # noqa: C901 -- the listeners of one engine
        if self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(self.url, pool_size=settings.pool, max_overflow=settings.pool)
        write_lock = threading.Lock()

        @event.listens_for(engine, "connect")
        def _configure(connection: Any, _record: object) -> None:
            connection.isolation_level = None  # the driver would otherwise begin on its own
            for pragma in (
                "journal_mode=WAL",
                "foreign_keys=ON",
                f"busy_timeout={LOCK_SECONDS * 1000}",
                f"synchronous={settings.sqlite_synchronous}",
            ):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            if not connection.get_execution_options().get("write", True):
                connection.exec_driver_sql("BEGIN")
                return
            # Losers of SQLite's own lock sleep; a process-wide lock hands over at once (docs/performance.md).
            connection.info["write_lock"] = write_lock.acquire(timeout=LOCK_SECONDS)
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except BaseException:
                _end(connection)
                raise

        def _end(connection: Connection) -> None:
            if connection.info.pop("write_lock", False):
                write_lock.release()

        @event.listens_for(engine, "rollback")
        def _rolled_back(connection: Connection) -> None:
            connection.connection.driver_connection.rollback()  # type: ignore[union-attr]  # -- a live connection
            _end(connection)

        @event.listens_for(engine, "commit")
        def _committed(connection: Connection) -> None:
            connection.connection.driver_connection.commit()  # type: ignore[union-attr]  # -- a live connection
            _end(connection)

        return engine

    def _postgresql(self, settings: DatabaseSettings) -> sa.Engine:
        return sa.create_engine(
            self.url.set(drivername="postgresql+psycopg"),
            pool_size=settings.pool,
            max_overflow=settings.pool,
            pool_pre_ping=True,
            pool_timeout=10,
        )

    def scoped(self, tenant_id: int, *, write: bool = True) -> ScopedSession:
        return ScopedSession(self.write if write else self.read, tenant_id, self.events)

    @contextmanager
    def transaction(self, tenant_id: int, *, write: bool = True) -> Iterator[ScopedSession]:
        """A session of one tenant, committed at the end of the block."""
        with self.scoped(tenant_id, write=write) as session, session.begin():
            yield session

    @contextmanager
    def shell(self, *, write: bool = True) -> Iterator[Session]:
        """A session on the shell's global tables (tenant, domain, outbox …); features never use it."""
        with Session(self.write if write else self.read) as session, session.begin():
            yield session

    @contextmanager
    def hot(self, tenant_id: int, *, write: bool = True) -> Iterator[HotConnection]:
        with (self.write if write else self.read).begin() as connection:
            enter_tenant(connection, tenant_id)
            yield HotConnection(connection, tenant_id)

    def owner_engine(self) -> sa.Engine:
        """For migrations: the role that owns the tables."""
        if self.kind == "sqlite":
            return self.engine
        return sa.create_engine(self.owner_url.set(drivername="postgresql+psycopg"), poolclass=sa.pool.NullPool)

    def dispose(self) -> None:
        self.engine.dispose()


def _mark_retryable(context: sa.engine.ExceptionContext) -> None:
    """Marks "try the same request again" errors for pyramid_retry, here where both databases meet."""
    original = context.original_exception
    busy = "database is locked" in str(original)
    if context.sqlalchemy_exception and (busy or getattr(original, "sqlstate", None) in RETRYABLE_STATES):
        context.sqlalchemy_exception.retryable = True  # type: ignore[attr-defined]  # -- read by saas.web.transactions
