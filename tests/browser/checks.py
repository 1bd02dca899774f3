"""What is true of every page: no violation axe can find, nothing scrolls sideways, light enough, nothing foreign."""

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response

#: Bytes per page, compressed.
BUDGETS: Mapping[str, int] = MappingProxyType({"document": 30_000, "stylesheet": 25_000, "script": 35_000})
_AXE = Axe().axe_script


@dataclass
class Watch:
    """What a window said while it was open (the status of an error's own page is no complaint), and what the page it
    shows now consists of: not what stands in a frame of it, which is a tool's.
    """

    page: Page
    said: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)

    def __enter__(self) -> Self:
        for event, hear in self._heard():
            self.page.on(event, hear)
        return self

    def __exit__(self, *_: object) -> None:
        for event, hear in self._heard():
            self.page.remove_listener(event, hear)

    def _heard(self) -> Iterator[tuple[Any, Any]]:
        yield from (("console", self._console), ("pageerror", self._error))
        yield from (("request", self._request), ("response", self._response))

    def _error(self, error: Error) -> None:
        self.said.append(str(error))

    def _console(self, message: ConsoleMessage) -> None:
        of_the_page = message.text.startswith("Failed to load resource") and message.location["url"] == self.page.url
        if message.type in ("error", "warning") and not of_the_page:
            self.said.append(f"{message.text} ({message.location['url']})")

    def _request(self, request: Request) -> None:
        if request.is_navigation_request() and request.frame == self.page.main_frame:
            self.responses.clear()
            self.asked.clear()
        if request.frame == self.page.main_frame:
            self.asked.append(request)

    def _response(self, response: Response) -> None:
        """What the page before had asked for may still come in."""
        if response.request in self.asked:
            self.responses.append(response)

    def foreign_origins(self) -> set[str]:
        own = urlsplit(self.page.url).netloc
        return {urlsplit(each.url).netloc for each in self.responses if not each.url.startswith("data:")} - {own}

    def weights(self) -> dict[str, int]:
        """Compressed bytes by kind of resource; each address counts once, a redirect not at all."""
        weights = dict.fromkeys(BUDGETS, 0)
        for response in {each.url: each for each in self.responses}.values():
            kind = response.request.resource_type
            if kind in weights and not 300 <= response.status < 400:
                weights[kind] += weight(response, remembered=kind != "document")
        return weights


_weighed: dict[str, int] = {}


def weight(response: Response, *, remembered: bool) -> int:
    """Compressed bytes; styles and scripts never change under their address."""
    if not remembered or response.url not in _weighed:
        _weighed[response.url] = len(gzip.compress(response.body()))
    return _weighed[response.url]


def violations(page: Page) -> list[str]:
    """Every rule of axe that this page breaks as it stands, with the first places. Frames are pages of their own."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_AXE)
    found: dict[str, Any] = page.evaluate("() => axe.run({resultTypes: ['violations'], iframes: false})")
    return [
        f"{each['id']}: {each['help']}: {[node['target'] for node in each['nodes'][:3]]}"
        for each in found["violations"]
    ]


def sideways(page: Page, width: int) -> int:
    """By how many pixels the page is wider than a window of that width."""
    size = page.viewport_size
    page.set_viewport_size({"width": width, "height": 800})
    wider: int = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if size:
        page.set_viewport_size(size)
    return wider
