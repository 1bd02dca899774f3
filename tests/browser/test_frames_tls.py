"""Inside another site's frame, over TLS: what becomes of a launch in every kind of browser, up to the score."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Frame, Page, Playwright, expect

from tests.browser.learner import study
from tests.browser.sites import LMS_SITE, STRANGER, TOOL_SITE, Sites, sites
from tests.services import wait_for

#: Both sides start first, on a machine that may have much else to do.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def two(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    with sites(playwright, tmp_path_factory.mktemp("sites")) as made:
        yield made


def learn(two: Sites, where: Page | Frame, person: str) -> None:
    """From the activity's page to the score in the LMS's gradebook."""
    expect(where.get_by_role("heading", name="Tides")).to_be_visible()
    study(where)
    expect(where.get_by_text("100 %")).to_be_visible()
    wait_for(lambda: two.is_scored(person), f"the score of {person}")


def new_window(window: BrowserContext, frame: Frame) -> Page:
    """The one button of the page in the frame."""
    button = frame.get_by_role("link", name="Open in a new window")
    expect(button).to_be_visible()
    assert frame.locator("main a, main button").count() == 1
    with window.expect_page() as opened:
        button.click()
    opened.value.wait_for_url(f"{TOOL_SITE}/activities/*", wait_until="commit")
    return opened.value


def logged(two: Sites) -> dict[str, str]:
    """What the newest launch says of the browser."""
    newest: dict[str, str] = two.made.json("launches", "north")[0]
    return newest


@pytest.mark.parametrize("kind", ["allowed", "blocked"])
@pytest.mark.parametrize("storage", [True, False], ids=["storage", "no storage"])
def test_where_a_partitioned_cookie_lives_everything_happens_in_the_frame(two: Sites, kind: str, storage: bool) -> None:
    person = f"{kind}{'storage' if storage else ''}"
    two.with_storage(offered=storage)
    with two.browser(kind) as window:
        page, frame = two.click_link(window, person)
        learn(two, frame, person)
        assert len(window.pages) == 2, "the browser's own and the LMS's"
        back = frame.get_by_role("link", name="Back to School")
        back.click()
        page.wait_for_url(f"{LMS_SITE}/courses/1?as={person}**")


@pytest.mark.case("PS-006")
def test_storage_proves_the_browser_and_one_click_goes_on(two: Sites) -> None:
    """No cookie of ours lives under the LMS's pages. The launch is accepted once, without another login."""
    two.with_storage(offered=True)
    with two.browser("nothing") as window:
        _page, frame = two.click_link(window, "ingrid")
        opened = new_window(window, frame)
        assert logged(two)["outcome"] == "accepted"
        learn(two, opened, "ingrid")
        new_window(window, frame)  # pressed again: the way in is used up, but its person is in
    two.with_storage(offered=False)


@pytest.mark.case("PS-004", "PS-005", "PS-007")
@pytest.mark.parametrize("answers", ["another", "nothing", "wrong_origin", "storage_exhaustion"])
def test_storage_that_proves_nothing_leads_to_a_new_window(two: Sites, answers: str) -> None:
    two.with_storage(offered=True, answers=answers)
    with two.browser("nothing") as window:
        _page, frame = two.click_link(window, answers)
        expect(frame.get_by_text("LTI13_COOKIE")).to_be_visible()
        assert logged(two)["code"] == "LTI13_COOKIE"
        learn(two, new_window(window, frame), answers)
    two.with_storage(offered=False)


#: The LMS's page has another site's frame beside ours, which answers in the storage's place.
FORGER = """
if (location.hostname === "stranger.example.net") {
  const say = (id) => parent.frames.tool?.postMessage(
    {subject: "lti.get_data.response", message_id: id, value: "forged"}, "*");
  setInterval(() => ["get-1", "get-2"].forEach(say), 50);
} else if (window === top && location.pathname.startsWith("/launch/")) {
  addEventListener("DOMContentLoaded", () => {
    const frame = document.createElement("iframe");
    frame.src = "https://stranger.example.net/courses/1?as=anna";
    document.body.append(frame);
  });
}
"""


@pytest.mark.case("PS-003")
def test_another_sites_answer_is_none(two: Sites) -> None:
    two.with_storage(offered=True, answers="nothing")
    with two.browser("nothing") as window:
        window.add_init_script(FORGER)
        posted = []
        window.on("request", lambda each: posted.append(each.post_data or "") if each.method == "POST" else None)
        _page, frame = two.click_link(window, "freda")
        expect(frame.get_by_text("LTI13_COOKIE")).to_be_visible()
        assert any("storage_state=&storage_nonce=" in body for body in posted)
        assert not any("forged" in body for body in posted)
    two.with_storage(offered=False)


@pytest.mark.case("PS-001")
def test_what_we_ask_of_a_storage_is_what_the_specification_knows(two: Sites) -> None:
    """Put, get and put of null, to the origin of the sign-in address; nothing of ours is left behind."""
    two.with_storage(offered=True)
    with two.browser("nothing") as window:
        window.add_init_script(
            "if (window === top) { window.heard = []; addEventListener('message', ({data}) => heard.push(data)) }"
        )
        page, frame = two.click_link(window, "gerda")
        expect(frame.get_by_role("link", name="Open in a new window")).to_be_visible()
        heard = [one for one in page.evaluate("() => heard") if one["subject"] != "lti.frameResize"]
        put, got, dropped = heard[:2], heard[2:4], heard[4:]
        assert [one["subject"] for one in heard] == ["lti.put_data"] * 2 + ["lti.get_data"] * 2 + ["lti.put_data"] * 2
        assert [one["key"] for one in put] == [one["key"] for one in got] == [one["key"] for one in dropped]
        assert all(0 < len(one["value"]) < 100 for one in put)
        assert [one["value"] for one in dropped] == [None, None]
        assert len({one["message_id"] for one in heard}) == 6
        assert page.evaluate("() => [...stored]") == []
    two.with_storage(offered=False)


def test_without_storage_the_login_begins_again_in_a_new_window(two: Sites) -> None:
    with two.browser("nothing") as window:
        _page, frame = two.click_link(window, "nora")
        learn(two, new_window(window, frame), "nora")
        assert two.is_scored("nora")


def test_without_scripts_the_buttons_lead_on_as_well(two: Sites) -> None:
    """Every page of ours on the way has one; nothing answers for the storage."""
    two.with_storage(offered=True)
    with two.browser("nothing", java_script_enabled=False) as window:
        _page, frame = two.click_link(window, "paul")
        frame.get_by_role("link", name="Continue").click()
        frame.get_by_role("button", name="Continue").click()  # the LMS's, which has another name for nobody
        frame.get_by_text("One moment").wait_for()
        frame.get_by_role("button", name="Continue").click()
        button = frame.get_by_role("link", name="Open in a new window")
        with window.expect_page() as opened:
            button.click()
        opened.value.get_by_role("link", name="Continue").or_(
            opened.value.get_by_role("button", name="Continue")
        ).click()
        expect(opened.value.get_by_role("heading", name="Tides")).to_be_visible()
    two.with_storage(offered=False)


@pytest.mark.case("PS-009")
def test_the_frame_is_as_high_as_the_page_in_it(two: Sites) -> None:
    with two.browser("blocked") as window:
        page, frame = two.click_link(window, "hana")
        expect(frame.get_by_role("heading", name="Tides")).to_be_visible()
        around = page.locator("iframe[name=tool]")
        content = frame.evaluate("() => Math.ceil(document.body.getBoundingClientRect().height)")
        expect(around).to_have_attribute("height", str(content))
        frame.evaluate("() => document.querySelector('main').append('x\\n'.repeat(9)) ")
        frame.evaluate("() => { document.querySelector('main').style.paddingBottom = '20000px' }")
        expect(around).to_have_attribute("height", "10000")


def is_refused(page: Page) -> bool:
    """Whether the browser shows its own error in the frame; Playwright hears of that while it waits."""
    for _ in range(100):
        if page.frames[-1].url.startswith("chrome-error:"):
            return True
        page.wait_for_timeout(100)
    return False


@pytest.mark.case("PS-010", "PS-011")
def test_only_the_platform_may_show_us_in_a_frame(two: Sites) -> None:
    with two.browser("blocked") as window:
        page, frame = two.click_link(window, "fritz")
        expect(frame.get_by_role("heading", name="Tides")).to_be_visible()
        activity = frame.url
        for site, path, shown in (
            (LMS_SITE, activity, True),
            (STRANGER, activity, False),
            (LMS_SITE, f"{TOOL_SITE}/courses", False),
        ):
            page.goto(f"{site}/courses/1?as=fritz")
            page.evaluate("url => { document.body.innerHTML = `<iframe name=x src='${url}'></iframe>` }", path)
            inner = page.frame_locator("iframe[name=x]")
            if shown:
                expect(inner.get_by_role("heading", name="Tides")).to_be_visible()
            else:
                assert is_refused(page), (site, path)
