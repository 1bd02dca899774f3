"""Every page of the inventory, held against what all pages promise; ``make screens`` photographs it besides, in both
themes and both sizes.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page

from tests.browser import pictures
from tests.browser.academies import Academies
from tests.browser.checks import BUDGETS, Watch, sideways, violations
from tests.browser.screen import Screen
from tests.browser.screens import SCREENS

#: Where photographs go; without it there are none.
FOLDER = os.environ.get("LYCEUM_TEST_SCREENS")
#: Each theme at one width is held against the rules, so that both layouts are.
THEMES: tuple[tuple[Literal["light", "dark"], int], ...] = (("light", 1280), ("dark", 360))


@pytest.fixture(params=SCREENS, ids=lambda screen: screen.name)
def screen(request: pytest.FixtureRequest) -> Screen:
    return request.param


@pytest.fixture
def watched(screen: Screen, academies: Academies) -> Iterator[Watch]:
    """The screen, open, with everything it said and asked for on the way."""
    page = academies.window(screen.who)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    with Watch(page) as watch:
        screen.open(page, academies)
        yield watch


def photograph(page: Page, name: str, folder: Path) -> None:
    for theme, _width in THEMES:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for _theme, width in THEMES:
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=folder / f"{name}.{theme}.{width}.png", full_page=True)


def test_screen(screen: Screen, watched: Watch) -> None:
    page, found = watched.page, []
    weights = watched.weights()
    if FOLDER:
        photograph(page, screen.name, Path(FOLDER))
    if os.environ.get("LYCEUM_TEST_GUIDES") and screen.name in pictures.SCREENS:
        pictures.take(page, screen.name)
    for theme, width in THEMES:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"{theme} at {width}: {each}" for each in violations(page)]
    assert found == []
    assert sideways(page, 320) <= 0
    assert watched.said == []
    assert watched.foreign_origins() == set()
    assert {kind: weight for kind, weight in weights.items() if weight > BUDGETS[kind]} == {}
    assert page.locator("h1").count() == 1
