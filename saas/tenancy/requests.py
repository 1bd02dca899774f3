"""Features on request: an admin asks, the operator switches on or declines, and both sides keep a line of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.tenancy.lifecycle import FEATURES, Lifecycle
from saas.tenancy.models import OPERATOR, FeatureRequest, RequestState, Tenant

if TYPE_CHECKING:
    from saas.runtime import Runtime

MESSAGE_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class FeatureAnswered:
    """Announced in the academy's session and in the operator's. ``answer``: on, off or declined."""

    slug: str
    feature: str
    answer: str
    reason: str
    by: str


class Requests:
    """What was asked; ``session`` is the shell's, because the operator sees all academies at once."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def open(self) -> Sequence[FeatureRequest]:
        """Oldest first, with their tenants."""
        query = sa.select(FeatureRequest).where(FeatureRequest.state == RequestState.OPEN)
        query = query.options(selectinload(FeatureRequest.tenant)).order_by(FeatureRequest.asked_at, FeatureRequest.id)
        return self.session.scalars(query).all()

    def latest(self, tenant_id: int, feature: str) -> FeatureRequest | None:
        query = sa.select(FeatureRequest).where(
            FeatureRequest.tenant_id == tenant_id, FeatureRequest.feature == feature
        )
        return self.session.scalar(query.order_by(FeatureRequest.asked_at.desc(), FeatureRequest.id.desc()).limit(1))

    def answer(self, tenant: Tenant, feature: str, state: RequestState, reason: str, by: str) -> bool:
        """Whether there was an open one."""
        found = self.latest(tenant.id, feature)
        if found is None or found.state is not RequestState.OPEN:
            return False
        found.state, found.reason, found.answered_by, found.answered_at = state, reason.strip(), by, clock.now()
        return True


def ask(session: ScopedSession, feature: str, message: str, by: str) -> None:
    """In the academy's own transaction. Where one is open already the database refuses a second."""
    if feature not in FEATURES:
        raise Refused("FEATURE_UNKNOWN", seen=feature, wanted=", ".join(FEATURES))
    request = FeatureRequest(
        tenant_id=session.tenant_id, feature=feature, message=message.strip()[:MESSAGE_LENGTH], asked_by=by
    )
    session.add(request)
    session.flush()


def switch(runtime: "Runtime", slug: str, feature: str, *, on: bool, reason: str, by: str) -> None:
    """On also answers the open request."""

    def change(session: Session, tenant: Tenant) -> None:
        Lifecycle(session, runtime.settings.web).switch(slug, feature, on=on, reason=reason)
        if on:
            Requests(session).answer(tenant, feature, RequestState.GRANTED, reason, by)

    _told(runtime, FeatureAnswered(slug, feature, "on" if on else "off", reason, by), change)


def decline(runtime: "Runtime", slug: str, feature: str, *, reason: str, by: str) -> None:
    """Raises `Refused` where nothing is asked (any more)."""

    def change(session: Session, tenant: Tenant) -> None:
        if not Requests(session).answer(tenant, feature, RequestState.DECLINED, reason, by):
            raise Refused("REQUEST_ANSWERED", seen=feature)

    _told(runtime, FeatureAnswered(slug, feature, "declined", reason, by), change)


def _told(runtime: "Runtime", answered: FeatureAnswered, change: Callable[[Session, Tenant], None]) -> None:
    """The change and its line on both sides, in one transaction."""
    with runtime.database.write.begin() as connection:
        with Session(connection) as session:
            tenant = Lifecycle(session, runtime.settings.web).by_slug(answered.slug)
            change(session, tenant)
            session.flush()
            sides = (tenant.id, OPERATOR)
        for tenant_id in sides:
            with ScopedSession(connection, tenant_id, runtime.events) as scoped:
                scoped.announce(answered)
                scoped.flush()
    runtime.tenants.forget()
