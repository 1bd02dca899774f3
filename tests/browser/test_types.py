"""A learner's walk through each type of activity, from the link in another LMS to the score there."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.academies import Academies
from tests.browser.learner import RIGHT, STORM, answer_all, begin, go_on, study
from tests.peers.lms.client import Resource
from tests.services import wait_for


def arrive(academies: Academies, person: str, title: str, place: str) -> Page:
    """Somebody new clicks a new link to the shared activity."""
    page = academies.page("admin")
    page.goto(f"{academies.base('admin')}/activities/{academies.ids[place]}/settings")
    resource = Resource(f"{title} for {person}", page.locator("#resource-url").inner_text())
    page.close()
    academies.lms.place(academies.registered.client_id, resource)
    academies.lms.add_person(person, f"{person.title()} Walker")
    page = academies.passer_by()
    page.goto(academies.lms.course_url(person))
    page.get_by_role("link", name=resource.title).click()
    page.wait_for_url(f"{academies.base('admin')}/**")
    return page


def wait_for_score(academies: Academies, person: str, title: str, given: float) -> None:
    def there() -> bool:
        score = academies.lms.score(person, title=f"{title} for {person}")
        return score is not None and score.given == given and score.activity_progress == "Completed"

    wait_for(there, f"the score of {person}")


def test_a_microlearning_card_by_card(academies: Academies) -> None:
    page = arrive(academies, "mila", "Signs of a storm", "microlearning")
    expect(page.get_by_text("4 cards")).to_be_visible()
    begin(page)
    expect(page.get_by_text("Card 1 of 4")).to_be_visible()
    expect(page.locator(".chapters")).to_have_count(0)
    assert go_on(page)
    page.locator(".player-bar").get_by_role("button", name="Next").click()
    expect(page.get_by_text("Answer this question first.")).to_be_visible()
    answer_all(page, STORM)
    assert go_on(page)
    address = page.url
    page.goto(f"{address.split('/learn/')[0]}/activities/{academies.ids['microlearning']}")
    page.get_by_role("link", name="Continue", exact=True).click()
    page.wait_for_url(address)
    expect(page.get_by_text("Card 3 of 4")).to_be_visible()
    assert go_on(page)
    answer_all(page, STORM)
    assert not go_on(page)
    expect(page.get_by_text("100 %").first).to_be_visible()
    wait_for_score(academies, "mila", "Signs of a storm", 100)


def test_a_playlist_activity_by_activity(academies: Academies) -> None:
    page = arrive(academies, "paula", "First day aboard", "playlist")
    expect(page.get_by_text("2 mandatory activities")).to_be_visible()
    expect(page.get_by_text("Opens once “Signs of a storm” is completed")).to_be_visible()
    expect(page.get_by_role("link", name="Tides", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Start").click()
    page.get_by_role("link", name="Continue with Signs of a storm").click()
    study(page, STORM)
    page.get_by_role("link", name="Next: Tides").click()
    study(page, RIGHT)
    page.get_by_role("link", name="First day aboard").click()
    expect(page.get_by_text("Completed").first).to_be_visible()
    expect(page.get_by_text("100 %").first).to_be_visible()
    wait_for_score(academies, "paula", "First day aboard", 100)


@pytest.mark.parametrize("place", ["microlearning", "playlist"])
def test_the_walk_fits_a_phone_inside_a_frame(academies: Academies, place: str) -> None:
    page = arrive(academies, f"fin-{place}", "A walk", place)
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    expect(page.get_by_role("link", name="Back to School")).to_be_visible()
