"""What an activity of a tool opens: checked, kept, copied. What people paste is cleaned before it gets here."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.outbound import Outbound
from saas.problems import Refused
from saas.secrets import Secrets
from tenants.catalog.models import Activity
from tenants.lti.entered import InvalidValues, address_fault
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.models import OpensIn, Tool, ToolKind, ToolLink
from tenants.lti.platform.tools import domains_of
from tenants.lti.wire.consumer12 import query_fault
from tenants.lti.wire.custom_rows import rows_fault
from tenants.lti.wire.text import identifier_fault, is_at

PURPOSE = "lti.tool_secret"
#: Results signed with the previous secret are taken this long, so that the vendor has time to change over.
OVERLAP = timedelta(days=7)
SECRET_LIMIT = 1000
FROM_THEM = "Enter it as the other learning system gave it to you"


@dataclass(frozen=True, slots=True)
class LinkValues:
    """What an author enters. An empty ``secret`` keeps the one there is; ``url`` may be left to a tool that has one.

    A ``resource_link_id`` must be there for LTI 1.2; LTI 1.3 keeps its own, or gets one.
    """

    lti_version: Protocol
    tool_id: UUID | None = None
    url: str = ""
    resource_link_id: str = ""
    key: str = ""
    secret: str = ""
    send_name: bool = True
    send_email: bool = True
    custom: tuple[tuple[str, str], ...] = ()
    opens_in: OpensIn = OpensIn.FRAME
    results_until: datetime | None = None


def new_resource_link_id() -> str:
    return uuid4().hex


def is_complete(link: ToolLink | None) -> bool:
    """Whether it could be opened. A copy has no secret yet, and a deleted tool takes its links along."""
    if link is None or not link.url or not link.resource_link_id:
        return False
    if link.lti_version is Protocol.LTI_12:
        return bool(link.key and link.sealed_secret) and not query_fault(link.url)
    return link.tool_id is not None


def sealed_secrets(link: ToolLink) -> list[str]:
    """The current secret, then the previous one while it is good; empty where there is none."""
    overlaps = link.sealed_previous and link.previous_until and link.previous_until > clock.now()
    return [each for each in (link.sealed_secret, link.sealed_previous if overlaps else "") if each]


class ToolLinks:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession, secrets: Secrets, outbound: Outbound) -> None:
        self.session = session
        self.secrets = secrets
        self.outbound = outbound

    def of(self, activity: Activity) -> ToolLink | None:
        return self.session.scalar(sa.select(ToolLink).where(ToolLink.activity_id == activity.id))

    def get(self, link_id: UUID) -> ToolLink:
        link = self.session.get(ToolLink, link_id)
        if link is None:
            raise Refused("WEB_NOT_FOUND")
        return link

    def save(self, activity: Activity, values: LinkValues) -> ToolLink:
        """Made with the first values; an activity has one link. Raises `InvalidValues` with what is wrong per field.

        `Refused` LTI_LINK_OWN where the content is written here.
        """
        if not activity.is_outside:
            raise Refused("LTI_LINK_OWN", seen=activity.title)
        link = self.of(activity)
        if faults := self.faults(link, values):
            raise InvalidValues(faults)
        link = link or ToolLink(activity_id=activity.id, sealed_secret="")
        self._apply(link, values)
        self.session.add(link)
        self.session.flush()
        self.session.expire(link, ["tool"])
        return link

    def faults(self, link: ToolLink | None, values: LinkValues) -> dict[str, str]:
        """What is wrong with each field, in words; empty when all is well."""
        legacy = values.lti_version is Protocol.LTI_12
        found = self._legacy_faults(link, values) if legacy else self._tool_faults(values)
        if fault := self._link_id_fault(link, values):
            found["resource_link_id"] = fault
        if fault := self.url_fault(values):
            found["url"] = fault
        if fault := rows_fault(values.custom, folded=legacy):
            found["custom"] = fault
        return found

    def url_fault(self, values: LinkValues) -> str:
        if values.lti_version is Protocol.LTI_13 and not values.url and self._target_of(values.tool_id):
            return ""
        fault = address_fault(self.outbound, values.url)
        if values.lti_version is Protocol.LTI_12:
            return fault or query_fault(values.url)
        return fault or self._domain_fault(values)

    def _domain_fault(self, values: LinkValues) -> str:
        """Without redirect URIs the token goes to this very address, which is an author's to write, not an admin's."""
        tool = self._tool(values.tool_id)
        if tool is None or tool.redirect_urls or is_at(values.url, domains_of(tool)):
            return ""
        return f"It must be at {' or '.join(sorted(domains_of(tool)))}: the tool has no redirect URIs"

    def _tool_faults(self, values: LinkValues) -> dict[str, str]:
        found = {}
        if self._tool(values.tool_id) is None:
            found["tool_id"] = "Choose the tool"
        return found

    def _legacy_faults(self, link: ToolLink | None, values: LinkValues) -> dict[str, str]:
        found = {}
        if not values.key:
            found["key"] = FROM_THEM
        elif fault := identifier_fault(values.key):
            found["key"] = f"This cannot be right: {fault}"
        if not values.secret and not (link and link.sealed_secret):
            found["secret"] = FROM_THEM
        elif len(values.secret) > SECRET_LIMIT:
            found["secret"] = f"A secret has at most {SECRET_LIMIT} characters"
        return found

    def _link_id_fault(self, link: ToolLink | None, values: LinkValues) -> str:
        """A resource link names one activity: two with the same name would share their learners' results."""
        if not values.resource_link_id.strip():
            return "Enter anything here; this field must not be empty" if values.lti_version is Protocol.LTI_12 else ""
        if fault := identifier_fault(values.resource_link_id):
            return f"This cannot be right: {fault}"
        same = sa.select(ToolLink).where(ToolLink.resource_link_id == values.resource_link_id)
        with self.session.no_autoflush:
            other = self.session.scalar(same)
        if other is None or other is link:
            return ""
        return f"“{other.activity.title}” has this resource link already; add a character"

    def _target_of(self, tool_id: UUID | None) -> str:
        tool = self._tool(tool_id)
        return tool.target_url if tool else ""

    def _tool(self, tool_id: UUID | None) -> Tool | None:
        """One that an author may choose: not what belongs to another feature."""
        tool = self.session.get(Tool, tool_id) if tool_id else None
        return tool if tool is not None and tool.kind is ToolKind.LTI else None

    def _apply(self, link: ToolLink, values: LinkValues) -> None:
        legacy = values.lti_version is Protocol.LTI_12
        self._keep_secret(link, values)
        link.lti_version, link.opens_in, link.results_until = values.lti_version, values.opens_in, values.results_until
        link.tool_id = None if legacy else values.tool_id
        link.key = values.key if legacy else ""
        link.url = values.url or self._target_of(values.tool_id)
        link.resource_link_id = values.resource_link_id or link.resource_link_id or new_resource_link_id()
        link.send_name, link.send_email = values.send_name, values.send_email
        link.custom = [list(row) for row in values.custom]

    def _keep_secret(self, link: ToolLink, values: LinkValues) -> None:
        """A new secret of the same key leaves the old one good for a while; another key or LTI 1.3 leaves nothing."""
        if values.lti_version is Protocol.LTI_13:
            link.sealed_secret = ""
            self.end_previous(link)
            return
        if link.key and values.key != link.key:
            self.end_previous(link)
        elif link.sealed_secret and values.secret and values.secret != self.reveal(link):
            link.sealed_previous, link.previous_until = link.sealed_secret, clock.now() + OVERLAP
        if values.secret:
            link.sealed_secret = self.secrets.seal(self.session.tenant_id, PURPOSE, values.secret.encode())

    def end_previous(self, link: ToolLink) -> None:
        """Results signed with the secret before are refused from now on."""
        link.sealed_previous = link.previous_until = None

    def reveal(self, link: ToolLink) -> str:
        """Empty where there is none."""
        return self._open(link.sealed_secret) if link.sealed_secret else ""

    def secrets_of(self, link: ToolLink) -> list[str]:
        """As `sealed_secrets` has them."""
        return [self._open(each) for each in sealed_secrets(link)]

    def _open(self, sealed: str) -> str:
        return self.secrets.open(self.session.tenant_id, PURPOSE, sealed).decode()

    def copy(self, link: ToolLink, activity: Activity) -> ToolLink:
        """The same connection for another activity, under a resource link of its own and without the secret."""
        kept = ("lti_version", "tool_id", "url", "key", "send_name", "send_email", "custom", "opens_in")
        made = ToolLink(
            activity_id=activity.id,
            resource_link_id=new_resource_link_id(),
            sealed_secret="",
            **{name: getattr(link, name) for name in kept},
        )
        self.session.add(made)
        self.session.flush()
        return made
