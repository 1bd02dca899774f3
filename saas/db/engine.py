"""The application's database: its engine, and the sessions and transactions made from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from saas.db.errors import mark_retryable
from saas.db.hot import HotConnection, Prepared
from saas.db.postgresql import PostgreSQL
from saas.db.scope import ScopedSession
from saas.db.sqlite import Sqlite
from saas.db.statement import ScopedStatement
from saas.events import Events
from saas.settings import DatabaseSettings


class Database:
    """``read`` and ``write`` share one pool; on SQLite writers take the lock at BEGIN."""

    def __init__(self, settings: DatabaseSettings, data: Path, events: Events) -> None:
        self.url = sa.make_url(settings.url or f"sqlite:///{data / 'lyceum.sqlite'}")
        self.owner_url = sa.make_url(settings.owner_url) if settings.owner_url else self.url
        self.kind = self.url.get_backend_name()
        self.events = events
        self.backend = Sqlite(self.url, settings) if self.kind == "sqlite" else PostgreSQL(self.url, settings)
        self.engine = self.backend.engine
        event.listen(self.engine, "handle_error", _mark_retryable)
        self.read = self.engine.execution_options(write=False)
        self.write = self.engine.execution_options(write=True)
        self._prepared: dict[ScopedStatement, Prepared] = {}

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
        """A transaction of one tenant for scoped statements, committed at the end of the block."""
        transaction = self.backend.transaction(tenant_id, write=write)
        connection = HotConnection(self.engine, transaction, tenant_id, self._prepare)
        try:
            yield connection
            connection.commit()
        finally:
            connection.end()

    def _prepare(self, statement: ScopedStatement) -> Prepared:
        ready = self._prepared.get(statement)
        if ready is None:
            ready = self._prepared[statement] = Prepared(statement, self.backend.hot_dialect)
        return ready

    def owner_engine(self) -> sa.Engine:
        """For migrations: the role that owns the tables."""
        if self.kind == "sqlite":
            return self.engine
        return sa.create_engine(self.owner_url.set(drivername="postgresql+psycopg"), poolclass=sa.pool.NullPool)

    def dispose(self) -> None:
        self.backend.dispose()


def _mark_retryable(context: sa.engine.ExceptionContext) -> None:
    if context.sqlalchemy_exception:
        mark_retryable(context.sqlalchemy_exception, context.original_exception)
