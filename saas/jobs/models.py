"""The outbox and its neighbours. Global tables: the relay serves all tenants, and rows hold ids only."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from saas import clock
from saas.db.base import Base, named, uuid7


class JobState(StrEnum):
    DUE = "due"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"


class Outbox(Base):
    """One piece of promised work. ``lease_id`` names the one message that may run it; a newer lease voids it.

    ``unfinished`` counts the runs begun since one last ended: work that kills its process gives itself away by it.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        sa.Index(
            "ix_outbox_due",
            "tenant_id",
            "due_at",
            sqlite_where=sa.text("state = 'due'"),
            postgresql_where=sa.text("state = 'due'"),
        ),
        sa.Index(
            "ix_outbox_leased",
            "leased_until",
            sqlite_where=sa.text("state = 'leased'"),
            postgresql_where=sa.text("state = 'leased'"),
        ),
        sa.Index(
            "ix_outbox_settled",
            "settled_at",
            sqlite_where=sa.text("state = 'done'"),
            postgresql_where=sa.text("state = 'done'"),
        ),
        sa.Index(
            "ix_outbox_dead",
            "tenant_id",
            "settled_at",
            sqlite_where=sa.text("state = 'dead'"),
            postgresql_where=sa.text("state = 'dead'"),
        ),
    )
    __mapper_args__ = {"primary_key": ["id"]}  # noqa: RUF012 -- SQLAlchemy reads it from the class

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    job: Mapped[str]
    args: Mapped[dict[str, Any]]
    state: Mapped[JobState] = mapped_column(named(JobState), default=JobState.DUE)
    due_at: Mapped[datetime]
    give_up_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    unfinished: Mapped[int] = mapped_column(default=0)
    lease_id: Mapped[UUID | None]
    leased_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    settled_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")


def in_state(state: JobState) -> sa.ColumnElement[bool]:
    """Part of the statement's text: SQLite uses a partial index only when it can read the index's condition there."""
    return Outbox.state == sa.bindparam(None, state, literal_execute=True)


class Recurring(Base):
    """When a recurring job is next due; whoever moves ``next_at`` on has claimed that turn."""

    __tablename__ = "recurring"

    name: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]


class Heartbeat(Base):
    """A running worker; `lyceum doctor` and /readyz read it."""

    __tablename__ = "heartbeat"

    worker: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]
