"""T3-051: an unlisted deployment of a known client is refused, and asked about: one click of our admin decides."""

from typing import Any

import pytest
import sqlalchemy as sa

from tenants.access import Role
from tenants.lti.tool.models import Deployment, Platform
from tenants.lti.tool.questions import MOST_UNPROVEN
from tests.conformance.platform import rsa
from tests.conformance.visits import Scene
from tests.features.pages import words
from tests.house import Browser, forms_of

VALUES = ("name", "issuer", "auth_url", "token_url", "jwks_url")


def rows(scene: Scene) -> dict[str, Deployment]:
    with scene.kit.session() as session:
        found = list(session.scalars(sa.select(Deployment)))
        session.expunge_all()
        return {each.deployment_id: each for each in found}


def launch_under(scene: Scene, deployment: str, **more: Any) -> Any:
    visit = scene.visit()
    assert visit.begin("lti_deployment_id").status_int == 302
    return visit, visit.answer(visit.platform.sign(visit.claims(deployment_id=deployment), **more))


def press(admin: Browser, page: str, end: str) -> None:
    """A button of a question on that page, which then shows again."""
    form = next(form for form in forms_of(admin.get(page)) if form.action.endswith(end))
    assert form.submit(status=303).location.endswith(page)


@pytest.mark.case("T3-051")
@pytest.mark.parametrize("where", ["list", "platform", "inspector"])
def test_one_click_accepts_it(own_scene: Scene, where: str) -> None:
    _visit, response = launch_under(own_scene, "77")
    row = own_scene.refused(response, "LTI13_DEPLOYMENT", "deployment", own_scene.written())
    page = {
        "list": "/integrations/lti-1.3",
        "platform": f"/integrations/lti-1.3/platforms/{own_scene.platform_id}",
        "inspector": f"/integrations/launches/{row.id}",
    }[where]
    admin = own_scene.kit.signed_in(Role.ADMIN)
    assert "signed by the platform" in words(admin.get(page))
    press(admin, page, "/accept")
    assert "Is the deployment" not in words(admin.get(page))
    visit = own_scene.visit()
    visit.begin(lti_deployment_id="77")
    visit.accepted(visit.answer(visit.platform.sign(visit.claims(deployment_id="77"))))


@pytest.mark.case("T3-051", "RT-001")
def test_what_waits_for_an_answer_is_said_where_an_admin_begins(own_scene: Scene) -> None:
    """A deployment and a platform that registered itself."""
    kit, said = own_scene.kit, "about other systems wait for your answer"
    admin, asked = kit.signed_in(Role.ADMIN), "A question about another system waits for your answer"
    for page in ("/", "/integrations"):
        assert "for your answer" not in words(admin.get(page))
    launch_under(own_scene, "77")
    for page in ("/", "/integrations"):
        assert asked in words(admin.get(page))
    with kit.session() as session:
        platform = session.get_one(Platform, own_scene.platform_id)
        waiting = Platform(**{name: getattr(platform, name) for name in VALUES}, client_id="2")
        session.add(waiting)
        session.flush()
        waiting.approved_at = None
    for page in ("/", "/integrations"):
        shown = admin.get(page)
        assert f"2 questions {said}" in words(shown)
        assert shown.html.find("a", string="Answer")["href"] == "/integrations/lti-1.3"
    assert "for your answer" not in words(kit.signed_in(Role.AUTHOR).get("/"))
    press(admin, "/integrations/lti-1.3", "/decline")
    assert asked in words(admin.get("/"))


@pytest.mark.case("T3-051")
def test_declined_it_is_not_asked_again_and_may_still_be_listed(own_scene: Scene) -> None:
    launch_under(own_scene, "77")
    admin, page = own_scene.kit.signed_in(Role.ADMIN), "/integrations/lti-1.3"
    press(admin, page, "/decline")
    _visit, again = launch_under(own_scene, "77")
    own_scene.refused(again, "LTI13_DEPLOYMENT", "deployment", own_scene.written())
    assert "Is the deployment" not in words(admin.get(page))
    form = forms_of(admin.get(f"{page}/platforms/{own_scene.platform_id}/edit"))[-1]
    form = next(each for each in forms_of(admin.get(form.action)) if "deployment_ids" in each.fields)
    assert form["deployment_ids"].value == "1"
    form["deployment_ids"] = "1\n77"
    form.submit(status=303)
    visit, welcome = launch_under(own_scene, "77")
    visit.accepted(welcome)


@pytest.mark.case("T3-051")
def test_a_login_asks_too_but_is_not_believed(own_scene: Scene) -> None:
    """Anybody can send a login: few such questions are kept, and they say what they are."""
    for number in range(MOST_UNPROVEN + 3):
        assert "LTI13_DEPLOYMENT" in own_scene.visit().begin(lti_deployment_id=f"made-up-{number}")
    asked = [each for each in rows(own_scene).values() if each.accepted_at is None]
    assert len(asked) == MOST_UNPROVEN
    assert not any(each.is_proven for each in asked)
    assert "nothing signed has come" in words(own_scene.kit.signed_in(Role.ADMIN).get("/integrations/lti-1.3"))
    launch_under(own_scene, "true-one")
    launch_under(own_scene, "made-up-0")
    found = rows(own_scene)
    assert found["true-one"].is_proven
    assert found["made-up-0"].is_proven


@pytest.mark.case("T3-051")
def test_what_is_not_signed_by_the_platform_asks_nothing(own_scene: Scene) -> None:
    _visit, forged = launch_under(own_scene, "77", key=rsa(99))
    own_scene.refused(forged, "LTI13_SIGNATURE", "signature", own_scene.written())
    assert set(rows(own_scene)) == {"1"}


@pytest.mark.case("T3-051")
def test_only_admins_answer(own_scene: Scene) -> None:
    launch_under(own_scene, "77")
    asked = rows(own_scene)["77"]
    author = own_scene.kit.signed_in(Role.AUTHOR)
    assert "WEB_FORBIDDEN" in author.post(f"/integrations/lti-1.3/deployments/{asked.id}/accept", status=403)
    assert rows(own_scene)["77"].accepted_at is None
