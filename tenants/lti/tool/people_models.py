"""How a connection receives people, and what is kept of those about whom somebody must decide."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from saas import clock
from saas.db.base import Base, named
from saas.db.scope import TenantScoped, belongs_to
from tenants.accounts.names import mixes_alphabets

#: A decision can be taken back this long.
UNDO_FOR = timedelta(days=30)


class Newcomers(StrEnum):
    """What happens when somebody comes whose id is not known yet."""

    CREATE = "create"
    MATCH = "match"
    ASK = "ask"
    EXISTING = "existing"


class OutsideStaff(StrEnum):
    """What the other LMS's teachers and admins are here; never more."""

    LEARNER = "learner"
    AUTHOR = "author"


class PeoplePolicy:
    """Columns of both kinds of connection. ``match_domains``: e-mail domains that count for a match; empty: all."""

    newcomers: Mapped[Newcomers] = mapped_column(named(Newcomers), default=Newcomers.MATCH)
    match_domains: Mapped[list[Any]] = mapped_column(default=list)
    outside_staff: Mapped[OutsideStaff] = mapped_column(named(OutsideStaff), default=OutsideStaff.LEARNER)


class CaseKind(StrEnum):
    """Why it is a case.

    ``conflict``: the address belongs to somebody this LMS knows under another id. ``duplicate``: an account was made
    beside one that has the address. ``doubt``: somebody signed in here whose address is not the one the LMS names, in
    a browser that could not prove to be the one that came. ``placeholder``: many ids bring one address.
    """

    CONFLICT = "conflict"
    DUPLICATE = "duplicate"
    DOUBT = "doubt"
    PLACEHOLDER = "placeholder"


class CaseDecision(StrEnum):
    LINK = "link"
    APART = "apart"
    MERGE = "merge"
    #: It was put right in the other LMS; a placeholder is looked for anew.
    DISMISS = "dismiss"


class PersonCase(TenantScoped, Base):
    """Who (issuer, sub) is, asked of our admin. ``person_id`` has the account in question; ``other_id`` a second one.

    A placeholder has no ``sub``: it is about all who bring ``email_key``. ``evidence`` is what was known when it came
    up, ``reversal`` what takes the decision back, ``history`` [when, who, what] of every decision and its undoing.
    """

    __tablename__ = "lti_person_case"
    __table_args__ = (
        belongs_to("person_id", "person"),
        belongs_to("other_id", "person"),
        sa.UniqueConstraint("tenant_id", "issuer", "sub", "email_key", name="uq_lti_person_case_about"),
        sa.Index("ix_lti_person_case_person", "tenant_id", "person_id"),
        sa.Index("ix_lti_person_case_other", "tenant_id", "other_id"),
        sa.Index("ix_lti_person_case_email", "tenant_id", "issuer", "email_key"),
        sa.Index("ix_lti_person_case_time", "tenant_id", "decided_at", "opened_at"),
    )

    kind: Mapped[CaseKind] = mapped_column(named(CaseKind))
    issuer: Mapped[str]
    sub: Mapped[str] = mapped_column(default="")
    email_key: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    given_name: Mapped[str] = mapped_column(default="")
    family_name: Mapped[str] = mapped_column(default="")
    lms_name: Mapped[str] = mapped_column(default="")
    platform_id: Mapped[UUID | None]
    consumer_key_id: Mapped[UUID | None]
    person_id: Mapped[UUID | None]
    other_id: Mapped[UUID | None]
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    opened_at: Mapped[datetime] = mapped_column(default=clock.now)
    seen_at: Mapped[datetime] = mapped_column(default=clock.now)
    decision: Mapped[CaseDecision | None] = mapped_column(named(CaseDecision))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(default="")
    reversal: Mapped[dict[str, Any]] = mapped_column(default=dict)
    history: Mapped[list[Any]] = mapped_column(default=list)

    @property
    def name(self) -> str:
        """As the other LMS says it."""
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def mixes_alphabets(self) -> bool:
        return any(map(mixes_alphabets, (self.email, *self.name.split())))

    @property
    def undo_until(self) -> datetime | None:
        return self.decided_at + UNDO_FOR if self.decided_at else None


class Introduction(TenantScoped, Base):
    """Somebody came by a proven launch and shall say once, by signing in, who they are here. One use, half an hour.

    ``message`` is what was proven (the claims, or the signed parameters), so that the launch can go on from there.
    """

    __tablename__ = "lti_introduction"
    __table_args__ = (
        belongs_to("platform_id", "lti_platform"),
        belongs_to("consumer_key_id", "lti_consumer_key"),
        belongs_to("activity_id", "activity"),
        sa.UniqueConstraint("tenant_id", "token_hash"),
        sa.Index("ix_lti_introduction_platform", "tenant_id", "platform_id"),
        sa.Index("ix_lti_introduction_consumer", "tenant_id", "consumer_key_id"),
        sa.Index("ix_lti_introduction_activity", "tenant_id", "activity_id"),
        sa.Index("ix_lti_introduction_expiry", "tenant_id", "expires_at"),
    )

    token_hash: Mapped[str]
    issuer: Mapped[str]
    sub: Mapped[str]
    platform_id: Mapped[UUID | None]
    consumer_key_id: Mapped[UUID | None]
    activity_id: Mapped[UUID]
    launch_id: Mapped[UUID]
    lms_name: Mapped[str] = mapped_column(default="")
    message: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
