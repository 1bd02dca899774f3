"""The ledger: what is true of a person in an activity, and what each outside LMS was told about it.

Both LTI versions use the same deliveries; ``channel`` names the protocol, ``route_id`` the address within it.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from saas import clock
from saas.db.base import Base, named
from saas.db.scope import TenantScoped, belongs_to


class Progress(StrEnum):
    """AGS ``activityProgress``, as far as we use it."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"


class DeliveryState(StrEnum):
    """``waiting`` has a next try; ``sent`` was accepted; ``confirmed`` was read back; ``dead`` needs somebody."""

    WAITING = "waiting"
    SENT = "sent"
    CONFIRMED = "confirmed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    DEAD = "dead"


class Result(TenantScoped, Base):
    """One row per person and activity. ``score`` is percent and never falls; ``achieved_at`` is when it was earned."""

    __tablename__ = "result"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "person_id", "activity_id"),
        belongs_to("person_id", "person"),
        belongs_to("activity_id", "activity"),
        sa.Index("ix_result_activity", "tenant_id", "activity_id"),
    )

    person_id: Mapped[UUID]
    activity_id: Mapped[UUID]
    progress: Mapped[Progress] = mapped_column(named(Progress))
    score: Mapped[Decimal | None]
    achieved_at: Mapped[datetime]


class ScoreDelivery(TenantScoped, Base):
    """One statement about a result for one outside LMS: the values as they were when it was made.

    ``withdrawn``: the statement is that the LMS shall keep no result of this person.
    """

    __tablename__ = "score_delivery"
    __table_args__ = (
        belongs_to("result_id", "result"),
        sa.Index("ix_score_delivery_result", "tenant_id", "result_id"),
        sa.Index("ix_score_delivery_route", "tenant_id", "channel", "route_id"),
        sa.Index("ix_score_delivery_state", "tenant_id", "state", "created_at"),
    )

    result_id: Mapped[UUID]
    channel: Mapped[str]
    route_id: Mapped[UUID]
    progress: Mapped[Progress] = mapped_column(named(Progress))
    score: Mapped[Decimal | None]
    withdrawn: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    achieved_at: Mapped[datetime]
    state: Mapped[DeliveryState] = mapped_column(named(DeliveryState), default=DeliveryState.WAITING)
    code: Mapped[str] = mapped_column(default="")
    cause: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    next_try_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]

    result: Mapped[Result] = relationship(
        primaryjoin=lambda: foreign(ScoreDelivery.result_id) == Result.id, viewonly=True
    )
    tries: Mapped[list["DeliveryTry"]] = relationship(
        primaryjoin=lambda: ScoreDelivery.id == foreign(DeliveryTry.delivery_id),
        order_by=lambda: DeliveryTry.at,
        passive_deletes=True,
    )


class DeliveryTry(TenantScoped, Base):
    """One attempt to tell the LMS: what it answered, in words. Never deleted while the delivery lives."""

    __tablename__ = "delivery_try"
    __table_args__ = (
        belongs_to("delivery_id", "score_delivery"),
        sa.Index("ix_delivery_try_delivery", "tenant_id", "delivery_id", "at"),
    )

    delivery_id: Mapped[UUID]
    at: Mapped[datetime]
    step: Mapped[str]
    outcome: Mapped[str]
    status: Mapped[int | None]
    cause: Mapped[str] = mapped_column(default="")
    milliseconds: Mapped[int | None]
