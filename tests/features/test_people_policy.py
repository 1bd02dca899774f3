"""How a connection receives people: four policies, both protocols, and what outside staff become here."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from webtest import TestResponse

from saas import clock
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import People, SignIn
from tenants.audit.models import AuditEntry
from tenants.lti.launches.models import Outcome
from tenants.lti.tool.models import Identity, Participant, Platform
from tenants.lti.tool.models11 import ConsumerKey, OutcomeRoute
from tenants.lti.tool.people_models import CaseKind, Introduction, Newcomers, OutsideStaff, PersonCase
from tests.conformance.platform import Site
from tests.conformance.visits import Scene, Visit, register
from tests.conformance.visits11 import FormScene
from tests.house import Browser, forms_of

PASSWORD = "correct horse battery staple"
FRAME = {"Sec-Fetch-Dest": "iframe"}


def cases_of(scene: Scene) -> list[PersonCase]:
    with scene.kit.session() as session:
        found = list(session.scalars(sa.select(PersonCase).order_by(PersonCase.opened_at)))
        session.expunge_all()
        return found


def learner(scene: Scene | FormScene, email: str = "ada@people.example", role: Role = Role.LEARNER) -> Person:
    """With a password."""
    person = scene.kit.person(role, email)
    with scene.kit.session() as session:
        SignIn(session).set_password(session.get_one(Person, person.id), PASSWORD)
    return person


def sign_in(browser: Browser, page: str, person: Person) -> TestResponse:
    """By the link on the page, and back to it."""
    shown = browser.get(page)
    link = shown.html.find(
        lambda tag: tag.name == "a" and tag.get_text().strip() == "Sign in" and "next=" in tag["href"]
    )
    form = forms_of(browser.get(link["href"]))[-1]
    form["email"], form["password"] = person.email, PASSWORD
    arrived = form.submit(status=303)
    assert arrived.location.endswith(page)
    return browser.get(page)


def say_yes(page: TestResponse, **options: Any) -> TestResponse:
    return next(form for form in forms_of(page) if "/lti/introductions/" in form.action).submit(**options)


def asked(response: TestResponse) -> str:
    """The address of the page a launch ended on."""
    assert response.status_int == 303, response.text
    assert "/lti/introductions/" in response.location
    return urlsplit(response.location).path


def test_create_never_opens_an_account_that_is_here(scene: Scene) -> None:
    scene.set_policy(newcomers=Newcomers.CREATE)
    here = scene.kit.person(email="ada@people.example")
    visit = scene.visit()
    row = visit.accepted(visit.launch(email="ada@people.example"))
    assert row.person_id != here.id
    made = scene.people(id=row.person_id)[0]
    assert (made.email, made.email_key) == (None, None)
    (case,) = cases_of(scene)
    assert (case.kind, case.person_id, case.other_id) == (CaseKind.DUPLICATE, here.id, made.id)
    assert visit.accepted(visit.launch(email="ada@people.example")).person_id == made.id


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.ADMIN])
def test_create_asks_nothing_about_staff(scene: Scene, role: Role) -> None:
    scene.set_policy(newcomers=Newcomers.CREATE)
    staff, visit = scene.kit.person(role), scene.visit()
    assert visit.accepted(visit.launch(email=staff.email)).person_id != staff.id
    assert cases_of(scene) == []


@pytest.mark.case("PR-003")
@pytest.mark.parametrize(("domain", "matches"), [("people.example", True), ("other.example", False)])
def test_only_domains_that_count_match(scene: Scene, domain: str, matches: bool) -> None:
    scene.set_policy(match_domains=[domain])
    here, visit = learner(scene), scene.visit()
    answer = visit.launch(email="ADA@people.example")
    if matches:
        assert visit.accepted(answer).person_id == here.id
        return
    page = asked(answer)
    assert visit.scene.rows(1)[0].code == "LTI_PERSON_SIGN_IN"
    assert scene.person_of(scene.platform.issuer, visit.sub) is None
    say_yes(sign_in(visit.browser, page, here), status=303)
    assert scene.person_of(scene.platform.issuer, visit.sub) == here.id


def test_a_domain_that_is_only_a_part_does_not_count(scene: Scene) -> None:
    scene.set_policy(match_domains=["example", "le.example", "sub.people.example"])
    learner(scene)
    assert asked(scene.visit().launch(email="ada@people.example"))


def test_whoever_is_nobody_here_gets_an_account_whatever_the_domain(scene: Scene) -> None:
    scene.set_policy(match_domains=["other.example"])
    visit = scene.visit()
    assert visit.accepted(visit.launch(email="new@people.example")).outcome == "accepted"


@pytest.mark.parametrize("unverified", [False, "false"])
def test_an_address_the_lms_has_not_verified_matches_nobody(scene: Scene, unverified: Any) -> None:
    learner(scene)
    asked(scene.visit().launch(email="ada@people.example", email_verified=unverified))
    visit = scene.visit()
    assert (
        visit.accepted(visit.launch(email="somebody@people.example", email_verified=unverified)).outcome == "accepted"
    )


def test_asked_once_and_known_from_then_on(scene: Scene) -> None:
    scene.set_policy(newcomers=Newcomers.ASK)
    here, visit = learner(scene), scene.visit()
    before = scene.written()
    page = asked(visit.launch("email", "name", "given_name", "family_name"))
    assert scene.written() == before
    shown = visit.browser.get(page)
    assert "LTI_PERSON_SIGN_IN" in shown
    assert shown.headers["Cache-Control"] == "no-store"
    arrived = say_yes(sign_in(visit.browser, page, here), status=303)
    assert arrived.location.endswith(f"/activities/{scene.activity_id}")
    assert "An e-learning" in visit.browser.get(arrived.location)
    row = scene.rows(1)[0]
    assert (row.outcome, row.code, row.person_id) == (Outcome.ACCEPTED, "", here.id)
    assert [check[0] for check in row.checks["launch"] if check[1] is not True] == []
    assert row.checks["launch"][-1][0] == "scores"
    with scene.kit.session() as session:
        assert session.scalar(sa.select(Participant.sub).where(Participant.person_id == here.id)) == visit.sub
        assert "person.linked_by_sign-in" in session.scalars(sa.select(AuditEntry.action)).all()
    assert visit.accepted(visit.launch()).person_id == here.id


def test_the_page_is_used_once(scene: Scene) -> None:
    scene.set_policy(newcomers=Newcomers.ASK)
    here, visit = learner(scene), scene.visit()
    page = asked(visit.launch())
    form = sign_in(visit.browser, page, here)
    say_yes(form, status=303)
    visit.browser.get(page, status=410).mustcontain("LTI_INTRODUCTION")
    with scene.kit.session() as session:
        assert session.scalar(sa.select(sa.func.count(Identity.id))) == 1


def test_the_page_is_over_after_half_an_hour(scene: Scene) -> None:
    scene.set_policy(newcomers=Newcomers.ASK)
    here, visit = learner(scene), scene.visit()
    page = asked(visit.launch())
    shown = sign_in(visit.browser, page, here)
    with scene.kit.session() as session:
        for each in session.scalars(sa.select(Introduction)):
            each.expires_at = clock.now() - timedelta(seconds=1)
    say_yes(shown, status=410)
    assert scene.person_of(scene.platform.issuer, visit.sub) is None


def test_in_a_frame_one_click_leads_to_a_window(scene: Scene) -> None:
    """The frame's cookies are not the window's: there the same address links the account that has the same e-mail."""
    scene.set_policy(newcomers=Newcomers.ASK)
    here, visit = learner(scene), scene.visit()
    page = asked(visit.launch(email=here.email))
    framed = visit.browser.get(page, headers=FRAME)
    link = framed.html.find("a", attrs={"target": "_blank"})
    assert (link["href"], framed.html.find_all("form")) == (page, [])
    assert scene.platform.issuer in framed.headers["Content-Security-Policy"]
    window = scene.kit.browser()
    say_yes(sign_in(window, page, here), status=303)
    assert scene.person_of(scene.platform.issuer, visit.sub) == here.id


def test_another_browser_and_another_address_are_for_the_admin(scene: Scene) -> None:
    """Whoever gets the address sent and signs in must not give their account away."""
    scene.set_policy(newcomers=Newcomers.ASK)
    victim, visit = learner(scene), scene.visit()
    page = asked(visit.launch(email="eve@people.example"))
    window = scene.kit.browser()
    say_yes(sign_in(window, page, victim), status=403).mustcontain("LTI_PERSON_DOUBT")
    assert scene.person_of(scene.platform.issuer, visit.sub) is None
    (case,) = cases_of(scene)
    assert (case.kind, case.person_id, case.sub) == (CaseKind.DOUBT, victim.id, visit.sub)
    window.get(page, status=410)


def test_a_session_another_lms_opened_proves_nothing(scene: Scene, site: Site) -> None:
    other = site.open()
    register(scene.kit, other)
    known = scene.visit(other)
    known.accepted(known.launch())
    scene.set_policy(newcomers=Newcomers.ASK)
    visit = scene.visit(browser=known.browser)
    page = asked(visit.launch())
    assert "Is this you?" not in known.browser.get(page)
    known.browser.post(page, status=403)


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.ADMIN])
def test_staff_are_not_linked_even_if_they_sign_in(scene: Scene, role: Role) -> None:
    scene.set_policy(newcomers=Newcomers.ASK)
    staff, visit = learner(scene, role=role), scene.visit()
    page = asked(visit.launch())
    say_yes(sign_in(visit.browser, page, staff), status=403).mustcontain("LTI_PERSON_STAFF")
    assert scene.person_of(scene.platform.issuer, visit.sub) is None


def test_one_account_has_one_id_in_an_lms(scene: Scene) -> None:
    scene.set_policy(newcomers=Newcomers.ASK)
    here, first, second = learner(scene), scene.visit(), scene.visit()
    say_yes(sign_in(first.browser, asked(first.launch()), here), status=303)
    page = asked(second.launch())
    say_yes(sign_in(second.browser, page, here), status=403).mustcontain("LTI_PERSON_CONFLICT")
    assert [case.kind for case in cases_of(scene)] == [CaseKind.CONFLICT]


def test_existing_takes_nobody_new(scene: Scene) -> None:
    scene.set_policy(newcomers=Newcomers.EXISTING)
    here, visit, stranger = learner(scene), scene.visit(), scene.visit()
    assert visit.accepted(visit.launch(email=here.email)).person_id == here.id
    before = scene.written()
    scene.refused(stranger.launch(), "LTI_PERSON_UNKNOWN", "person", before)


INSTRUCTOR, LEARNER = ["Instructor"], ["Learner"]


def role_of(scene: Scene, visit: Visit) -> Role:
    found = scene.person_of(scene.platform.issuer, visit.sub)
    return scene.people(id=found)[0].role


@pytest.mark.parametrize(
    "roles", [INSTRUCTOR, ["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"]]
)
@pytest.mark.parametrize(("mapped", "role"), [("learner", Role.LEARNER), ("author", Role.AUTHOR)])
def test_what_outside_staff_are_here(scene: Scene, roles: list[str], mapped: str, role: Role) -> None:
    scene.set_policy(outside_staff=OutsideStaff(mapped))
    for newcomers in (Newcomers.MATCH, Newcomers.CREATE):
        scene.set_policy(newcomers=newcomers)
        visit = scene.visit()
        for _time in range(2):
            visit.accepted(visit.launch(roles=roles))
            assert role_of(scene, visit) is role
    student = scene.visit()
    student.accepted(student.launch(roles=LEARNER))
    assert role_of(scene, student) is Role.LEARNER


def test_the_role_follows_what_they_are_there(scene: Scene) -> None:
    """Also in sessions that are open: they end."""
    scene.set_policy(outside_staff=OutsideStaff.AUTHOR)
    visit = scene.visit()
    visit.accepted(visit.launch(roles=LEARNER))
    visit.accepted(visit.launch(roles=INSTRUCTOR))
    assert role_of(scene, visit) is Role.AUTHOR
    page = f"/activities/{scene.activity_id}/settings"
    visit.browser.get(page, status=200)
    elsewhere = Visit(scene, visit.platform, scene.kit.browser(), sub=visit.sub)
    elsewhere.accepted(elsewhere.launch(roles=LEARNER))
    assert role_of(scene, visit) is Role.LEARNER
    visit.browser.get(page, status=303)
    elsewhere.browser.get(page, status=403)


def test_the_mapping_taken_back_counts_with_the_next_launch(scene: Scene) -> None:
    scene.set_policy(outside_staff=OutsideStaff.AUTHOR)
    visit = scene.visit()
    visit.accepted(visit.launch(roles=INSTRUCTOR))
    scene.set_policy(outside_staff=OutsideStaff.LEARNER)
    visit.accepted(visit.launch(roles=INSTRUCTOR))
    assert role_of(scene, visit) is Role.LEARNER


def test_the_mapping_opens_no_staff_account_of_the_academy(scene: Scene) -> None:
    scene.set_policy(outside_staff=OutsideStaff.AUTHOR)
    author, visit = scene.kit.person(Role.AUTHOR), scene.visit()
    before = scene.written()
    scene.refused(visit.launch(email=author.email, roles=INSTRUCTOR), "LTI_PERSON_STAFF", "person", before)
    matched, here = scene.visit(), scene.kit.person()
    matched.accepted(matched.launch(email=here.email, roles=INSTRUCTOR))
    assert role_of(scene, matched) is Role.LEARNER, "an account the academy made"


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.ADMIN])
def test_whoever_our_admin_made_staff_is_not_opened(scene: Scene, role: Role) -> None:
    scene.set_policy(outside_staff=OutsideStaff.AUTHOR)
    visit = scene.visit()
    visit.accepted(visit.launch(roles=LEARNER))
    with scene.kit.session() as session:
        found = session.scalars(sa.select(Identity.person_id).where(Identity.sub == visit.sub)).one()
        People(session).set_role(session.get_one(Person, found), role)
    before = scene.written()
    for roles in (LEARNER, INSTRUCTOR):
        assert scene.refused(visit.launch(roles=roles), "LTI_PERSON_STAFF", "person", before).outcome == "refused"


# LTI 1.2


def test_asked_by_lti12(form_scene: FormScene) -> None:
    """Nothing but a user id is needed; the score's address is kept for when they have said who they are."""
    form_scene.set(newcomers=Newcomers.ASK)
    here, visit = learner(form_scene), form_scene.visit()
    page = asked(visit.launch("lis_person_contact_email_primary", "lis_person_name_given", "lis_person_name_family"))
    say_yes(sign_in(visit.browser, page, here), status=303)
    row = form_scene.rows(1)[0]
    assert (row.outcome, row.code, row.person_id) == (Outcome.ACCEPTED, "", here.id)
    with form_scene.kit.session() as session:
        assert session.scalars(sa.select(OutcomeRoute.person_id)).all() == [here.id]
    visit.accepted(visit.launch())


def test_existing_and_create_by_lti12(form_scene: FormScene) -> None:
    form_scene.set(newcomers=Newcomers.EXISTING)
    visit = form_scene.visit()
    learner(form_scene)
    visit.refused("LTI_PERSON_UNKNOWN", "person")
    form_scene.set(newcomers=Newcomers.CREATE, outside_staff=OutsideStaff.AUTHOR)
    visit.accepted(visit.launch(lis_person_contact_email_primary="ada@people.example", roles="Instructor"))
    made = form_scene.person(visit.sub)
    assert (made.email, made.role) == (None, Role.AUTHOR)


# the form


def test_the_form_of_a_platform(scene: Scene) -> None:
    admin = scene.kit.signed_in(Role.ADMIN)
    address = f"/integrations/lti-1.3/platforms/{scene.platform_id}"
    assert "Find them by e-mail, else make an account" in admin.get(address)
    form = forms_of(admin.get(f"{address}/people"))[-1]
    form["newcomers"], form["match_domains"], form["outside_staff"] = "ask", "@School.example, b.example\n", "author"
    form.submit(status=303)
    with scene.kit.session() as session:
        kept = session.get_one(Platform, scene.platform_id)
        assert (kept.newcomers, kept.outside_staff) == (Newcomers.ASK, OutsideStaff.AUTHOR)
        assert kept.match_domains == ["school.example", "b.example"]
        assert "lti.people_policy.changed" in session.scalars(sa.select(AuditEntry.action)).all()
    asked(scene.visit().launch())


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("match_domains", "school", "is not a domain"),
        ("match_domains", "ada@school.example", "is not a domain"),
        ("match_domains", "*.school.example/x", "is not a domain"),
        ("newcomers", "anybody", "Not a valid choice"),
        ("outside_staff", "admin", "Not a valid choice"),
    ],
)
def test_what_the_form_refuses(scene: Scene, field: str, value: str, words: str) -> None:
    admin = scene.kit.signed_in(Role.ADMIN)
    address = f"/integrations/lti-1.3/platforms/{scene.platform_id}/people"
    good = {"newcomers": "create", "match_domains": "", "outside_staff": "learner"}
    admin.post(address, {**good, field: value}, status=422).mustcontain(words)
    with scene.kit.session() as session:
        assert session.get_one(Platform, scene.platform_id).newcomers is Newcomers.MATCH


def test_the_form_of_a_key_is_for_admins(form_scene: FormScene) -> None:
    address = f"/activities/{form_scene.activity_id}/lti/keys/{form_scene.consumer_id}"
    author = form_scene.kit.signed_in(Role.AUTHOR)
    assert f"{address}/people" not in author.get(address)
    author.get(f"{address}/people", status=403)
    admin = form_scene.kit.signed_in(Role.ADMIN)
    form = forms_of(admin.get(f"{address}/people"))[-1]
    form["newcomers"] = "existing"
    assert form.submit(status=303).location.endswith(address)
    with form_scene.kit.session() as session:
        assert session.get_one(ConsumerKey, form_scene.consumer_id).newcomers is Newcomers.EXISTING
