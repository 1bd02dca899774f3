"""The second line: with `ScopedSession`'s narrowing switched off, PostgreSQL still gives no foreign row.

And connections: what one tenant's transaction told the database is gone when the pool hands the connection on.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event, orm
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from saas.db import scope
from saas.db.base import Base, table_of, uuid7
from saas.db.engine import Database
from saas.db.scope import ScopedSession
from saas.db.statement import TENANT
from saas.tenancy.models import OPERATOR
from tenants.accounts.models import Person
from tests.house import House
from tests.isolation.pairs import Pair, scoped_classes, tenant_tables

#: How a ScopedSession guards itself; all of it goes.
GUARDS: tuple[tuple[Any, str, str], ...] = (
    (ScopedSession, "do_orm_execute", "_narrow"),
    (ScopedSession, "before_flush", "_stamp"),
    (ScopedSession, "before_attach", "_refuse_foreign"),
)


@pytest.fixture
def unguarded() -> Iterator[None]:
    """`ScopedSession` without its listeners; only ``after_begin``, which tells PostgreSQL the tenant, stays."""
    for target, name, guard in GUARDS:
        event.remove(target, name, getattr(scope, guard))
    try:
        yield
    finally:
        for target, name, guard in GUARDS:
            event.listen(target, name, getattr(scope, guard))


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
def test_without_narrowing_sqlite_would_show_both(pair: Pair, unguarded: None) -> None:
    """So that the test below proves something: nothing but the database holds the line there."""
    with pair.session(pair.a) as session:
        tenants = set(session.execute(sa.text("SELECT DISTINCT tenant_id FROM person")).scalars())
    assert {pair.a.academy.id, pair.b.academy.id} <= tenants


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
@pytest.mark.parametrize("model", scoped_classes(), ids=lambda model: model.__name__)
def test_without_narrowing_postgresql_shows_no_foreign_row(pair: Pair, unguarded: None, model: Any) -> None:
    table, foreign = table_of(model), pair.id_of_b(table_of(model).name)
    with pair.session(pair.a) as session:
        assert session.get(model, foreign) is None
        assert {row.tenant_id for row in session.scalars(sa.select(model))} == {pair.a.academy.id}
        assert set(session.scalars(sa.select(orm.aliased(model).tenant_id))) == {pair.a.academy.id}
        for statement in (sa.select(table.c.tenant_id), sa.text(f'SELECT tenant_id FROM "{table.name}"')):
            assert set(session.execute(statement).scalars()) == {pair.a.academy.id}
        their_rows = sa.select(table.c.id).where(table.c.tenant_id == pair.b.academy.id)
        assert session.execute(their_rows).all() == []
        assert session.execute(sa.delete(table).where(table.c.tenant_id == pair.b.academy.id)).rowcount == 0  # type: ignore[attr-defined]  # -- a CursorResult
        assert session.execute(sa.update(table).where(table.c.id == foreign).values(id=uuid7())).rowcount == 0  # type: ignore[attr-defined]  # -- as above
        session.rollback()


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_without_narrowing_postgresql_takes_no_foreign_row(pair: Pair, unguarded: None) -> None:
    with pair.session(pair.a) as session:
        session.add(Person(tenant_id=pair.b.academy.id, given_name="Planted", family_name=""))
        with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
            session.flush()


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
@pytest.mark.parametrize("table", tenant_tables(), ids=lambda table: table.name)
def test_a_session_of_no_tenant_sees_nothing(pair: Pair, table: sa.Table) -> None:
    with Session(pair.house.runtime.database.write) as session, session.begin():
        assert session.execute(sa.select(table.c.tenant_id)).all() == []


def said(connection: Connection) -> Any:
    return connection.scalar(sa.text("SELECT current_setting('lyceum.tenant_id', true)"))


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_a_reused_connection_remembers_no_tenant(pair: Pair, house: House) -> None:
    """One connection for all: after commit, rollback, error and savepoint the next user starts with nothing."""
    one = Database(
        house.runtime.settings.database.model_copy(update={"pool": 1}),
        house.runtime.settings.app.data,
        house.runtime.events,
    )
    try:
        with one.transaction(pair.a.academy.id) as session:
            pid = session.scalar(sa.select(sa.func.pg_backend_pid()))
        _expect_nothing(one, pid)
        with pytest.raises(sa.exc.DatabaseError), one.transaction(pair.a.academy.id) as session:
            session.scalar(sa.select(sa.func.no_such_function(Person.id)))
        _expect_nothing(one, pid)
        with one.scoped(pair.a.academy.id) as session:
            with session.begin_nested() as savepoint:
                session.scalars(sa.select(Person)).all()
                savepoint.rollback()
            assert {person.tenant_id for person in session.scalars(sa.select(Person))} == {pair.a.academy.id}
            session.commit()
            assert {person.tenant_id for person in session.scalars(sa.select(Person))} == {pair.a.academy.id}
        _expect_nothing(one, pid)
        with one.transaction(pair.b.academy.id) as session:
            assert {person.tenant_id for person in session.scalars(sa.select(Person))} == {pair.b.academy.id}
            assert session.scalar(sa.select(sa.func.pg_backend_pid())) == pid
    finally:
        one.dispose()


def _expect_nothing(database: Database, pid: int | None) -> None:
    with database.write.connect() as connection:
        assert connection.scalar(sa.text("SELECT pg_backend_pid()")) == pid
        assert said(connection) in (None, "")
        assert connection.execute(sa.select(table_of(Person))).all() == []


def test_tenants_at_the_same_moment_do_not_mix(pair: Pair, house: House) -> None:
    """Two threads through one pool, each asking many times for its own."""

    def ask(tenant_id: int) -> set[int]:
        seen: set[int] = set()
        for _ in range(60):
            with house.runtime.database.transaction(tenant_id, write=False) as session:
                seen |= set(session.scalars(sa.select(Person.tenant_id)))
        return seen

    with ThreadPoolExecutor(4) as threads:
        wanted = [pair.a.academy.id, pair.b.academy.id] * 2
        assert list(threads.map(ask, wanted)) == [{tenant_id} for tenant_id in wanted]


def test_the_operator_is_a_tenant_like_any_other(pair: Pair, house: House) -> None:
    with house.runtime.database.transaction(OPERATOR) as session:
        for model in scoped_classes():
            assert set(session.scalars(sa.select(model.tenant_id))) <= {OPERATOR}


def test_the_tenant_parameter_has_one_name() -> None:
    """No column is called like it: a statement's own values can never fill it."""
    assert all(TENANT.key not in table.c for table in Base.metadata.tables.values())
