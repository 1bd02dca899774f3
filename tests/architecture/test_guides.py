"""docs/admins/ says what the product says, and shows pictures that are there."""

import re

from tests.browser.pictures import NAMES
from tests.guides import FOLDER, wanted

PICTURE = re.compile(r"!\[[^\]]+\]\(pictures/([\w-]+\.png)\)")


def test_the_guides_for_other_admins_are_current() -> None:
    stale = [file.name for file, text in wanted().items() if not file.exists() or file.read_text() != text]
    assert stale == [], "run: python -m tests.guides"
    assert {file.name for file in FOLDER.glob("for-*.md")} == {file.name for file in wanted()}


def test_every_picture_that_is_taken_is_shown_and_every_picture_shown_is_there() -> None:
    shown = {name for guide in FOLDER.glob("*.md") for name in PICTURE.findall(guide.read_text())}
    assert shown == {f"{name}.png" for name in NAMES}
    assert {file.name for file in (FOLDER / "pictures").glob("*.png")} == shown


def test_every_link_between_guides_leads_somewhere() -> None:
    links = [
        (guide.name, target)
        for guide in FOLDER.glob("*.md")
        for target in re.findall(r"\]\(([\w.-]+\.md)\)", guide.read_text())
    ]
    assert [(name, target) for name, target in links if not (FOLDER / target).exists()] == []
