"""PostgreSQL: psycopg 3, transactions begun with their tenant in one round trip, nothing that outlives them."""

from collections.abc import Sequence
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import URL, Connection, Dialect
from sqlalchemy.pool import PoolProxiedConnection

from saas.db import json
from saas.db.errors import as_sqlalchemy
from saas.db.hot import BEGUN
from saas.db.libpq import Statements, command, undo
from saas.db.scope import TENANT_SETTING
from saas.settings import DatabaseSettings

#: A pooled connection that has rested longer is asked whether it still lives.
RESTED_SECONDS = 1.0
#: Where a connection's own `Statements` are kept.
_STATEMENTS = "statements"


class PostgreSQL:
    """The engine. BEGIN and COMMIT are ours to send: the driver is in its autocommit mode."""

    def __init__(self, url: URL, settings: DatabaseSettings) -> None:
        self.engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=settings.pool,
            max_overflow=settings.pool,
            pool_timeout=10,
            pool_use_lifo=True,  # the fewest server processes, and the warmest
            pool_reset_on_return=None,  # see _rests
            isolation_level="AUTOCOMMIT",
            # psycopg itself prepares nothing: its DEALLOCATE ALL after a rollback would take our statements along.
            connect_args={"client_encoding": "utf8", "prepare_threshold": None},
            **json.SERIALIZERS,
        )
        self.hot_dialect: Dialect = PGDialect_psycopg(  # type: ignore[no-untyped-call]  # -- left untyped by SQLAlchemy
            paramstyle="numeric_dollar", **json.SERIALIZERS
        )
        self._prepared = settings.prepared
        event.listen(self.engine, "reset", self._rests)
        event.listen(self.engine, "checkout", self._wakes)
        event.listen(self.engine, "begin", self._begin)
        event.listen(self.engine, "commit", self._committed)

    def transaction(self, tenant_id: int, *, write: bool) -> "PostgresTransaction":  # noqa: ARG002 -- readers lock nothing here anyway
        return PostgresTransaction(self, tenant_id)

    def statements(self, pooled: PoolProxiedConnection) -> Statements:
        known = pooled.info.get(_STATEMENTS)
        if known is None:
            known = pooled.info[_STATEMENTS] = Statements(pooled.driver_connection, keep=self._prepared)
        return known

    def dispose(self) -> None:
        self.engine.dispose()

    def _rests(self, driver: Any, record: Any, _state: object) -> None:
        """No transaction is left behind, nor its tenant. The driver's own way costs as much as a statement."""
        if driver is not None and not driver.closed:
            undo(driver)
        record.info["since"] = monotonic()

    def _wakes(self, driver: Any, record: Any, _proxy: object) -> None:
        """A ping at every checkout would cost as much as a statement; a server is not restarted within a second."""
        try:
            if monotonic() - record.info.get("since", 0.0) > RESTED_SECONDS:
                self.engine.dialect.do_ping(driver)
        except self.engine.dialect.loaded_dbapi.Error as error:
            raise sa.exc.DisconnectionError from error  # the pool takes a new one

    def _begin(self, connection: Connection) -> None:
        if not connection.get_execution_options().get(BEGUN):
            self._command(connection, "BEGIN")

    def _committed(self, connection: Connection) -> None:
        self._command(connection, "COMMIT")

    def _command(self, connection: Connection, sql: str) -> None:
        pooled = connection.connection
        try:
            command(pooled.driver_connection, sql)
        except self.engine.dialect.loaded_dbapi.Error as error:
            raise as_sqlalchemy(self.engine.dialect, pooled, error, sql) from error


class PostgresTransaction:
    """Each statement is one call that gives up the interpreter once. Sending several together (libpq's pipeline) saves
    round trips and gives it up four times as often, which costs more between threads (docs/performance.md).
    """

    pooled: PoolProxiedConnection | None = None

    def __init__(self, backend: PostgreSQL, tenant_id: int) -> None:
        self._backend = backend
        self._opening = f"BEGIN; SET LOCAL {TENANT_SETTING} = '{tenant_id:d}'"

    def execute(self, sql: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
        if self.pooled is None:
            self.begin()
        return self._statements.execute(sql, values)

    def begin(self) -> PoolProxiedConnection:
        if self.pooled is None:
            self.pooled = self._backend.engine.raw_connection()
            self._driver: Any = self.pooled.driver_connection
            self._statements = self._backend.statements(self.pooled)
            command(self._driver, self._opening)
        return self.pooled

    def commit(self) -> None:
        if self.pooled is not None:
            command(self._driver, "COMMIT")

    def end(self) -> None:
        if self.pooled is None:
            return
        try:
            undo(self._driver)
        finally:
            self.pooled.close()
