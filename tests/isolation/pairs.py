"""Two academies whose every table has a row, made without any of the code under test."""

from dataclasses import dataclass
from importlib import import_module
from pkgutil import walk_packages
from typing import Any
from uuid import UUID

import sqlalchemy as sa

import saas
import tenants
from saas.db.base import Base
from saas.db.scope import TENANT_SETTING, ScopedSession, TenantScoped, scoped_tables
from tests.house import House, Kit
from tests.rows import fill

for package in (saas, tenants):
    for module in walk_packages(package.__path__, f"{package.__name__}."):
        import_module(module.name)


@dataclass
class Pair:
    """``a`` and ``b``: the academies; ``rows_a``, ``rows_b``: a row of each table by the table's name."""

    house: House
    a: Kit
    b: Kit
    rows_a: dict[str, dict[str, Any]]
    rows_b: dict[str, dict[str, Any]]

    def session(self, kit: Kit) -> ScopedSession:
        return self.house.runtime.database.scoped(kit.academy.id)

    def id_of_a(self, table: str) -> UUID:
        return _uuid(self.rows_a[table]["id"])

    def id_of_b(self, table: str) -> UUID:
        return _uuid(self.rows_b[table]["id"])


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def make_pair(house: House) -> Pair:
    a, b = house.academy(), house.academy()
    rows = []
    for kit in (a, b):
        with house.runtime.database.write.begin() as connection:
            rows.append(fill(connection, kit.academy.id))
    return Pair(house, a, b, *rows)


def enter(connection: sa.Connection, tenant_id: int) -> None:
    """As `saas.db.scope.enter_tenant`, written again on purpose: the tests do not lean on what they test."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT set_config('{TENANT_SETTING}', %s, true)", (str(tenant_id),))


def tenant_tables() -> list[sa.Table]:
    return sorted(scoped_tables(), key=lambda table: table.name)


def scoped_classes() -> list[Any]:
    found = [mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, TenantScoped)]
    return sorted(found, key=lambda each: each.__name__)
