"""Sharing as a hostile LMS, learner or passer-by would use it: borrowed names, planted links, lying addresses."""

from typing import Any

import pytest
import sqlalchemy as sa

from saas.problems import Refused
from tenants.access import Role
from tenants.lti.tool.addresses import origin_of
from tenants.lti.tool.invitations import Invitations
from tenants.lti.tool.models import Identity, Platform
from tenants.lti.tool.people_models import CaseKind, Newcomers
from tenants.lti.tool.platforms import Platforms, PlatformValues
from tenants.lti.tool.questions import MOST_PROVEN, Questions, ask_of_launch
from tenants.lti.wire.launch11 import issuer_of
from tests.conformance.platform import Site
from tests.conformance.visits import Scene
from tests.conformance.visits11 import FormScene
from tests.features.pages import faults
from tests.features.test_people_policy import asked, cases_of, learner, say_yes, sign_in
from tests.features.test_setup_page import Setup
from tests.house import Browser, forms_of

PLATFORMS = "/integrations/lti-1.3"


def invited(scene: Scene, site: Site) -> Setup:
    """Another LMS's admin with a link to the academy of ``scene``."""
    with scene.kit.session() as session:
        _row, token = Invitations(session).make("Ada")
    return Setup(scene.kit, site.open(), scene.kit.browser(), f"/lti/register/{token}")


# an issuer is the namespace of its people


def test_no_platform_speaks_for_the_people_of_a_key(scene: Scene, site: Site) -> None:
    setup = invited(scene, site)
    assert {"issuer"} == faults(setup.send(issuer=issuer_of("somebodysKey")))


def test_no_platform_speaks_for_one_whose_keys_lie_elsewhere(scene: Scene, site: Site) -> None:
    setup = invited(scene, site)
    borrowed = setup.send(issuer=scene.platform.issuer, jwks_url="https://evil.example/jwks")
    assert {"issuer"} == faults(borrowed)
    assert setup.send(issuer=scene.platform.issuer).status_int == 303, "a second client of the same LMS"


def test_of_two_that_claim_one_issuer_the_second_is_not_approved(scene: Scene, site: Site) -> None:
    first, second = invited(scene, site), invited(scene, site)
    issuer = "https://claimed.example"
    assert first.send(issuer=issuer).status_int == 303
    assert second.send(issuer=issuer, jwks_url="https://evil.example/jwks").status_int == 303
    with scene.kit.session() as session:
        genuine, evil = session.scalars(sa.select(Platform).filter_by(issuer=issuer).order_by(Platform.created_at))
        Questions(session).approve(genuine)
        session.flush()
        with pytest.raises(Refused, match="LTI13_REG_ISSUER"):
            Questions(session).approve(evil)
        assert (evil.approved_at, evil.is_active) == (None, False)


def test_an_admin_who_knows_better_may_enter_it(scene: Scene) -> None:
    """Some LMSs did move their keys."""
    with scene.kit.session() as session:
        known = session.get_one(Platform, scene.platform_id)
        known.jwks_url = "https://old.example/jwks"
        session.flush()
        values = PlatformValues(
            "New", known.issuer, "another", known.auth_url, known.token_url, "https://new.example/jwks",
            deployment_ids=("1",),
        )  # fmt: skip
        assert Platforms(session, scene.kit.runtime.outbound).create(values).approved_at is not None


def test_what_was_changed_since_the_question_is_not_approved(scene: Scene, site: Site) -> None:
    """Whoever has the link can change the values while our admin looks at them."""
    setup = invited(scene, site)
    setup.send()
    admin = scene.kit.signed_in(Role.ADMIN)
    form = approve_form(admin)
    setup.send(client_id="another")
    form.submit(status=409)
    with scene.kit.session() as session:
        (waiting,) = session.scalars(sa.select(Platform).where(Platform.approved_at.is_(None)))
        assert (waiting.client_id, waiting.is_active) == ("another", False)
        keys = waiting.jwks_url
    assert keys in admin.get(PLATFORMS)
    approve_form(admin).submit(status=303)


def approve_form(admin: Browser) -> Any:
    page = admin.get(PLATFORMS)
    return next(form for form in forms_of(page) if form.action.endswith("/approve"))


def test_a_platform_fills_no_page_with_deployments(scene: Scene) -> None:
    with scene.kit.runtime.database.hot(scene.kit.academy.id) as connection:
        for number in range(MOST_PROVEN + 2):
            ask_of_launch(connection, scene.kit.runtime.events, scene.platform_id, f"made up {number}")
    with scene.kit.session() as session:
        assert len(Questions(session).deployments(scene.platform_id)) == MOST_PROVEN


# an address is a claim


@pytest.mark.parametrize(
    ("here", "claimed"),
    [
        ("strauss@people.example", "strau\u00df@people.example"),
        ("strau\u00df@people.example", "strauss@people.example"),
        ("ada@people.example", "\uff41da@people.example"),
        ("kim@people.example", "\u212aim@people.example"),
    ],
)
def test_an_address_that_only_looks_the_same_opens_nothing(scene: Scene, here: str, claimed: str) -> None:
    """For some mail servers they are two mailboxes."""
    victim, visit = learner(scene, here), scene.visit()
    page = asked(visit.launch(email=claimed))
    window = scene.kit.browser()
    say_yes(sign_in(window, page, victim), status=403).mustcontain("LTI_PERSON_DOUBT")
    assert scene.person_of(scene.platform.issuer, visit.sub) is None


def test_an_address_nobody_verified_is_no_proof_in_another_browser(scene: Scene) -> None:
    """Whoever types somebody's address into their profile there and sends them the link gets no account for it."""
    victim, visit = learner(scene), scene.visit()
    page = asked(visit.launch(email=victim.email, email_verified=False))
    window = scene.kit.browser()
    say_yes(sign_in(window, page, victim), status=403).mustcontain("LTI_PERSON_DOUBT")
    assert [case.kind for case in cases_of(scene)] == [CaseKind.DOUBT]
    again = asked(visit.launch(email=victim.email, email_verified=False))
    say_yes(sign_in(visit.browser, again, victim), status=303)
    assert scene.person_of(scene.platform.issuer, visit.sub) == victim.id


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_a_form_another_site_posts_proves_no_browser(form_scene: FormScene, origin: str) -> None:
    """LTI 1.2 has no login: Eve's own launch, kept back, can be posted by any page in her victim's browser."""
    form_scene.set(newcomers=Newcomers.ASK)
    victim, eve = learner(form_scene), form_scene.visit()
    page = asked(eve.post(eve.sign(), headers={"Origin": origin}))
    say_yes(sign_in(eve.browser, page, victim), status=403).mustcontain("LTI_PERSON_DOUBT")
    with form_scene.kit.session() as session:
        assert session.scalars(sa.select(Identity.sub)).all() == []


def test_a_key_switched_off_while_somebody_signs_in_opens_nothing(form_scene: FormScene) -> None:
    form_scene.set(newcomers=Newcomers.ASK)
    here, visit = learner(form_scene), form_scene.visit()
    shown = sign_in(visit.browser, asked(visit.launch()), here)
    form_scene.set(is_active=False)
    say_yes(shown, status=410).mustcontain("LTI_INTRODUCTION")


# addresses of strangers in our headers


@pytest.mark.parametrize(
    "url",
    [
        "https://*/x",
        "https://a.example;/x",
        "https://a *.example/x",
        "https://a,b/x",
        "https://sn\u00f6\u2603.example/x",
    ],
)
def test_what_is_no_host_is_no_origin(url: str) -> None:
    assert origin_of(url) == ""


def test_no_launch_writes_what_it_likes_into_our_policy(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    odd = "https://sn\u2603w * ;sandbox/x"
    row = visit.accepted(visit.launch("launch_presentation_return_url", content_item_return_url=odd))
    shown = visit.browser.get(f"/activities/{row.activity_id}", status=200)
    policy = shown.headers["Content-Security-Policy"]
    assert "sandbox" not in policy
    assert "*" not in policy


def test_an_invitation_is_no_way_to_make_us_fetch_without_end(scene: Scene, site: Site) -> None:
    setup = invited(scene, site)
    wanted = {"openid_configuration": "https://10.0.0.1/openid"}
    for _ in range(30):
        assert "LTI13_REG" in setup.browser.get(setup.path, params=wanted, status="*")
    assert "WEB_RATE" in setup.browser.get(setup.path, params=wanted, status=429)
