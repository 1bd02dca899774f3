"""Transactions of the hot paths: who shares a connection, what one leaves behind, and how writers wait."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session

from saas import clock
from saas.db.base import uuid7
from saas.db.hot import HotConnection
from saas.db.scope import TENANT_SETTING
from saas.sessions import OPEN_SESSION, WebSession
from tenants.catalog.models import Course
from tenants.lti.tool.statements import FIND_PLATFORMS
from tests.house import House, Kit


def _open_session(connection: HotConnection, fresh: UUID) -> None:
    now = clock.now()
    about = {"session_about": {}, "came_by": "link", "subject": uuid7(), "at": now, "until": now}
    connection.run(OPEN_SESSION, session_id=fresh, session_hash=fresh.hex, **about)


def _driver_of(connection: HotConnection) -> DBAPIConnection:
    pooled = connection.core.connection
    assert pooled.driver_connection is not None
    return pooled.driver_connection


def _write(kit: Kit, times: int = 1) -> int:
    """Which connection it was. The second time breaks a key."""
    fresh = uuid7()
    with kit.runtime.database.hot(kit.academy.id) as connection:
        for _ in range(times):
            _open_session(connection, fresh)
        return id(_driver_of(connection))


def test_writers_at_once_all_get_through(house: House) -> None:
    """On SQLite by turns and on connections that stay open: another connection's cache is empty after each write."""
    kit = house.academy()
    with ThreadPoolExecutor(8) as pool:
        drivers = set(pool.map(lambda _: _write(kit), range(64)))
    with kit.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(WebSession)) == 64
    assert len(drivers) <= (2 if house.backend == "sqlite" else 8)


def test_an_error_gives_lock_and_connection_back(house: House) -> None:
    kit = house.academy()
    for _ in range(40):
        with pytest.raises(sa.exc.IntegrityError):
            _write(kit, times=2)
    with kit.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(WebSession)) == 0
        session.add(Course(title="Written by the ORM, which takes the same lock"))
    assert _write(kit)


def test_nothing_is_asked_of_a_block_without_statements(house: House) -> None:
    kit = house.academy()
    with kit.runtime.database.hot(kit.academy.id) as outer, kit.runtime.database.hot(kit.academy.id) as inner:
        _open_session(inner, uuid7())
    assert outer.tenant_id == kit.academy.id


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_text_is_not_cut_where_the_library_would_end_it(house: House) -> None:
    """One key would pass for another; psycopg refuses it as well."""
    kit = house.academy()
    with pytest.raises(sa.exc.DataError), kit.runtime.database.hot(kit.academy.id) as connection:
        connection.run(FIND_PLATFORMS, issuer="https://lms.example\0and more")


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_no_tenant_outlives_its_transaction(house: House) -> None:
    """A connection given back in the middle of a transaction takes neither it nor the tenant to its next user."""
    kit = house.academy()
    engine = kit.runtime.database.engine
    pooled = engine.raw_connection()
    cursor = pooled.cursor()
    cursor.execute(f"BEGIN; SET LOCAL {TENANT_SETTING} = '{kit.academy.id}'")
    pooled.close()
    with Session(engine) as session:
        assert not session.scalar(sa.text(f"SELECT current_setting('{TENANT_SETTING}', true)"))
