"""Writing the audit log. The line is part of the change it speaks of: both are kept or neither."""

from typing import Any, Protocol
from uuid import UUID

from saas.db.scope import ScopedSession
from tenants.audit.models import AuditEntry


class Actor(Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...


class Keeper(Protocol):
    """Where rows go: a session, or the connection of a hot path."""

    def add(self, row: Any, /) -> None: ...


class Asked(Protocol):
    """A web request, as far as the log is concerned."""

    db: ScopedSession
    identity: Actor


def note(keeper: Keeper, actor: str, action: str, subject: str = "", **about: Any) -> None:
    """From commands and jobs: ``actor`` is "operator" or the job's name."""
    keeper.add(AuditEntry(actor_id=None, actor=actor, action=action, subject=subject, about=about))


def record(request: Asked, action: str, subject: str = "", **about: Any) -> None:
    """From a page: the signed-in person did it. ``about`` never holds a secret."""
    who = request.identity
    request.db.add(AuditEntry(actor_id=who.id, actor=who.name, action=action, subject=subject, about=about))
