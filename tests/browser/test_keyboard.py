"""Everything a mouse can do, the keyboard can: Tab reaches every action, and one sees where one is."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.academies import Academies
from tests.browser.screen import Screen
from tests.browser.screens import SCREENS

WALKED = frozenset(
    {
        "sign-in",
        "learner-home",
        "player-chapter",
        "guest-player-answered",
        "course",
        "activity-settings",
        "block-question",
        "platform-new-failed",
        "platform",
        "launch-refused",
        "results-sent",
        "operator-academy",
        "styleguide",
    }
)
#: Names each control that Tab should stop at; radio buttons of one name are one stop.
_STOPS = """() => {
  const all = document.querySelectorAll(
    "a[href], button:not(:disabled), input:not([type=hidden], :disabled), select, textarea, summary, [tabindex='0']");
  const groups = new Set();
  let count = 0;
  for (const one of all) {
    if (!one.checkVisibility({visibilityProperty: true})) continue;
    if (one.type === "radio") {
      const group = one.closest("form")?.id + one.name;
      if (groups.has(group)) continue;
      groups.add(group);
    }
    one.dataset.stop = count++;
  }
  return count;
}"""
#: Where the focus is: the stop, whether an outline shows it, and whether it is in view and not covered.
_FOCUS = """() => {
  const one = document.activeElement;
  const drawn = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const box = one.getBoundingClientRect();
  const [x, y] = [box.x + Math.min(box.width, innerWidth - box.x) / 2, box.y + box.height / 2];
  const top = document.elementFromPoint(x, Math.min(Math.max(y, 0), innerHeight - 1));
  const group = one.type === "radio" && [...document.getElementsByName(one.name)].find((each) => each.dataset.stop);
  return {
    stop: (group || one).dataset?.stop ?? null,
    what: one.outerHTML.slice(0, 120),
    outlined: drawn(getComputedStyle(one)) || drawn(getComputedStyle(one, "::after")),
    inView: box.bottom > 0 && box.top < innerHeight,
    covered: Boolean(top) && !(one.contains(top) || top.contains(one) || top.closest("label, .card")?.contains(one)),
  };
}"""


@pytest.mark.parametrize("screen", [each for each in SCREENS if each.name in WALKED], ids=lambda screen: screen.name)
def test_tab_reaches_every_action(screen: Screen, academies: Academies) -> None:
    page = academies.window(screen.who)
    page.set_viewport_size({"width": 1280, "height": 900})
    screen.open(page, academies)
    stops = page.evaluate(_STOPS)
    page.evaluate("() => { document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0) }")
    page.locator("body").evaluate("body => { body.tabIndex = -1; body.focus(); body.removeAttribute('tabindex') }")
    reached, wrong = set(), []
    for _ in range(stops + 2):
        page.keyboard.press("Tab")
        focus = page.evaluate(_FOCUS)
        reached.add(focus["stop"])
        if focus["stop"] is not None and not (focus["outlined"] and focus["inView"] and not focus["covered"]):
            wrong.append(focus)
    missed = [page.locator(f"[data-stop='{stop}']").evaluate("one => one.outerHTML.slice(0, 120)")
              for stop in range(stops) if str(stop) not in reached]  # fmt: skip
    assert missed == []
    assert wrong == []


@pytest.fixture
def home(academies: Academies) -> Page:
    page = academies.window("learner")
    page.goto(academies.base("learner"))
    return page


def test_the_first_tab_skips_to_the_content(home: Page) -> None:
    home.keyboard.press("Tab")
    skip = home.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    home.keyboard.press("Enter")
    expect(home.locator("main")).to_be_focused()


def test_slash_searches_and_the_menu_closes_by_escape(home: Page) -> None:
    home.keyboard.press("/")
    expect(home.get_by_role("searchbox")).to_be_focused()
    home.keyboard.type("sea")
    home.keyboard.press("Enter")
    expect(home.get_by_role("link", name="The sea")).to_be_visible()
    menu = home.locator("details.menu summary")
    menu.focus()
    home.keyboard.press("Enter")
    expect(home.get_by_role("button", name="Sign out")).to_be_visible()
    home.keyboard.press("Tab")
    home.keyboard.press("Escape")
    expect(home.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(menu).to_be_focused()


def test_a_learner_needs_no_mouse(academies: Academies) -> None:
    academies.lms.add_person("kim", "Kim Keyboard")
    page = academies.launch("kim")
    page.get_by_role("button", name="Start").press("Enter")
    page.wait_for_url("**/learn/**")
    page.get_by_label("Two").press("Space")
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_contain_text("Right.")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Next")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Spring tides and neap tides")).to_be_visible()
    page.get_by_role("button", name="Next").press("Enter")
    expect(page.locator("fieldset.question")).to_be_focused()
    expect(page.locator("fieldset.question")).to_contain_text("Answer this question first")
