"""Connections to Zoom LTI Pro, where they are used, and how checks of them went."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from saas import clock
from saas.db.base import Base, named
from saas.db.scope import TenantScoped, belongs_to
from tenants.lti.platform.models import OpensIn, Tool


class ZoomUse(TenantScoped, Base):
    """Whether and where this academy uses Zoom; one row at most, none means off. ``keys_fetched_at``: when somebody
    last read our key set at Moodle's address, which nothing ties to a profile.
    """

    __tablename__ = "zoom_use"
    __table_args__ = (sa.UniqueConstraint("tenant_id"),)

    is_on: Mapped[bool] = mapped_column(default=False)
    in_elements: Mapped[bool] = mapped_column(default=True)
    in_courses: Mapped[bool] = mapped_column(default=True)
    in_groups: Mapped[bool] = mapped_column(default=True)
    with_calendar: Mapped[bool] = mapped_column(default=True)
    keys_fetched_at: Mapped[datetime | None]
    changed_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)


class ZoomProfile(TenantScoped, Base):
    """A connection to one LTI Pro credential; the rest of it is its ``tool`` (kind zoom): client ID, deployment, keys.

    ``lti_key`` is Zoom's, case-sensitive. ``mail_domains`` suggests the profile to authors with such an address.
    ``students_can_host`` only notes what was set in Zoom. ``issuer`` is the academy's address as typed in Zoom.
    ``token_hash`` finds the profile of a calendar call, ``sealed_token`` is for showing it again; ``previous_hash`` is
    good until ``previous_until``, and still known then. ``with_roster``: Zoom may read who takes part (NRPS).
    """

    __tablename__ = "zoom_profile"
    __table_args__ = (
        belongs_to("tool_id", "lti_tool"),
        sa.UniqueConstraint("tenant_id", "name_key"),
        sa.UniqueConstraint("tenant_id", "tool_id"),
        sa.UniqueConstraint("tenant_id", "token_hash"),
        sa.Index("ix_zoom_profile_previous", "tenant_id", "previous_hash"),
        sa.Index(
            "uq_zoom_profile_default",
            "tenant_id",
            unique=True,
            sqlite_where=sa.text("is_default"),
            postgresql_where=sa.text("is_default"),
        ),
    )

    tool_id: Mapped[UUID]
    name: Mapped[str]
    #: The name case-folded: no two profiles differ by case alone.
    name_key: Mapped[str]
    lti_key: Mapped[str]
    mail_domains: Mapped[list[Any]] = mapped_column(default=list)
    students_can_host: Mapped[bool] = mapped_column(default=False)
    with_roster: Mapped[bool] = mapped_column(default=False)
    opens_in: Mapped[OpensIn] = mapped_column(named(OpensIn), default=OpensIn.FRAME)
    is_default: Mapped[bool] = mapped_column(default=False)
    issuer: Mapped[str]
    token_hash: Mapped[str]
    sealed_token: Mapped[str] = mapped_column(info={"sealed": "zoom.access_token"})
    token_hint: Mapped[str]
    token_made_at: Mapped[datetime] = mapped_column(default=clock.now)
    previous_hash: Mapped[str] = mapped_column(default="")
    previous_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    tool: Mapped[Tool] = relationship(
        primaryjoin=lambda: foreign(ZoomProfile.tool_id) == Tool.id, lazy="joined", innerjoin=True, viewonly=True
    )

    @property
    def is_active(self) -> bool:
        return self.tool.is_active


class PlaceKind(StrEnum):
    """In the words of the manual: course element, course tool, group tool."""

    ELEMENT = "element"
    COURSE = "course"
    GROUP = "group"


class ZoomPlace(TenantScoped, Base):
    """Where a profile is used: an activity, a course or a group, by ``kind``. Zoom knows it by ``context_id`` and
    ``resource_link_id``, which never change, whether it is switched off and on or given to another profile.

    ``opens_in`` empty: as the profile says. ``former_profile_id`` had it until ``given_at``: what Zoom planned with it
    by then, its account may still cancel. It may be gone.
    """

    __tablename__ = "zoom_place"
    __table_args__ = (
        belongs_to("profile_id", "zoom_profile"),
        belongs_to("course_id", "course"),
        belongs_to("activity_id", "activity"),
        belongs_to("group_id", "course_group"),
        sa.UniqueConstraint("tenant_id", "context_id"),
        sa.UniqueConstraint("tenant_id", "resource_link_id"),
        sa.UniqueConstraint("tenant_id", "activity_id"),
        sa.UniqueConstraint("tenant_id", "group_id"),
        sa.Index(
            "uq_zoom_place_course",
            "tenant_id",
            "course_id",
            unique=True,
            sqlite_where=sa.text("kind = 'course'"),
            postgresql_where=sa.text("kind = 'course'"),
        ),
        sa.Index("ix_zoom_place_course", "tenant_id", "course_id"),
        sa.Index("ix_zoom_place_profile", "tenant_id", "profile_id"),
    )

    kind: Mapped[PlaceKind] = mapped_column(named(PlaceKind))
    profile_id: Mapped[UUID]
    #: The course the activity or group is of, or the course itself.
    course_id: Mapped[UUID]
    activity_id: Mapped[UUID | None]
    group_id: Mapped[UUID | None]
    context_id: Mapped[str]
    resource_link_id: Mapped[str]
    opens_in: Mapped[OpensIn | None] = mapped_column(named(OpensIn))
    is_on: Mapped[bool] = mapped_column(default=True)
    former_profile_id: Mapped[UUID | None]
    given_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    profile: Mapped[ZoomProfile] = relationship(
        primaryjoin=lambda: foreign(ZoomPlace.profile_id) == ZoomProfile.id, viewonly=True
    )

    def give(self, profile_id: UUID) -> None:
        """To another profile; the same once more changes nothing."""
        if profile_id != self.profile_id:
            self.former_profile_id, self.given_at = self.profile_id, clock.now()
            self.profile_id = profile_id


class ZoomCheck(TenantScoped, Base):
    """A run of Check Zoom connection with the values of a form, saved or not; ``profile_id`` empty for a new one.

    ``values`` is what is checked (name, LTI Key, client ID, issuer); no secret is in it. ``person_id``: whose launch is
    watched; empty for one of the command line.
    """

    __tablename__ = "zoom_check"
    __table_args__ = (
        belongs_to("profile_id", "zoom_profile"),
        sa.Index("ix_zoom_check_profile", "tenant_id", "profile_id", "started_at"),
    )

    profile_id: Mapped[UUID | None]
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    asked_by: Mapped[str]
    person_id: Mapped[UUID | None]
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    finished_at: Mapped[datetime | None]


class ZoomCheckStep(TenantScoped, Base):
    """A line of its report: ``outcome`` is of `tenants.zoom.ltipro.check`, ``code`` names cause and remedy."""

    __tablename__ = "zoom_check_step"
    __table_args__ = (
        belongs_to("check_id", "zoom_check"),
        sa.UniqueConstraint("tenant_id", "check_id", "position"),
    )

    check_id: Mapped[UUID]
    position: Mapped[int]
    step: Mapped[str]
    outcome: Mapped[str]
    code: Mapped[str] = mapped_column(default="")
    seen: Mapped[str] = mapped_column(default="")
    milliseconds: Mapped[int] = mapped_column(default=0)
