"""A run of the self-test and the lines of its report."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from saas import clock
from saas.db.base import Base, named
from saas.db.scope import TenantScoped, belongs_to


class RunState(StrEnum):
    """``failed``: the test itself broke off; what it found until then stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class SelfTest(TenantScoped, Base):
    """Of a platform (LTI 1.3), of a consumer's key (LTI 1.2) or of a tool. ``planned``: how many rows there will be.

    No foreign key to the tool: a test is forgotten sooner or later, whatever becomes of what it speaks of.
    """

    __tablename__ = "lti_self_test"
    __table_args__ = (
        belongs_to("platform_id", "lti_platform"),
        belongs_to("consumer_key_id", "lti_consumer_key"),
        sa.Index("ix_lti_self_test_platform", "tenant_id", "platform_id", "started_at"),
        sa.Index("ix_lti_self_test_consumer", "tenant_id", "consumer_key_id", "started_at"),
        sa.Index("ix_lti_self_test_tool", "tenant_id", "tool_id", "started_at"),
    )

    platform_id: Mapped[UUID | None]
    consumer_key_id: Mapped[UUID | None]
    tool_id: Mapped[UUID | None]
    asked_by: Mapped[str]
    state: Mapped[RunState] = mapped_column(named(RunState), default=RunState.RUNNING)
    planned: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    finished_at: Mapped[datetime | None]


class Part(StrEnum):
    MESSAGES = "messages"
    ADDRESSES = "addresses"


class Verdict(StrEnum):
    """``attention``: not wrong for certain, but somebody should look. ``skipped``: there was nothing to ask."""

    PASSED = "passed"
    FAILED = "failed"
    ATTENTION = "attention"
    SKIPPED = "skipped"


class SelfTestRow(TenantScoped, Base):
    """One message or one property of an address; ``name`` is a key of `tenants.lti.selftest.titles`.

    ``expected`` and ``happened`` are codes of refusals or words; ``remark`` is what to do about it.
    """

    __tablename__ = "lti_self_test_row"
    __table_args__ = (
        belongs_to("test_id", "lti_self_test"),
        sa.UniqueConstraint("tenant_id", "test_id", "position"),
    )

    test_id: Mapped[UUID]
    position: Mapped[int]
    part: Mapped[Part] = mapped_column(named(Part))
    name: Mapped[str]
    verdict: Mapped[Verdict] = mapped_column(named(Verdict))
    expected: Mapped[str] = mapped_column(default="")
    happened: Mapped[str] = mapped_column(default="")
    remark: Mapped[str] = mapped_column(default="")
