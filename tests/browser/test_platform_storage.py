"""Our side of a tool's frame (static/js/platform.js) in a real browser: storage per origin, height, closing.

The pages around it are made here; the script is the one that is served.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, Route

from tests.house import ROOT

ACADEMY, TOOL, SECOND, STRANGER = (f"https://{name}.example" for name in ("academy", "tool", "tool-two", "stranger"))
PLAYER = f"""<!doctype html><title>Player</title>
<script type="module" src="/platform.js"></script>
<iframe name="tool" data-origins='{json.dumps([f"{TOOL}:443", f"{SECOND}:443"])}' data-back="/activities/1"
  src="{TOOL}/page"></iframe>
<iframe name="other" src="{SECOND}/page"></iframe>
<iframe name="stranger" src="{STRANGER}/page"></iframe>"""
#: Asks and waits for the answer; null when there is none within ``wait`` milliseconds.
ASK = """({ message, wait }) => new Promise(resolve => {
  const hear = ({ data, origin }) => { if (data.message_id === message.message_id) done({ ...data, origin }) }
  const done = answer => { removeEventListener("message", hear); resolve(answer) }
  addEventListener("message", hear)
  setTimeout(() => done(null), wait)
  parent.postMessage(message, "*")
})"""


def serve(route: Route) -> None:
    url = route.request.url
    if url.endswith("/platform.js"):
        route.fulfill(body=(ROOT / "static/js/platform.js").read_text(), content_type="text/javascript")
    elif url == f"{ACADEMY}/player":
        route.fulfill(body=PLAYER, content_type="text/html")
    else:
        route.fulfill(body="<!doctype html><title>A page</title><p>Here</p>", content_type="text/html")


@pytest.fixture
def player(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.route("**/*", serve)
    page.goto(f"{ACADEMY}/player")
    yield page
    context.close()


def framed(page: Page, name: str = "tool") -> Frame:
    frame = page.frame(name=name)
    assert frame is not None
    frame.wait_for_load_state()
    return frame


def ask(frame: Frame, subject: Any, *, wait: int = 10_000, **more: Any) -> Any:
    return frame.evaluate(ASK, {"message": {"subject": subject, "message_id": "m1", **more}, "wait": wait})


@pytest.mark.case("PS-001")
def test_a_tool_keeps_gets_and_removes_what_is_its_own(player: Page) -> None:
    tool = framed(player)
    said = ask(tool, "lti.capabilities")
    assert said["subject"] == "lti.capabilities.response"
    subjects = {each["subject"] for each in said["supported_messages"]}
    assert {"lti.capabilities", "lti.put_data", "lti.get_data", "lti.frameResize", "lti.close"} <= subjects
    put = ask(tool, "lti.put_data", key="state", value="s-1")
    assert (put["subject"], put["key"], put["value"]) == ("lti.put_data.response", "state", "s-1")
    assert put["origin"] == ACADEMY
    assert ask(tool, "lti.get_data", key="state")["value"] == "s-1"
    assert ask(tool, "lti.get_data", key="nothing")["value"] is None
    assert "error" not in ask(tool, "lti.put_data", key="state", value=None)
    assert ask(tool, "lti.get_data", key="state")["value"] is None


@pytest.mark.case("PS-001")
@pytest.mark.parametrize(
    ("subject", "more", "code"),
    [
        ("lti.put_data", {"value": "x"}, "bad_request"),
        ("lti.put_data", {"key": "k", "value": 7}, "bad_request"),
        ("lti.get_data", {"key": ""}, "bad_request"),
        ("lti.unknown", {}, "unsupported_subject"),
        ("lti.__proto__", {}, "unsupported_subject"),
    ],
)
def test_what_cannot_be_done_is_said(player: Page, subject: str, more: dict[str, Any], code: str) -> None:
    answer = ask(framed(player), subject, **more)
    assert answer["subject"] == f"{subject}.response"
    assert answer["error"]["code"] == code


@pytest.mark.case("PS-001")
def test_what_is_no_message_of_lti_gets_no_answer(player: Page) -> None:
    for subject in ("something.else", "lti.put_data.response", 7, None):
        assert ask(framed(player), subject, wait=300) is None


@pytest.mark.case("PS-003", "PS-004")
def test_each_origin_has_its_own_and_strangers_have_none(player: Page) -> None:
    tool, other, stranger = (framed(player, name) for name in ("tool", "other", "stranger"))
    ask(tool, "lti.put_data", key="state", value="s-1")
    assert ask(other, "lti.get_data", key="state")["value"] is None
    refused = ask(stranger, "lti.get_data", key="state")
    assert refused["error"]["code"] == "wrong_origin"
    assert "value" not in refused
    assert ask(stranger, "lti.put_data", key="state", value="x")["error"]["code"] == "wrong_origin"
    assert ask(tool, "lti.get_data", key="state")["value"] == "s-1"


@pytest.mark.case("PS-005")
def test_what_is_too_much_is_not_kept(player: Page) -> None:
    tool = framed(player)
    assert ask(tool, "lti.put_data", key="k", value="x" * 4096)["value"] == "x" * 4096
    for key, value in (("k", "x" * 100_000), ("k" * 5000, "x")):
        assert ask(tool, "lti.put_data", key=key, value=value)["error"]["code"] == "storage_exhaustion"
    assert ask(tool, "lti.get_data", key="k")["value"] == "x" * 4096
    tool.evaluate("""() => { for (let at = 0; at < 10000; at++)
        parent.postMessage({ subject: "lti.put_data", message_id: `n${at}`, key: `k${at}`, value: "x" }, "*") }""")
    assert ask(tool, "lti.put_data", key="one more", value="x")["error"]["code"] == "storage_exhaustion"
    assert "error" not in ask(tool, "lti.put_data", key="k1", value="y")


@pytest.mark.case("PS-009")
def test_only_the_tools_frame_says_how_high_it_is(player: Page) -> None:
    tool, other = framed(player), framed(player, "other")
    frame = player.locator("iframe[name=tool]")

    def after(sender: Frame, height: object) -> float:
        sender.evaluate("height => parent.postMessage({ subject: 'lti.frameResize', height }, '*')", height)
        ask(sender, "lti.capabilities")
        return float(frame.evaluate("frame => parseFloat(getComputedStyle(frame).height)"))

    assert after(tool, 400) == 400
    for height in (-1, 0, "high", None):
        assert after(tool, height) == 400
    assert after(other, 700) == 400
    assert after(tool, 1e9) == 10_000
    assert after(tool, 3) == 100
    assert after(tool, "500") == 500


def test_the_tool_may_close_itself(player: Page) -> None:
    framed(player, "other").evaluate("() => parent.postMessage({ subject: 'lti.close' }, '*')")
    assert player.url == f"{ACADEMY}/player"
    framed(player).evaluate("() => parent.postMessage({ subject: 'org.imsglobal.lti.close' }, '*')")
    player.wait_for_url(f"{ACADEMY}/activities/1")
    assert player.url == f"{ACADEMY}/activities/1"
