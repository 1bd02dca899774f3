"""An academy that leaves takes everything along, and nothing of it stays; its neighbour notices nothing."""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest
import sqlalchemy as sa

from saas.db.scope import enter_tenant, scoped_tables
from saas.problems import Refused
from saas.tenancy import leaving
from saas.tenancy.lifecycle import Lifecycle
from tenants.access import Role
from tests.house import House, Kit


def rows_of(house: House, tenant_id: int) -> dict[str, int]:
    with house.runtime.database.read.begin() as connection:
        enter_tenant(connection, tenant_id)
        count = sa.select(sa.func.count()).select_from
        return {
            table.name: connection.scalar(count(table).where(table.c.tenant_id == tenant_id)) or 0
            for table in scoped_tables()
        }


def suspend(kit: Kit) -> None:
    with kit.runtime.database.shell() as session:
        Lifecycle(session, kit.runtime.settings.web).suspend(kit.academy.slug)


@pytest.fixture
def full(fresh_house: House) -> tuple[Kit, Kit]:
    """Two academies with something in them."""
    kits = fresh_house.academy(), fresh_house.academy()
    for kit in kits:
        kit.activity()
        kit.signed_in(Role.LEARNER)
    return kits


def test_the_file_holds_every_row_and_no_secret(full: tuple[Kit, Kit], tmp_path: Path) -> None:
    kit, _ = full
    counts = leaving.export(kit.runtime, kit.academy.slug, tmp_path / "a.zip")
    assert counts == rows_of(kit.house, kit.academy.id)
    with ZipFile(tmp_path / "a.zip") as archive:
        rows = {name: [json.loads(line) for line in archive.open(name)] for name in archive.namelist()}
    assert {row["tenant_id"] for each in rows.values() for row in each} == {kit.academy.id}
    assert {row["title"] for row in rows["activity.jsonl"]} == {"An e-learning"}
    names = {name for each in rows.values() for row in each for name in row}
    assert not {name for name in names if "sealed" in name or "hash" in name}


def test_erasing_needs_a_suspended_academy(full: tuple[Kit, Kit]) -> None:
    kit, _ = full
    with pytest.raises(Refused, match="TENANT_NOT_SUSPENDED"):
        leaving.erase(kit.runtime, kit.academy.slug)


def test_nothing_stays_but_the_id(full: tuple[Kit, Kit], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "BATCH", 2)
    kit, neighbour = full
    suspend(kit)
    before = rows_of(kit.house, kit.academy.id), rows_of(kit.house, neighbour.academy.id)
    assert leaving.erase(kit.runtime, kit.academy.slug) >= sum(before[0].values()) / 2  # the rest went by cascade
    assert set(rows_of(kit.house, kit.academy.id).values()) == {0}
    assert rows_of(kit.house, neighbour.academy.id) == before[1]
    kit.browser().get("/", status=421)
    assert kit.house.academy().academy.id > neighbour.academy.id
    with pytest.raises(Refused, match="TENANT_UNKNOWN"):
        leaving.erase(kit.runtime, kit.academy.slug)
