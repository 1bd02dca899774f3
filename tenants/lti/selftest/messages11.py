"""What another LMS could send by LTI 1.2 under one key, good and bad, and what must become of each (lti.md §2, T1)."""

import secrets as random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import sqlalchemy as sa

from saas import clock
from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.lti.selftest.messages13 import DOMAIN, OF_NEWCOMERS
from tenants.lti.selftest.rehearsal import Outcome, Rehearsal, StandIn, undone
from tenants.lti.tool.addresses import launch12_url
from tenants.lti.tool.launch11 import Posted
from tenants.lti.tool.models11 import ConsumerKey
from tenants.lti.tool.people_models import Newcomers
from tenants.lti.wire import oauth1
from tenants.lti.wire.launch11 import BASIC_LAUNCH, VERSION

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Signer:
    """The key as the other LMS has it."""

    key: str
    secret: str
    activity_id: UUID
    newcomers: Newcomers = Newcomers.MATCH

    def post(self, url: str, fields: Sequence[tuple[str, str]], **changes: Any) -> Posted:
        """A form as a browser posts it, signed for ``url``."""
        options = {
            "key": self.key,
            "secret": self.secret,
            "nonce": random.token_urlsafe(16),
            "timestamp": int(clock.now().timestamp()),
            **changes,
        }
        pairs = oauth1.sign_form(url, fields, **options)
        return Posted("POST", FORM, urlencode(pairs).encode(), "")


@dataclass(frozen=True, slots=True)
class Message:
    """``expected`` is a code, empty when the message must be accepted. Fields of None are left out.

    ``how`` are other arguments of `oauth1.sign_form`; ``url`` is what another address is made of; ``added`` joins the
    form after it was signed.
    """

    name: str
    expected: str = ""
    fields: Mapping[str, str | None] = field(default_factory=dict)
    how: Mapping[str, Any] = field(default_factory=dict)
    url: str = "{}"
    added: str = ""
    method: str = "POST"
    shift: int = 0
    twice: bool = False
    other_activity: bool = False
    step: str = ""


#: Somebody unknown comes; the rule of the key for newcomers says what becomes of them.
GOOD = (
    Message("learner"),
    Message("teacher", fields={"roles": "Instructor"}),
    Message("version_1p1", fields={"lti_version": "LTI-1p1"}),
    Message("clock", shift=200),
)
BAD = (
    Message("get", "LTI11_METHOD", method="GET"),
    Message("repeated", "LTI11_DUPLICATE_PARAM", added="&user_id=another"),
    Message("message_type", "LTI11_MESSAGE_TYPE", fields={"lti_message_type": "self-test"}),
    Message("version", "LTI11_VERSION", fields={"lti_version": "LTI-9"}),
    Message("no_nonce", "LTI11_OAUTH_PARAM", how={"nonce": ""}),
    Message("late", "LTI11_TIMESTAMP", shift=-301),
    Message("early", "LTI11_TIMESTAMP", shift=302),
    Message("unknown_key", "LTI11_UNKNOWN_KEY", how={"key": "nobody-has-this-key"}),
    Message("other_activity", "LTI11_KEY_ACTIVITY", other_activity=True),
    Message("secret", "LTI11_SIGNATURE", how={"secret": "not the secret"}),
    Message("address", "LTI11_SIGNATURE", url="{}/"),
    Message("added", "LTI11_SIGNATURE", added="&ext_added=on+the+way"),
    Message("replayed", "LTI11_NONCE", twice=True),
    Message("no_link", "LTI11_RESOURCE_LINK", fields={"resource_link_id": None}),
    Message("no_user", "LTI11_USER_ID", fields={"user_id": None}),
    Message("no_email", "LTI11_EMAIL", fields={"lis_person_contact_email_primary": None}),
    Message("no_name", "LTI11_NAME", fields={"lis_person_name_given": None, "lis_person_name_family": None}),
)


def play(runtime: Runtime, academy: Academy, stand_in: StandIn, signer: Signer) -> Iterator[tuple[Message, Outcome]]:
    """Each message with what became of it, each in a transaction of its own that is undone."""
    good = [replace(message, expected=OF_NEWCOMERS[signer.newcomers]) for message in GOOD]
    for message in (*good, *BAD):
        with undone(runtime.database, academy.id) as connection:
            _switch_on(runtime, connection, signer)
            rehearsal = Rehearsal(runtime, academy, connection, stand_in, activated=True)
            outcome = _send(message, rehearsal, signer)
        yield message, outcome


def _switch_on(runtime: Runtime, connection: HotConnection, signer: Signer) -> None:
    with ScopedSession(connection.core, connection.tenant_id, runtime.events) as session:
        session.execute(sa.update(ConsumerKey).where(ConsumerKey.key == signer.key).values(is_active=True))


def _send(message: Message, rehearsal: Rehearsal, signer: Signer) -> Outcome:
    activity_id = uuid4() if message.other_activity else signer.activity_id
    url = message.url.format(launch12_url(rehearsal.academy, activity_id))
    fields = {name: value for name, value in {**_fields(), **message.fields}.items() if value is not None}
    at = int(clock.now().timestamp()) + message.shift
    signed = signer.post(url, list(fields.items()), **{"timestamp": at, **message.how})
    posted = Posted(message.method, signed.content_type, signed.body + message.added.encode(), "")
    outcome = rehearsal.form(activity_id, posted)
    return rehearsal.form(activity_id, posted) if message.twice else outcome


def _fields() -> dict[str, str]:
    user = uuid4().hex
    return {
        "lti_message_type": BASIC_LAUNCH,
        "lti_version": VERSION,
        "resource_link_id": "self-test",
        "context_id": "self-test",
        "user_id": user,
        "roles": "Learner",
        "lis_person_name_given": "Self",
        "lis_person_name_family": "Test",
        "lis_person_contact_email_primary": f"{user}@{DOMAIN}",
    }
