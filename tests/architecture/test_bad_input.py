"""docs/bad-input.md: no case is missing, every test it names exists, and every code is one people can see."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.errors import AREAS
from tests.house import ROOT

DOCUMENT = ROOT / "docs" / "bad-input.md"
WANTED = {*range(1, 101), *range(117, 121)}
_CODE = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`")


@dataclass(frozen=True)
class Row:
    number: int
    answer: str
    tests: tuple[str, ...]


def rows() -> Iterator[Row]:
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0].isdecimal():
            number, _input, answer, tests = cells
            yield Row(int(number), answer, tuple(each.strip() for each in tests.split(",") if each.strip()))


@cache
def functions_of(file: str) -> frozenset[str]:
    path = ROOT / file
    nodes = ast.walk(ast.parse(path.read_text())) if path.is_file() else ()
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef))


def exists(test: str) -> bool:
    named = re.fullmatch(r"`(tests/[\w/]+\.py)::(test_\w+)`", test)
    return named is not None and named[2] in functions_of(named[1])


def test_every_case_is_listed_once_and_in_order() -> None:
    numbers = [row.number for row in rows()]
    assert numbers == sorted(set(numbers))
    assert WANTED - set(numbers) == set()


def test_every_test_that_is_named_exists() -> None:
    assert [(row.number, test) for row in rows() for test in row.tests if not exists(test)] == []


def test_what_is_answered_is_proven() -> None:
    assert [row.number for row in rows() if not row.tests or not row.answer] == []


def test_every_code_is_in_the_catalogue() -> None:
    known = {problem.code for _title, problems in AREAS for problem in problems}
    named = {code for row in rows() for code in _CODE.findall(row.answer)}
    assert named
    assert named - known == set()


def test_a_slip_is_noticed() -> None:
    assert exists("`tests/architecture/test_bad_input.py::test_a_slip_is_noticed`")
    for slip in ("tests/architecture/test_bad_input.py::test_gone", "tests/gone.py::test_a_slip_is_noticed", "nothing"):
        assert not exists(f"`{slip}`")
