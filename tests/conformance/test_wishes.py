"""What a launch of either protocol asks for besides the activity: a language, a due date, an activity by parameter."""

import pytest

from saas import locales
from tenants.lti.launches.models import Outcome
from tenants.lti.wire.custom import ACTIVITY, DUE
from tests.conformance.visits import Scene
from tests.conformance.visits11 import FormScene
from tests.features.pages import words
from tests.house import Browser


def tongue(browser: Browser, address: str) -> str:
    return str(browser.get(address, status=200).html.html["lang"])


@pytest.fixture
def two_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the screens had a second catalogue."""
    monkeypatch.setattr(locales, "LOCALES", ("en", "nl"))


@pytest.mark.usefixtures("two_languages")
@pytest.mark.parametrize(
    ("asked", "spoken"), [("nl", "nl"), ("nl_NL", "nl"), ("fr-FR", "en"), ("", "en"), ("<b>", "en")]
)
def test_the_language_of_the_launch_if_it_is_spoken(scene: Scene, asked: str, spoken: str) -> None:
    visit = scene.visit()
    landed = visit.launch(locale=asked, launch_presentation={"locale": asked})
    assert tongue(visit.browser, landed.location) == spoken


@pytest.mark.usefixtures("two_languages")
def test_a_launch_of_lti_1_2_asks_for_a_language_too(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    assert tongue(visit.browser, visit.launch(launch_presentation_locale="nl-BE").location) == "nl"
    assert tongue(form_scene.kit.browser(), "/sign-in") == "en", "the launch speaks for its own session only"


def test_the_learner_sees_when_it_is_due_there(scene: Scene, form_scene: FormScene) -> None:
    visit = scene.visit()
    landed = visit.launch(custom={DUE: "2031-05-04T10:00:00Z"})
    assert "Due in your course: May 4, 2031" in words(visit.browser.get(landed.location))
    old = form_scene.visit()
    landed = old.launch(**{f"custom_{DUE}": "2031-05-04T10:00:00Z"})
    assert "Due in your course: May 4, 2031" in words(old.browser.get(landed.location))
    without = scene.visit()
    landed = without.launch(custom={DUE: "$ResourceLink.submission.endDateTime"})
    assert "Due in your course" not in words(without.browser.get(landed.location))


def test_a_link_to_the_address_of_all_activities_names_its_activity(scene: Scene) -> None:
    every = f"{scene.kit.academy.url}/lti/activities"
    visit = scene.visit()
    visit.begin(target_link_uri=every)
    custom = {ACTIVITY: str(scene.activity_id)}
    assert (
        visit.accepted(visit.answer(visit.platform.sign(visit.claims(target=every, custom=custom)))).outcome
        == "accepted"
    )


@pytest.mark.parametrize("custom", [{}, {ACTIVITY: "$Activity.id"}, {ACTIVITY: "0190a6f0-0000-7000-8000-000000000001"}])
def test_without_a_known_activity_that_address_opens_nothing(scene: Scene, custom: dict[str, str]) -> None:
    every = f"{scene.kit.academy.url}/lti/activities"
    visit = scene.visit()
    visit.begin(target_link_uri=every)
    response = visit.answer(visit.platform.sign(visit.claims(target=every, custom=custom)))
    assert "LTI13_TARGET" in response
    assert scene.rows(1)[0].outcome is Outcome.REFUSED


def test_the_signed_address_of_an_activity_decides_over_the_parameter(scene: Scene) -> None:
    other = scene.kit.activity(shared=False)
    visit = scene.visit()
    assert visit.accepted(visit.launch(custom={ACTIVITY: str(other.id)})).outcome == "accepted"
