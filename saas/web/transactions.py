"""One transaction per request, and ``request.db``: a `ScopedSession` of the request's tenant inside it.

Reads begin plainly; on SQLite everything that may write takes the write lock at BEGIN, because a read that turns into
a write loses against another writer. Hot paths (launches, webhooks) stay outside and open their own transaction.
"""

from collections.abc import Callable
from typing import Any

import zope.sqlalchemy
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid_retry import is_error_retryable, mark_error_retryable
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from saas.db.scope import ScopedSession

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def scoped_session(request: Request) -> ScopedSession:
    write = request.method not in SAFE_METHODS
    session = request.runtime.database.scoped(request.tenant.id, write=write)
    state = "changed" if write else "active"
    zope.sqlalchemy.register(session, initial_state=state, transaction_manager=request.tm)
    return session


def add_hot_path(config: Configurator, prefix: str) -> None:
    """Requests below ``prefix`` run without the request transaction."""
    config.registry.hot_paths.append(prefix)


def _inside_transaction(request: Request) -> bool:
    path = request.environ.get("PATH_INFO", "")
    return not path.startswith(tuple(request.registry.hot_paths))


def retry_tween(handler: Callable[[Request], Any], _registry: object) -> Callable[[Request], Any]:
    """Outside the transaction: marks the database's "try again" errors for pyramid_retry, and gives an error that only
    the commit met the same page as any other.
    """

    def tween(request: Request) -> Any:
        try:
            response = handler(request)
        except Exception as error:
            _mark(error)
            if is_error_retryable(request, error):
                raise
            return request.invoke_exception_view()
        _mark(getattr(request, "exception", None))
        return response

    return tween


def _mark(error: BaseException | None) -> None:
    """Also rows that vanished between our reading and writing them: asked again, the request finds out properly."""
    if getattr(error, "retryable", False) or isinstance(error, StaleDataError | ObjectDeletedError):
        mark_error_retryable(error)


def includeme(config: Configurator) -> None:
    config.registry.hot_paths = ["/static/", "/vendor/", "/healthz", "/readyz", "/metrics"]
    config.add_directive("add_hot_path", add_hot_path)
    config.add_settings(
        {
            "retry.attempts": 3,
            "tm.manager_hook": "pyramid_tm.explicit_manager",
            "tm.commit_veto": "pyramid_tm.default_commit_veto",
            "tm.activate_hook": _inside_transaction,
        }
    )
    config.include("pyramid_retry")
    config.include("pyramid_tm")
    config.add_tween(
        "saas.web.transactions.retry_tween", under="saas.web.headers.tween_factory", over="pyramid_tm.tm_tween_factory"
    )
    config.add_request_method(scoped_session, "db", reify=True)
