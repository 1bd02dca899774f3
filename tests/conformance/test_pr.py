"""PR-002 to PR-008: whose account a launch opens, and whose it must not."""

from typing import Any

import pytest
import sqlalchemy as sa

from saas.tenancy.lifecycle import Lifecycle
from tenants.access import Role
from tenants.accounts.models import MadeBy, Person
from tenants.accounts.services import People
from tenants.audit.models import AuditEntry
from tenants.learning.models import Attempt
from tenants.lti.tool.people_models import CaseKind, PersonCase
from tests.conformance.platform import Site
from tests.conformance.visits import Scene, register
from tests.house import forms_of


def person_row(scene: Scene, person_id: Any) -> Person:
    return scene.people(id=person_id)[0]


@pytest.mark.case("PR-002")
@pytest.mark.parametrize("role", [Role.AUTHOR, Role.ADMIN])
@pytest.mark.parametrize("roles", [["Learner"], ["Instructor"]])
def test_staff_accounts_are_never_opened(scene: Scene, role: Role, roles: list[str]) -> None:
    staff = scene.kit.person(role)
    visit, before = scene.visit(), scene.written()
    row = scene.refused(visit.launch(email=staff.email, roles=roles), "LTI_PERSON_STAFF", "person", before)
    assert row.checks["launch"][-1][2] == staff.email
    assert scene.person_of(scene.platform.issuer, visit.sub) is None


@pytest.mark.case("PR-003")
@pytest.mark.parametrize(
    "sent",
    ["ADA{0}@PEOPLE.example", "  Ada{0}@people.example\t", "ada{0}@people.example", "ada{0}@\u200bpeople.example"],
)
def test_one_address_in_many_spellings(own_scene: Scene, sent: str) -> None:
    person = own_scene.kit.person(email="Ada1@People.Example")
    visit = own_scene.visit()
    row = visit.accepted(visit.launch(email=sent.format(1), given_name="Somebody", family_name="Else"))
    assert row.person_id == person.id
    found = person_row(own_scene, person.id)
    assert (found.name, found.email, found.made_by) == (person.name, "Ada1@People.Example", MadeBy.ACADEMY)
    with own_scene.kit.session() as session:
        noted = session.scalars(sa.select(AuditEntry.action)).all()
    assert "person.found_by_e-mail" in noted


@pytest.mark.case("PR-003")
def test_a_plus_and_a_dot_are_other_mailboxes(own_scene: Scene) -> None:
    person = own_scene.kit.person(email="ada@people.example")
    for sent in ("ada+x@people.example", "a.da@people.example"):
        visit = own_scene.visit()
        assert visit.accepted(visit.launch(email=sent)).person_id != person.id


@pytest.mark.case("PR-004")
def test_a_second_id_with_the_same_address(scene: Scene) -> None:
    first, second = scene.visit(), scene.visit()
    row = first.accepted(first.launch(email="shared1@people.example"))
    before = scene.written()
    scene.refused(second.launch(email="Shared1@people.example"), "LTI_PERSON_CONFLICT", "person", before)
    assert first.accepted(first.launch(email="shared1@people.example")).person_id == row.person_id


@pytest.mark.case("PR-004")
def test_an_address_everybody_brings(own_scene: Scene) -> None:
    """An LMS that hides addresses behind one of its own: one account, not a class in one account; and one case."""
    visits = [own_scene.visit() for _ in range(4)]
    visits[0].accepted(visits[0].launch(email="student@lms.example"))
    before = own_scene.written()
    codes = ("LTI_PERSON_CONFLICT", "LTI_PERSON_PLACEHOLDER", "LTI_PERSON_PLACEHOLDER")
    for visit, code in zip(visits[1:], codes, strict=True):
        own_scene.refused(visit.launch(email="student@lms.example"), code, "person", before)
    with own_scene.kit.session() as session:
        (case,) = session.scalars(sa.select(PersonCase)).all()
        assert (case.kind, case.email) == (CaseKind.PLACEHOLDER, "student@lms.example")
        assert [came["sub"] for came in case.evidence["came"]] == [visit.sub for visit in visits[1:]]
    visits[0].accepted(visits[0].launch(email="student@lms.example"))
    own = own_scene.visit()
    own.accepted(own.launch())


@pytest.mark.case("PR-005")
@pytest.mark.parametrize(
    "email",
    ["", "   ", "null", "None", "n/a", "undefined", "nobody", "a@b@c.example", "@people.example", None, 7, ["a@b.c"]],
)
def test_no_address_matches_nobody(scene: Scene, email: Any) -> None:
    visit, before = scene.visit(), scene.written()
    assert scene.refused(visit.launch(email=email), "LTI_PERSON_EMAIL", "person", before).outcome == "refused"


@pytest.mark.case("PR-006")
def test_a_known_person_with_another_address_and_name(scene: Scene) -> None:
    visit = scene.visit()
    first = visit.accepted(visit.launch())
    again = visit.accepted(visit.launch(email=f"new-{visit.sub}@people.example", family_name="Byron"))
    assert again.person_id == first.person_id
    person = person_row(scene, first.person_id)
    assert (person.email, person.name) == (f"new-{visit.sub}@people.example", "Ada Byron")
    assert next(check for check in again.checks["launch"] if check[0] == "person")[2].endswith("; e-mail updated")


@pytest.mark.case("PR-006")
def test_only_the_lms_that_made_an_account_changes_it(scene: Scene, site: Site) -> None:
    """Another one found the person by an address, which is its own claim; the address is where sign-in links lead."""
    visit = scene.visit()
    first = visit.accepted(visit.launch())
    made = person_row(scene, first.person_id)
    other = site.open()
    register(scene.kit, other)
    second = scene.visit(other)
    assert second.accepted(second.launch(email=made.email)).person_id == made.id
    row = second.accepted(second.launch(email=f"eve-{visit.sub}@people.example", given_name="Eve"))
    assert row.person_id == made.id
    kept = person_row(scene, made.id)
    assert (kept.email, kept.name) == (made.email, made.name)
    visit.accepted(visit.launch(given_name="Augusta"))
    assert person_row(scene, made.id).given_name == "Augusta"


@pytest.mark.case("PR-006")
def test_an_account_the_academy_made_keeps_its_name_and_address(scene: Scene) -> None:
    person = scene.kit.person()
    visit = scene.visit()
    visit.accepted(visit.launch(email=person.email))
    row = visit.accepted(visit.launch(email=f"new-{visit.sub}@people.example", given_name="Eve"))
    assert row.person_id == person.id
    kept = person_row(scene, person.id)
    assert (kept.email, kept.name) == (person.email, person.name)


@pytest.mark.case("PR-006")
@pytest.mark.parametrize("role", [Role.LEARNER, Role.ADMIN])
def test_a_new_address_that_is_somebody_elses(scene: Scene, role: Role) -> None:
    other = scene.kit.person(role)
    visit = scene.visit()
    first = visit.accepted(visit.launch())
    row = visit.accepted(visit.launch(email=other.email))
    assert row.person_id == first.person_id
    assert person_row(scene, first.person_id).email == f"{visit.sub}@{scene.platform.name}.school.example"
    said = next(check for check in row.checks["launch"] if check[0] == "person")[2]
    assert said.endswith("belongs to somebody else and was not taken over")


@pytest.mark.case("PR-008")
def test_an_erased_person_comes_back_as_a_new_one(own_scene: Scene) -> None:
    visit = own_scene.visit()
    old = visit.accepted(visit.launch())
    page = visit.browser.get(f"/activities/{own_scene.activity_id}")
    forms_of(page)[-1].submit()
    with own_scene.kit.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Attempt)) == 1
        People(session).erase(session.get_one(Person, old.person_id))
    assert visit.browser.get(f"/activities/{own_scene.activity_id}", status="*").status_int == 303
    written = own_scene.written()
    assert (written["lti_identity"], written["lti_participant"], written["enrolment"]) == (0, 0, 0)
    new = visit.accepted(visit.launch())
    assert new.person_id != old.person_id
    assert own_scene.people(id=old.person_id) == []
    with own_scene.kit.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Attempt)) == 0


def test_a_suspended_person_is_kept_out_on_every_way(scene: Scene) -> None:
    """By identity and by e-mail address; resumed, they come in again."""
    visit = scene.visit()
    row = visit.accepted(visit.launch())
    by_email = scene.kit.person()
    for person_id in (row.person_id, by_email.id):
        with scene.kit.session() as session:
            People(session).suspend(session.get_one(Person, person_id))
    before = scene.written()
    scene.refused(visit.launch(), "LTI_PERSON_SUSPENDED", "person", before)
    scene.refused(visit.launch(family_name="Changed"), "LTI_PERSON_SUSPENDED", "person", before)
    scene.refused(scene.visit().launch(email=by_email.email), "LTI_PERSON_SUSPENDED", "person", before)
    with scene.kit.session() as session:
        People(session).resume(session.get_one(Person, row.person_id))
    assert visit.accepted(visit.launch()).outcome == "accepted"


def test_lti_switched_off_and_on_again(own_scene: Scene) -> None:
    """For the whole academy, in between and before; nothing is lost."""
    kit, visit = own_scene.kit, own_scene.visit()
    visit.accepted(visit.launch())
    visit.begin()
    _switch(own_scene, on=False)
    before = own_scene.written()
    own_scene.refused(visit.answer(visit.platform.sign(visit.claims())), "LTI_NOT_AVAILABLE", "available", before)
    own_scene.refused(visit.begin(), "LTI_NOT_AVAILABLE", "active", before, part="login")
    _switch(own_scene, on=True)
    visit.accepted(visit.launch())
    assert kit.academy.slug


def _switch(scene: Scene, *, on: bool) -> None:
    runtime = scene.kit.runtime
    with runtime.database.shell() as session:
        Lifecycle(session, runtime.settings.web).switch(scene.kit.academy.slug, "lti", on=on, reason="test")
    runtime.tenants.forget()


@pytest.mark.case("PR-002")
@pytest.mark.parametrize("role", [Role.AUTHOR, Role.ADMIN])
@pytest.mark.parametrize("renamed", [False, True])
def test_whoever_became_staff_is_not_opened_any_more(scene: Scene, role: Role, renamed: bool) -> None:
    """The link of their days as a learner would make every admin of the LMS an admin here."""
    visit = scene.visit()
    person_id = visit.accepted(visit.launch()).person_id
    with scene.kit.session() as session:
        People(session).set_role(session.get_one(Person, person_id), role)
    before = scene.written()
    names = {"family_name": "Byron"} if renamed else {}
    assert scene.refused(visit.launch(**names), "LTI_PERSON_STAFF", "person", before).outcome == "refused"
