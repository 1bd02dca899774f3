"""What an outside tool's word means here: completed, passed, failed, waiting; and what learners and authors see of it."""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from saas import clock
from saas.problems import Refused
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import People
from tenants.audit.models import AuditEntry
from tenants.catalog.models import Activity
from tenants.grades.models import Progress, Result, ScoreDelivery
from tenants.learning.flips import Flips
from tenants.learning.models import Attempt, Enrolment, Grading, OutsideResult, Verdict
from tenants.learning.outside import OutsideResults, OutsideScore
from tenants.learning.services import ProgressMade
from tenants.lti.launches.models import Protocol
from tenants.lti.tool.consumers import Consumers
from tenants.lti.tool.models import Participant, Platform, ResourceLink
from tenants.lti.tool.models11 import OutcomeRoute
from tenants.lti.wire import ags
from tests.features.pages import faults, words
from tests.house import Browser, House, Kit, forms_of

SOURCE = "Vendor & Söhne"
PASSED, FAILED = Verdict.PASSED, Verdict.FAILED


def said(
    given: str | None = None, maximum: str | None = "100", grading: Grading = Grading.DECIDED, **more: Any
) -> OutsideScore:
    values = {"completed": not more.get("withdrawn"), "at": clock.now(), "source": SOURCE, **more}
    return OutsideScore(
        Decimal(given) if given is not None else None,
        Decimal(maximum) if given is not None and maximum else None,
        grading=grading,
        **values,
    )


@dataclass
class Sitting:
    """One learner and one outside activity."""

    kit: Kit
    exam: bool = True
    minimum: int = 70
    person: Person = field(init=False)
    activity: Activity = field(init=False)

    def __post_init__(self) -> None:
        self.activity, _link = self.kit.outside(exam=self.exam, minimum=self.minimum)
        self.person = self.kit.person()

    def begin(self) -> None:
        with self.kit.session() as session:
            OutsideResults(session).begin(self.person.id, session.get_one(Activity, self.activity.id))

    def take(self, score: OutsideScore, person_id: UUID | None = None) -> OutsideResult:
        with self.kit.session() as session:
            results = OutsideResults(session)
            row = results.take(person_id or self.person.id, session.get_one(Activity, self.activity.id), score)
            session.flush()
            session.refresh(row)
            session.expunge(row)
            return row

    def attempts(self) -> list[tuple[int, str, Decimal | None]]:
        with self.kit.session() as session:
            query = sa.select(Attempt.number, Attempt.state, Attempt.score).where(Attempt.person_id == self.person.id)
            rows = session.execute(query.where(Attempt.activity_id == self.activity.id).order_by(Attempt.number))
            return [(row[0], row[1].value, row[2]) for row in rows]

    def ledger(self) -> Result | None:
        with self.kit.session() as session:
            own = sa.select(Result).where(Result.person_id == self.person.id, Result.activity_id == self.activity.id)
            found = session.scalar(own)
            session.expunge_all()
            return found

    def page(self, path: str = "") -> str:
        browser = self.kit.signed_in(person=self.person)
        return words(browser.get(path or f"/activities/{self.activity.id}"))


@pytest.fixture
def exam(house: House) -> Sitting:
    return Sitting(house.academy())


@pytest.fixture
def lesson(house: House) -> Sitting:
    return Sitting(house.academy(), exam=False)


@pytest.fixture
def announced(house: House, monkeypatch: pytest.MonkeyPatch) -> list[ProgressMade]:
    """Every announcement of progress, as it is made; they still go where they go."""
    heard: list[ProgressMade] = []
    announce = house.runtime.events.announce

    def listen(session: Any, happening: object) -> None:
        if isinstance(happening, ProgressMade):
            heard.append(happening)
        announce(session, happening)

    monkeypatch.setattr(house.runtime.events, "announce", listen)
    return heard


# An e-learning


def test_an_e_learning_is_completed_by_its_first_decided_result(lesson: Sitting) -> None:
    lesson.begin()
    assert lesson.attempts() == [(1, "in-progress", None)]
    assert "In progress" in lesson.page()
    lesson.take(said("30", completed=False))
    assert lesson.attempts() == [(1, "completed", Decimal(30))]
    page = lesson.page()
    assert "Completed" in page
    assert "30 of 100, from Vendor & Söhne" in page


def test_decided_without_a_score_is_all_of_it(lesson: Sitting) -> None:
    row = lesson.take(said())
    assert lesson.attempts() == [(1, "completed", Decimal(100))]
    assert (row.given, row.percent, row.verdict) == (None, None, None)
    assert "Completed" in lesson.page()


def test_begun_or_undecided_completes_nothing(lesson: Sitting) -> None:
    lesson.take(said(grading=Grading.NONE, completed=False))
    lesson.take(said("50", grading=Grading.AWAITED, completed=False))
    assert lesson.attempts() == [(1, "in-progress", None)]
    result = lesson.ledger()
    assert result is not None
    assert result.progress is Progress.IN_PROGRESS


def test_completing_an_e_learning_needs_no_passing(lesson: Sitting) -> None:
    lesson.take(said("0", "1"))
    assert lesson.attempts() == [(1, "completed", Decimal(0))]
    assert "Failed" not in lesson.page()


# An exam


@pytest.mark.case("AS-042")
@pytest.mark.parametrize(
    ("given", "maximum", "word"),
    [("70", "100", "Passed"), ("69.99", "100", "Failed"), ("0.7", "1", "Passed"), ("7", "10", "Passed"),
     ("69.999", "100", "Failed"), ("0.69999", "1", "Failed"), ("0", "100", "Failed")],
)  # fmt: skip
def test_an_exam_reads_passed_or_failed(exam: Sitting, given: str, maximum: str, word: str) -> None:
    exam.begin()
    assert "once the tool has sent it. Check again" in exam.page()
    row = exam.take(said(given, maximum))
    page = exam.page()
    assert word in page
    assert "Completed" not in page
    assert "Waiting for result" not in page
    assert f"{given} of {maximum}, from Vendor & Söhne" in page
    assert "You pass with 70 % or more." in page
    assert (row.verdict, row.minimum) == (PASSED if word == "Passed" else FAILED, 70)
    for path in ("/", "/results", f"/courses/{exam.activity.course_id}"):
        assert word.lower() in exam.page(path).lower(), path


def test_what_failed_by_a_hair_is_not_shown_as_the_minimum(exam: Sitting) -> None:
    exam.take(said("69.999"))
    page = exam.page()
    assert "69.99 %" in page
    assert "70 %" not in page.replace("You pass with 70 % or more.", "")


def test_opening_an_exam_says_nothing_about_it(exam: Sitting) -> None:
    assert "Not started" in exam.page()
    exam.begin()
    for path in ("", "/", "/results", f"/courses/{exam.activity.course_id}"):
        page = exam.page(path)
        assert "Waiting for result" in page
        assert "Passed" not in page
        assert "Failed" not in page


def test_an_exam_completed_without_a_score_waits(exam: Sitting) -> None:
    row = exam.take(said())
    assert (row.verdict, row.percent) == (None, None)
    assert "Waiting for result" in exam.page()
    assert exam.attempts() == [(1, "in-progress", None)]


def test_what_somebody_must_grade_first_is_awaited(exam: Sitting) -> None:
    exam.take(said("90", grading=Grading.AWAITED))
    page = exam.page()
    assert "Awaiting grading" in page
    assert "Passed" not in page
    exam.take(said("90"))
    assert "Passed" in exam.page()


def test_a_failed_grading_is_shown_and_decides_nothing(exam: Sitting) -> None:
    row = exam.take(said("90", grading=Grading.FAILED))
    assert row.verdict is None
    assert "The tool could not grade this" in exam.page()


def test_a_score_above_the_maximum_is_capped_on_show_and_kept_raw(exam: Sitting) -> None:
    row = exam.take(said("130", "100"))
    assert (row.given, row.maximum, row.percent, row.verdict) == ("130", "100", Decimal(100), PASSED)
    assert "100 %" in exam.page()


@pytest.mark.case("PR-009")
def test_a_pass_stays_a_pass(exam: Sitting) -> None:
    exam.take(said("80"))
    row = exam.take(said("30"))
    assert (row.verdict, row.given) == (PASSED, "30")
    page = exam.page()
    assert "Passed" in page
    assert "80 %" in page
    assert "Newest score: 30 %. What you reached before stays." in page
    result = exam.ledger()
    assert result is not None
    assert result.score == 80
    for later in (said(grading=Grading.AWAITED), said("20", grading=Grading.FAILED), said(completed=False)):
        assert exam.take(later).verdict is PASSED


def test_a_failed_exam_can_be_sat_again(exam: Sitting) -> None:
    exam.begin()
    exam.begin()
    assert exam.attempts() == [(1, "in-progress", None)], "opening twice is one attempt"
    exam.take(said("50"))
    assert "Try again" in exam.page()
    exam.begin()
    assert exam.attempts() == [(1, "completed", Decimal(50)), (2, "in-progress", None)]
    assert "Failed" in exam.page(), "opening it again takes nothing back"
    exam.take(said("75"))
    exam.begin()
    assert exam.attempts() == [(1, "completed", Decimal(50)), (2, "completed", Decimal(75))]
    page = exam.page()
    assert "Passed" in page
    assert "Your attempts" in page


@pytest.mark.parametrize(("score", "word", "verdict"), [("90", "Passed", PASSED), ("10", "Waiting for result", None)])
def test_a_withdrawn_score_is_cleared_and_the_completion_stays(
    exam: Sitting, score: str, word: str, verdict: Verdict | None
) -> None:
    exam.take(said(score))
    row = exam.take(said(withdrawn=True))
    assert (row.given, row.percent, row.verdict) == (None, None, verdict)
    assert exam.attempts() == [(1, "completed", Decimal(score) if verdict else None)]
    page = exam.page()
    assert word in page
    assert "took the score back" in page
    assert f"{score} %" not in exam.page("/results")
    again = exam.take(said("95"))
    assert (again.verdict, again.withdrawn_at) == (PASSED, None)


def test_a_withdrawn_e_learning_stays_completed(lesson: Sitting) -> None:
    lesson.take(said("40"))
    lesson.take(said(withdrawn=True))
    page = lesson.page()
    assert "Completed" in page
    assert "What you have completed stays completed." in page


def test_handed_in_again_without_a_score_it_is_completed_all_the_same(lesson: Sitting, exam: Sitting) -> None:
    """A tool that graded on the way, and is not done grading when everything is handed in."""
    lesson.take(said("20", grading=Grading.NONE, completed=False))
    lesson.take(said(grading=Grading.AWAITED, withdrawn=True, completed=True))
    assert lesson.attempts() == [(1, "completed", None)]
    exam.take(said("20"))
    exam.take(said(grading=Grading.AWAITED, withdrawn=True, completed=True))
    assert "Awaiting grading" in exam.page()


@pytest.mark.parametrize("is_exam", [True, False])
def test_the_same_result_again_completes_nothing_twice(
    house: House, announced: list[ProgressMade], *, is_exam: bool
) -> None:
    sitting = Sitting(house.academy(), exam=is_exam)
    for _time in range(3):
        sitting.take(said("85"))
    assert [each.completed for each in announced] == [False, True]
    assert sitting.attempts() == [(1, "completed", Decimal(85))]


def test_nobody_there_any_more_gets_no_result(exam: Sitting) -> None:
    with pytest.raises(Refused, match="PERSON_UNKNOWN"):
        exam.take(said("85"), person_id=uuid4())
    stranger = exam.kit.house.academy().person()
    with pytest.raises(Refused, match="PERSON_UNKNOWN"):
        exam.take(said("85"), person_id=stranger.id)


def test_many_at_once_make_one_row_and_one_attempt(exam: Sitting) -> None:
    go, faults_met = threading.Barrier(6), []

    def send(score: str) -> None:
        try:
            go.wait(10)
            exam.take(said(score))
        except Exception as fault:  # noqa: BLE001 -- whatever it is, the test shows it
            faults_met.append(fault)

    threads = [threading.Thread(target=send, args=(str(score),)) for score in (10, 20, 71, 30, 40, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults_met == []
    with exam.kit.session() as session:
        row = session.scalars(sa.select(OutsideResult).where(OutsideResult.person_id == exam.person.id)).one()
        assert row.verdict is PASSED
        assert session.scalar(sa.select(sa.func.count(Enrolment.id))) == 1
    assert exam.attempts() == [(1, "completed", Decimal(71))]


def test_results_go_with_the_person(exam: Sitting) -> None:
    exam.take(said("85"))
    with exam.kit.session() as session:
        People(session).erase(session.get_one(Person, exam.person.id))
    with exam.kit.session() as session:
        assert session.scalar(sa.select(sa.func.count(OutsideResult.id))) == 0


# Playlists


def test_an_exam_in_a_playlist_counts_once_it_is_passed(exam: Sitting) -> None:
    after = exam.kit.activity("Afterwards")
    playlist = exam.kit.playlist(exam.activity, after, in_order=True)
    browser = exam.kit.signed_in(person=exam.person)
    browser.post(f"/activities/{playlist.id}", status=303)
    path = f"/activities/{playlist.id}"
    for score, word in ((None, "Waiting for result"), ("60", "Failed")):
        exam.take(said(score))
        page = words(browser.get(path))
        assert word in page
        assert "Opens once “An outside exam” is passed" in page
    exam.take(said("70"))
    page = words(browser.get(path))
    assert "Passed" in page
    assert "Opens once" not in page
    assert "Continue with Afterwards" in page


def test_a_playlist_of_one_exam_is_completed_by_the_pass(exam: Sitting) -> None:
    playlist = exam.kit.playlist(exam.activity)
    browser = exam.kit.signed_in(person=exam.person)
    browser.post(f"/activities/{playlist.id}", status=303)
    exam.take(said("60"))
    assert "In progress" in words(browser.get(f"/activities/{playlist.id}"))
    exam.take(said("88"))
    page = words(browser.get(f"/activities/{playlist.id}"))
    assert "Completed" in page
    assert "88 %" in page


# On to the LMS that launched our learner


def route_13(sitting: Sitting) -> UUID:
    """As a launch from an LTI 1.3 platform leaves it."""
    with sitting.kit.session() as session:
        platform = Platform(name="LMS", issuer="https://lms.example", client_id="c", auth_url="https://lms.example/a", token_url="https://lms.example/t", is_active=True)  # fmt: skip
        session.add(platform)
        session.flush()
        link = ResourceLink(platform_id=platform.id, deployment_id="1", resource_link_id="1", activity_id=sitting.activity.id,
                            line_item="https://lms.example/item", scopes=list(ags.SCOPES))  # fmt: skip
        session.add(link)
        session.flush()
        participant = Participant(resource_link_id=link.id, person_id=sitting.person.id, sub="s")
        session.add(participant)
        session.flush()
        return participant.id


def route_12(sitting: Sitting) -> UUID:
    """As a launch by LTI 1.2 leaves it."""
    with sitting.kit.session() as session:
        activity = session.get_one(Activity, sitting.activity.id)
        key = Consumers(session, sitting.kit.runtime.secrets).create(activity, "LMS")
        route = OutcomeRoute(consumer_key_id=key.id, resource_link_id="1", person_id=sitting.person.id,
                             service_url="https://lms.example/outcomes", sourcedid="s")  # fmt: skip
        session.add(route)
        session.flush()
        return route.id


def told(kit: Kit) -> list[tuple[UUID, str, Decimal | None]]:
    """Oldest first: what was promised to be said, and where."""
    with kit.session() as session:
        rows = session.scalars(sa.select(ScoreDelivery).order_by(ScoreDelivery.created_at, ScoreDelivery.id))
        return [(row.route_id, row.progress.value, row.score) for row in rows]


@pytest.mark.parametrize("tool", [Protocol.LTI_12, Protocol.LTI_13])
@pytest.mark.parametrize("is_exam", [True, False])
def test_a_score_taken_here_goes_on_to_every_lms_before_us(house: House, tool: Protocol, *, is_exam: bool) -> None:
    """A tool behind us, an LMS before us, in any mix of versions; a failed exam is a score like another."""
    sitting = Sitting(house.academy(), exam=is_exam)
    sitting.activity, _link = sitting.kit.outside(exam=is_exam, version=tool)
    modern, legacy = route_13(sitting), route_12(sitting)
    sitting.begin()
    assert told(sitting.kit) == [(modern, "InProgress", None)]
    sitting.take(said("12", "20"))
    assert set(told(sitting.kit)[1:]) == {(route, "Completed", Decimal(60)) for route in (modern, legacy)}
    sitting.take(said("5", "20"))
    assert len(told(sitting.kit)) == 3, "a lower one is never told"
    sitting.take(said("20", "20"))
    assert set(told(sitting.kit)[3:]) == {(route, "Completed", Decimal(100)) for route in (modern, legacy)}


# A new minimum


@dataclass
class Class:
    """Six people of an exam with 70 %; half of them have 75, 60 and 40 %, by name."""

    kit: Kit
    activity: Activity = field(init=False)
    people: dict[str, UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.activity, _link = self.kit.outside(exam=True)
        for name, score in (("Ada", "75"), ("Ben", "60"), ("Cy", "40"), ("Dee", None)):
            with self.kit.session() as session:
                person = People(session).create(f"{name}@people.example", name, "Test")
                self.people[name] = person.id
                session.flush()
                results, mine = OutsideResults(session), session.get_one(Activity, self.activity.id)
                results.begin(person.id, mine)
                if score:
                    results.take(person.id, mine, said(score))

    @property
    def path(self) -> str:
        return f"/activities/{self.activity.id}/minimum"

    def verdicts(self) -> dict[str, tuple[Verdict | None, int | None]]:
        with self.kit.session() as session:
            rows = {row.person_id: row for row in session.scalars(sa.select(OutsideResult))}
            return {name: (rows[id_].verdict, rows[id_].minimum) for name, id_ in self.people.items() if id_ in rows}

    def minimum(self) -> int | None:
        with self.kit.session() as session:
            return session.get_one(Activity, self.activity.id).minimum_score

    def change(self, author: Browser, minimum: int, **fields: str) -> None:
        author.post(self.path, {"minimum": str(minimum), **fields}, status=303)
        self.kit.house.run_jobs()


@pytest.fixture
def group(house: House) -> Class:
    return Class(house.academy())


@pytest.fixture
def author(group: Class) -> Browser:
    return group.kit.signed_in(Role.AUTHOR)


BEFORE = {"Ada": (PASSED, 70), "Ben": (FAILED, 70), "Cy": (FAILED, 70)}


def test_a_new_minimum_shows_who_would_flip(group: Class, author: Browser) -> None:
    lower = words(author.get(f"{group.path}?minimum=60"))
    assert "1 person who failed would pass Ben Test" in lower
    assert "who passed would fail" not in lower
    higher = words(author.get(f"{group.path}?minimum=80"))
    assert "1 person who passed would fail Ada Test" in higher
    assert "Ben" not in higher
    assert "No result that is there would be judged otherwise" in words(author.get(f"{group.path}?minimum=72"))
    assert group.minimum() == 70, "asking changes nothing"


def test_a_new_minimum_only_for_new_results(group: Class, author: Browser) -> None:
    group.change(author, 60, judge="new")
    assert group.verdicts() == BEFORE
    assert group.minimum() == 60
    with group.kit.session() as session:
        OutsideResults(session).take(group.people["Dee"], session.get_one(Activity, group.activity.id), said("60"))
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "exam.minimum_changed")).one()
        assert (entry.about["before"], entry.about["after"], entry.about["again"]) == (70, 60, False)
    assert group.verdicts()["Dee"] == (PASSED, 60)


def test_judged_again_a_pass_is_given(group: Class, author: Browser) -> None:
    group.change(author, 60, judge="again")
    assert group.verdicts() == {"Ada": (PASSED, 60), "Ben": (PASSED, 60), "Cy": (FAILED, 60)}


@pytest.mark.parametrize("fields", [{}, {"take_away": "1", "judge": "new"}, {"judge": "again", "take_away": "yes"}])
def test_a_pass_is_never_taken_away_without_its_own_tick(group: Class, author: Browser, fields: dict[str, str]) -> None:
    group.change(author, 80, **{"judge": "again", **fields})
    assert group.verdicts()["Ada"] == (PASSED, 70)
    assert group.minimum() == 80


def test_a_pass_is_taken_away_when_ticked(group: Class, author: Browser) -> None:
    group.change(author, 80, judge="again", take_away="1")
    assert group.verdicts() == {"Ada": (FAILED, 80), "Ben": (FAILED, 80), "Cy": (FAILED, 80)}


def test_a_pass_is_judged_by_what_it_was_reached_with(group: Class, author: Browser) -> None:
    """A lower score came later: it took nothing away, and does not now."""
    with group.kit.session() as session:
        OutsideResults(session).take(group.people["Ada"], session.get_one(Activity, group.activity.id), said("20"))
    assert "Ada" not in words(author.get(f"{group.path}?minimum=72"))
    group.change(author, 72, judge="again", take_away="1")
    assert group.verdicts()["Ada"] == (PASSED, 72)


def test_a_playlist_follows_a_new_verdict(group: Class, author: Browser) -> None:
    playlist = group.kit.playlist(group.activity)
    with group.kit.session() as session:
        ben = session.get_one(Person, group.people["Ben"])
        session.expunge(ben)
    browser = group.kit.signed_in(person=ben)
    browser.post(f"/activities/{playlist.id}", status=303)
    assert "In progress" in words(browser.get(f"/activities/{playlist.id}"))
    group.change(author, 60, judge="again")
    assert "Completed" in words(browser.get(f"/activities/{playlist.id}"))


@pytest.mark.parametrize("wrong", ["0", "101", "1.5", "", "-3", "seventy", "²", "1e1"])
def test_no_such_minimum(group: Class, author: Browser, wrong: str) -> None:
    asked = author.get(f"{group.path}?{urlencode({'minimum': wrong})}", status=422)
    assert "minimum" in faults(asked)
    author.post(group.path, {"minimum": wrong, "judge": "again"}, status=422)
    assert group.minimum() == 70


def test_the_page_of_the_minimum_is_the_authors(group: Class) -> None:
    group.kit.signed_in().get(group.path, status=403)
    group.kit.house.academy().signed_in(Role.ADMIN).get(group.path, status=404)
    e_learning, _link = group.kit.outside()
    author = group.kit.signed_in(Role.AUTHOR)
    author.get(f"/activities/{e_learning.id}/minimum", status=303)
    author.post(f"/activities/{e_learning.id}/minimum", {"minimum": "5"}, status=404)


def test_the_form_works_without_javascript(group: Class, author: Browser) -> None:
    page = author.get(f"{group.path}?minimum=80")
    form = next(form for form in forms_of(page) if "judge" in form.fields)
    form["judge"], form["take_away"] = "again", True
    assert "Results are being judged again" in form.submit(status=303).follow()
    group.kit.house.run_jobs()
    assert group.verdicts()["Ada"] == (FAILED, 80)


def test_more_people_than_are_named(house: House) -> None:
    kit = house.academy()
    activity, _link = kit.outside(exam=True)
    with kit.session() as session:
        mine = session.get_one(Activity, activity.id)
        for number in range(Flips.SHOWN + 3):
            person = People(session).create(f"p{number}@people.example", f"P{number:03}", "Test")
            session.flush()
            OutsideResults(session).take(person.id, mine, said("65"))
    with kit.session() as session:
        flipped = Flips(session, session.get_one(Activity, activity.id), 60).by_verdict()[PASSED]
    assert (flipped.count, len(flipped.names), flipped.names[0]) == (Flips.SHOWN + 3, Flips.SHOWN, "P000 Test")
    author = kit.signed_in(Role.AUTHOR)
    assert "and 3 more" in words(author.get(f"/activities/{activity.id}/minimum?minimum=60"))


def test_times_are_the_tools(exam: Sitting) -> None:
    at = datetime.fromisoformat("2026-03-01T10:00:00+00:00")
    row = exam.take(said("85", at=at, comment="Well <b>done</b>"))
    assert row.said_at == at
    page = exam.page()
    assert "Mar 1, 2026" in page
    assert "Well <b>done</b>" in page, "as text"
