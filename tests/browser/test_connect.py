"""Time to connect: what each way asks of two admins, counted, held to its limits and printed in the guide."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.connect import Connecting, printed, table, write
from tests.browser.learner import study
from tests.installation import Installation
from tests.peers.lms.client import RunningLMS
from tests.services import wait_for

#: Both sides start first, on a machine that may have much else to do.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def contexts(browser: Browser) -> Iterator[dict[str, BrowserContext]]:
    opened = {
        who: browser.new_context(
            viewport={"width": 1280, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
        )
        for who in ("admin", "other", "learner")
    }
    for context in opened.values():
        context.set_default_timeout(180_000)
    yield opened
    for context in opened.values():
        context.close()


@pytest.fixture(scope="module")
def connecting(contexts: dict[str, BrowserContext], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connecting]:
    """All ways, one after the other, in an academy and an LMS that have never heard of each other."""
    made = Installation(tmp_path_factory.mktemp("connect"), more={"app__demo": "true"})
    try:
        links = made.run()[1]
        contexts["admin"].new_page().goto(links["north admin"])
        with RunningLMS() as lms:
            way = Connecting(made.url("north"), lms, contexts["admin"].new_page, contexts["other"].new_page)
            way.by_invitation()
            way.by_deep_link()
            way.by_hand()
            yield way
    finally:
        made.close()


def test_an_invitation_takes_one_value_and_four_clicks_a_side(connecting: Connecting) -> None:
    way = connecting.ways[0]
    assert way.ours.pasted + way.theirs.pasted <= 1
    assert max(way.ours.clicks, way.theirs.clicks) <= 4


def test_a_teacher_enters_nothing_to_choose_an_activity(connecting: Connecting) -> None:
    way = connecting.ways[1]
    assert (way.ours.pasted, way.ours.clicks, way.theirs.pasted) == (0, 0, 0)
    assert way.theirs.clicks <= 4


def test_by_hand_takes_seven_values_a_side_at_most(connecting: Connecting) -> None:
    way = connecting.ways[2]
    assert max(way.ours.pasted, way.theirs.pasted) <= 7


@pytest.mark.parametrize(
    ("person", "title"), [("anna", "Tides"), ("bruno", "Tides by hand")], ids=["chosen", "by hand"]
)
def test_what_was_connected_works_up_to_the_score(
    connecting: Connecting, contexts: dict[str, BrowserContext], person: str, title: str
) -> None:
    """The link that the teacher chose, over the registration that the invitation made; and the one made by hand."""
    page = contexts["learner"].new_page()
    page.goto(connecting.lms.course_url(person))
    page.get_by_role("link", name=title, exact=True).click()
    study(page)

    def is_scored() -> bool:
        score = connecting.lms.score(person, title=title)
        return score is not None and score.given == 100

    wait_for(is_scored, f"the score of {person}")
    assert is_scored()


def test_the_guide_prints_what_was_counted(connecting: Connecting) -> None:
    counted = table(connecting.ways)
    if os.environ.get("LYCEUM_TEST_GUIDES"):
        write(counted)
    assert printed() == counted
