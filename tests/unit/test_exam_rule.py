"""The rule of an exam, in exact decimals: nothing is rounded before it is compared, and there is no binary fraction."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.catalog.models import Activity, ActivityType, Content
from tenants.learning.models import Attempt, AttemptState, Grading, OutsideResult, Verdict
from tenants.learning.outside import percent_of, verdict_on
from tenants.learning.standing import Reads, Standing, standings

PASSED, FAILED = Verdict.PASSED, Verdict.FAILED


@pytest.mark.case("AS-042")
@pytest.mark.parametrize(
    ("points", "maximum", "minimum", "verdict"),
    [
        ("70", "100", 70, PASSED),
        ("69.99", "100", 70, FAILED),
        ("69.999", "100", 70, FAILED),
        ("69.99999999999999999999999999999999999", "100", 70, FAILED),
        ("70.00000000000000000000000000000000001", "100", 70, PASSED),
        ("0.7", "1", 70, PASSED),
        ("0.70", "1.00", 70, PASSED),
        ("0.69999", "1", 70, FAILED),
        ("7", "10", 70, PASSED),
        ("59.999", "100", 60, FAILED),
        ("1", "3", 33, PASSED),
        ("1", "3", 34, FAILED),
        ("0.07", "0.1", 70, PASSED),
        ("0.29", "1", 29, PASSED),
        ("0.57", "1", 57, PASSED),
        ("1.1", "1.1", 100, PASSED),
        ("0", "100", 1, FAILED),
        ("-5", "100", 1, FAILED),
        ("130", "100", 100, PASSED),
        ("1e300", "1e301", 10, PASSED),
        ("1e-300", "1e-299", 10, PASSED),
    ],
)
def test_the_verdict(points: str, maximum: str, minimum: int, verdict: Verdict) -> None:
    percent = percent_of(Decimal(points), Decimal(maximum))
    assert percent is not None
    assert verdict_on(percent, minimum) is verdict


@given(
    st.decimals(0, 1000, allow_nan=False, allow_infinity=False),
    st.decimals("0.001", 1000, allow_nan=False, allow_infinity=False),
    st.integers(1, 100),
)
def test_the_verdict_is_the_comparison_of_whole_products(points: Decimal, maximum: Decimal, minimum: int) -> None:
    percent = percent_of(points, maximum)
    assert percent is not None
    reached = Fraction(points) * 100 >= minimum * Fraction(maximum)
    assert verdict_on(percent, minimum) is (PASSED if reached else FAILED)


@pytest.mark.parametrize(
    ("points", "maximum", "percent"),
    [("130", "100", "100"), ("-1", "100", "0"), ("0", "5", "0"), ("2", "3", "66.66666666"), ("3", "4", "75")],
)
def test_percent_is_capped_and_cut_off(points: str, maximum: str, percent: str) -> None:
    assert percent_of(Decimal(points), Decimal(maximum)) == Decimal(percent)


@pytest.mark.parametrize(
    ("points", "maximum"),
    [(None, "100"), ("5", None), ("5", "0"), ("5", "-1"), ("NaN", "100"), ("5", "Infinity"), ("Infinity", "5")],
)
def test_what_is_no_score_has_no_percent(points: str | None, maximum: str | None) -> None:
    assert percent_of(Decimal(points) if points else None, Decimal(maximum) if maximum else None) is None


def exam(minimum: int = 70) -> Activity:
    return Activity(type=ActivityType.EXAM, content=Content.LTI, minimum_score=minimum, title="Exam")


def sat(activity: Activity, number: int, score: str | None) -> Attempt:
    state = AttemptState.IN_PROGRESS if score is None else AttemptState.COMPLETED
    attempt = Attempt(number=number, state=state, score=None if score is None else Decimal(score))
    attempt.activity = activity
    return attempt


def test_an_exam_never_reads_completed() -> None:
    activity = exam()
    assert Standing(activity, None).reads is Reads.NOT_STARTED
    assert Standing(activity, sat(activity, 1, None)).reads is Reads.WAITING
    assert Standing(activity, sat(activity, 1, "100")).reads is Reads.WAITING, "no verdict, no word"


def test_each_attempt_has_its_own_word() -> None:
    """Newest first: sat again and not graded yet, failed, failed."""
    activity = exam()
    outside = OutsideResult(grading=Grading.DECIDED, verdict=FAILED, minimum=70, percent=Decimal(60))
    attempts = [sat(activity, 3, None), sat(activity, 2, "60"), sat(activity, 1, "69.999")]
    rows = standings(attempts, {attempts[0].activity_id: outside})
    assert [row.attempt_reads for row in rows] == [Reads.WAITING, Reads.FAILED, Reads.FAILED]
    assert rows[0].reads is Reads.FAILED
    assert [row.attempt_shown for row in rows] == [None, Decimal("60.00"), Decimal("69.99")]


def test_a_pass_shows_the_score_it_was_reached_with_whatever_came_after() -> None:
    """Two accounts were merged: the newest attempt is not the one that passed."""
    activity = exam()
    outside = OutsideResult(grading=Grading.DECIDED, verdict=PASSED, minimum=70, percent=Decimal(40))
    attempts = [sat(activity, 2, "40"), sat(activity, 1, "80")]
    newest, older = standings(attempts, {attempts[0].activity_id: outside})
    assert (newest.reads, newest.shown, newest.newer) == (Reads.PASSED, Decimal("80.00"), Decimal("40.00"))
    assert [newest.attempt_reads, older.attempt_reads] == [Reads.FAILED, Reads.PASSED]
