"""The launch of LTI 1.2: from a form the other LMS signed to a signed-in learner on the activity, or a refusal.

The order of the checks is that of lti.md §1.1 and of `LAUNCH11_STEPS`. Nonce, decision, person, session and log row are
one transaction; what was signed is judged over our configured addresses, never over what a proxy or header says. A
message that asks for a choice of content comes to the same address and ends at the picker instead.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from saas import clock
from saas.db.base import uuid7
from saas.db.hot import HotConnection
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.lti.launches.models import Launch, Outcome, Protocol
from tenants.lti.tool import content_selection
from tenants.lti.tool.addresses import launch12_urls, origin_of
from tenants.lti.tool.consumers import secrets_of
from tenants.lti.tool.deep_linking import Picking
from tenants.lti.tool.landing import Landed
from tenants.lti.tool.landing11 import ConsumerLanding
from tenants.lti.tool.launch import Arrived
from tenants.lti.tool.policy import Entrance, Policy
from tenants.lti.tool.statements11 import FIND_CONSUMER, KEEP_NONCE, TOUCH_CONSUMER
from tenants.lti.wire import oauth1
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.form11 import Form, read_form
from tenants.lti.wire.launch11 import (
    BASIC_LAUNCH,
    CONTENT_ITEM_SELECTION,
    LAUNCH11_STEPS,
    Consumer,
    Launch11,
    Proven,
    check_key,
    check_launch,
    check_message,
    check_nonce,
    check_signature,
    nonce_lifetime,
)
from tenants.lti.wire.redact import redacted_params
from tenants.lti.wire.text import clean

#: How exactly "last used" is kept: a class that launches at once writes it once.
TOUCH_AFTER = timedelta(minutes=1)
MESSAGE_TYPES = frozenset({BASIC_LAUNCH, CONTENT_ITEM_SELECTION})


@dataclass(frozen=True, slots=True)
class Posted:
    """What came in, byte for byte: the signature is over this and nothing else."""

    method: str
    content_type: str
    body: bytes
    query: str


class FormLaunch:
    """One launch. ``proven`` is there once the signature is believed, also when a later check refuses."""

    def __init__(self, runtime: Runtime, academy: Academy, browser: dict[str, Any], activity_id: UUID) -> None:
        self.runtime = runtime
        self.academy = academy
        self.browser = browser
        self.activity_id = activity_id
        self.urls = launch12_urls(academy, runtime.settings.web, activity_id)
        self.checks = Checklist(LAUNCH11_STEPS)
        self.id = uuid7()
        self.began = clock.now()
        self.form: Form | None = None
        self.row: Any = None
        self.proven: Proven | None = None

    def arrive(self, posted: Posted, *, log_refusal: Callable[[], bool] = lambda: True) -> Arrived | Picking:
        """Raises the `Refused` that the log row shows; the row is committed in either case."""
        with self.runtime.database.hot(self.academy.id) as connection:
            try:
                landed = self._land(connection, posted)
            except Refused as raised:
                refusal = raised
                if self.proven is not None or log_refusal():
                    self._log(connection, Outcome.REFUSED, refusal.code)
            else:
                self._log(connection, Outcome.ACCEPTED, "", landed if isinstance(landed, Landed) else None)
                return Arrived(landed.activity_id, landed.session) if isinstance(landed, Landed) else landed
        raise refusal

    def _land(self, connection: HotConnection, posted: Posted) -> Landed | Picking:
        self.form = read_form(self.checks, posted.method, posted.content_type, posted.body, posted.query)
        self.row = connection.run(FIND_CONSUMER, key=self.form.key).one_or_none()
        sha256 = self.row is not None and self.row.allow_sha256
        methods = oauth1.SUPPORTED if sha256 else oauth1.DEFAULT_METHODS
        check_message(self.checks, self.form, now=self.began, message_types=MESSAGE_TYPES, signature_methods=methods)
        consumer = self._check_key(self.form)
        self.proven = check_signature(self.checks, self.form, consumer, self.urls)
        check_nonce(self.checks, fresh=self._keep_nonce(connection, self.form.nonce))
        launch = check_launch(self.checks, self.proven)
        lms = self.row.name or launch.platform.name or launch.platform.product_family_code or self.row.key
        landed = self._pick(connection, launch, lms) or self._sign_in(connection, launch, lms)
        self._touch(connection, launch, self.proven)
        return landed

    def _sign_in(self, connection: HotConnection, launch: Launch11, lms: str) -> Landed:
        entrance = Entrance(Policy.of(self.row), lms, consumer_key_id=self.row.id)
        landing = ConsumerLanding(connection, self.runtime, self.academy, self.checks, launch, self.row.id, entrance)
        return landing.land(self.id)

    def _pick(self, connection: HotConnection, launch: Launch11, lms: str) -> Picking | None:
        """Somebody builds a course there: a choice begins, nobody signs in."""
        if launch.message_type != CONTENT_ITEM_SELECTION:
            return None
        self.checks = content_selection.further_steps(self.checks)
        return content_selection.begin(connection, self.academy, self.checks, self.row, launch, lms, self.id)

    def _check_key(self, form: Form) -> Consumer:
        row, activity = self.row, str(self.activity_id)
        if row is None:
            return check_key(self.checks, form, None, activity=activity, url=self.urls[0])
        if not row.is_active:
            oauth1.spend_like_a_check(form.signed, self.urls[0])
            seen = f"{row.key}: switched off here"
            self.checks.refuse("key", "LTI11_UNKNOWN_KEY", seen=seen, wanted="an active key of this activity")
        good = secrets_of(self.runtime.secrets, self.academy.id, row, self.began)
        consumer = Consumer(row.key, good, frozenset({str(row.activity_id)}), row.tolerate_query)
        return check_key(self.checks, form, consumer, activity=activity, url=self.urls[0])

    def _keep_nonce(self, connection: HotConnection, nonce: str) -> bool:
        """Only a proven launch may use one up. Of posts at the same moment, the database lets one be the first."""
        until = self.began + timedelta(seconds=nonce_lifetime())
        return bool(connection.run(KEEP_NONCE, new_id=uuid7(), consumer=self.row.id, new_nonce=nonce, until=until))

    def _touch(self, connection: HotConnection, launch: Launch11, proven: Proven) -> None:
        row = self.row
        origin = origin_of(launch.return_url) or origin_of(launch.raw.get("content_item_return_url", ""))
        said = {
            "current_used": row.current_used or proven.secret == 0,
            "product": launch.platform.product_family_code or row.product,
            "instance": launch.platform.name or row.instance,
            "origin": origin or row.origin,
        }
        stale = row.last_used_at is None or self.began - row.last_used_at > TOUCH_AFTER
        if stale or any(getattr(row, name) != value for name, value in said.items()):
            fresh = {f"new_{name}": value for name, value in {**said, "last_used_at": self.began}.items()}
            connection.run(TOUCH_CONSUMER, consumer=row.id, **fresh)

    def _log(self, connection: HotConnection, outcome: Outcome, code: str, landed: Landed | None = None) -> None:
        values = self.form.values if self.form else {}
        connection.add(
            Launch(
                id=self.id,
                started_at=self.began,
                finished_at=clock.now(),
                outcome=outcome,
                code=code,
                message_type=clean(values.get("lti_message_type")),
                protocol=Protocol.LTI_12.value,
                consumer_key_id=self.row.id if self.row is not None else None,
                platform_name=self._consumer_name(),
                person_id=landed.person_id if landed else None,
                person_name=landed.person_name if landed else clean(values.get("lis_person_name_full"), 200),
                activity_id=landed.activity_id if landed else None,
                target=self.urls[0],
                checks={"login": [], "launch": self.checks.as_json()},
                claims=redacted_params((*self.form.pairs, *self.form.query) if self.form else ()),
                browser=self.browser,
            )
        )

    def _consumer_name(self) -> str:
        """What we call it; what it calls itself only when it has proven who it is."""
        if self.row is None:
            return ""
        said = self.proven.values.get("tool_consumer_instance_name") if self.proven else self.row.instance
        return self.row.name or clean(said, 200) or self.row.product or self.row.key
