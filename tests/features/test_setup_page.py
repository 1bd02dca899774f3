"""The set-up page: another LMS's admin connects by hand, without an account, and watches what arrives."""

from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from saas import clock
from tenants.access import Role
from tenants.grades.models import DeliveryState, Progress, Result, ScoreDelivery
from tenants.lti.tool.invitations import Invitations
from tenants.lti.tool.models import Deployment, Participant, Platform
from tenants.lti.wire.setup_sheets import SHEETS
from tests.conformance.platform import PlatformDouble, Site
from tests.conformance.visits import Scene
from tests.features.pages import faults, words
from tests.house import Browser, House, Kit, forms_of

HTMX = {"HX-Request": "true"}


@dataclass
class Setup:
    """An invitation in the hands of the other admin."""

    kit: Kit
    platform: PlatformDouble
    browser: Browser
    path: str
    last_status: int = 0

    def values(self, **changes: str) -> dict[str, str]:
        there = self.platform
        return {
            "name": "School", "issuer": there.issuer, "client_id": there.client_id, "deployment_id": "1",
            "auth_url": there.auth_url, "token_url": there.token_url, "jwks_url": there.jwks_url, **changes,
        }  # fmt: skip

    def send(self, product: str = "moodle", **changes: str) -> Any:
        form = forms_of(self.browser.get(self.path, params={"product": product}))[-1]
        for name, value in self.values(**changes).items():
            form[name] = value
        return form.submit(status="*")

    def marks(self) -> dict[str, str]:
        """Label → state, as the part that htmx asks for again shows them."""
        part = self.browser.app.get(f"{self.path}/marks", headers=HTMX, status="*")
        self.last_status = part.status_int
        return {item.find("p", "name").get_text(): item["data-state"] for item in part.html.find_all("li")}

    def made(self) -> Platform:
        with self.kit.session() as session:
            (platform,) = session.scalars(sa.select(Platform)).all()
            session.expunge(platform)
            return platform


@pytest.fixture
def setup(house: House, site: Site) -> Setup:
    kit = house.academy()
    with kit.session() as session:
        _row, token = Invitations(session).make("Ada")
    return Setup(kit, site.open(), kit.browser(), f"/lti/register/{token}")


@pytest.mark.parametrize("product", sorted(SHEETS))
def test_every_product_reads_its_own_words(setup: Setup, product: str) -> None:
    page = setup.browser.get(setup.path, params={"product": product}, status=200)
    said = words(page)
    sheet = SHEETS[product]
    for label in (*sheet.ours.values(), *sheet.theirs.values(), sheet.place):
        assert label in said
    for value in (
        f"{setup.kit.academy.url}/lti/login",
        f"{setup.kit.academy.url}/lti/launch",
        "/lti/jwks",
        "/lti/pick",
    ):
        assert value in said
    assert (f"{setup.kit.academy.url}{setup.path}" in said) == bool(sheet.by_link)
    for theirs, value in sheet.fixed.items():
        assert page.html.find("input", {"name": theirs.value})["value"] == value
    assert "Which data is shared" in said


def test_the_marks_turn_green_as_things_arrive(setup: Setup) -> None:
    assert set(setup.marks().values()) == {"waiting", "todo"}
    assert setup.send().status_int == 303
    made = setup.made()
    assert (made.approved_at, made.is_active, made.name) == (None, False, "School")
    setup.kit.house.run_jobs()
    marks = setup.marks()
    assert list(marks.values())[:3] == ["done", "done", "waiting"], marks
    admin = setup.kit.signed_in(Role.ADMIN)
    admin.post(f"/integrations/lti-1.3/platforms/{made.id}/approve", status=303)
    scene = Scene(setup.kit, setup.platform, made.id, setup.kit.activity().id)
    visit = scene.visit()
    visit.begin()
    assert list(setup.marks().values())[2:4] == ["done", "done"]
    visit.accepted(visit.answer(visit.platform.sign(visit.claims())))
    assert list(setup.marks().values())[4] == "done"
    assert setup.last_status == 200
    scored(scene)
    assert set(setup.marks().values()) == {"done"}
    assert setup.last_status == 286, "nothing more will come: htmx stops asking"
    assert "hx-trigger" not in setup.browser.app.get(f"{setup.path}/marks", headers=HTMX, status=286)


def scored(scene: Scene) -> None:
    """A result that was delivered."""
    with scene.kit.session() as session:
        participant = session.scalars(sa.select(Participant)).one()
        result = Result(
            person_id=participant.person_id, activity_id=scene.activity_id, progress=Progress.COMPLETED,
            achieved_at=clock.now(),
        )  # fmt: skip
        session.add(result)
        session.flush()
        session.add(
            ScoreDelivery(
                result_id=result.id,
                channel="lti13",
                route_id=participant.id,
                progress=Progress.COMPLETED,
                achieved_at=clock.now(),
                state=DeliveryState.SENT,
                sent_at=clock.now(),
            )
        )


def test_wrong_values_stand_at_their_fields_and_can_be_mended(setup: Setup) -> None:
    assert {"issuer"} == faults(setup.send(issuer=""))
    assert {"token_url", "auth_url"} == faults(setup.send(token_url="nonsense", auth_url="ftp://x"))
    assert setup.send(jwks_url="https://10.0.0.8/keys").status_int == 422
    assert setup.send(client_id="a typing error").status_int == 303
    assert setup.send().status_int == 303
    assert setup.made().client_id == setup.platform.client_id


def test_a_wrong_address_of_keys_shows_at_once(setup: Setup) -> None:
    setup.send(jwks_url="http://127.0.0.1:1/keys")
    setup.kit.house.run_jobs()
    assert setup.marks()["Your public keys are read"] == "failed"


def test_a_deployment_may_come_later(setup: Setup) -> None:
    assert setup.send(deployment_id="").status_int == 303
    with setup.kit.session() as session:
        assert session.scalars(sa.select(Deployment)).all() == []


def test_what_is_decided_cannot_be_changed_from_outside(setup: Setup) -> None:
    setup.send()
    made = setup.made()
    left_open = forms_of(setup.browser.get(setup.path))[-1]
    setup.kit.signed_in(Role.ADMIN).post(f"/integrations/lti-1.3/platforms/{made.id}/approve", status=303)
    assert "Send your values" not in setup.browser.get(setup.path)
    left_open["client_id"] = "other"
    late = left_open.submit(status="*")
    assert late.status_int == 403
    assert setup.made().client_id == setup.platform.client_id


def test_a_registered_platform_is_not_named_to_strangers(setup: Setup) -> None:
    Scene.set(setup.kit, setup.platform, name="Our secret partner")
    again = setup.send()
    assert again.status_int == 422
    assert "client_id" in faults(again)
    assert "Our secret partner" not in again
