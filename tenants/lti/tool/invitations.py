"""A link for the admin of another LMS, and how far they have come with it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.outbound import Outbound
from saas.problems import Refused
from saas.sessions import hash_token
from tenants.grades.models import DeliveryState, ScoreDelivery
from tenants.lti.entered import InvalidValues
from tenants.lti.launches.models import Launch, Outcome
from tenants.lti.tool.landing13 import CHANNEL
from tenants.lti.tool.models import Participant, Platform, PlatformKeys, ResourceLink
from tenants.lti.tool.platforms import Platforms, PlatformValues, borrows
from tenants.lti.tool.sharing_models import Invitation

LIFETIME = timedelta(hours=24)
#: How long the set-up page goes on showing what has arrived, counted from when the link was made.
WATCHED = timedelta(days=7)
BORROWED = "This issuer is known here with keys from another site; ask the academy to enter your system by hand"
TAKEN = "This issuer and client ID are registered here already"


@dataclass(frozen=True, slots=True)
class Marks:
    """What has arrived from the platform of an invitation; ``refused`` is the code of the newest launch if it failed.

    ``keys_error``: why its keys could not be read.
    """

    platform: Platform | None
    was_declined: bool
    keys_at: datetime | None
    keys_error: str
    login_at: datetime | None
    launch_at: datetime | None
    score_at: datetime | None
    refused: str

    @property
    def all_done(self) -> bool:
        """Nothing more will change that is worth asking for."""
        return self.was_declined or None not in (self.keys_at, self.launch_at, self.score_at)


class Invitations:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def make(self, made_by: str) -> tuple[Invitation, str]:
        """The row and the token, which is shown once and kept as a hash only."""
        token = secrets.token_urlsafe(32)
        row = Invitation(token_hash=hash_token(token), made_by=made_by, expires_at=clock.now() + LIFETIME)
        self.session.add(row)
        self.session.flush()
        return row, token

    def pending(self) -> Sequence[Invitation]:
        """Those nothing has come of yet, newest first."""
        query = sa.select(Invitation).where(Invitation.used_at.is_(None), Invitation.expires_at > clock.now())
        return self.session.scalars(query.order_by(Invitation.created_at.desc())).all()

    def get(self, invitation_id: UUID) -> Invitation:
        found = self.session.get(Invitation, invitation_id)
        if found is None:
            raise Refused("WEB_NOT_FOUND")
        return found

    def by_token(self, token: str, *, lock: bool = False) -> Invitation:
        """For the set-up page, which stays after its use. `Refused` LTI13_REG_LINK. ``lock``: of two at once, one."""
        query = sa.select(Invitation).where(Invitation.token_hash == hash_token(token))
        found = self.session.scalar(query.with_for_update() if lock else query)
        now = clock.now()
        if found is None or now > (found.created_at + WATCHED if found.used_at else found.expires_at):
            raise Refused("LTI13_REG_LINK", seen="unknown here" if found is None else "too old")
        return found

    def claim(self, token: str) -> Invitation:
        """Uses it up, for one of all who try at once. `Refused` LTI13_REG_LINK."""
        now = clock.now()
        fresh = sa.update(Invitation).where(
            Invitation.token_hash == hash_token(token), Invitation.used_at.is_(None), Invitation.expires_at > now
        )
        if self.session.scalar(fresh.values(used_at=now).returning(Invitation.id)) is None:
            raise Refused("LTI13_REG_LINK", seen="used, too old, or not of this academy")
        return self.by_token(token)

    def release(self, invitation: Invitation) -> None:
        """Nothing came of the try: the link is good for another one."""
        invitation.used_at = None

    def withdraw(self, invitation: Invitation) -> None:
        self.session.delete(invitation)

    def marks(self, invitation: Invitation) -> Marks:
        platform = self.session.get(Platform, invitation.platform_id) if invitation.platform_id else None
        if platform is None:
            declined = invitation.platform_id is not None
            return Marks(None, declined, None, "", None, None, None, "")
        keys = self.session.scalar(sa.select(PlatformKeys).where(PlatformKeys.platform_id == platform.id))
        newest = self.session.scalar(_launches(platform.id).limit(1))
        good = self.session.scalar(_launches(platform.id).where(Launch.outcome == Outcome.ACCEPTED).limit(1))
        return Marks(
            platform,
            was_declined=False,
            keys_at=platform.created_at if platform.pasted_key else keys.fetched_at if keys else None,
            keys_error=keys.error if keys else "",
            login_at=newest.started_at if newest else None,
            launch_at=good.started_at if good else None,
            score_at=self._scored(platform.id),
            refused=newest.code if newest and newest.outcome is Outcome.REFUSED else "",
        )

    def _scored(self, platform_id: UUID) -> datetime | None:
        routes = (
            sa.select(Participant.id)
            .join(ResourceLink, ResourceLink.id == Participant.resource_link_id)
            .where(ResourceLink.platform_id == platform_id)
        )
        sent = sa.select(sa.func.max(ScoreDelivery.sent_at)).where(
            ScoreDelivery.channel == CHANNEL,
            ScoreDelivery.route_id.in_(routes),
            ScoreDelivery.state.in_((DeliveryState.SENT, DeliveryState.CONFIRMED)),
        )
        return self.session.scalar(sent)


def _launches(platform_id: UUID) -> sa.Select[Launch]:
    return (
        sa.select(Launch).where(Launch.platform_id == platform_id).order_by(Launch.started_at.desc(), Launch.id.desc())
    )


def register(session: ScopedSession, outbound: Outbound, invitation: Invitation, values: PlatformValues) -> Platform:
    """The platform as the other side says it is; it waits for our admin. Raises `InvalidValues`.

    ``values.deployment_ids`` may be empty: an LMS may know its deployment only after it was deployed.
    """
    platforms = Platforms(session, outbound)
    there = session.get(Platform, invitation.platform_id) if invitation.platform_id else None
    same = sa.select(Platform).where(Platform.issuer == values.issuer, Platform.client_id == values.client_id)
    if session.scalar(same) not in (None, there):
        raise InvalidValues({"client_id": TAKEN})  # without the name we gave that platform
    if borrows(session, values.issuer, values.jwks_url):
        raise InvalidValues({"issuer": BORROWED})
    if there is not None and there.approved_at is None:
        platforms.edit(there, values, waits_for_deployment=True)
        return there
    platform = platforms.create(values, waits_for_deployment=True)
    platform.approved_at = None
    platform.is_active = False
    invitation.used_at = invitation.used_at or clock.now()
    invitation.platform_id = platform.id
    session.flush()
    return platform
