"""Sealed columns: marked with ``info={"sealed": purpose}``, so that a change of master key finds every one of them."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapper

from saas.db.base import Base
from saas.db.engine import Database
from saas.db.scope import TenantScoped
from saas.secrets import Secrets
from saas.tenancy.models import Tenant


def sealed_columns() -> list[tuple[Mapper[Any], str, str]]:
    """``(mapper, attribute, purpose)`` of every sealed column."""
    return [
        (mapper, column.key, column.info["sealed"])
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, TenantScoped)
        for column in mapper.columns
        if "sealed" in column.info
    ]


def reseal_all(database: Database, secrets: Secrets) -> int:
    """Tenant by tenant, a transaction each, so that it may be stopped and run again. Returns how many were sealed.

    Rows are locked first: what another process seals meanwhile must not be overwritten by what was there before.
    """
    with database.shell(write=False) as session:
        tenants = session.scalars(sa.select(Tenant.id).order_by(Tenant.id)).all()
    count = 0
    for tenant_id in tenants:
        with database.transaction(tenant_id) as session:
            for mapper, name, purpose in sealed_columns():
                for row in session.scalars(sa.select(mapper.class_).with_for_update()):
                    if getattr(row, name):
                        setattr(row, name, secrets.reseal(tenant_id, purpose, getattr(row, name)))
                        count += 1
    return count
