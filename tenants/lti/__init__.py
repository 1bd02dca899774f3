"""LTI: we open our activities to other LMSs (tool) and embed theirs (platform)."""

from pyramid.config import Configurator

from saas.db.scope import ScopedSession
from saas.tenancy.lifecycle import TenantCreated
from tenants.grades.services import Channels
from tenants.lti.keys import KeyRing, Keys
from tenants.lti.platform.tool_keys import ToolKeySets
from tenants.lti.tool.channel import AgsChannel
from tenants.lti.tool.channel11 import OutcomesChannel
from tenants.lti.tool.keysets import KeySets
from tenants.lti.tool.registrations import Registrations
from tenants.lti.tool.tokens import Tokens


def includeme(config: Configurator) -> None:
    runtime = config.registry.runtime
    keys = runtime.parts[KeyRing] = KeyRing(runtime.database, runtime.secrets)
    runtime.parts[KeySets] = KeySets(runtime.database, runtime.outbound)
    runtime.parts[ToolKeySets] = ToolKeySets(runtime.database, runtime.outbound)
    runtime.parts[Registrations] = Registrations()
    runtime.part(Channels).add(AgsChannel(Tokens(runtime.secrets, runtime.outbound, keys)))
    runtime.part(Channels).add(OutcomesChannel(runtime.secrets))

    def furnish(session: ScopedSession, _created: TenantCreated) -> None:
        Keys(session, runtime.secrets).ensure()

    runtime.events.subscribe(TenantCreated, furnish)
    config.include("tenants.lti.tool.sharing")
    config.include("tenants.lti.tool.admin_views")
    config.include("tenants.lti.tool.activity_views")
    config.include("tenants.lti.tool.consumer_views")
    config.include("tenants.lti.tool.migration_views")
    config.include("tenants.lti.platform")
    config.include("tenants.lti.launches.views")
    config.include("tenants.lti.key_views")
    config.include("tenants.lti.selftest.views")
    config.scan("tenants.lti.jobs", categories=["lyceum"])
