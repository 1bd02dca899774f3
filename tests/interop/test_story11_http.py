"""LTI 1.2 over real HTTP between real processes: an LMS of somebody else's making launches, our worker tells the score.

Two of them: the package `lti`, and oauthlib as the signer. Each is met in success and in refusal, both ways.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa

from tenants.catalog.models import Activity
from tenants.lti.launches.models import Outcome
from tenants.lti.launches.services import steps_of
from tenants.lti.tool.consumers import Consumers
from tests.house import BACKENDS, ROOT
from tests.installation import Installation, installation
from tests.interop.looking import Looking
from tests.interop.test_story_http import forms, learn
from tests.peers.environment import Process
from tests.services import wait_for

PEERS = ("consumer11", "signer")


@dataclass
class Counterparty:
    """The other LMS's control, and our installation with a key of its own for the activity "Tides"."""

    control: httpx.Client
    made: Installation
    looking: Looking
    url: str
    key: str
    secret: str

    @classmethod
    def meet(cls, looking: Looking, control: httpx.Client, name: str) -> "Counterparty":
        with looking.session(write=True) as session:
            activity = session.scalars(sa.select(Activity).where(Activity.title == "Tides")).one()
            consumers = Consumers(session, looking.runtime.secrets)
            key = consumers.create(activity, name)
            url = f"{looking.made.url('north')}/lti/launch/{activity.id}"
            return cls(control, looking.made, looking, url, key.key, consumers.reveal(key))

    def sign(self, sub: str, *, params: dict[str, str] | None = None, **order: Any) -> dict[str, Any]:
        values = {
            "resource_link_id": "17",
            "user_id": sub,
            "roles": "Learner",
            "lis_person_name_given": "Ada",
            "lis_person_name_family": "Lovelace",
            "lis_person_contact_email_primary": f"{sub}@old.example",
            "lis_result_sourcedid": f'{{"user":"{sub}","hash":"0a<1&b"}}',
            **(params or {}),
        }
        credentials = {"key": self.key, "secret": self.secret, "url": self.url}
        made = self.control.post("/launch", json={**credentials, "params": values, **order}).raise_for_status().json()
        return {"url": made["url"], "data": dict(made["fields"])}

    def book(self) -> dict[str, Any]:
        return dict(self.control.get("/book").json())

    def score_of(self, sub: str) -> Decimal | None:
        found = self.book()["book"].get(f'{{"user":"{sub}","hash":"0a<1&b"}}')
        return Decimal(found) if found else None

    def refused(self, form: dict[str, Any], code: str) -> httpx.Response:
        with self.made.client() as browser:
            answer = browser.post(**form)
        assert code in answer.text, answer.text[:2000]
        assert self.looking.launch().code == code
        return answer


@pytest.fixture(scope="module", params=BACKENDS)
def looking(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looking]:
    folder: Path = tmp_path_factory.mktemp("story11")
    with installation(folder, request.param, app__demo="true") as started:
        started.cli("demo")
        started.serve()
        looking = Looking.into(started)
        yield looking
        looking.close()


@pytest.fixture(params=PEERS)
def there(request: pytest.FixtureRequest, looking: Looking) -> Iterator[Counterparty]:
    folder = ROOT / "tests" / "peers" / request.param
    with Process(folder) as peer, httpx.Client(base_url=peer.url, trust_env=False) as control:
        yield Counterparty.meet(looking, control, request.param)


def test_launch_learn_and_score(there: Counterparty) -> None:
    sub, made = uuid4().hex, there.made
    with made.client() as browser:
        landed = browser.post(**there.sign(sub))
        assert landed.status_code == 303, landed.text
        done = learn(browser, urljoin(str(landed.url), landed.headers["location"]))
    assert "100" in done.text
    wait_for(lambda: there.score_of(sub) == 1, "the score")
    wait_for(lambda: there.looking.score() == ("confirmed", ""), "reading it back")
    newest = there.looking.launch()
    assert newest.outcome is Outcome.ACCEPTED
    assert all(step.check.passed for step in steps_of(newest))


def test_launches_we_refuse(there: Counterparty) -> None:
    sub = uuid4().hex
    there.refused(there.sign(sub, secret="guessed"), "LTI11_SIGNATURE")
    there.refused(there.sign(sub, key="nobody"), "LTI11_UNKNOWN_KEY")
    there.refused(there.sign(sub, params={"lti_version": "LTI-2p0"}), "LTI11_VERSION_2")
    form = there.sign(sub)
    changed = {**form["data"], "user_id": "somebody-else"}
    there.refused({**form, "data": changed}, "LTI11_SIGNATURE")
    with there.made.client() as browser:
        assert browser.post(**form).status_code == 303
    there.refused(form, "LTI11_NONCE")


def test_scores_it_refuses(there: Counterparty) -> None:
    faults = [{"status": 503, "body": "<html>"}, {"major": "failure", "description": "No column"}]
    there.control.post("/faults", json=faults)
    sub = uuid4().hex
    learnt(there, sub, there.sign(sub))
    wait_for(lambda: there.looking.score() == ("dead", "OUTCOME_REFUSED"), "the refusal")
    other = uuid4().hex
    form = there.sign(other)
    there.sign(other, secret="changed over there")  # what it verifies with from now on
    learnt(there, other, form)
    wait_for(lambda: there.looking.score() == ("dead", "OUTCOME_SIGNATURE"), "the refusal")
    assert "replaceResult" in there.book()["refusals"]
    assert there.score_of(sub) is None
    assert there.score_of(other) is None


def learnt(there: Counterparty, sub: str, form: dict[str, Any]) -> None:
    """Launched and worked through to the end."""
    with there.made.client() as browser:
        landed = browser.post(**form)
        assert landed.status_code == 303, f"{sub}: {landed.text}"
        assert "100" in learn(browser, urljoin(str(landed.url), landed.headers["location"])).text


def test_a_choice_of_content_is_signed_so_that_oauthlib_believes_it(looking: Looking) -> None:
    folder = ROOT / "tests" / "peers" / "signer"
    with Process(folder) as peer, httpx.Client(base_url=peer.url, trust_env=False) as control:
        there = Counterparty.meet(looking, control, "signer")
        asking = {
            "lti_message_type": "ContentItemSelectionRequest",
            "roles": "Instructor",
            "content_item_return_url": "%(here)s/chosen?course=3",
            "accept_media_types": "application/vnd.ims.lti.v1.ltilink",
            "accept_presentation_document_targets": "iframe,window",
            "accept_lineitem": "true",
            "data": "x=1&ü",
        }
        with looking.made.client() as browser:
            picker = browser.post(**there.sign("tilda", params=asking), follow_redirects=True)
            assert "Tides" in picker.text
            (action, fields) = next(form for form in forms(picker) if "item" in form[1])
            picked = browser.post(action, data={"item": fields["item"][0]})
            (target, answer) = forms(picked)[0]
        control.post(target, data={name: values[0] for name, values in answer.items()})
        (choice,) = there.book()["chosen"]
        assert choice["data"] == "x=1&ü"
        assert [item["url"] for item in choice["items"]] == [there.url]
        assert there.book()["refusals"] == []
        answer["data"] = ["forged"]
        control.post(target, data={name: values[0] for name, values in answer.items()})
        assert there.book()["refusals"] == ["chosen"]
        learner = asking | {"roles": "Learner"}
        there.refused(there.sign("anna", params=learner), "LTI_PICK_STAFF")
