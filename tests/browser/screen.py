"""One entry of the inventory of pages: who meets it, where, in which state."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser.academies import Academies

Step = Callable[[Page, Academies], None]


@dataclass(frozen=True)
class Screen:
    """``path`` may name ids of `Academies`; ``then`` goes on from there. ``who`` is a key of `academies.PEOPLE`."""

    name: str
    who: str
    path: str
    then: Step | None = None
    status: int = 200

    def open(self, page: Page, academies: Academies) -> None:
        answer = page.goto(academies.base(self.who) + self.path.format_map(academies.ids))
        assert answer is not None
        assert answer.status == self.status, f"{page.url}: {answer.status}"
        if self.then:
            self.then(page, academies)
