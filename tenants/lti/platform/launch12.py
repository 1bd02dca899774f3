"""Opening a tool with LTI 1.2: one signed form (LTI 1.1.1 §4), made at the moment it is sent."""

import secrets
from dataclasses import dataclass

from saas import clock
from saas.secrets import Secrets
from tenants.learning.outside import OutsideResults
from tenants.lti.launches.models import Outcome
from tenants.lti.platform.addresses import outcomes_url
from tenants.lti.platform.models import ToolLink
from tenants.lti.platform.opening import Opening, Sitting, seated
from tenants.lti.platform.sourcedids import write_sourcedid
from tenants.lti.platform.users import shares_of_link
from tenants.lti.wire import consumer12
from tenants.lti.wire.oauth1 import Pairs
from tenants.lti.wire.redact import redacted_params


@dataclass(frozen=True, slots=True)
class SignedForm:
    """``fields`` are signed: nothing may be added to the form."""

    url: str
    fields: Pairs


def open_by_form(opening: Opening, link: ToolLink, sitting: Sitting, secrets_: Secrets) -> SignedForm:
    """Takes part, signs, and writes the log. Whoever calls has seen to `Opening.link` and consent."""
    OutsideResults(opening.session).begin(sitting.person.id, opening.activity)
    launch_id, seat = seated(sitting, opening.academy, opening.activity)
    parameters = consumer12.parameters(
        opening.occasion(link, sitting.person, seat),
        shares_of_link(link),
        outcome_url=outcomes_url(opening.academy),
        sourcedid=write_sourcedid(secrets_, opening.academy.id, link.id, sitting.person.id),
    )
    current, *_previous = opening.links.secrets_of(link)
    fields = consumer12.signed(
        link.url,
        parameters,
        key=link.key,
        secret=current,
        nonce=secrets.token_hex(16),
        timestamp=int(clock.now().timestamp()),
    )
    opening.checks.note("sent", link.url)
    opening.log(
        link,
        sitting,
        id=launch_id,
        outcome=Outcome.ACCEPTED,
        finished_at=clock.now(),
        message_type=consumer12.MESSAGE_TYPE,
        claims=redacted_params(fields),
    )
    return SignedForm(link.url, fields)
