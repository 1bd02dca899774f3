"""The story of the first slice over real HTTP between real processes, without a browser: launch, learn, score."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from tests.house import BACKENDS
from tests.installation import Operated, installation
from tests.peers.lms.client import Registered, Resource, RunningLMS
from tests.services import wait_for


def connect(made: Operated, lms: RunningLMS, **more: Any) -> Registered:
    """The demo's shared activity, placed as a link in the LMS; each side registered with the other."""
    made.cli("demo")
    courses = made.json("course", "list", "north")
    activity = next(one for one in courses[0]["activities"] if one["title"] == "Tides")
    base = made.url("north")
    registered = lms.register(
        login_url=f"{base}/lti/login",
        redirect_uris=[f"{base}/lti/launch"],
        jwks_url=f"{base}/lti/jwks",
        resources=[Resource("Tides", activity["resource_url"])],
        **more,
    )
    made.cli(
        "lti", "platform", "add", "north", "--name", "School", "--issuer", registered.issuer, "--client-id", registered.client_id,
        "--deployment-id", registered.deployment_ids[0], "--auth-url", registered.auth_url, "--token-url", registered.token_url,
        "--jwks-url", registered.jwks_url, "--activate",
    )  # fmt: skip
    return registered


class _Forms(HTMLParser):
    """Every form of a page: its action and its fields."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, list[str]]]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append((given.get("action") or "", {}))
            self.inside = True
        elif tag in ("input", "button") and self.inside and given.get("name"):
            self.forms[-1][1].setdefault(str(given["name"]), []).append(given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "form"


def forms(page: httpx.Response) -> list[tuple[str, dict[str, list[str]]]]:
    reader = _Forms()
    reader.feed(page.text)
    return [(urljoin(str(page.url), action), fields) for action, fields in reader.forms]


#: What the demo's e-learning "Tides" accepts as right, by question: choice numbers in the order shown, or the number.
RIGHT = {
    "How many high tides": ["Two"],
    "When are spring tides": ["At full moon", "At new moon"],
    "The range is 6": ["1.5"],
}


def learn(browser: httpx.Client, address: str) -> httpx.Response:
    """Works through the e-learning as a learner does, answering right; returns the last page."""
    page = browser.get(address, follow_redirects=True)
    start = next(form for form in forms(page) if "/activities/" in form[0])
    page = browser.post(start[0], data={"csrf_token": start[1]["csrf_token"][0]}, follow_redirects=True)
    while "/learn/" in str(page.url):
        for action, fields in forms(page):
            name = next((name for name in fields if name.startswith("a-")), None)
            if name and "Check answer" in page.text:
                asked = re.search(rf'id="{name}".*?</fieldset>', page.text, re.DOTALL)
                wanted = next(right for words, right in RIGHT.items() if asked and words in asked[0])
                given = (
                    [
                        value
                        for value, label in re.findall(r'value="(\d+)"[^>]*>\s*<label[^>]*>([^<]*)</label>', asked[0])
                        if label in wanted
                    ]
                    if asked
                    else []
                )
                page = browser.post(
                    action, data={"csrf_token": fields["csrf_token"][0], name: given or wanted}, follow_redirects=True
                )
        onward = forms(page)[-1]
        page = browser.post(onward[0], data={"csrf_token": onward[1]["csrf_token"][0]}, follow_redirects=True)
    return page


@pytest.mark.parametrize("backend", BACKENDS)
def test_launch_learn_and_score(backend: str, tmp_path: Path) -> None:
    with RunningLMS() as lms, installation(tmp_path, backend, app__demo="true") as made:
        registered = connect(made, lms)
        made.serve()
        with made.client() as browser:
            landed = lms.launch(registered.links[0].id, "anna", browser)
            assert landed.status_code == 303, landed.text
            done = learn(browser, urljoin(str(landed.url), landed.headers["location"]))
        assert "100" in done.text
        wait_for(lambda: (score := lms.score("anna", title="Tides")) is not None and score.given == 100, "the score")
        wait_for(lambda: made.json("scores", "north")[0]["state"] == "confirmed", "the confirmation")
        launches = made.json("launches", "north")
        assert [launch["outcome"] for launch in launches] == ["accepted"]
        assert all(check["passed"] for check in launches[0]["checks"])
