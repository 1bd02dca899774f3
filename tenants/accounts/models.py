"""People of an academy and the one-time links that let them in."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from saas import clock
from saas.db.base import Base, named
from saas.db.scope import TenantScoped, belongs_to
from tenants.access import STAFF, Role
from tenants.accounts.names import mixes_alphabets


class PersonStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class MadeBy(StrEnum):
    """Who made the account; only accounts an LMS made are kept up to date from its launches."""

    ACADEMY = "academy"
    LTI = "lti"


class Person(TenantScoped, Base):
    """``email_key`` is the normalised address and unique in the academy; ``external_id`` is the id an LMS gave."""

    __tablename__ = "person"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "email_key"),)

    email: Mapped[str | None]
    email_key: Mapped[str | None]
    given_name: Mapped[str]
    family_name: Mapped[str]
    role: Mapped[Role] = mapped_column(named(Role), default=Role.LEARNER)
    status: Mapped[PersonStatus] = mapped_column(named(PersonStatus), default=PersonStatus.ACTIVE)
    made_by: Mapped[MadeBy] = mapped_column(named(MadeBy), default=MadeBy.ACADEMY)
    external_id: Mapped[str | None]
    password_hash: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def mixes_alphabets(self) -> bool:
        """Of the address all of it, of the name each word: many people write their two names in two alphabets."""
        return any(map(mixes_alphabets, (self.email, *self.name.split())))

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF

    @hybrid_property
    def is_guest(self) -> bool:
        """Another learning system made the account, and nobody has proven its address here by signing in with it."""
        return self.made_by is MadeBy.LTI and not self.password_hash

    @is_guest.inplace.expression
    @classmethod
    def _is_guest(cls) -> sa.ColumnElement[bool]:
        return sa.and_(cls.made_by == MadeBy.LTI, sa.func.coalesce(cls.password_hash, "") == "")


class SignInLink(TenantScoped, Base):
    """A link that signs one person in once. Only its hash is kept."""

    __tablename__ = "sign_in_link"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "token_hash"),
        belongs_to("person_id", "person"),
        sa.Index("ix_sign_in_link_person", "tenant_id", "person_id"),
    )

    token_hash: Mapped[str]
    person_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
