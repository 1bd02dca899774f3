"""Deep Linking 2.0: a proven request becomes a choice, the choice a signed answer (`tenants.lti.wire.deeplink`)."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from saas import clock
from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.tenancy.resolve import Academy
from tenants.lti.keys import KeyRing
from tenants.lti.launches.models import Protocol
from tenants.lti.tool import selection
from tenants.lti.tool.models import Platform
from tenants.lti.tool.registrations import KnownPlatform
from tenants.lti.tool.selection import Asker, Fields, offer_of
from tenants.lti.tool.sharing_models import Selection
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.claims import LaunchClaims
from tenants.lti.wire.deeplink import DEEP_LINKING_STEPS, FORM_FIELD, check_offer, response_claims
from tenants.lti.wire.jws import sign
from tenants.lti.wire.selection import Picked


@dataclass(frozen=True, slots=True)
class Picking:
    """A good request: the token of the picker's address."""

    token: str


def further_steps(checks: Checklist) -> Checklist:
    """What was checked so far, going on with the steps of a choice."""
    return Checklist(DEEP_LINKING_STEPS, checks.checks)


def begin(
    connection: HotConnection,
    academy: Academy,
    checks: Checklist,
    platform: KnownPlatform,
    launch: LaunchClaims,
    launch_id: UUID,
) -> Picking:
    """Steps "staff" to "person" on a proven request. Raises `Refused`."""
    offer = check_offer(checks, launch, (platform.auth_url,))
    wrong = "LTI is off for this academy" if not academy.has("lti") else ""
    wrong = wrong or ("" if platform.is_active else "the platform is not activated")
    if wrong:
        raise Refused("LTI_NOT_AVAILABLE", seen=wrong)
    checks.note("person", f"{launch.person.full_name or launch.sub}; choosing needs no account here")
    asker = Asker(Protocol.LTI_13, platform.name, platform_id=platform.id, deployment_id=launch.deployment_id)
    return Picking(selection.begin(connection, offer, asker, launch_id))


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom the answer is for, as `response_claims` wants it."""

    issuer: str
    client_id: str
    deployment_id: str


class DeepLinkAnswer:
    """The answer of LTI 1.3: one field, signed with our key."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def __call__(self, session: ScopedSession, academy: Academy, chosen: Selection, items: Sequence[Picked]) -> Fields:
        platform = session.get_one(Platform, chosen.platform_id)
        if not platform.is_active:
            raise Refused("LTI_NOT_AVAILABLE", seen="the platform is not activated")
        asked = Asked(platform.issuer, platform.client_id, chosen.deployment_id)
        claims = response_claims(asked, offer_of(chosen), items, nonce=secrets.token_urlsafe(24), now=clock.now())
        return [(FORM_FIELD, sign(claims, self._keys.active(academy.id)))]
