"""LTI 1.3 over real HTTP with Open edX's own classes in a process of their own: what either side refuses, deep linking
and the roster. `test_story_http` tells how it goes well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest

from saas.jobs.outbox import later
from tenants.lti.launches.models import Outcome
from tenants.lti.tool.platforms import Platforms, PlatformValues
from tenants.lti.tool.rosters import Rosters
from tenants.lti.tool.sharing_models import Change, PullState
from tests.house import BACKENDS
from tests.installation import installation
from tests.interop.looking import Looking
from tests.interop.test_story_http import forms, learn
from tests.peers.lms.client import Registered, Resource, RunningLMS
from tests.services import wait_for

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCOPES = [AGS + name for name in ("lineitem", "lineitem.readonly", "result.readonly", "score")]
MEMBERSHIP = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"


@dataclass
class Pair:
    """The two sides, each registered with the other."""

    looking: Looking
    lms: RunningLMS
    there: Registered

    @classmethod
    def connect(cls, looking: Looking, lms: RunningLMS) -> "Pair":
        base, tides = looking.made.url("north"), looking.activity("Tides")
        there = lms.register(
            login_url=f"{base}/lti/login",
            redirect_uris=[f"{base}/lti/launch"],
            jwks_url=f"{base}/lti/jwks",
            resources=[Resource("Tides", f"{base}/lti/activities/{tides.id}")],
            scopes=[*SCOPES, MEMBERSHIP],
            claims={NRPS: {"context_memberships_url": f"{lms.url}/nrps/1", "service_versions": ["2.0"]}},
        )
        values = PlatformValues(
            name="School", issuer=there.issuer, client_id=there.client_id, auth_url=there.auth_url, token_url=there.token_url,
            jwks_url=there.jwks_url, deployment_ids=tuple(there.deployment_ids), is_active=True,
        )  # fmt: skip
        with looking.session(write=True) as session:
            Platforms(session, looking.runtime.outbound).create(values)
        return cls(looking, lms, there)

    @property
    def base(self) -> str:
        return self.looking.made.url("north")

    def launch(self, person: str, browser: httpx.Client) -> httpx.Response:
        return self.lms.launch(self.there.links[0].id, person, browser)

    def deep_link(self, person: str, browser: httpx.Client) -> httpx.Response:
        """Login by hand, then the request that the package signs."""
        target = f"{self.base}/lti/pick"
        query = {
            "iss": self.there.issuer,
            "client_id": self.there.client_id,
            "login_hint": person,
            "target_link_uri": target,
        }
        sent = browser.get(f"{self.base}/lti/login", params=query)
        asked = dict(parse_qsl(urlsplit(sent.headers["location"]).query))
        order = {"client_id": self.there.client_id, "person": person, "target": target}
        order |= {"nonce": asked["nonce"], "state": asked["state"]}
        signed = httpx.post(f"{self.lms.url}/admin/deep-linking", json=order, trust_env=False).raise_for_status()
        return browser.post(f"{self.base}/lti/launch", data=signed.json(), follow_redirects=True)

    def chosen(self) -> dict[str, Any]:
        query = {"client_id": self.there.client_id}
        return dict(httpx.get(f"{self.lms.url}/admin/chosen", params=query, trust_env=False).json())

    def refused(self, response: httpx.Response, code: str) -> bool:
        newest = self.looking.launch()
        assert (newest.outcome, newest.code) == (Outcome.REFUSED, code)
        return code in response.text


@pytest.fixture(scope="module", params=BACKENDS)
def looking(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looking]:
    with installation(tmp_path_factory.mktemp("story13"), request.param, app__demo="true") as made:
        made.cli("demo")
        made.serve()
        looking = Looking.into(made)
        yield looking
        looking.close()


@pytest.fixture
def pair(looking: Looking) -> Iterator[Pair]:
    with RunningLMS() as lms:
        yield Pair.connect(looking, lms)


def test_launches_we_refuse_and_one_it_refuses(pair: Pair) -> None:
    for claims, code in (
        ({CLAIM + "version": "1.2.0"}, "LTI13_VERSION"),
        ({CLAIM + "deployment_id": "another"}, "LTI13_DEPLOYMENT"),
        ({"aud": "somebody-else"}, "LTI13_AUD"),
        ({CLAIM + "target_link_uri": f"{pair.base}/lti/activities/no"}, "LTI13_TARGET"),
    ):
        pair.lms.change(pair.there.client_id, claims=claims)
        with pair.looking.made.client() as browser:
            assert pair.refused(pair.launch("bruno", browser), code)
    pair.lms.change(pair.there.client_id, claims={}, quirks={"auth_error": "login_required"})
    with pair.looking.made.client() as browser:
        assert pair.refused(pair.launch("bruno", browser), "LTI13_PLATFORM_ERROR")


def test_a_score_it_refuses_and_one_it_takes_at_the_second_try(pair: Pair) -> None:
    pair.lms.fail("scores", {"status": 503})
    with pair.looking.made.client() as browser:
        landed = pair.launch("anna", browser)
        learn(browser, urljoin(str(landed.url), landed.headers["location"]))
    wait_for(lambda: (score := pair.lms.score("anna", title="Tides")) is not None and score.given == 100, "the score")
    with pair.looking.made.client() as browser:
        landed = pair.launch("bruno", browser)
        pair.lms.enrol("bruno", enrolled=False)
        learn(browser, urljoin(str(landed.url), landed.headers["location"]))
    wait_for(lambda: pair.looking.score() == ("dead", "AGS_NOT_ENROLLED"), "the refusal")
    assert pair.lms.score("bruno", title="Tides") is None


def test_a_choice_is_believed_and_what_was_chosen_opens(pair: Pair) -> None:
    made = pair.looking.made
    with made.client() as browser:
        picker = pair.deep_link("tilda", browser)
        assert "Tides" in picker.text, picker.text[:2000]
        (action, fields) = next(form for form in forms(picker) if "item" in form[1])
        tides = str(pair.looking.activity("Tides").id)
        picked = browser.post(action, data={"item": [each for each in fields["item"] if each == tides]})
        (target, answer) = forms(picked)[0]
        taken = httpx.post(target, data={"JWT": answer["JWT"][0]}, trust_env=False)
        assert taken.status_code == 200, taken.text
    (item,) = pair.chosen()["items"]
    assert (item["type"], item["url"]) == ("ltiResourceLink", f"{pair.base}/lti/activities/{tides}")
    link = pair.lms.place(pair.there.client_id, Resource("Chosen", item["url"], custom=item["custom"]))
    with made.client() as browser:
        assert pair.lms.launch(link.id, "layla", browser).status_code == 303
    forged = answer["JWT"][0][:-8] + "AAAAAAAA"
    assert httpx.post(target, data={"JWT": forged}, trust_env=False).status_code == 403
    assert len(pair.chosen()["refused"]) == 1


def test_learners_choose_nothing(pair: Pair) -> None:
    with pair.looking.made.client() as browser:
        assert pair.refused(pair.deep_link("anna", browser), "LTI_PICK_STAFF")


def test_the_roster_of_its_course_is_read(pair: Pair) -> None:
    with pair.looking.made.client() as browser:
        assert pair.launch("anna", browser).status_code == 303
    with pair.looking.session(write=True) as session:
        rosters = Rosters(session)
        link = next(each for each in rosters.links() if each.memberships_url.startswith(pair.lms.url))
        pull_id = rosters.start(link, "the test").id
        later(session, "lti.read_roster", pull_id=pull_id)

    def state() -> PullState:
        with pair.looking.session() as session:
            return Rosters(session).pull(pull_id).state

    wait_for(lambda: state() is not PullState.READING, "the roster")
    with pair.looking.session() as session:
        pull = Rosters(session).pull(pull_id)
        assert (pull.state, pull.code, pull.pages) == (PullState.READY, "", 3)
        counts = Rosters(session).counts(pull)
    assert counts[Change.STAFF] == 1, "the teacher"
    assert counts[Change.ENROLLED] == 1, "anna came already"
    assert sum(counts.values()) == 5
