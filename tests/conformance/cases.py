"""The list of cases (docs/conformance.md) and the marks of the tests, held together."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.house import ROOT

DOCUMENT = ROOT / "docs" / "conformance.md"
_ROW = re.compile(r"\| (?P<id>(?P<group>[A-Z][A-Z0-9])-\d{3}) \| (?P<what>.+?) \| (?P<expected>.+?) \|")


@dataclass(frozen=True)
class Case:
    id: str
    group: str
    what: str
    expected: str


@dataclass(frozen=True)
class Mark:
    """One ``case`` mark in a test file."""

    case: str
    file: Path
    line: int


def listed() -> dict[str, Case]:
    """Every case by id, in the order of the document; an id twice is a ValueError."""
    cases: dict[str, Case] = {}
    for line in DOCUMENT.read_text().splitlines():
        row = _ROW.fullmatch(line)
        if row is None:
            continue
        if row["id"] in cases:
            raise ValueError(f"{row['id']} stands twice in {DOCUMENT.name}")
        cases[row["id"]] = Case(row["id"], row["group"], row["what"], row["expected"])
    return cases


def marks() -> list[Mark]:
    """Every mark of every test, read from the source; an id that is not written out is a ValueError."""
    return [mark for file in sorted((ROOT / "tests").rglob("test_*.py")) for mark in _marks_in(file)]


def _marks_in(file: Path) -> Iterator[Mark]:
    text = file.read_text()
    if "mark.case(" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "case":
            for argument in node.args:
                yield Mark(ast.literal_eval(argument), file, node.lineno)
