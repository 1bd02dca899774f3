"""Errors of the drivers, told as SQLAlchemy's, and which of them the same request gets past when it is run again."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.pool import PoolProxiedConnection

#: Serialization failure and deadlock; and two requests that checked at the same moment before they wrote (unique or
#: foreign key violated): the second look finds what the other wrote. 26000: a pooler gave us another server process.
RETRYABLE = frozenset({"40001", "40P01", "23505", "23503", "26000"}) | {
    "SQLITE_CONSTRAINT_UNIQUE",
    "SQLITE_CONSTRAINT_PRIMARYKEY",
}


def mark_retryable(error: BaseException, original: BaseException) -> None:
    """Sets ``error.retryable`` for `saas.web.transactions`; ``original`` is the driver's own error."""
    state = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
    if state in RETRYABLE or "database is locked" in str(original):
        error.retryable = True  # type: ignore[attr-defined]  # -- read with getattr


def as_sqlalchemy(
    dialect: Dialect, pooled: PoolProxiedConnection | None, error: Exception, sql: str | None
) -> BaseException:
    """What SQLAlchemy would raise, without the values. A connection that broke leaves the pool; None: none was had."""
    driver: Any = pooled.driver_connection if pooled else None
    lost = dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type]  # -- the drivers' own errors
    told = sa.exc.DBAPIError.instance(
        sql, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, connection_invalidated=lost, dialect=dialect
    )
    mark_retryable(told, error)
    if lost and pooled:
        pooled.invalidate(error)
    return told
