"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

from tests.house import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_PLACE = re.compile(r"`((?:saas|tenants|tests|templates|static|docs|benchmarks|migrations)/[\w./-]*)")
_TARGET = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_picture_leads_somewhere(document: Path) -> None:
    targets = _TARGET.findall(document.read_text())
    assert [each for each in targets if not (document.parent / each).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_place_in_the_code_that_is_named_exists(document: Path) -> None:
    places = _PLACE.findall(document.read_text())
    assert [each for each in places if not (ROOT / each).exists()] == []
