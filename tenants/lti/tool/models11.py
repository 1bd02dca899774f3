"""LTI 1.0 and 1.1, sold as 1.2: the keys we gave out, the launches they have used up, and where their scores go."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from saas import clock
from saas.db.base import Base
from saas.db.scope import TenantScoped, belongs_to
from tenants.catalog.models import Activity
from tenants.lti.tool.people_models import PeoplePolicy


class ConsumerKey(PeoplePolicy, TenantScoped, Base):
    """Key and secret of one activity, for one consumer or for all of them.

    After a rotation the previous secret stays good until ``previous_until``; ``current_used`` says that the other LMS
    has signed with the current one, so that scores are signed with what it knows. ``product``, ``instance`` and
    ``origin`` are what its last proven launch said of it.
    """

    __tablename__ = "lti_consumer_key"
    __table_args__ = (
        belongs_to("activity_id", "activity"),
        sa.UniqueConstraint("tenant_id", "key"),
        sa.Index("ix_lti_consumer_key_activity", "tenant_id", "activity_id"),
    )

    activity_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(default="")
    key: Mapped[str]
    sealed_secret: Mapped[str] = mapped_column(info={"sealed": "lti.consumer_secret"})
    sealed_previous: Mapped[str | None] = mapped_column(info={"sealed": "lti.consumer_secret"})
    previous_until: Mapped[datetime | None]
    current_used: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    allow_sha256: Mapped[bool] = mapped_column(default=False)
    tolerate_query: Mapped[bool] = mapped_column(default=False)
    product: Mapped[str] = mapped_column(default="")
    instance: Mapped[str] = mapped_column(default="")
    origin: Mapped[str] = mapped_column(default="")
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    activity: Mapped[Activity] = relationship(
        primaryjoin=lambda: foreign(ConsumerKey.activity_id) == Activity.id, viewonly=True
    )

    @property
    def label(self) -> str:
        """For people: what we call it, or how the other LMS calls itself."""
        return self.name or self.instance or self.product or self.key


class ConsumerNonce(TenantScoped, Base):
    """A launch that was used. Kept as long as its timestamp could come again."""

    __tablename__ = "lti_consumer_nonce"
    __table_args__ = (
        belongs_to("consumer_key_id", "lti_consumer_key"),
        sa.UniqueConstraint("tenant_id", "consumer_key_id", "nonce"),
        sa.Index("ix_lti_consumer_nonce_expiry", "tenant_id", "expires_at"),
    )

    consumer_key_id: Mapped[UUID]
    nonce: Mapped[str]
    expires_at: Mapped[datetime]


class OutcomeRoute(TenantScoped, Base):
    """Where one person's score goes by Basic Outcomes; its id is the ``route_id`` of a score delivery.

    ``sourcedid`` is kept and sent back byte for byte.
    """

    __tablename__ = "lti_outcome_route"
    __table_args__ = (
        belongs_to("consumer_key_id", "lti_consumer_key"),
        belongs_to("person_id", "person"),
        sa.UniqueConstraint(
            "tenant_id", "consumer_key_id", "resource_link_id", "person_id", name="uq_lti_outcome_route_key"
        ),
        sa.Index("ix_lti_outcome_route_person", "tenant_id", "person_id"),
    )

    consumer_key_id: Mapped[UUID]
    resource_link_id: Mapped[str]
    person_id: Mapped[UUID]
    service_url: Mapped[str]
    sourcedid: Mapped[str]
    link_title: Mapped[str] = mapped_column(default="")
    context_title: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    consumer: Mapped[ConsumerKey] = relationship(
        primaryjoin=lambda: foreign(OutcomeRoute.consumer_key_id) == ConsumerKey.id, viewonly=True
    )
