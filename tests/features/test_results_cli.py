"""``lyceum results``: what scripts read of it."""

import json
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner

from saas import clock
from saas.cli.context import CommandError
from tenants.catalog.models import Activity
from tenants.learning.models import Grading
from tenants.learning.outside import OutsideResults, OutsideScore
from tenants.learning.services import Learning
from tenants.reports.cli import results
from tests.features.test_sharing_cli import HouseShell
from tests.house import House, Kit


@pytest.fixture
def kit(house: House) -> Kit:
    return house.academy()


def run(kit: Kit, *arguments: str) -> str:
    done = CliRunner().invoke(results, [kit.academy.slug, *arguments], obj=HouseShell(kit.house))
    if done.exception:
        raise done.exception
    return done.stdout


def rows(kit: Kit, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(kit, *arguments, "--json"))
    return found


def test_everybodys_results(kit: Kit) -> None:
    exam, _link = kit.outside(exam=True)
    own, who = kit.activity(), kit.person(email="ada@people.example")
    with kit.session() as session:
        mine = session.get_one(Activity, exam.id)
        at = clock.now()
        score = OutsideScore(Decimal("69.999"), Decimal(100), True, Grading.DECIDED, at, "Vendor")
        OutsideResults(session).take(who.id, mine, score)
        Learning(session, who.id).enrol(session.get_one(Activity, own.id))
    assert {(row["activity_id"], row["state"]) for row in rows(kit)} == {
        (str(exam.id), "failed"),
        (str(own.id), "not-started"),
    }
    (row,) = rows(kit, "--activity", str(exam.id))
    assert row == {
        "activity_id": str(exam.id), "activity": "An outside exam", "type": "exam", "person_id": str(who.id),
        "person": "Test Learner", "email": "ada@people.example", "state": "failed", "attempts": 1, "progress": 100,
        "score": 69.99, "newer_score": None, "verdict": "failed", "minimum": 70, "given": "69.999", "maximum": "100",
        "grading": "decided", "withdrawn_at": None, "source": "Vendor", "at": at.isoformat(), "sent": [],
    }  # fmt: skip


def test_filters(kit: Kit) -> None:
    exam, _link = kit.outside(exam=True)
    people = [kit.person(email=f"{name}@people.example") for name in ("ada", "ben")]
    with kit.session() as session:
        for who, given in zip(people, (80, 20), strict=True):
            score = OutsideScore(Decimal(given), Decimal(100), True, Grading.DECIDED, clock.now(), "Vendor")
            OutsideResults(session).take(who.id, session.get_one(Activity, exam.id), score)
    assert [row["email"] for row in rows(kit, "--state", "passed")] == ["ada@people.example"]
    assert [row["state"] for row in rows(kit, "--person", "BEN@")] == ["failed"]
    assert rows(kit, "--state", "waiting") == []


def test_lines_for_people(kit: Kit) -> None:
    exam, _link = kit.outside(exam=True)
    who = kit.person()
    with kit.session() as session:
        OutsideResults(session).begin(who.id, session.get_one(Activity, exam.id))
    assert "state=waiting" in run(kit)


def test_what_is_no_id_is_said(kit: Kit) -> None:
    with pytest.raises(CommandError, match="ACTIVITY"):
        run(kit, "--activity", "x")
