"""Courses, their ordered activities, and what each type of activity is made of."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from saas import clock
from saas.db.base import Base, named
from saas.db.scope import TenantScoped, belongs_to


class Status(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"


class ActivityType(StrEnum):
    """The types an author can choose. Each has its own player; sharing and grading do not care which it is."""

    E_LEARNING = "e-learning"
    #: A chapter is a card.
    MICROLEARNING = "microlearning"
    PLAYLIST = "learning-playlist"
    #: Passed or failed against a minimum score; its content is an outside tool's.
    EXAM = "exam"
    #: Held in Zoom, at a place that `tenants.zoom` keeps.
    MEETING = "meeting"


class Content(StrEnum):
    """Where what is learned stands: in chapters here, with an outside tool (LTI), or in meetings (Zoom)."""

    OWN = "own"
    LTI = "lti"
    ZOOM = "zoom"


class Opens(StrEnum):
    """When an item of a playlist may be begun."""

    AT_ONCE = "at-once"
    AFTER_PREVIOUS = "after-previous"


class BlockKind(StrEnum):
    TEXT = "text"
    IMAGE = "image"
    QUESTION = "question"


class Course(TenantScoped, Base):
    __tablename__ = "course"

    title: Mapped[str]
    summary: Mapped[str] = mapped_column(default="")
    status: Mapped[Status] = mapped_column(named(Status), default=Status.DRAFT)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    activities: Mapped[list["Activity"]] = relationship(
        primaryjoin=lambda: Course.id == foreign(Activity.course_id),
        order_by=lambda: Activity.position,
        back_populates="course",
        passive_deletes=True,
        cascade="save-update, merge, delete",
    )


class Activity(TenantScoped, Base):
    """One thing to learn. ``lti_available`` is "Available for LTI": other LMSs may open it while it is published.

    ``minimum_score`` is percent, 1 to 100: an exam's, and only an exam's.
    """

    __tablename__ = "activity"
    __table_args__ = (
        belongs_to("course_id", "course"),
        sa.Index("ix_activity_course", "tenant_id", "course_id", "position"),
    )

    course_id: Mapped[UUID]
    type: Mapped[ActivityType] = mapped_column(named(ActivityType), default=ActivityType.E_LEARNING)
    title: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    duration_minutes: Mapped[int | None]
    position: Mapped[int]
    status: Mapped[Status] = mapped_column(named(Status), default=Status.DRAFT)
    lti_available: Mapped[bool] = mapped_column(default=False)
    content: Mapped[Content] = mapped_column(named(Content), default=Content.OWN)
    minimum_score: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    @property
    def is_playlist(self) -> bool:
        return self.type is ActivityType.PLAYLIST

    @property
    def is_exam(self) -> bool:
        return self.type is ActivityType.EXAM

    @property
    def is_outside(self) -> bool:
        """Whether a tool of somebody else is what one learns with."""
        return self.content is Content.LTI

    @property
    def is_meeting(self) -> bool:
        return self.content is Content.ZOOM

    course: Mapped[Course] = relationship(
        primaryjoin=lambda: foreign(Activity.course_id) == Course.id, back_populates="activities"
    )
    chapters: Mapped[list["Chapter"]] = relationship(
        primaryjoin=lambda: Activity.id == foreign(Chapter.activity_id),
        order_by=lambda: Chapter.position,
        back_populates="activity",
        passive_deletes=True,
        cascade="save-update, merge, delete",
    )
    items: Mapped[list["PlaylistItem"]] = relationship(
        primaryjoin=lambda: Activity.id == foreign(PlaylistItem.playlist_id),
        order_by=lambda: PlaylistItem.position,
        back_populates="playlist",
        passive_deletes=True,
        cascade="save-update, merge, delete",
    )


class CourseGroup(TenantScoped, Base):
    """Some of a course's people, with a page, a calendar and meetings of their own."""

    __tablename__ = "course_group"
    __table_args__ = (
        belongs_to("course_id", "course"),
        sa.UniqueConstraint("tenant_id", "course_id", "title"),
    )

    course_id: Mapped[UUID]
    title: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    course: Mapped[Course] = relationship(
        primaryjoin=lambda: foreign(CourseGroup.course_id) == Course.id, viewonly=True
    )


class GroupMember(TenantScoped, Base):
    """A coach leads the group whatever their role in the academy."""

    __tablename__ = "course_group_member"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "group_id", "person_id"),
        belongs_to("group_id", "course_group"),
        belongs_to("person_id", "person"),
        sa.Index("ix_course_group_member_person", "tenant_id", "person_id"),
    )

    group_id: Mapped[UUID]
    person_id: Mapped[UUID]
    is_coach: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class PlaylistItem(TenantScoped, Base):
    """An activity of any course in a playlist. It goes with its activity; while that is a draft, it does not count."""

    __tablename__ = "playlist_item"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "playlist_id", "activity_id"),
        belongs_to("playlist_id", "activity"),
        belongs_to("activity_id", "activity"),
        sa.Index("ix_playlist_item_activity", "tenant_id", "activity_id"),
    )

    playlist_id: Mapped[UUID]
    activity_id: Mapped[UUID]
    position: Mapped[int]
    mandatory: Mapped[bool] = mapped_column(default=True)
    opens: Mapped[Opens] = mapped_column(named(Opens), default=Opens.AT_ONCE)

    playlist: Mapped[Activity] = relationship(
        primaryjoin=lambda: foreign(PlaylistItem.playlist_id) == Activity.id, back_populates="items"
    )
    activity: Mapped[Activity] = relationship(
        primaryjoin=lambda: foreign(PlaylistItem.activity_id) == Activity.id, lazy="selectin"
    )


class Chapter(TenantScoped, Base):
    __tablename__ = "chapter"
    __table_args__ = (
        belongs_to("activity_id", "activity"),
        sa.Index("ix_chapter_activity", "tenant_id", "activity_id", "position"),
    )

    activity_id: Mapped[UUID]
    title: Mapped[str]
    position: Mapped[int]

    activity: Mapped[Activity] = relationship(
        primaryjoin=lambda: foreign(Chapter.activity_id) == Activity.id, back_populates="chapters"
    )
    blocks: Mapped[list["Block"]] = relationship(
        primaryjoin=lambda: Chapter.id == foreign(Block.chapter_id),
        order_by=lambda: Block.position,
        back_populates="chapter",
        passive_deletes=True,
        lazy="selectin",
        cascade="save-update, merge, delete",
    )


class Block(TenantScoped, Base):
    """``body`` by kind (checked by `tenants.catalog.blocks`): text, image or question. It holds answers: staff only."""

    __tablename__ = "block"
    __table_args__ = (
        belongs_to("chapter_id", "chapter"),
        sa.Index("ix_block_chapter", "tenant_id", "chapter_id", "position"),
    )

    chapter_id: Mapped[UUID]
    kind: Mapped[BlockKind] = mapped_column(named(BlockKind))
    position: Mapped[int]
    body: Mapped[dict[str, Any]]

    chapter: Mapped[Chapter] = relationship(
        primaryjoin=lambda: foreign(Block.chapter_id) == Chapter.id, back_populates="blocks"
    )


class Media(TenantScoped, Base):
    """A picture, re-encoded by us when it came in; small enough for the database, so backups are one thing."""

    __tablename__ = "media"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "sha256"),)

    sha256: Mapped[str]
    content_type: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    content: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
