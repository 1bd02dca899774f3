"""People, sign-in and sessions."""

from pyramid.config import Configurator

from saas.db.scope import ScopedSession
from saas.tenancy.founding import SIGN_IN_PATH
from saas.tenancy.lifecycle import TenantCreated
from tenants.access import Role
from tenants.accounts.security import SecurityPolicy
from tenants.accounts.services import INVITATION_LIFETIME, People, SignIn


def furnish(session: ScopedSession, created: TenantCreated) -> None:
    """A new academy has one person: its admin, who is let in by a one-time link."""
    name = created.admin_email.partition("@")[0].replace(".", " ").title() or "Admin"
    admin = People(session).create(created.admin_email, name, "", Role.ADMIN)
    session.info[SIGN_IN_PATH] = SignIn(session).issue_link(admin, INVITATION_LIFETIME)


def includeme(config: Configurator) -> None:
    config.set_security_policy(SecurityPolicy())
    config.registry.sign_in_route = "sign_in"
    config.registry.runtime.events.subscribe(TenantCreated, furnish)
    config.include("tenants.accounts.views")
    config.scan("tenants.accounts.jobs", categories=["lyceum"])
