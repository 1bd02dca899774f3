"""The message to the other system's admin about a refused launch: cause, field, what came, what was expected."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from saas.problems import Problem
from saas.tenancy.resolve import Academy
from saas.web.i18n import _
from tenants.lti.launches.models import Launch, Protocol
from tenants.lti.tool.addresses import activities_url, jwks_url, launch_url, login_url, picker_url
from tenants.lti.tool.models import Platform
from tenants.lti.tool.models11 import ConsumerKey
from tenants.lti.tool.sharing_models import Invitation
from tenants.lti.wire.checks import Check
from tenants.lti.wire.claims import CLAIM, mapping
from tenants.lti.wire.dialects import switch_for
from tenants.lti.wire.fields import FIELDS, NEEDS, AnyField, Ours11, label_of, product_of, sheet_of
from tenants.lti.wire.setup_sheets import Ours, Theirs

Translate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Letter:
    """``problem`` is what the launch was refused with, ``failed`` the step that refused it."""

    session: ScopedSession
    academy: Academy
    launch: Launch
    problem: Problem
    failed: Check | None
    translate: Translate

    def text(self) -> str:
        return "\n".join(line for line in self._lines() if line)

    def _lines(self) -> Iterator[str]:
        say, problem, launch = self.translate, self.problem, self.launch
        at = (launch.finished_at or launch.started_at).isoformat(timespec="seconds")
        yield f"{say(problem.title)}. {say(problem.cause)}"
        yield f"{say(_('Who can fix it'))}: {say(problem.owner)}"
        yield from self._fields()
        if self.failed:
            yield f"{say(_('Received'))}: {self.failed.seen}" if self.failed.seen else ""
            yield f"{say(_('Expected'))}: {self.failed.wanted}" if self.failed.wanted else ""
        yield f"{say(_('What to do'))}: {say(problem.remedy)}"
        yield f"{say(_('Code'))}: {launch.code}; LTI {launch.protocol}; {at}; {self.academy.url}"

    def _fields(self) -> Iterator[str]:
        product = self.product
        need = NEEDS.get(self.launch.code)
        if need is not None and product != "generic":
            yield f"{self.translate(_('Where'))}: {switch_for(need, self._family())}"
        about = FIELDS.get(self.launch.code, ())
        sheet = sheet_of(product)
        if about and self.launch.protocol == Protocol.LTI_13:
            yield f"{self.translate(_('Where'))}: {sheet.name}: {sheet.place}"
        for field in about:
            value = self._value(field)
            words = _("must be there") if isinstance(field, Ours | Ours11) else _("entered here")
            known = f" – {self.translate(words)}: {value}" if value else ""
            yield f"{self.translate(_('Field'))}: “{label_of(field, product)}”{known}"

    @property
    def product(self) -> str:
        """As the launch says it, else as the connection knows it."""
        found = product_of(self._family())
        if found != "generic" or self.launch.platform_id is None:
            return found
        chosen = sa.select(Invitation.product).where(Invitation.platform_id == self.launch.platform_id)
        return self.session.scalar(chosen.limit(1)) or "generic"

    def _family(self) -> str:
        claims = self.launch.claims
        said = mapping(claims, CLAIM + "tool_platform").get("product_family_code")
        said = said or claims.get("tool_consumer_info_product_family_code")
        if isinstance(said, str):
            return said
        key = self.session.get(ConsumerKey, self.launch.consumer_key_id) if self.launch.consumer_key_id else None
        return key.product if key else ""

    def _value(self, field: AnyField) -> str:
        """Ours as it must stand there; theirs as it is registered here; never a secret."""
        if isinstance(field, Theirs):
            return self._registered(field)
        academy = self.academy
        values = {
            Ours.LOGIN_URL: login_url(academy, self.launch.platform_id),
            Ours.REDIRECT_URL: launch_url(academy),
            Ours.TARGET_URL: activities_url(academy),
            Ours.JWKS_URL: jwks_url(academy),
            Ours.PICKER_URL: picker_url(academy),
            Ours11.LAUNCH_URL: self.launch.target,
        }
        return values.get(field, "")

    def _registered(self, field: Theirs) -> str:
        platform = self.session.get(Platform, self.launch.platform_id) if self.launch.platform_id else None
        if platform is None:
            return ""
        if field is Theirs.DEPLOYMENT_ID:
            return ", ".join(each.deployment_id for each in platform.deployments)
        return str(getattr(platform, field.value))
