"""The tools among our peers work, shown without our product: the other peers are their platforms."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from tests.house import ROOT
from tests.peers.environment import Process
from tests.peers.lms.client import Form, Resource, RunningLMS
from tests.peers.tools import FOLDER, ImsLti, Ltijs, Peer11, Peer13, Tool11, Tool13

NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCOPES = [AGS + name for name in ("lineitem", "lineitem.readonly", "result.readonly", "score")]
MEMBERSHIP = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
NODE = pytest.mark.node
TOOLS_13 = [Tool13, pytest.param(Ltijs, marks=[NODE, pytest.mark.postgresql])]
TOOLS_11 = [Tool11, pytest.param(ImsLti, marks=NODE)]

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module", params=TOOLS_13)
def modern(request: pytest.FixtureRequest) -> Iterator[Peer13]:
    start: Callable[[], Peer13] = request.param
    with start() as tool:
        yield tool


@pytest.fixture(scope="module", params=TOOLS_11)
def legacy(request: pytest.FixtureRequest) -> Iterator[Peer11]:
    start: Callable[[], Peer11] = request.param
    with start() as tool:
        yield tool


@pytest.fixture(scope="module")
def lms() -> Iterator[RunningLMS]:
    with RunningLMS() as lms:
        yield lms


@pytest.fixture(scope="module")
def consumer() -> Iterator[Process]:
    with Process(FOLDER / "consumer11") as consumer:
        yield consumer


def launch(lms: RunningLMS, tool: Peer13, person: str, title: str) -> httpx.Response:
    there = lms.register(
        login_url=tool.login_url,
        redirect_uris=[tool.launch_url],
        jwks_url=tool.jwks_url,
        resources=[Resource(title, tool.launch_url)],
        scopes=[*SCOPES, MEMBERSHIP],
        claims={NRPS: {"context_memberships_url": f"{lms.url}/nrps/1", "service_versions": ["2.0"]}},
    )
    tool.know(
        issuer=there.issuer, client_id=there.client_id, deployment_id=there.deployment_ids[0],
        auth_url=there.auth_url, token_url=there.token_url, jwks_url=there.jwks_url,
    )  # fmt: skip
    with httpx.Client(trust_env=False, timeout=60) as browser:
        landed = lms.launch(there.links[0].id, person, browser)
        return (
            browser.get(urljoin(str(landed.url), landed.headers["location"]))
            if landed.has_redirect_location
            else landed
        )


def test_a_tool_of_lti_13_with_a_platform_that_is_not_ours(lms: RunningLMS, modern: Peer13) -> None:
    assert modern.is_well()
    title = f"At {modern.folder}"
    page = launch(lms, modern, "anna", title)
    assert page.status_code == 200, page.text
    assert title in page.text
    assert (modern.newest().error, modern.newest().number) == ("", len(modern.journal()))

    sent = modern.score(42, comment="well done")
    assert sent.ok, sent
    held = lms.score("anna", title=title)
    assert held is not None
    assert (held.given, held.maximum, held.comment) == (42, 100, "well done")

    refused = modern.score(42, user="nobody-here")
    assert (refused.ok, refused.status) == (False, 404)
    assert {member["user_id"] for member in modern.members().value} >= {lms.subject("anna"), lms.subject("bruno")}
    assert [column["label"] for column in modern.columns().value] == [title]
    (result,) = modern.results().value
    assert (result["userId"], result["resultScore"]) == (lms.subject("anna"), 42)


def signed(consumer: Process, tool: Peer11, **params: str) -> dict[str, Any]:
    order = {"key": "k", "secret": "s", "url": tool.launch_url, "params": params}
    made = httpx.post(f"{consumer.url}/launch", json=order, trust_env=False).raise_for_status().json()
    return {"url": made["url"], "fields": dict(made["fields"])}


def test_a_tool_of_lti_11_with_a_consumer_that_is_not_ours(consumer: Process, legacy: Peer11) -> None:
    assert legacy.is_well()
    legacy.know("k", "s")
    sourcedid = f"place-of-{legacy.folder}"
    form = signed(consumer, legacy, resource_link_id="1", resource_link_title="Tides", user_id="7",
                  lis_result_sourcedid=sourcedid, lis_person_name_full="Anna Åkesson")  # fmt: skip
    page = httpx.post(form["url"], data=form["fields"], trust_env=False)
    assert page.status_code == 200, page.text
    assert "Tides" in page.text
    assert legacy.newest().params["user_id"] == "7"

    assert legacy.replace(0.5).ok
    book = httpx.get(f"{consumer.url}/book", trust_env=False).json()["book"]
    assert float(book[sourcedid]) == 0.5
    assert float(legacy.read().value) == 0.5
    assert legacy.delete().ok
    refused = legacy.replace(0.9, secret="another")
    assert not refused.ok
    assert "signature not valid" in refused.description + refused.error

    again = httpx.post(form["url"], data=form["fields"], trust_env=False)
    changed = httpx.post(form["url"], data={**form["fields"], "user_id": "8"}, trust_env=False)
    assert (again.status_code, changed.status_code) == (400, 400), "used twice, and forged"


def test_the_tools_answer_a_choice_of_content(modern: Peer13) -> None:
    """What PyLTI1p3 and ltijs sign is shown with our platform in tests/interop; here they do not fall over."""
    refused = modern.do("choice", items=[])
    assert not refused.ok, "the newest launch was no request for a choice"


@pytest.mark.parametrize("name", ["ltijs", "imslti"])
def test_locks_name_no_registry_and_every_package_is_hashed(name: str) -> None:
    text = (ROOT / "tests" / "peers" / name / "package-lock.json").read_text()
    packages = {path: about for path, about in json.loads(text)["packages"].items() if path}
    assert re.findall(r'"resolved"|://', text) == [], "a lock names no address"
    assert [path for path, about in packages.items() if not about.get("integrity", "").startswith("sha512-")] == []


def test_forms_of_the_tools_can_be_followed(modern: Peer13, lms: RunningLMS) -> None:
    page = launch(lms, modern, "bruno", f"By hand at {modern.folder}")
    form = Form.of(page)
    handed_in = httpx.post(form.action, data={**form.fields, "given": "70"}, trust_env=False, timeout=60)
    assert "Handed in" in handed_in.text
    held = lms.score("bruno", title=f"By hand at {modern.folder}")
    assert held is not None
    assert held.given == 70
