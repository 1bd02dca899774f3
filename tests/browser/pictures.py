"""The pictures of the guides: screens of the inventory, taken again by ``make guides``."""

from io import BytesIO

from PIL import Image
from playwright.sync_api import Page

from tests.guides import FOLDER

WIDTH, MOST = 1000, 1100
#: A page of ours has few colours; this many keep the file small and the text sharp.
COLOURS = 48
#: Screens of the inventory; and all pictures, to which the guides are held. The last one is taken by test_frame.py.
SCREENS = (
    "invited",
    "platforms-asked",
    "setup-moodle",
    "picker",
    "key",
    "legacy",
    "launches",
    "launch-refused",
    "roster-difference",
    "tool-edit",
    "link-12-mail",
    "gradebook",
)
NAMES = (*SCREENS, "one-more-click")


def take(page: Page, name: str) -> None:
    """In the light theme, cut below what a reader needs."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size({"width": WIDTH, "height": 700})
    taken = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
    small = taken.crop((0, 0, taken.width, min(taken.height, MOST))).quantize(COLOURS)
    folder = FOLDER / "pictures"
    folder.mkdir(exist_ok=True)
    small.save(folder / f"{name}.png", optimize=True)
