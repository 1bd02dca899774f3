"""The schema's rule: every key, unique constraint and link of a tenant table begins with the tenant."""

from typing import Any

import pytest
import sqlalchemy as sa

from saas.db.base import Base, table_of
from saas.db.isolation import POLICY
from saas.db.scope import TenantScoped
from tests.house import APP_ROLE, OWNER_ROLE, House
from tests.isolation.pairs import Pair, enter, tenant_tables

#: Tables that belong to no tenant, each with the reason.
GLOBALS = {
    "Tenant": "names the tenants themselves; read before the tenant is known",
    "Domain": "host → tenant, read before the tenant is known",
    "Feature": "what the operator switched on; written by the operator, read with the tenant",
    "FeatureRequest": "what academies ask of the operator, who sees all of them at once; an academy reads its own by its id",
    "Outbox": "the relay serves all tenants in one statement; rows hold ids only, and jobs open the row's tenant",
    "Recurring": "when a recurring job is due next, for the whole installation",
    "Heartbeat": "running workers, which serve all tenants",
}


def test_every_mapper_is_scoped_or_a_written_global() -> None:
    unscoped = {each.class_.__name__ for each in Base.registry.mappers if not issubclass(each.class_, TenantScoped)}
    assert unscoped == set(GLOBALS)
    assert all(GLOBALS.values())


def test_every_table_with_a_tenant_column_is_scoped_or_a_written_global() -> None:
    mapped = {table_of(mapper.class_).name for mapper in Base.registry.mappers}
    assert set(Base.metadata.tables) == mapped, "a table without a mapper escapes the enumerating tests"


@pytest.mark.parametrize("table", tenant_tables(), ids=lambda table: table.name)
def test_keys_constraints_and_links_begin_with_the_tenant(table: sa.Table) -> None:
    assert [column.name for column in table.primary_key] == ["tenant_id", "id"]
    assert not table.c.tenant_id.nullable
    for constraint in table.constraints:
        columns = [column.name for column in getattr(constraint, "columns", ())]
        if isinstance(constraint, sa.UniqueConstraint | sa.ForeignKeyConstraint):
            assert columns[0] == "tenant_id", constraint.name
        if isinstance(constraint, sa.ForeignKeyConstraint) and constraint.referred_table.name != "tenant":
            assert next(element.column.name for element in constraint.elements) == "tenant_id"
    for index in table.indexes:
        assert index.columns.keys()[0] == "tenant_id", index.name


@pytest.mark.parametrize("table", tenant_tables(), ids=lambda table: table.name)
def test_links_inside_a_tenant_are_indexed(table: sa.Table) -> None:
    """Deleting a row cascades along them; without an index that is a scan of all tenants' rows."""
    starts = [[column.name for column in table.primary_key]]
    starts += [[column.name for column in index.columns] for index in table.indexes]
    starts += [[c.name for c in each.columns] for each in table.constraints if isinstance(each, sa.UniqueConstraint)]
    for key in table.foreign_key_constraints:
        columns = [column.name for column in key.columns]
        assert any(start[: len(columns)] == columns for start in starts), f"{table.name}: no index for {columns}"


def test_the_database_has_the_same_rule(house: House) -> None:
    """In the catalog of the migrated database, not only in the models."""
    with house.runtime.database.read.connect() as connection:
        inspector = sa.inspect(connection)
        names = {table.name for table in tenant_tables()}
        found = {name for name in inspector.get_table_names() if _has_tenant(inspector, name)}
        assert found - names == {"domain", "feature", "feature_request", "outbox"}
        assert names <= found
        for name in names:
            assert inspector.get_pk_constraint(name)["constrained_columns"] == ["tenant_id", "id"]
            for unique in inspector.get_unique_constraints(name):
                assert unique["column_names"][0] == "tenant_id", unique["name"]
            for index in inspector.get_indexes(name):
                assert index["column_names"][0] == "tenant_id", index["name"]
            for key in inspector.get_foreign_keys(name):
                assert key["constrained_columns"][0] == "tenant_id", key["name"]
                assert key["referred_columns"][0] in ("tenant_id", "id")
                assert key["referred_columns"][0] == "tenant_id" or key["referred_table"] == "tenant"


def _has_tenant(inspector: sa.Inspector, table: str) -> bool:
    return any(column["name"] == "tenant_id" for column in inspector.get_columns(table))


def _owner_rows(house: House, query: str) -> list[Any]:
    engine = house.runtime.database.owner_engine()
    with engine.connect() as connection:
        return list(connection.execute(sa.text(query)).all())


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_row_level_security_is_on_and_forced_on_every_tenant_table(house: House) -> None:
    security = {
        name: (on, forced)
        for name, on, forced in _owner_rows(
            house, "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relkind = 'r'"
        )
    }
    policies: dict[str, list[Any]] = {}
    for table, *policy in _owner_rows(
        house, "SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check FROM pg_policies"
    ):
        policies.setdefault(table, []).append(policy)
    for table in tenant_tables():
        assert security[table.name] == (True, True), table.name
        ((name, permissive, roles, command, using, check),) = policies[table.name]
        assert (name, permissive, roles, command) == (POLICY, "PERMISSIVE", "{public}", "ALL")
        assert using == check
        assert "tenant_id = (NULLIF(current_setting('lyceum.tenant_id'::text, true), ''::text))::integer" in using


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_the_application_role_is_bound_by_the_policies(house: House) -> None:
    roles = {
        name: (strong, bypasses)
        for name, strong, bypasses in _owner_rows(house, "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles")
    }
    assert roles[APP_ROLE] == (False, False)
    assert roles[OWNER_ROLE] == (False, False)
    owners = {
        name for (name,) in _owner_rows(house, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    }
    assert owners == {OWNER_ROLE}
    memberships = _owner_rows(
        house, f"SELECT 1 FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = '{APP_ROLE}'"
    )
    assert memberships == []
    with house.runtime.database.write.connect() as connection, connection.begin():
        assert connection.scalar(sa.text("SELECT current_user")) == APP_ROLE
        for forbidden in (
            'ALTER TABLE "person" DISABLE ROW LEVEL SECURITY',
            f'DROP POLICY {POLICY} ON "person"',
            'TRUNCATE "person"',
            f"SET ROLE {OWNER_ROLE}",
            "CREATE TABLE public.mine (id integer)",
        ):
            with pytest.raises(sa.exc.ProgrammingError), connection.begin_nested():
                connection.execute(sa.text(forbidden))


@pytest.mark.parametrize("table", tenant_tables(), ids=lambda table: table.name)
def test_a_row_cannot_be_moved_to_another_tenant(pair: Pair, table: sa.Table) -> None:
    """SQLite: a trigger. PostgreSQL: the policy's check."""
    database = pair.house.runtime.database
    move = sa.update(table).where(table.c.id == pair.id_of_a(table.name)).values(tenant_id=pair.b.academy.id)
    with database.write.connect() as connection:
        enter(connection, pair.a.academy.id)
        with pytest.raises(sa.exc.DatabaseError) as caught:
            connection.execute(move)
    assert "tenant_id is fixed" in str(caught.value) or "row-level security" in str(caught.value)


@pytest.mark.parametrize("table", tenant_tables(), ids=lambda table: table.name)
def test_a_link_cannot_point_into_another_tenant(pair: Pair, table: sa.Table) -> None:
    """Checks of plain foreign keys bypass policies; composite ones cannot name another tenant's row at all."""
    links = [key for key in table.foreign_key_constraints if key.referred_table.name != "tenant"]
    for key in links:
        column = key.columns.keys()[1]
        foreign = pair.id_of_b(key.referred_table.name)
        own = sa.update(table).where(table.c.tenant_id == pair.a.academy.id, table.c.id == pair.id_of_a(table.name))
        with pair.house.runtime.database.write.connect() as connection:
            enter(connection, pair.a.academy.id)
            with pytest.raises(sa.exc.IntegrityError):
                connection.execute(own.values({column: foreign}))
    assert len(links) == len([key for key in table.foreign_key_constraints if len(key.columns) == 2])
