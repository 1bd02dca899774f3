"""Content-Item Selection 1.0: the same choice for an LMS on LTI 1.x, answered with a form signed by its key."""

import secrets as random
from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.secrets import Secrets
from saas.tenancy.resolve import Academy
from tenants.audit.services import Keeper
from tenants.lti.launches.models import Protocol as Spoken
from tenants.lti.tool import selection
from tenants.lti.tool.consumers import signing_secret
from tenants.lti.tool.deep_linking import Picking
from tenants.lti.tool.models11 import ConsumerKey
from tenants.lti.tool.selection import Asker, Fields, offer_of
from tenants.lti.tool.sharing_models import Selection
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.content_items import CONTENT_ITEM_STEPS, check_offer, response_form
from tenants.lti.wire.launch11 import Consumer, Launch11
from tenants.lti.wire.selection import Picked


class KeyRow(Protocol):
    """Of the consumer's row: a key opens one activity, so that is all it can be offered."""

    @property
    def id(self) -> Any: ...
    @property
    def activity_id(self) -> Any: ...


def further_steps(checks: Checklist) -> Checklist:
    """What was checked so far, going on with the steps of a choice."""
    return Checklist(CONTENT_ITEM_STEPS, checks.checks)


def begin(
    keeper: Keeper, academy: Academy, checks: Checklist, row: KeyRow, launch: Launch11, lms_name: str, launch_id: UUID
) -> Picking:
    """Steps "staff" to "person" on a proven request (``checks`` from `further_steps`). Raises `Refused`."""
    offer = check_offer(checks, launch)
    if not academy.has("lti"):
        raise Refused("LTI_NOT_AVAILABLE", seen="LTI is off for this academy")
    checks.note("person", f"{launch.person.full_name or launch.sub}; choosing needs no account here")
    asker = Asker(Spoken.LTI_12, lms_name, consumer_key_id=row.id, activity_id=row.activity_id)
    return Picking(selection.begin(keeper, offer, asker, launch_id))


class ContentItemAnswer:
    """The answer of LTI 1.x: every field, signed with the secret the consumer knows."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def __call__(self, session: ScopedSession, academy: Academy, chosen: Selection, items: Sequence[Picked]) -> Fields:
        key = session.get_one(ConsumerKey, chosen.consumer_key_id)
        if not key.is_active:
            raise Refused("LTI_NOT_AVAILABLE", seen="the key is switched off")
        now = clock.now()
        consumer = Consumer(key.key, (signing_secret(self._secrets, academy.id, key, now),))
        nonce = random.token_urlsafe(24)
        return response_form(offer_of(chosen), consumer, items, nonce=nonce, timestamp=int(now.timestamp()))
