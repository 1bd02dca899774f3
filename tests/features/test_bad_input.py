"""Bad input that no protocol's own list of cases has; docs/bad-input.md says which test proves which case."""

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from limits import parse

from saas import clock
from saas.web.guards import OwnRate
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.names import mixes_alphabets
from tenants.lti.tool import roster_reader
from tenants.lti.tool.models import Identity, Platform, ResourceLink
from tenants.lti.tool.sharing_models import Invitation
from tests.addresses import addresses
from tests.conformance.platform import INSTRUCTOR, Answer, Heard, Site
from tests.conformance.test_nc import Course
from tests.conformance.test_rt import Registrar
from tests.conformance.visits import Scene
from tests.conformance.visits11 import FormScene
from tests.features.pages import words
from tests.features.test_person_cases import only_case
from tests.house import House

PLATFORMS = "/integrations/lti-1.3"
SCRIPT = "<script>alert(1)</script>"
SEVERAL = "Letters of several alphabets"
LOOK_ALIKE = "letters of several alphabets that look alike"


# launches


def test_signed_launches_from_one_address_are_limited(form_scene: FormScene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each keeps a nonce and a row of the log: whoever holds one good key could fill the database of all."""
    monkeypatch.setattr(form_scene.kit.house.application.registry, "logins", OwnRate(parse("3/hour")))
    visit = form_scene.visit()
    answers = [visit.launch() for _ in range(5)]
    assert [answer.status_int for answer in answers] == [303] * 3 + [429] * 2
    assert "WEB_RATE" in answers[-1]
    assert (form_scene.nonces(), len(form_scene.rows())) == (3, 3)
    elsewhere = form_scene.visit()
    elsewhere.browser.app.extra_environ["REMOTE_ADDR"] = "198.51.100.78"
    elsewhere.accepted(elsewhere.launch())


@pytest.mark.parametrize("door", ["1.2", "login", "launch"])
def test_a_launch_larger_than_any_may_be(scene: Scene, form_scene: FormScene, door: str) -> None:
    of = form_scene if door == "1.2" else scene
    path = f"/lti/launch/{form_scene.activity_id}" if door == "1.2" else f"/lti/{door}"
    before, rows = of.written(), len(of.rows())
    answer = of.kit.browser().app.post(path, b"x=" + b"y" * 1_000_000, status="*")
    assert answer.status_int == 413
    assert "WEB_TOO_LARGE" in answer
    assert (of.written(), len(of.rows())) == (before, rows)


@pytest.mark.parametrize(
    "kind",
    ["LtiResourceLinkRequest", "LtiDeepLinkingRequest", "LtiSubmissionReviewRequest", "LtiDataPrivacyLaunchRequest"],
)
def test_random_bytes_sign_no_message_of_any_kind(scene: Scene, kind: str) -> None:
    """CVE-2023-25574: one way in that forgot to look."""
    visit = scene.visit()
    visit.begin()
    signed = visit.platform.sign(visit.claims(message_type=kind, roles=[INSTRUCTOR]))
    before = scene.written()
    answer = visit.answer(signed.rpartition(".")[0] + "." + "A" * 342)
    assert scene.refused(answer, "LTI13_SIGNATURE", "signature", before).outcome == "refused"


def test_markup_of_an_lms_is_text_on_every_page(scene: Scene) -> None:
    """CVE-2022-35653 and its kind: whatever a launch says of people, courses and links, on every page of our admin."""
    visit = scene.visit()
    about = {"id": "3", "label": SCRIPT, "title": SCRIPT}
    nasty: dict[str, Any] = {
        "given_name": SCRIPT, "family_name": SCRIPT, "name": SCRIPT, "context": about, "custom": {SCRIPT: SCRIPT},
        "resource_link": {"id": "17", "title": SCRIPT, "description": SCRIPT}, "tool_platform": {"guid": "g", "name": SCRIPT},
    }  # fmt: skip
    row = visit.accepted(visit.launch(**nasty, email="ada@people.example"))
    assert "LTI_PERSON_CONFLICT" in scene.visit().launch(**nasty, email="ada@people.example")
    case_id = only_case(scene).id
    with scene.kit.session() as session:
        link = session.scalars(sa.select(ResourceLink)).one()
        ids = {
            "launch_id": row.id, "person_id": row.person_id, "activity_id": row.activity_id, "link_id": link.id,
            "platform_id": scene.platform_id, "case_id": case_id,
        }  # fmt: skip
    admin, shown = scene.kit.signed_in(Role.ADMIN), set()
    for each in addresses(scene.kit.house.application):
        if "GET" not in each.methods or each.house == "operator" or not each.places <= set(ids):
            continue
        page = admin.get(each.path({name: str(value) for name, value in ids.items()}), status="*")
        assert SCRIPT not in page.text or page.content_type == "text/csv", each.route
        if "&lt;script&gt;alert(1)" in page.text:
            shown.add(each.route)
    assert {"people", "person", "launches", "launch", "person_cases", "person_case"} <= shown


# keys


def test_keys_that_cannot_be_read_are_shown_before_launches_fail(scene: Scene) -> None:
    admin, visit = scene.kit.signed_in(Role.ADMIN), scene.visit()
    visit.accepted(visit.launch())
    page = f"{PLATFORMS}/platforms/{scene.platform_id}"
    assert "Degraded" not in words(admin.get(PLATFORMS)) + words(admin.get(page))
    scene.platform.faults.append(Answer(500, b"{}"))
    with time_machine.travel(clock.now() + timedelta(minutes=10)):
        visit.accepted(visit.launch())
        assert "Degraded" in words(admin.get(PLATFORMS))
        said = words(admin.get(page))
        assert "Launches go on with the keys read before" in said
        assert "status 500" in said
    with time_machine.travel(clock.now() + timedelta(hours=25)):
        assert "Nobody comes in until they can be read" in words(admin.get(page))
        visit.accepted(visit.launch())
        assert "keys cannot be read" not in words(admin.get(page))
        assert "Degraded" not in words(admin.get(PLATFORMS))


# people


@pytest.mark.parametrize(
    ("text", "mixed"),
    [
        ("ada@people.example", False), ("\u0430da@people.example", True), ("\u0430\u0434\u0430@people.example", True),
        ("\u0430\u0434\u0430@\u043b\u044e\u0434\u0438.\u0440\u0444", False), ("Zo\u00eb", False), ("P\u03b1ul", True),
        ("\u65e5\u672c san", False), ("\u0410\u0434\u0430", False), ("", False), (None, False),
    ],
)  # fmt: skip
def test_letters_that_look_alike(text: str | None, *, mixed: bool) -> None:
    assert mixes_alphabets(text) is mixed


def test_an_address_in_several_alphabets_is_marked_for_our_admin(scene: Scene) -> None:
    """It is another mailbox than the one it looks like, so another person; who reads the list should know."""
    plain, admin = scene.kit.person(email="ada@people.example"), scene.kit.signed_in(Role.ADMIN)
    own = scene.visit()
    own.accepted(own.launch(given_name="\u0410\u0434\u0430", family_name="Lovelace"))
    assert SEVERAL not in words(admin.get("/people"))
    visit = scene.visit()
    row = visit.accepted(visit.launch(email="\u0430da@people.example"))
    assert row.person_id != plain.id
    assert words(admin.get("/people")).count(SEVERAL) == 1
    assert LOOK_ALIKE in words(admin.get(f"/people/{row.person_id}"))
    assert LOOK_ALIKE not in words(admin.get(f"/people/{plain.id}"))
    assert "LTI_PERSON_CONFLICT" in scene.visit().launch(email="\u0430da@people.example")
    assert LOOK_ALIKE in words(admin.get(f"/integrations/people-cases/{only_case(scene).id}"))


def test_names_that_are_null_make_nobody_called_none(scene: Scene) -> None:
    visit, before = scene.visit(), scene.written()
    answer = visit.launch(given_name=None, family_name=None, name=None)
    scene.refused(answer, "LTI_PERSON_NAME", "person", before)
    with scene.kit.session() as session:
        assert session.scalars(sa.select(Identity.id)).all() == []
        assert not [each for each in session.scalars(sa.select(Person)) if "None" in each.name]


# what we fetch


def test_a_roster_that_goes_round_in_circles_ends(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster_reader, "MAX_PAGES", 5)
    course, admin, asked = Course(scene), scene.kit.signed_in(Role.ADMIN), []
    member = course.member(1)

    def round_and_round(heard: Heard) -> Answer:
        asked.append(heard.path)
        there = f"{scene.platform.site.url}/{scene.platform.name}/members?from={len(asked) % 2}"
        body = json.dumps({"id": heard.path, "context": {"id": "3"}, "members": [member]}).encode()
        return Answer(body=body, headers={"Link": f'<{there}>; rel="next"'})

    link_id, before = course.link(), course.counts()
    scene.platform.services["members"] = round_and_round
    shown = admin.get(course.read(admin, link_id))
    assert "NRPS_ODD_ANSWER" in shown
    assert len(asked) == 5
    assert course.counts() == before


def test_where_a_registration_says_it_can_be_managed_is_not_called(house: House, site: Site) -> None:
    kit, elsewhere = house.academy(), site.open()
    elsewhere.services["manage"] = lambda _heard: Answer(body=b"{}")
    registrar = Registrar(kit, site.open(), kit.signed_in(Role.ADMIN))
    managed = f"{site.url}/{elsewhere.name}/manage"
    registrar.answer = {"registration_client_uri": managed, "registration_access_token": "r3g-t0k3n"}
    assert registrar.open(registrar.invite()).status_int == 200
    kit.house.run_jobs()
    assert elsewhere.heard == []
    assert [heard.path.partition("?")[0].split("/")[2] for heard in registrar.platform.heard] == ["openid", "register"]
    with kit.session() as session:
        kept = [str(vars(each)) for table in (Platform, Invitation) for each in session.scalars(sa.select(table))]
    assert len(kept) == 2
    assert not [each for each in kept if "r3g-t0k3n" in each]


def test_no_search_is_too_long_for_a_database(house: House) -> None:
    """SQLite compares with no pattern of 50,000 characters and more."""
    kit = house.academy()
    admin, playlist = kit.signed_in(Role.ADMIN), kit.playlist(kit.activity())
    paths = ("/courses?q=", "/people?q=", f"/playlists/{playlist.id}/add?q=", "/integrations/launches?person=")
    found = {path: admin.get(path + "x" * 60_000, expect_errors=True).status_int for path in paths}
    assert set(found.values()) == {200}, found
