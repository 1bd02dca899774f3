"""Founding an academy: its row, then whatever the features furnish it with, each in the tenant's own session."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from saas.problems import Refused
from saas.tenancy.lifecycle import Lifecycle, TenantCreated
from saas.tenancy.resolve import Academy

if TYPE_CHECKING:
    from saas.runtime import Runtime

#: Key of the path that the accounts feature leaves for the founder's one-time sign-in link.
SIGN_IN_PATH = "founder_sign_in_path"


def found(runtime: "Runtime", slug: str, name: str, admin_email: str, hosts: Sequence[str] = ()) -> tuple[Academy, str]:
    """The new academy and its admin's one-time sign-in address.

    Two transactions: the tenant must exist before a session of it can. When furnishing is refused (a bad address),
    the tenant goes again, so nothing half-made stays.
    """
    with runtime.database.shell() as session:
        tenant_id = Lifecycle(session, runtime.settings.web).create(slug, name, hosts).id
    runtime.tenants.forget()
    try:
        with runtime.database.transaction(tenant_id) as session:
            session.announce(TenantCreated(name=name, admin_email=admin_email))
            path = session.info[SIGN_IN_PATH]
    except Refused:
        with runtime.database.shell() as session:
            Lifecycle(session, runtime.settings.web).discard(tenant_id)
        raise
    academy = runtime.tenants.by_id(tenant_id)
    if academy is None:
        raise Refused("TENANT_UNKNOWN", seen=slug)
    return academy, academy.url + path
