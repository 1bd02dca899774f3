"""A score's way into the other gradebook, and what happens when the other LMS does not take it (lti.md AC, AGS 2.0)."""

from datetime import datetime
from itertools import pairwise

import pytest

from tenants.grades.models import DeliveryState
from tests.jobs.conftest import MakeSchool
from tests.jobs.school import School

MOODLE = {
    "moodle_urls": True, "moodle_links": True, "refuse_json": True, "token_status": 201, "expires_in_string": True, "page_size": 1,
}  # fmt: skip


def test_progress_and_then_the_result_are_told_and_confirmed(school: School) -> None:
    anna = school.arrive()
    school.begin(anna)
    school.work()
    begun = school.score()
    assert begun is not None
    assert (begun.given, begun.activity_progress, begun.grading_progress) == (None, "InProgress", "Pending")
    school.reach(anna, "66.5")
    school.work()
    done = school.score()
    assert done is not None
    assert (done.given, done.maximum, done.activity_progress, done.grading_progress) == (
        66.5, 100, "Completed", "FullyGraded",
    )  # fmt: skip
    assert school.states() == ["sent", "sent"]
    school.confirm()
    assert school.states() == ["sent", "confirmed"]
    assert ("results", "delivered") in school.steps()


def test_what_never_changed_the_truth_is_not_told(school: School) -> None:
    anna = school.arrive()
    for percent in (80, 60, 80):
        school.reach(anna, percent)
    school.work()
    held = school.score()
    assert held is not None
    assert (held.given, held.accepted, len(school.deliveries())) == (80, 1, 1)


def test_a_result_older_than_the_launch_is_told_to_the_new_link(school: School) -> None:
    anna = school.arrive()
    school.reach(anna, 70)
    school.work()
    second = school.lms.place(school.registered.client_id, school.resource(course_id="2"))
    school.arrive("anna", second)
    school.work()
    assert school.states() == ["sent", "sent"]
    there = school.lms.score("anna", title="An e-learning", course="2")
    assert there is not None
    assert there.given == 70


@pytest.mark.case("AC-004")
def test_without_the_right_to_send_scores_nothing_is_sent_and_the_admin_told(school_with: MakeSchool) -> None:
    scopes = ["https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"]
    school = school_with(scopes=scopes)
    school.reach(school.arrive(), 90)
    school.work()
    told = school.last()
    assert (told.state, told.code) == (DeliveryState.DEAD, "AGS_NO_SCOPE")
    assert "no right to send scores" in told.cause
    assert school.lms.journal("scores") == []
    assert school.lms.journal("token") == []


def test_a_link_without_any_grade_service_is_no_fault(school_with: MakeSchool) -> None:
    school = school_with(ags="none")
    school.reach(school.arrive(), 90)
    school.work()
    assert (school.last().state, school.last().code) == (DeliveryState.CANCELLED, "AGS_NO_LINE_ITEM")
    school.lms.change(school.registered.client_id, ags="both")
    school.arrive()
    school.work()
    assert school.states() == ["cancelled", "sent"], "the next launch brought the addresses, so the result follows"


@pytest.mark.case("AC-008")
def test_a_token_refused_once_is_replaced_and_the_score_sent_again(school: School) -> None:
    anna = school.arrive()
    school.begin(anna)
    school.work()
    school.lms.fail("scores", {"status": 401})
    school.reach(anna, 55)
    school.work()
    held = school.score()
    assert held is not None
    assert held.given == 55
    assert school.steps() == [("score", "new_token"), ("token", "delivered"), ("score", "delivered")]
    assert len(school.lms.journal("token")) == 2


def test_a_token_refused_always_waits_for_somebody_to_mend_it(school: School) -> None:
    anna = school.arrive()
    school.lms.fail("scores", {"status": 401}, times=4)
    school.reach(anna, 55)
    school.work()
    assert school.score() is not None
    assert school.last().state is DeliveryState.SENT
    refused = [each for each in school.last().tries if each.outcome == "new_token"]
    assert [each.status for each in refused] == [401] * 4


@pytest.mark.case("AC-009")
def test_a_newer_score_over_there_supersedes_ours_and_is_no_failure(school: School) -> None:
    school.lms.fail("scores", {"status": 409, "body": {"error": "Score is older"}}, times=2)
    school.reach(school.arrive(), 55)
    school.work()
    told = school.last()
    assert (told.state, told.code) == (DeliveryState.SUPERSEDED, "AGS_SUPERSEDED")
    assert [seen.status for seen in school.lms.journal("scores")] == [409, 409], "once more with the present time"
    assert school.work() == 0


@pytest.mark.parametrize("stale_status", [409, 400])
def test_a_score_our_clock_dates_too_early_is_said_again_with_the_present_time(
    school_with: MakeSchool, stale_status: int
) -> None:
    school = school_with(quirks={"stale_status": stale_status})
    school.lms.fail("scores", {"status": 409})
    school.reach(school.arrive(), 55)
    school.work()
    assert school.last().state is DeliveryState.SENT
    assert school.steps()[-2:] == [("score", "superseded"), ("score", "delivered")]


@pytest.mark.case("AC-010")
@pytest.mark.parametrize("lms_family", ["blackboard", "d2l", "d2l-unknown"])
def test_somebody_not_in_the_course_is_final_and_named(school_with: MakeSchool, lms_family: str) -> None:
    school = school_with(quirks={"not_enrolled": lms_family})
    anna = school.arrive()
    school.lms.enrol("anna", enrolled=False)
    school.reach(anna, 90)
    school.work()
    told = school.last()
    assert (told.state, told.code) == (DeliveryState.DEAD, "AGS_NOT_ENROLLED")
    assert "not enrolled in that course" in told.cause
    assert "It says: “" in told.cause
    assert len(school.lms.journal("scores")) == 1


@pytest.mark.case("AC-011")
def test_a_fault_over_there_and_then_success_is_one_delivery(school: School) -> None:
    anna = school.arrive()
    school.lms.fail("scores", {"status": 500}, {"status": 503})
    school.reach(anna, 77)
    school.work()
    held = school.score()
    assert held is not None
    assert (held.given, held.accepted) == (77, 1)
    assert school.states() == ["sent"]
    assert [each.status for each in school.last().tries if each.step == "score"] == [500, 503, 204]


@pytest.mark.case("AC-012")
def test_a_token_answer_of_201_is_accepted(school_with: MakeSchool) -> None:
    school = school_with(quirks={"token_status": 201, "expires_in_string": True})
    school.reach(school.arrive(), 77)
    school.work()
    assert school.last().state is DeliveryState.SENT
    assert [each.status for each in school.last().tries] == [201, 204]


@pytest.mark.case("AC-012")
def test_a_web_page_instead_of_a_token_is_shown_as_such(school: School) -> None:
    page = "<!DOCTYPE html><title>Sign in to School</title>"
    anna = school.arrive()
    school.lms.fail("token", {"status": 200, "body": page, "content_type": "text/html"}, times=50)
    school.reach(anna, 77)
    school.work(ahead=0.05)
    told = school.last()
    assert (told.state, told.code) == (DeliveryState.WAITING, "AGS_TOKEN_ANSWER")
    assert "Sign in to School" in told.cause
    assert "<" not in told.cause
    assert told.next_try_at is not None
    school.lms.clear_faults()
    school.work(ahead=1)
    assert school.last().state is DeliveryState.SENT


@pytest.mark.case("AC-014")
def test_the_audience_an_admin_entered_is_in_the_assertion(school_with: MakeSchool, lms: object) -> None:
    """The LMS takes its issuer as well as its token address; anything else it refuses."""
    school = school_with()
    issuer = school.registered.issuer
    for audience, state in ((issuer, DeliveryState.SENT), ("https://elsewhere.example", DeliveryState.WAITING)):
        made = School(school.kit.house.academy(), school.lms, audience=audience)
        made.reach(made.arrive(), 50)
        made.work(ahead=0.02)
        assert made.last().state is state
    assert made.last().code == "AGS_TOKEN_REFUSED"
    assert "elsewhere.example" in made.last().cause


@pytest.mark.case("AC-015")
def test_timestamps_of_scores_in_one_second_strictly_increase(school: School) -> None:
    anna = school.arrive()
    for percent in (10, 20, 30, 40):
        school.reach(anna, percent)
        school.work()
    sent = [seen.body for seen in school.lms.journal("scores")]
    moments = [datetime.fromisoformat(body.partition('"timestamp":"')[2].partition('"')[0]) for body in sent]
    assert len(moments) == 4
    assert all(earlier < later for earlier, later in pairwise(moments))
    held = school.score()
    assert held is not None
    assert (held.given, held.accepted) == (40, 4)


@pytest.mark.case("AC-016")
@pytest.mark.parametrize("ags", ["both", "lineitems"])
def test_73_sent_and_73_read_back_under_moodles_habits(school_with: MakeSchool, ags: str) -> None:
    """Moodle itself does not run here: this is the peer with Moodle's addresses, headers, statuses and refusals."""
    school = school_with(quirks=MOODLE, ags=ags)
    school.reach(school.arrive(), 73)
    school.work()
    school.confirm()
    told, held = school.last(), school.score()
    assert held is not None
    assert (held.given, held.maximum) == (73, 100)
    assert told.state is DeliveryState.CONFIRMED
    assert told.confirmed_at is not None
    assert all("type_id=1" in seen.query for seen in school.lms.journal() if seen.path.startswith("/ags/"))


def test_a_score_changed_over_there_is_not_confirmed(school: School) -> None:
    school.reach(school.arrive(), 73)
    school.work()
    shown = [{"userId": school.lms.subject("anna"), "resultScore": 12, "resultMaximum": 100}]
    school.lms.fail("results", {"status": 200, "body": shown})
    school.confirm()
    told = school.last()
    assert (told.state, told.cause) == (DeliveryState.SENT, "It was accepted, but the LMS shows another score.")
    assert told.sent_at is not None
