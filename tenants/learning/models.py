"""Who takes part in what, how far they are, and what they answered."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from saas import clock
from saas.db.base import Base, named
from saas.db.scope import TenantScoped, belongs_to
from tenants.catalog.models import Activity


class EnrolledBy(StrEnum):
    SELF = "self"
    LTI = "lti"
    #: Through a playlist that contains the activity.
    PLAYLIST = "playlist"


class AttemptState(StrEnum):
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"


class Enrolment(TenantScoped, Base):
    """A person takes part in an activity."""

    __tablename__ = "enrolment"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "person_id", "activity_id"),
        belongs_to("person_id", "person"),
        belongs_to("activity_id", "activity"),
        sa.Index("ix_enrolment_activity", "tenant_id", "activity_id"),
    )

    person_id: Mapped[UUID]
    activity_id: Mapped[UUID]
    enrolled_by: Mapped[EnrolledBy] = mapped_column(named(EnrolledBy))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class Attempt(TenantScoped, Base):
    """One run through an activity. ``progress`` and ``score`` are percent; ``chapter_id`` is where to resume."""

    __tablename__ = "attempt"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "person_id", "activity_id", "number"),
        belongs_to("person_id", "person"),
        belongs_to("activity_id", "activity"),
        sa.Index("ix_attempt_activity", "tenant_id", "activity_id"),
    )

    person_id: Mapped[UUID]
    activity_id: Mapped[UUID]
    number: Mapped[int]
    state: Mapped[AttemptState] = mapped_column(named(AttemptState), default=AttemptState.IN_PROGRESS)
    progress: Mapped[Decimal] = mapped_column(default=Decimal(0))
    score: Mapped[Decimal | None]
    chapter_id: Mapped[UUID | None]
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    completed_at: Mapped[datetime | None]

    activity: Mapped[Activity] = relationship(
        primaryjoin=lambda: foreign(Attempt.activity_id) == Activity.id, viewonly=True
    )
    answers: Mapped[list["Answer"]] = relationship(
        primaryjoin=lambda: Attempt.id == foreign(Answer.attempt_id), passive_deletes=True
    )
    seen: Mapped[list["ChapterSeen"]] = relationship(
        primaryjoin=lambda: Attempt.id == foreign(ChapterSeen.attempt_id), passive_deletes=True
    )

    @property
    def is_completed(self) -> bool:
        return self.state is AttemptState.COMPLETED


class Verdict(StrEnum):
    """Of an exam. While there is none, it waits for a result."""

    PASSED = "passed"
    FAILED = "failed"


class Grading(StrEnum):
    """AGS ``gradingProgress`` as it matters here: only what is decided decides."""

    NONE = "none"
    AWAITED = "awaited"
    FAILED = "failed"
    DECIDED = "decided"


class OutsideResult(TenantScoped, Base):
    """The last word of an outside tool about a person in an activity, and what it meant here.

    ``given`` and ``maximum`` are decimals in text; ``percent`` is for display and sorting. ``verdict`` was reached
    against ``minimum``, the rule of that moment: once passed it stays so. ``said_at`` is the tool's time, ``source``
    its name here.
    """

    __tablename__ = "outside_result"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "person_id", "activity_id"),
        belongs_to("person_id", "person"),
        belongs_to("activity_id", "activity"),
        sa.Index("ix_outside_result_activity", "tenant_id", "activity_id"),
    )

    person_id: Mapped[UUID]
    activity_id: Mapped[UUID]
    given: Mapped[str | None]
    maximum: Mapped[str | None]
    percent: Mapped[Decimal | None]
    grading: Mapped[Grading] = mapped_column(named(Grading), default=Grading.NONE)
    verdict: Mapped[Verdict | None] = mapped_column(named(Verdict))
    minimum: Mapped[int | None]
    comment: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="")
    withdrawn_at: Mapped[datetime | None]
    said_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(default=clock.now)


class Answer(TenantScoped, Base):
    """The one answer to a check question in an attempt, with the points it earned of those possible then."""

    __tablename__ = "answer"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "attempt_id", "block_id"),
        belongs_to("attempt_id", "attempt"),
        belongs_to("block_id", "block"),
        sa.Index("ix_answer_block", "tenant_id", "block_id"),
    )

    attempt_id: Mapped[UUID]
    block_id: Mapped[UUID]
    given: Mapped[list[Any]]
    correct: Mapped[bool]
    answered_at: Mapped[datetime] = mapped_column(default=clock.now)


class ChapterSeen(TenantScoped, Base):
    __tablename__ = "chapter_seen"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "attempt_id", "chapter_id"),
        belongs_to("attempt_id", "attempt"),
        belongs_to("chapter_id", "chapter"),
        sa.Index("ix_chapter_seen_chapter", "tenant_id", "chapter_id"),
    )

    attempt_id: Mapped[UUID]
    chapter_id: Mapped[UUID]
    seen_at: Mapped[datetime] = mapped_column(default=clock.now)
