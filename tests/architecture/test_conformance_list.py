"""docs/conformance.md and the marks of the tests say the same, and the runner counts honestly."""

from collections.abc import Sequence

import pytest

from tests.conformance.__main__ import as_json, as_text, judge
from tests.conformance.cases import DOCUMENT, listed, marks

ALL = "T1", "T3", "AC", "KM", "PS", "PR", "DT", "RT", "NC", "RP", "DP", "TK", "AS", "NS", "P1", "P3", "ZL"


def test_every_mark_names_a_listed_case() -> None:
    strays = [f"{mark.file.name}:{mark.line} {mark.case}" for mark in marks() if mark.case not in listed()]
    assert strays == []


def test_every_listed_case_has_a_test() -> None:
    missing = sorted(set(listed()) - {mark.case for mark in marks()})
    assert missing == []


def test_the_document_has_todays_groups_in_order() -> None:
    cases = list(listed().values())
    assert tuple(dict.fromkeys(case.group for case in cases)) == ALL
    for group in ALL:
        ids = [case.id for case in cases if case.group == group]
        assert ids == sorted(ids)


def test_every_row_of_a_case_is_read() -> None:
    """A row with a slip in it would otherwise vanish from the count."""
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| ") and "-" in line[:9]]
    assert len(rows) == len(listed())


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        (["passed", "passed"], "passed"),
        (["passed", "failed"], "failed"),
        (["failed", "skipped"], "failed"),
        (["passed", "skipped"], "missing"),
        ([], "missing"),
    ],
)
def test_a_case_passes_only_when_all_its_tests_do(ends: Sequence[str], verdict: str) -> None:
    ids = judge(["KM"], {"KM-001": ends, "T3-001": ["failed"]})["KM"]
    assert ids[verdict][0] == "KM-001"
    assert sum(map(len, ids.values())) == sum(case.group == "KM" for case in listed().values())


def test_the_two_formats() -> None:
    verdicts = {"KM": {"passed": ["KM-001", "KM-002"], "failed": [], "missing": ["KM-004"]}}
    assert as_text(verdicts) == "KM  3 cases  2 passed  0 failed  1 missing\n    missing: KM-004"
    assert as_json(verdicts) == (
        '{"groups": {"KM": {"cases": 3, "passed": ["KM-001", "KM-002"], "failed": [], "missing": ["KM-004"]}}}'
    )
