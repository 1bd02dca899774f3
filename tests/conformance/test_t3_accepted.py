"""T3-070 to T3-089: launches that must land on the activity, through the whole application."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import sqlalchemy as sa
import time_machine

from saas import clock
from tenants.access import Role
from tenants.accounts.models import MadeBy, Person
from tenants.lti.launches.models import Outcome
from tenants.lti.tool.models import Participant, ResourceLink
from tenants.lti.tool.platforms import Platforms, PlatformValues
from tenants.lti.wire.dialects import Need, switch_for
from tests.conformance import moodle
from tests.conformance.platform import CLAIM, INSTRUCTOR, LEARNER, MEMBERSHIP, Site
from tests.conformance.visits import Scene, log_of, person_of, register
from tests.house import forms_of
from tests.peers.lms.client import Resource, RunningLMS

NAMES = ("given_name", "family_name", "name")
NO_PII = (*NAMES, "email", "locale")


def link_of(scene: Scene, sub: str) -> tuple[Participant, ResourceLink]:
    with scene.kit.session() as session:
        query = sa.select(Participant, ResourceLink).join(ResourceLink).where(Participant.sub == sub)
        row = session.execute(query).one()
        session.expunge_all()
        return row[0], row[1]


@pytest.mark.case("T3-070")
@pytest.mark.parametrize(
    "roles",
    [
        [INSTRUCTOR],
        [INSTRUCTOR, LEARNER, "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"],
        ["Instructor"],
        ["http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#PrimaryInstructor"],
        ["http://purl.imsglobal.org/vocab/lis/v2/system/person#SysAdmin"],
    ],
    ids=["one", "several", "short", "sub-role", "system"],
)
def test_a_teacher_gets_no_rights_here_and_no_grade(scene: Scene, roles: list[str]) -> None:
    visit = scene.visit()
    before = scene.written()
    row = visit.accepted(visit.launch(roles=roles))
    person = scene.people(id=row.person_id)[0]
    assert (person.role, person.made_by, person.external_id) == (Role.LEARNER, MadeBy.LTI, visit.sub)
    assert row.checks["launch"][-1][2] == "not sent: this person is staff there"
    assert scene.written()["lti_participant"] == before["lti_participant"]
    assert visit.browser.get("/integrations/launches", status="*").status_int == 403


@pytest.mark.case("T3-071")
@pytest.mark.parametrize("roles", [[""], [], ["http://vocab.example/Wizard"], ["Wizard", None, 7]])
def test_a_role_nobody_knows_is_a_learners(scene: Scene, roles: list[Any]) -> None:
    visit = scene.visit()
    visit.accepted(visit.launch(roles=roles))
    participant, link = link_of(scene, visit.sub)
    assert (participant.sub, link.line_item) == (
        visit.sub,
        visit.claims()["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"]["lineitem"],
    )


PRIVACY = {
    "only e-mail": (NAMES, "LTI_PERSON_NAME"),
    "only names": (("email",), "LTI_PERSON_EMAIL"),
    "neither": (NO_PII, "LTI_PERSON_EMAIL"),
}


def left_out_of(scene: Scene, roles: list[str], left_out: tuple[str, ...], code: str) -> Person:
    stranger, before = scene.visit(), scene.written()
    refusal = stranger.launch(*left_out, roles=roles)
    scene.refused(refusal, code, "person", before)
    for switch in ("Moodle", "Canvas"):
        assert switch in refusal
    known = scene.visit()
    row = known.accepted(known.launch(roles=roles))
    again = known.accepted(known.launch(*left_out, roles=roles))
    assert again.person_id == row.person_id
    person = scene.people(id=row.person_id)[0]
    assert person.email == f"{known.sub}@{scene.platform.name}.school.example"
    return person


@pytest.mark.case("T3-072")
@pytest.mark.parametrize("how", PRIVACY)
def test_a_teacher_the_platform_says_little_of(scene: Scene, how: str) -> None:
    assert left_out_of(scene, [INSTRUCTOR], *PRIVACY[how]).given_name == "Ada"


@pytest.mark.case("T3-075")
@pytest.mark.parametrize("how", PRIVACY)
def test_a_learner_the_platform_says_little_of(scene: Scene, how: str) -> None:
    assert left_out_of(scene, [LEARNER], *PRIVACY[how]).given_name == "Ada"


@pytest.mark.case("T3-072", "T3-075")
@pytest.mark.parametrize(
    ("name", "expected"),
    [("Grace Brewster Hopper", ("Grace Brewster", "Hopper")), ("Hopper, Grace", ("Grace", "Hopper"))],
)
def test_a_full_name_is_enough(scene: Scene, name: str, expected: tuple[str, str]) -> None:
    visit = scene.visit()
    row = visit.accepted(visit.launch("given_name", "family_name", name=name))
    person = scene.people(id=row.person_id)[0]
    assert (person.given_name, person.family_name) == expected


@pytest.mark.case("T3-072", "T3-075")
def test_one_word_is_no_name(scene: Scene) -> None:
    visit, before = scene.visit(), scene.written()
    assert (
        scene.refused(
            visit.launch("given_name", "family_name", name="Plato"), "LTI_PERSON_NAME", "person", before
        ).outcome
        == "refused"
    )


@pytest.mark.case("T3-072", "T3-075")
@pytest.mark.parametrize(
    ("left_out", "need"), [(("email",), Need.EMAIL), (("given_name", "family_name", "name"), Need.GIVEN_NAME)]
)
def test_a_missing_claim_is_named_with_the_switch_that_sends_it(
    scene: Scene, left_out: tuple[str, ...], need: Need
) -> None:
    visit = scene.visit()
    response = visit.launch(*left_out, tool_platform={"guid": "g", "product_family_code": "Canvas"})
    assert response.status_int == 403, response.text
    failed = next(check for check in scene.rows(1)[0].checks["launch"] if check[1] is False)
    assert failed[3] == f"the claim {need.claim}; {switch_for(need, 'canvas')}"


@pytest.mark.case("T3-073")
def test_a_teacher_without_a_course(scene: Scene) -> None:
    visit = scene.visit()
    assert visit.accepted(visit.launch("context", roles=[INSTRUCTOR])).outcome == "accepted"


@pytest.mark.case("T3-076")
def test_a_learner_with_nothing_but_the_link(scene: Scene) -> None:
    everything_else = (
        *NO_PII, "context", "tool_platform", "launch_presentation", "custom",
        "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint",
        "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice",
    )  # fmt: skip
    visit = scene.visit()
    first = visit.accepted(visit.launch())
    row = visit.accepted(visit.launch(*everything_else, resource_link={"id": "18"}))
    assert row.person_id == first.person_id
    assert row.checks["launch"][-1][2] == "not sent: the platform gives us no right to send scores"


@pytest.mark.case("T3-077")
@pytest.mark.parametrize("how", ["list of one", "list with azp", "one with azp"])
def test_ways_to_name_the_audience(scene: Scene, how: str) -> None:
    ours = scene.platform.client_id
    changes: dict[str, dict[str, Any]] = {
        "list of one": {"aud": [ours]},
        "list with azp": {"aud": ["another", ours], "azp": ours},
        "one with azp": {"aud": ours, "azp": ours},
    }
    visit = scene.visit()
    assert visit.accepted(visit.launch(**changes[how])).outcome == "accepted"


@pytest.mark.case("T3-078")
@pytest.mark.parametrize("left_out", [{"alg": None}, {"use": None}, {"alg": None, "use": None}])
def test_a_key_that_says_little_of_itself(own_scene: Scene, left_out: dict[str, None]) -> None:
    own_scene.platform.published = [own_scene.platform.signer.jwk(**left_out)]
    visit = own_scene.visit()
    assert visit.accepted(visit.launch()).outcome == "accepted"


@pytest.mark.case("T3-079")
@pytest.mark.parametrize("kind", [None, [], "CourseSection", [None]])
def test_a_course_without_a_type(scene: Scene, kind: Any) -> None:
    course = {"id": "3", "title": "Course one", **({} if kind is None else {"type": kind})}
    visit = scene.visit()
    assert visit.accepted(visit.launch(context=course)).outcome == "accepted"


@pytest.mark.case("T3-081")
def test_custom_values_that_are_no_text(scene: Scene) -> None:
    visit = scene.visit()
    row = visit.accepted(visit.launch(custom={"n": 7, "f": 1.5, "b": True, "none": None, "deep": {"a": [1]}}))
    assert row.claims[CLAIM + "custom"]["b"] is True


@pytest.mark.case("T3-042")
def test_a_token_issued_an_instant_ahead(scene: Scene) -> None:
    visit = scene.visit()
    visit.begin()
    claims = visit.claims(iat=time.time() + 0.15, nbf=time.time() + 0.15)
    assert visit.accepted(visit.answer(visit.platform.sign(claims))).outcome == "accepted"


@pytest.mark.case("T3-042")
def test_a_token_just_inside_the_leeway(scene: Scene) -> None:
    visit = scene.visit()
    visit.begin()
    visit.accepted(visit.answer(visit.platform.sign(visit.claims(iat=time.time() + 55))))
    visit.begin()
    assert (
        visit.accepted(
            visit.answer(visit.platform.sign(visit.claims(iat=time.time() - 100, exp=time.time() - 55)))
        ).outcome
        == "accepted"
    )


@pytest.mark.case("T3-082")
def test_an_id_of_255_characters(scene: Scene) -> None:
    sub = ("日本語-ÅÄÖ-𝄞-" * 30)[:255]
    visit = scene.visit(sub=sub)
    first = visit.accepted(visit.launch(email="long@ids.example"))
    again = visit.accepted(visit.launch(email="long@ids.example"))
    assert first.person_id == again.person_id
    assert link_of(scene, sub)[0].sub == sub


@pytest.mark.case("T3-082")
def test_ids_that_differ_by_a_capital_or_an_accents_spelling(scene: Scene) -> None:
    """Kept and compared byte for byte: OpenID Connect Core §2."""
    people = set()
    for number, sub in enumerate(("abc-é", "ABC-é", "abc-e\N{COMBINING ACUTE ACCENT}", " abc-é", "abc-é ")):
        visit = scene.visit(sub=sub)
        people.add(visit.accepted(visit.launch(email=f"capital{number}@ids.example")).person_id)
    assert len(people) == 5


@pytest.mark.case("T3-083")
def test_a_launch_shaped_as_moodle_makes_it(house: Any, site: Site) -> None:
    platform = site.open(issuer="https://moodle.school.example", client_id="kVzQ3hU4mJtYwHc", deployment=moodle.TYPE)
    scene = Scene.set(house.academy(), platform)
    about = (platform.issuer, platform.client_id, scene.target)
    visit = scene.visit(sub=moodle.USER)
    visit.begin(**moodle.login(*about))
    assert json.loads(visit.asked["lti_message_hint"])["cmid"] == moodle.MODULE
    token = platform.sign(moodle.claims(*about, visit.asked["nonce"]), typ="JWT")
    row = visit.accepted(visit.answer(token))
    person = scene.people(id=row.person_id)[0]
    assert (person.name, person.email) == ("Sam Student", "sam@moodle.example")
    assert row.checks["launch"][-1][2] == "to the grade column of this link"
    link = link_of(scene, moodle.USER)[1]
    assert link.line_item == "https://moodle.school.example/mod/lti/services.php/2/lineitems/9/lineitem?type_id=5"
    assert (link.title, link.context_title) == ("Week 1", "Tides & waves")


@pytest.mark.case("T3-083")
def test_moodles_tokens_live_for_a_minute(house: Any, site: Site) -> None:
    """And a minute more, for clocks that differ."""
    platform = site.open(deployment=moodle.TYPE)
    scene = Scene.set(house.academy(), platform)
    about = (platform.issuer, platform.client_id, scene.target)
    for seconds, good in ((115, True), (125, False)):
        visit = scene.visit(sub=moodle.USER)
        visit.begin(**moodle.login(*about))
        token = platform.sign(moodle.claims(*about, visit.asked["nonce"]))
        before = scene.written()
        with time_machine.travel(clock.now() + timedelta(seconds=seconds)):
            answer = visit.answer(token)
            if good:
                assert visit.accepted(answer).outcome == "accepted"
            else:
                scene.refused(answer, "LTI13_EXPIRED", "expiry", before)


@pytest.fixture(scope="module")
def lms() -> Iterator[RunningLMS]:
    with RunningLMS() as running:
        yield running


@pytest.mark.case("T3-084")
@pytest.mark.parametrize("via", ["GET", "POST"])
def test_a_launch_by_the_open_edx_consumer(house: Any, lms: RunningLMS, via: str) -> None:
    """Login, claims and token are made by lti-consumer-xblock in a process of its own."""
    kit = house.academy()
    activity, base = kit.activity(), kit.academy.url
    target = f"{base}/lti/activities/{activity.id}"
    registered = lms.register(
        login_url=f"{base}/lti/login",
        redirect_uris=[f"{base}/lti/launch"],
        jwks_url=f"{base}/lti/jwks",
        resources=[Resource("Tides", target)],
    )
    with kit.session() as session:
        addresses = {
            name: getattr(registered, name) for name in ("issuer", "client_id", "auth_url", "token_url", "jwks_url")
        }
        values = PlatformValues(
            "Open edX", **addresses, deployment_ids=tuple(registered.deployment_ids), is_active=True
        )
        Platforms(session, kit.runtime.outbound).create(values)
    with httpx.Client(transport=httpx.WSGITransport(kit.house.application)) as browser:
        answer = lms.launch(registered.links[0].id, "anna", browser, via=via)
        assert (answer.status_code, urlsplit(answer.headers["location"]).path) == (303, f"/activities/{activity.id}")
        page = browser.get(f"{base}/activities/{activity.id}")
    assert (page.status_code, "An e-learning" in page.text) == (200, True)
    row = log_of(kit)[0]
    assert (row.outcome, row.person_id) == (Outcome.ACCEPTED, person_of(kit, registered.issuer, lms.subject("anna")))
    assert row.claims["azp"] == registered.client_id


@pytest.mark.case("T3-085")
def test_keys_change_between_two_launches(own_scene: Scene) -> None:
    visit = own_scene.visit()
    visit.accepted(visit.launch())
    own_scene.platform.rotate(1)
    visit.accepted(visit.launch())
    assert own_scene.platform.looks == 2
    visit.accepted(visit.launch())
    assert own_scene.platform.looks == 2


@pytest.mark.case("T3-087")
def test_one_id_at_two_platforms(own_scene: Scene, site: Site) -> None:
    other = site.open()
    register(own_scene.kit, other)
    first, second = own_scene.visit(sub="4711"), own_scene.visit(other, sub="4711")
    rows = [first.accepted(first.launch()), second.accepted(second.launch())]
    rows += [first.accepted(first.launch()), second.accepted(second.launch())]
    assert rows[0].person_id == rows[2].person_id
    assert rows[1].person_id == rows[3].person_id
    assert rows[0].person_id != rows[1].person_id
    written = own_scene.written()
    assert (written["lti_identity"], written["lti_resource_link"], written["lti_participant"]) == (2, 2, 2)


@pytest.mark.case("T3-089")
@pytest.mark.parametrize(
    "given", ["https://lms.example/back?course=3&x=a%20b", "https://lms.example/back", "https://lms.example/b?c=3#part"]
)
def test_the_way_back_keeps_its_query(own_scene: Scene, given: str) -> None:
    activity = own_scene.kit.activity(questions=False)
    own_scene.activity_id = activity.id
    visit = own_scene.visit()
    row = visit.accepted(visit.launch(launch_presentation={"return_url": given}))
    page = visit.browser.get(f"/activities/{row.activity_id}")
    assert page.html.find("a", class_="back")["href"] == given
    for _start_and_two_chapters in range(3):
        page = forms_of(page)[-1].submit().maybe_follow()
    back = page.html.find("a", class_="back")["href"]
    assert back.partition("#")[2] == given.partition("#")[2]
    before, after = urlsplit(given), urlsplit(back)
    assert (after.scheme, after.netloc, after.path) == (before.scheme, before.netloc, before.path)
    assert after.query.startswith(before.query)
    assert parse_qsl(after.query) == [*parse_qsl(before.query), ("lti_msg", "You have completed “An e-learning”.")]


@pytest.mark.case("T3-089")
@pytest.mark.parametrize("given", ["javascript:alert(1)", "//evil.example", "https://u:p@lms.example/", 7, None])
def test_a_way_back_that_is_no_address_is_not_offered(scene: Scene, given: Any) -> None:
    visit = scene.visit()
    row = visit.accepted(visit.launch(launch_presentation={"return_url": given}))
    page = visit.browser.get(f"/activities/{row.activity_id}")
    assert page.html.find("a", class_="back") is None


def test_the_signed_target_wins_over_the_one_of_the_login(own_scene: Scene) -> None:
    """The login is unsigned: what it asked for is forgotten once the token speaks (LTI 1.3 Core §5.3.4)."""
    visit = own_scene.visit()
    visit.begin()
    asked, own_scene.activity_id = own_scene.activity_id, own_scene.kit.activity().id
    row = visit.accepted(visit.answer(visit.platform.sign(visit.claims())))
    assert row.activity_id != asked
    assert str(asked) in row.target


def test_roles_and_claims_may_come_in_any_order(scene: Scene) -> None:
    visit = scene.visit()
    visit.begin()
    claims = dict(reversed(list(visit.claims(roles=[MEMBERSHIP + "Learner"]).items())))
    assert visit.accepted(visit.answer(visit.platform.sign(claims))).outcome == "accepted"
