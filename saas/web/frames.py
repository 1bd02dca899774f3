"""What a page in another site's frame knows of the page around it; a session remembers it in its ``about``."""

from collections.abc import Mapping
from typing import Any


def frame_of(about: Mapping[str, Any]) -> dict[str, Any]:
    """For ``_frame.html``: the way back, its name, and who is told how high the page is."""
    return {
        "back_url": about.get("return_url"),
        "back_name": about.get("platform"),
        "frame_origin": about.get("origin"),
    }
