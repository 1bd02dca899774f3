"""Statements and commits, counted where SQLAlchemy sends them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from saas.db.engine import Database


@dataclass
class Cost:
    """``statements`` without BEGIN; the tenant setting of PostgreSQL counts as one."""

    statements: list[str] = field(default_factory=list)
    commits: int = 0


@contextmanager
def counted(database: Database) -> Iterator[Cost]:
    cost = Cost()

    def on_statement(*event: Any) -> None:
        if event[2] == "COMMIT":
            cost.commits += 1
        elif not event[2].startswith("BEGIN"):
            cost.statements.append(event[2])

    def on_commit(_connection: object) -> None:
        cost.commits += 1

    sa.event.listen(database.engine, "before_cursor_execute", on_statement)
    sa.event.listen(database.engine, "commit", on_commit)
    try:
        yield cost
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", on_statement)
        sa.event.remove(database.engine, "commit", on_commit)
