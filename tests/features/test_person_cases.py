"""Cases about people: what comes up, what each decision does, and that it can be taken back for 30 days."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from saas import clock
from saas.problems import Refused
from tenants.access import Role
from tenants.accounts.models import Person, PersonStatus
from tenants.accounts.services import People
from tenants.audit.models import AuditEntry
from tenants.catalog.models import Activity
from tenants.grades.models import Result, ScoreDelivery
from tenants.learning.models import Attempt, AttemptState, Enrolment
from tenants.learning.services import Learning, ProgressMade
from tenants.lti.entered import new_version
from tenants.lti.tool.models import Identity, Participant, Platform
from tenants.lti.tool.models11 import OutcomeRoute
from tenants.lti.tool.people_models import CaseDecision, CaseKind, Newcomers, PersonCase
from tenants.lti.tool.person_cases import PersonCases
from tests.conformance.visits import Scene, Visit, perform
from tests.conformance.visits11 import FormScene
from tests.features.pages import words
from tests.house import Browser, forms_of

MAIL = "ada@people.example"


def policy(scene: Scene, newcomers: Newcomers) -> None:
    with scene.kit.session() as session:
        platform = session.get_one(Platform, scene.platform_id)
        platform.newcomers = newcomers
        new_version(platform)


def cases_of(scene: Scene | FormScene) -> list[PersonCase]:
    with scene.kit.session() as session:
        found = list(session.scalars(sa.select(PersonCase).order_by(PersonCase.opened_at)))
        session.expunge_all()
        return found


def only_case(scene: Scene | FormScene) -> PersonCase:
    (case,) = cases_of(scene)
    return case


def press(admin: Browser, case: PersonCase, button: str, **options: Any) -> str:
    """A button of the case's page; what the page says then."""
    page = admin.get(f"/integrations/people-cases/{case.id}")
    form = next(form for form in forms_of(page) if button in form.text)
    answer = form.submit(**options)
    return words(answer.follow()) if answer.status_int == 303 else words(answer)


def conflict(scene: Scene) -> tuple[Visit, Visit]:
    """The one who has the address, and the one who brings it under another id."""
    first, second = scene.visit(), scene.visit()
    first.accepted(first.launch(email=MAIL))
    assert second.launch(email=MAIL).status_int == 403
    return first, second


def sub_of(scene: Scene, person_id: UUID | None) -> list[str]:
    with scene.kit.session() as session:
        return list(session.scalars(sa.select(Participant.sub).where(Participant.person_id == person_id)))


@pytest.mark.case("PR-004")
def test_one_case_however_often_they_come(scene: Scene) -> None:
    first, second = conflict(scene)
    second.launch(email=MAIL.upper())
    case = only_case(scene)
    assert (case.kind, case.sub, case.email_key) == (CaseKind.CONFLICT, second.sub, MAIL)
    assert case.person_id == scene.person_of(scene.platform.issuer, first.sub)
    assert (case.evidence["times"], len(case.evidence["came"])) == (2, 2)
    assert case.evidence["came"][0]["course"] == "Course one"


def test_the_pages(scene: Scene) -> None:
    first, second = conflict(scene)
    finish(scene, scene.person_of(scene.platform.issuer, first.sub), scene.activity_id, 80)
    admin = scene.kit.signed_in(Role.ADMIN)
    assert "waits for your decision" in words(admin.get("/integrations"))
    shown = words(admin.get("/integrations/people-cases"))
    assert "Ada Lovelace" in shown
    assert MAIL in shown
    case = only_case(scene)
    page = words(admin.get(f"/integrations/people-cases/{case.id}"))
    for told in (
        "What ",
        "The account here",
        second.sub,
        "Course one",
        "Latest launches",
        "An e-learning: completed · 80 %",
    ):
        assert told in page, told
    launch = scene.rows(1)[0]
    assert "Open the case" in admin.get(f"/integrations/launches/{launch.id}")
    assert "No open cases" not in shown
    assert "Nothing decided yet" in admin.get("/integrations/people-cases?state=decided")
    admin.get("/integrations/people-cases?page=99999", status=200)
    scene.kit.signed_in(Role.AUTHOR).get("/integrations/people-cases", status=403)


def test_linked_and_taken_back(scene: Scene) -> None:
    first, second = conflict(scene)
    admin, case = scene.kit.signed_in(Role.ADMIN), only_case(scene)
    assert "Linked" in press(admin, case, "Link: it is one person")
    row = second.accepted(second.launch(email=MAIL))
    assert row.person_id == case.person_id
    assert sub_of(scene, row.person_id) == [second.sub]
    assert "open again" in press(admin, case, "Take back")
    assert scene.person_of(scene.platform.issuer, second.sub) is None
    assert sub_of(scene, row.person_id) == [first.sub], "scores go where they went before"
    assert second.browser.get(f"/activities/{scene.activity_id}", status="*").status_int == 303, "the session is over"
    before = scene.written()
    scene.refused(second.launch(email=MAIL), "LTI_PERSON_CONFLICT", "person", before)
    kept = only_case(scene)
    assert (kept.decision, kept.decided_at, [what for _at, _who, what in kept.history]) == (
        None, None, ["link", "undo link"],
    )  # fmt: skip
    with scene.kit.session() as session:
        actions = session.scalars(sa.select(AuditEntry.action)).all()
    assert {"person_case.link", "person_case.undone.link"} <= set(actions)


def test_kept_apart_means_an_account_of_their_own(scene: Scene) -> None:
    first, second = conflict(scene)
    admin, case = scene.kit.signed_in(Role.ADMIN), only_case(scene)
    press(admin, case, "Keep apart")
    row = second.accepted(second.launch(email=MAIL))
    made = scene.people(id=row.person_id)[0]
    assert (made.id != case.person_id, made.email) == (True, None)
    assert first.accepted(first.launch(email=MAIL)).person_id == case.person_id
    press(admin, case, "Take back")
    case = only_case(scene)
    assert (case.kind, case.other_id, case.decision) == (CaseKind.DUPLICATE, made.id, None)
    assert "Merge: it is one person" in admin.get(f"/integrations/people-cases/{case.id}")
    assert second.accepted(second.launch(email=MAIL)).person_id == made.id, "nobody is thrown out by it"


def finish(scene: Scene, person_id: UUID | None, activity_id: UUID, score: int) -> None:
    """Completed with this score, as the ledger takes it in."""
    assert person_id is not None
    with scene.kit.session() as session:
        learning = Learning(session, person_id)
        attempt = learning.open_attempt(session.get_one(Activity, activity_id))
        attempt.state, attempt.score, attempt.completed_at = AttemptState.COMPLETED, Decimal(score), clock.now()
        session.flush()
        session.announce(ProgressMade(person_id, activity_id, True, Decimal(score), clock.now()))


def owned(scene: Scene, person_id: UUID) -> dict[str, Any]:
    """Everything of a person, to compare."""
    with scene.kit.session() as session:

        def of(model: Any, *names: str) -> list[tuple[Any, ...]]:
            rows = session.scalars(sa.select(model).where(model.person_id == person_id))
            return sorted((tuple(getattr(row, name) for name in names) for row in rows), key=str)

        return {
            "identities": of(Identity, "issuer", "sub"),
            "enrolments": of(Enrolment, "activity_id"),
            "attempts": of(Attempt, "id", "number", "score"),
            "results": of(Result, "activity_id", "score", "progress", "achieved_at"),
            "participants": of(Participant, "resource_link_id", "sub"),
            "status": session.get_one(Person, person_id).status,
        }


@pytest.fixture
def twins(scene: Scene) -> tuple[Scene, PersonCase, Visit]:
    """An account here with the address, and one made beside it, both with results."""
    policy(scene, Newcomers.CREATE)
    here = scene.kit.person(email=MAIL)
    other = scene.kit.activity("Another one")
    third = scene.kit.activity("A third one")
    visit = scene.visit()
    made = visit.accepted(visit.launch(email=MAIL)).person_id
    assert made is not None
    finish(scene, here.id, other.id, 40)
    finish(scene, here.id, third.id, 90)
    finish(scene, made, other.id, 70)
    finish(scene, made, third.id, 50)
    finish(scene, made, scene.activity_id, 100)
    return scene, only_case(scene), visit


def test_merged_and_taken_back(twins: tuple[Scene, PersonCase, Visit]) -> None:
    scene, case, visit = twins
    assert case.person_id is not None
    assert case.other_id is not None
    first, second = owned(scene, case.person_id), owned(scene, case.other_id)
    admin = scene.kit.signed_in(Role.ADMIN)
    press(admin, case, "Merge: it is one person")
    merged = owned(scene, case.person_id)
    assert sorted(row[1] for row in merged["results"]) == [Decimal(70), Decimal(90), Decimal(100)]
    assert len(merged["enrolments"]) == 3
    assert sorted(row[1] for row in merged["attempts"]) == [1, 1, 1, 2, 2]
    assert merged["identities"] == second["identities"]
    assert merged["participants"] == second["participants"]
    left = owned(scene, case.other_id)
    assert (left["status"], left["identities"], left["attempts"]) == (PersonStatus.SUSPENDED, [], [])
    assert visit.accepted(visit.launch(email=MAIL)).person_id == case.person_id
    press(admin, case, "Take back")
    assert (owned(scene, case.person_id), owned(scene, case.other_id)) == (first, second)
    assert visit.accepted(visit.launch(email=MAIL)).person_id == case.other_id


def test_what_was_earned_after_a_merge_stays_with_the_first(twins: tuple[Scene, PersonCase, Visit]) -> None:
    scene, case, _visit = twins
    assert case.person_id is not None
    assert case.other_id is not None
    second = owned(scene, case.other_id)
    fourth = scene.kit.activity("A fourth one")
    finish(scene, case.other_id, fourth.id, 10)
    with_fourth = owned(scene, case.other_id)
    admin = scene.kit.signed_in(Role.ADMIN)
    press(admin, case, "Merge: it is one person")
    with scene.kit.session() as session:
        Learning(session, case.person_id).open_attempt(session.get_one(Activity, fourth.id), again=True)
    finish(scene, case.person_id, fourth.id, 80)
    press(admin, case, "Take back")
    assert owned(scene, case.other_id) == with_fourth
    assert with_fourth != second
    scores = {row[0]: row[1] for row in owned(scene, case.person_id)["results"]}
    assert scores[fourth.id] == Decimal(80)


def told(scene: Scene) -> tuple[Decimal | None, UUID]:
    """What was said last over the one link, and of whom."""
    with scene.kit.session() as session:
        last = sa.select(ScoreDelivery.score, Result.person_id).join(Result, Result.id == ScoreDelivery.result_id)
        row = session.execute(last.order_by(ScoreDelivery.created_at.desc()).limit(1)).one()
        return row[0], row[1]


def test_the_link_tells_of_whom_it_belongs_to(twins: tuple[Scene, PersonCase, Visit]) -> None:
    """The second account's grade column hears of the first one's better result, and of its own again after that."""
    scene, case, _visit = twins
    assert case.person_id is not None
    with scene.kit.session() as session:
        Learning(session, case.person_id).enrol(session.get_one(Activity, scene.activity_id))
    assert told(scene) == (Decimal(100), case.other_id)
    with scene.kit.session() as session:
        session.execute(sa.update(Result).where(Result.person_id == case.other_id).values(score=Decimal(60)))
    finish(scene, case.person_id, scene.activity_id, 75)
    admin = scene.kit.signed_in(Role.ADMIN)
    press(admin, case, "Merge: it is one person")
    scene.kit.house.run_jobs()
    assert told(scene) == (Decimal(75), case.person_id)
    press(admin, case, "Take back")
    scene.kit.house.run_jobs()
    assert told(scene) == (Decimal(60), case.other_id)


@pytest.mark.parametrize("which", ["person_id", "other_id"])
@pytest.mark.parametrize("role", [Role.AUTHOR, Role.ADMIN])
def test_nothing_is_merged_onto_staff_or_from_them(
    twins: tuple[Scene, PersonCase, Visit], which: str, role: Role
) -> None:
    scene, case, _visit = twins
    with scene.kit.session() as session:
        People(session).set_role(session.get_one(Person, getattr(case, which)), role)
    assert "LTI_PERSON_STAFF" in press(scene.kit.signed_in(Role.ADMIN), case, "Merge", status=403)
    assert only_case(scene).decision is None


def test_nobody_is_linked_to_who_became_staff(scene: Scene) -> None:
    conflict(scene)
    case = only_case(scene)
    with scene.kit.session() as session:
        People(session).set_role(session.get_one(Person, case.person_id), Role.AUTHOR)
    assert "LTI_PERSON_STAFF" in press(scene.kit.signed_in(Role.ADMIN), case, "Link", status=403)


def test_a_decision_is_taken_once_and_must_fit(scene: Scene) -> None:
    conflict(scene)
    admin, case = scene.kit.signed_in(Role.ADMIN), only_case(scene)
    address = f"/integrations/people-cases/{case.id}"
    for wrong in ("merge", "dismiss"):
        admin.post(address, {"decision": wrong}, status=409).mustcontain("PERSON_CASE_DECIDED")
    admin.post(address, {"decision": "burn"}, status=400)
    admin.post(f"{address}/undo", status=409).mustcontain("PERSON_CASE_UNDO")
    admin.post(address, {"decision": "apart"}, status=303)
    admin.post(address, {"decision": "link"}, status=409).mustcontain("PERSON_CASE_DECIDED")


def test_after_thirty_days_it_stays(scene: Scene) -> None:
    conflict(scene)
    admin, case = scene.kit.signed_in(Role.ADMIN), only_case(scene)
    press(admin, case, "Link")

    def decided(days: int) -> None:
        with scene.kit.session() as session:
            session.get_one(PersonCase, case.id).decided_at = clock.now() - timedelta(days=days)

    decided(29)
    assert "Take back" in admin.get(f"/integrations/people-cases/{case.id}")
    perform(scene.kit, "lti.forget_sharing")
    assert only_case(scene).reversal
    decided(31)
    assert "Take back" not in admin.get(f"/integrations/people-cases/{case.id}")
    admin.post(f"/integrations/people-cases/{case.id}/undo", status=409).mustcontain("PERSON_CASE_UNDO")
    perform(scene.kit, "lti.forget_sharing")
    kept = only_case(scene)
    assert (kept.decision, kept.reversal, kept.evidence) == (CaseDecision.LINK, {}, {})
    admin.get(f"/integrations/people-cases/{case.id}", status=200)


@pytest.fixture
def crowd(scene: Scene) -> tuple[Scene, list[Visit]]:
    """Four ids, one address; the first got the account."""
    visits = [scene.visit() for _number in range(4)]
    for visit in visits:
        visit.launch(email=MAIL)
    return scene, visits


def test_a_placeholder_pauses_only_what_it_is_about(crowd: tuple[Scene, list[Visit]]) -> None:
    scene, visits = crowd
    assert only_case(scene).kind is CaseKind.PLACEHOLDER
    before = scene.written()
    scene.refused(scene.visit().launch(email=MAIL), "LTI_PERSON_PLACEHOLDER", "person", before)
    visits[0].accepted(visits[0].launch(email=MAIL))
    own = scene.visit()
    own.accepted(own.launch())
    page = scene.visit().launch(email=MAIL)
    assert "LTI_PERSON_PLACEHOLDER" in page
    assert "The academy's admin, with the other LMS's admin" in words(page)


def test_everybody_with_a_placeholder_gets_an_account_without_it(crowd: tuple[Scene, list[Visit]]) -> None:
    scene, visits = crowd
    admin, case = scene.kit.signed_in(Role.ADMIN), only_case(scene)
    press(admin, case, "Give each their own account")
    for _time in range(2):
        people = [visit.accepted(visit.launch(email=MAIL)).person_id for visit in visits]
        assert len(set(people)) == 4
    assert [person.email for person in scene.people() if person.id in people] == [None] * 4
    press(admin, case, "Take back")
    assert scene.people(email_key=MAIL)[0].id == people[0]
    before = scene.written()
    scene.refused(scene.visit().launch(email=MAIL), "LTI_PERSON_PLACEHOLDER", "person", before)
    assert visits[1].accepted(visits[1].launch(email=MAIL)).person_id == people[1]


def test_put_right_over_there(crowd: tuple[Scene, list[Visit]]) -> None:
    scene, visits = crowd
    press(scene.kit.signed_in(Role.ADMIN), only_case(scene), "It is put right")
    mended = visits[1]
    mended.accepted(mended.launch(email="bea@people.example"))
    for visit, code in ((visits[2], "LTI_PERSON_CONFLICT"), (visits[3], "LTI_PERSON_PLACEHOLDER")):
        before = scene.written()
        scene.refused(visit.launch(email=MAIL), code, "person", before)
    assert only_case(scene).decision is None, "it was not, and is asked anew"


def test_create_makes_no_class_of_a_placeholder(scene: Scene) -> None:
    policy(scene, Newcomers.CREATE)
    visits = [scene.visit() for _number in range(3)]
    for visit in visits[:2]:
        visit.accepted(visit.launch(email=MAIL))
    before = scene.written()
    assert scene.refused(visits[2].launch(email=MAIL), "LTI_PERSON_PLACEHOLDER", "person", before).outcome == "refused"


def test_an_erased_person_takes_their_cases_along(scene: Scene) -> None:
    conflict(scene)
    with scene.kit.session() as session:
        People(session).erase(session.get_one(Person, only_case(scene).person_id))
    assert cases_of(scene) == []


# LTI 1.2


def test_linked_and_taken_back_by_lti12(form_scene: FormScene) -> None:
    """The score's address of the second id must not stay behind with the first person."""
    first, second = form_scene.visit(), form_scene.visit()
    first.accepted(first.launch(lis_person_contact_email_primary=MAIL, lis_result_sourcedid="of-the-first"))
    fields = {"lis_person_contact_email_primary": MAIL, "lis_result_sourcedid": "of-the-second"}
    second.refused("LTI_PERSON_CONFLICT", "person", **fields)
    admin, case = form_scene.kit.signed_in(Role.ADMIN), only_case(form_scene)
    press(admin, case, "Link: it is one person")
    second.accepted(second.launch(**fields))

    def sourcedids() -> list[str]:
        with form_scene.kit.session() as session:
            return list(session.scalars(sa.select(OutcomeRoute.sourcedid)))

    assert sourcedids() == ["of-the-second"]
    press(admin, case, "Take back")
    assert sourcedids() == ["of-the-first"]


def test_two_admins_decide_at_once(scene: Scene) -> None:
    """The second one's page is old: the database says so, not what the page was made from."""
    conflict(scene)
    case_id = only_case(scene).id
    with scene.kit.session() as session:
        late = PersonCases(session).get(case_id)
        session.expunge(late)
    with scene.kit.session() as session:
        cases = PersonCases(session)
        cases.decide(cases.get(case_id), CaseDecision.APART, "one")
    with scene.kit.session() as session:
        session.add(late)
        with pytest.raises(Refused, match="PERSON_CASE_DECIDED"):
            PersonCases(session).decide(late, CaseDecision.LINK, "two")
