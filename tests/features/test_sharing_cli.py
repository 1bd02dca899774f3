"""``lyceum lti invite``, ``links`` and ``roster``: what scripts read of them."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from saas.cli.context import Shell
from saas.tenancy.lifecycle import Lifecycle
from tenants.lti.invite_cli import invite, links, roster
from tests.conformance.platform import Answer
from tests.conformance.visits import Scene
from tests.house import House


class HouseShell(Shell):
    """On the application of the tests."""

    def __init__(self, house: House) -> None:
        super().__init__("")
        self.house = house

    @property
    def runtime(self) -> Any:
        return self.house.runtime


def run(scene: Scene, command: Any, *arguments: str) -> Any:
    shell = HouseShell(scene.kit.house)
    done = CliRunner().invoke(command, [scene.kit.academy.slug, *arguments, "--json"], obj=shell)
    if done.exception:
        raise done.exception
    return json.loads(done.stdout)


def test_an_invitation_opens_its_page(scene: Scene) -> None:
    made = run(scene, invite)
    assert made["url"].startswith(f"{scene.kit.academy.url}/lti/register/")
    assert set(made) == {"id", "url", "expires_at"}
    path = made["url"].removeprefix(scene.kit.academy.url)
    assert "Connect your learning system" in scene.kit.browser().get(path, status=200)


def test_no_invitation_where_lti_is_off(scene: Scene) -> None:
    with scene.kit.runtime.database.shell() as session:
        Lifecycle(session, scene.kit.runtime.settings.web).switch(scene.kit.academy.slug, "lti", on=False, reason="x")
    scene.kit.runtime.tenants.forget()
    with pytest.raises(Exception, match="LTI_OFF"):
        run(scene, invite)


def test_a_roster_is_shown_and_enrolled(scene: Scene) -> None:
    visit = scene.visit()
    visit.accepted(visit.launch())
    scene.platform.learn_keys(scene.kit.browser().get("/lti/jwks").json)
    member = {"user_id": "u1", "roles": ["Learner"], "name": "Ada King", "email": "ada@x.example"}
    body = json.dumps({"id": "x", "members": [member]}).encode()
    scene.platform.services["members"] = lambda _heard: Answer(body=body)
    (link,) = run(scene, links)
    assert link["course"] == "Course one"
    shown = run(scene, roster, link["id"])
    assert (shown["state"], shown["members"], shown["absent"], shown["changes"]) == ("ready", 1, 1, {"create": 1})
    assert scene.person_of(scene.platform.issuer, "u1") is None
    assert run(scene, roster, link["id"], "--enrol")["state"] == "done"
    assert scene.person_of(scene.platform.issuer, "u1") is not None
    scene.platform.services["members"] = lambda _heard: Answer(503, b"")
    failed = run(scene, roster, link["id"])
    assert (failed["state"], failed["code"]) == ("failed", "NRPS_REFUSED")
