"""Emptying a development database: every row of every table, tenant by tenant where policies ask for it."""

import sqlalchemy as sa

from saas.db.base import Base
from saas.db.engine import Database
from saas.db.scope import enter_tenant
from saas.tenancy.models import Tenant


def empty(database: Database) -> None:
    with database.write.begin() as connection:
        tenants = connection.execute(sa.select(Tenant.id)).scalars().all()
        for tenant_id in tenants:
            enter_tenant(connection, tenant_id)
            for table in reversed(Base.metadata.sorted_tables):
                if "tenant_id" in table.c:
                    connection.execute(sa.delete(table).where(table.c.tenant_id == tenant_id))
        for table in reversed(Base.metadata.sorted_tables):
            if "tenant_id" not in table.c:
                connection.execute(sa.delete(table))
