"""Submission review: a teacher of the other LMS looks at the attempts of one learner (`tenants.lti.wire.review`).

Nobody signs in and nothing is written. The page's address is all that is needed: a value sealed for this academy that
names the learner's place in a link, good for an hour, so that it works in a frame where the browser keeps no cookie.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import orjson
import sqlalchemy as sa

from saas import clock
from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.runtime import Runtime
from saas.secrets import SealError, Secrets
from saas.tenancy.resolve import Academy
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.learning.models import Attempt
from tenants.learning.services import Learning
from tenants.lti.tool.models import Participant, ResourceLink
from tenants.lti.tool.registrations import KnownPlatform
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.claims import LaunchClaims
from tenants.lti.wire.review import REVIEW_STEPS, ForUser, check_reviewer

PURPOSE = "lti.review"
LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reviewing:
    """A good request: the token of the page's address."""

    token: str


def further_steps(checks: Checklist) -> Checklist:
    """What was checked so far, going on with the steps of a review."""
    return Checklist(REVIEW_STEPS, checks.checks)


def begin(
    connection: HotConnection,
    runtime: Runtime,
    academy: Academy,
    checks: Checklist,
    platform: KnownPlatform,
    launch: LaunchClaims,
) -> Reviewing:
    """Steps "available" to "submission" on a proven request. Raises `Refused`."""
    off = "" if academy.has("lti") else "LTI is off for this academy"
    off = off or ("" if platform.is_active else "the platform is not activated")
    checks.require("available", not off, "LTI_NOT_AVAILABLE", seen=off or platform.name)
    asked = check_reviewer(checks, launch)
    with ScopedSession(connection.core, academy.id, runtime.events) as session:
        place = _place(session, platform.id, launch, asked)
        if place is None:
            seen = f"user {asked.sub}, grade column {launch.ags.lineitem if launch.ags else 'none'}"
            checks.refuse("submission", "LTI_REVIEW_NOBODY", seen=seen, wanted="a learner who came over that link")
        checks.note("submission", session.get_one(Person, place.person_id).name)
        until = (clock.now() + LIFETIME).timestamp()
        value = orjson.dumps({"place": str(place.id), "back": launch.return_url, "until": until})
    return Reviewing(runtime.secrets.seal(academy.id, PURPOSE, value))


def _place(session: ScopedSession, platform_id: UUID, launch: LaunchClaims, asked: ForUser) -> Participant | None:
    """By the grade column or the link, of this platform only; the link used last where there are several."""
    link = launch.resource_link.id if launch.resource_link else ""
    line_item = launch.ags.lineitem if launch.ags else ""
    by_link = sa.and_(ResourceLink.resource_link_id == link, ResourceLink.deployment_id == launch.deployment_id)
    named = [ResourceLink.line_item == line_item] if line_item else []
    query = (
        sa.select(Participant)
        .join(ResourceLink, ResourceLink.id == Participant.resource_link_id)
        .where(ResourceLink.platform_id == platform_id, Participant.sub == asked.sub)
        .where(sa.or_(*named, by_link if link else sa.false()))
        .order_by(ResourceLink.changed_at.desc(), ResourceLink.id)
    )
    return session.scalar(query.limit(1))


@dataclass(frozen=True, slots=True)
class Review:
    """What the page shows. ``attempts`` newest first; of a playlist also those of its parts."""

    person: Person
    activity: Activity
    attempts: Sequence[Attempt]
    lms: str
    back_url: str


class Reviews:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession, academy: Academy, secrets: Secrets) -> None:
        self.session = session
        self.academy = academy
        self.secrets = secrets

    def open(self, token: str) -> Review:
        """Raises `Refused` LTI_REVIEW_OVER, or LTI_NOT_AVAILABLE when the platform was paused meanwhile."""
        try:
            said = orjson.loads(self.secrets.open(self.academy.id, PURPOSE, token))
        except (SealError, UnicodeError):
            raise Refused("LTI_REVIEW_OVER", seen="no review begun here") from None
        place = self.session.get(Participant, UUID(said["place"]))
        if place is None or said["until"] <= clock.now().timestamp():
            raise Refused("LTI_REVIEW_OVER", seen="older than an hour" if place else "the learner is gone")
        link = place.link
        if not link.platform.is_active or not self.academy.has("lti"):
            raise Refused("LTI_NOT_AVAILABLE", seen="the platform is not activated")
        activity = self.session.get_one(Activity, link.activity_id)
        parts = [item.activity_id for item in activity.items] if activity.is_playlist else []
        attempts = Learning(self.session, place.person_id).attempts([activity.id, *parts])
        person = self.session.get_one(Person, place.person_id)
        return Review(person, activity, attempts, link.platform.name, said["back"])
