"""Scores, line items and results as documents, with numbers that stay exact."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas.problems import Refused
from tenants.lti.wire import ags
from tenants.lti.wire.ags import ActivityProgress, GradingProgress, LineItem, Result

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)


def score(**changes: Any) -> bytes:
    return ags.score(**{"user_id": "4711", "at": AT, "given": Decimal(64), "maximum": Decimal(100), **changes})


def test_a_score_has_what_the_specification_asks_for() -> None:
    assert orjson.loads(score()) == {
        "userId": "4711",
        "timestamp": "2026-03-01T12:00:00.123Z",
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "scoreGiven": 64,
        "scoreMaximum": 100,
    }


def test_progress_without_a_score_has_neither_number() -> None:
    document = orjson.loads(score(given=None, activity=ActivityProgress.STARTED, grading=GradingProgress.NOT_READY))
    assert (document["activityProgress"], document["gradingProgress"]) == ("Started", "NotReady")
    assert not {"scoreGiven", "scoreMaximum", "comment"} & set(document)


def test_comment_and_canvas_extension() -> None:
    document = orjson.loads(score(comment=" Good\0 work ", new_submission=False))
    assert document["comment"] == "Good work"
    assert document[ags.CANVAS_SUBMISSION] == {"new_submission": False}
    assert len(orjson.loads(score(comment="x" * 5000))["comment"]) == ags.COMMENT_LIMIT


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("64", b"64"),
        ("64.00000", b"64"),
        ("0.1", b"0.1"),
        ("0", b"0"),
        ("-0", b"0"),
        ("0.00", b"0"),
        ("1E+2", b"100"),
        ("1E-7", b"0.0000001"),
        ("33.333333333333333333333", b"33.333333333333333333333"),
        ("105.5", b"105.5"),
        ("100", b"100"),
        ("0.10000000000000000555", b"0.10000000000000000555"),
    ],
)
def test_numbers_are_exact_and_plain(number: str, text: bytes) -> None:
    assert b'"scoreGiven":' + text + b"," in score(given=Decimal(number))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_never_sent(number: str) -> None:
    with pytest.raises(ValueError, match="no score"):
        score(given=Decimal(number))


@given(number=st.decimals(-10_000, 10_000, allow_nan=False, allow_infinity=False))
def test_a_plain_number_is_the_same_number(number: Decimal) -> None:
    assert Decimal(ags.plain(number)) == number
    assert "e" not in ags.plain(number).lower()


def test_a_timestamp_is_utc_wherever_the_clock_stands() -> None:
    berlin = AT.astimezone(timezone(timedelta(hours=1)))
    assert orjson.loads(score(at=ags.score_time(berlin, now=LATER)))["timestamp"] == "2026-03-01T12:00:00.123Z"


def test_a_timestamp_is_of_the_result_and_never_ahead_of_our_clock() -> None:
    assert ags.score_time(AT, now=LATER) == AT.replace(microsecond=123000)
    assert ags.score_time(LATER, now=AT) == AT.replace(microsecond=123000)


@pytest.mark.case("AC-015")
def test_timestamps_of_scores_in_one_second_increase_strictly() -> None:
    sent: list[datetime] = []
    for at in (AT, AT, AT + timedelta(microseconds=200), AT + timedelta(milliseconds=500), AT):
        sent.append(ags.score_time(at, now=LATER, previous=sent[-1] if sent else None))
    texts = [orjson.loads(score(at=moment))["timestamp"] for moment in sent]
    assert texts == sorted(set(texts))
    assert sent[-1] < AT + timedelta(seconds=1)


def test_a_previous_timestamp_in_another_zone_counts() -> None:
    previous = AT.astimezone(timezone(timedelta(hours=-5)))
    assert ags.score_time(AT, now=LATER, previous=previous) > previous


@pytest.mark.parametrize(
    ("lineitem", "scores"),
    [
        ("https://lms.example/items/2", "https://lms.example/items/2/scores"),
        ("https://lms.example/items/2/", "https://lms.example/items/2/scores"),
        ("https://lms.example/items/2/lineitem?type_id=1", "https://lms.example/items/2/lineitem/scores?type_id=1"),
        ("https://lms.example/a?b=c/d&e=%2F", "https://lms.example/a/scores?b=c/d&e=%2F"),
        ("https://lms.example/a#b", "https://lms.example/a/scores"),
    ],
)
def test_scores_go_below_the_path_and_before_the_query(lineitem: str, scores: str) -> None:
    assert ags.scores_url(lineitem) == scores


def test_results_are_asked_for_one_person() -> None:
    assert ags.results_url("https://lms.example/items/2?type_id=1", "a&b c/ü") == (
        "https://lms.example/items/2/results?type_id=1&user_id=a%26b%20c%2F%C3%BC"
    )
    assert ags.results_url("https://lms.example/i", "7") == "https://lms.example/i/results?user_id=7"


def test_line_items_are_looked_for_by_link_and_activity() -> None:
    assert ags.line_items_url("https://lms.example/items?type_id=1", "17", "a-b") == (
        "https://lms.example/items?type_id=1&resource_link_id=17&resource_id=a-b"
    )


def test_a_line_item_to_create() -> None:
    places = {"resource_id": "r", "resource_link_id": "17"}
    body = ags.line_item(label=" Exam\n1 ", maximum=Decimal("100.0"), tag="exam", **places)
    assert body == b'{"label":"Exam 1","scoreMaximum":100,"resourceId":"r","resourceLinkId":"17","tag":"exam"}'
    assert orjson.loads(ags.line_item(label="", maximum=Decimal(1), **places)) == {
        "label": "Score",
        "scoreMaximum": 1,
        "resourceId": "r",
        "resourceLinkId": "17",
    }
    reviewed = orjson.loads(
        ags.line_item(label="Exam", maximum=Decimal(1), review_url="https://tool.example/7", **places)
    )
    assert reviewed["submissionReview"]["url"] == "https://tool.example/7"
    assert set(reviewed["submissionReview"]["reviewableStatus"]) <= {str(each) for each in ags.ActivityProgress}


def test_line_items_are_read_as_list_or_alone() -> None:
    item = b"""{"id": "https://lms.example/i/1", "label": "Exam", "scoreMaximum": 100.50, "resourceId": "r",
                "resourceLinkId": 17, "tag": "t"}"""
    wanted = LineItem("https://lms.example/i/1", "Exam", Decimal("100.50"), "r", "17", "t")
    assert ags.parse_line_items(b"[" + item + b"]") == (wanted,)
    assert ags.parse_line_items(item) == (wanted,)
    assert ags.parse_line_items(b"[]") == ()


def test_odd_line_items_are_read_as_far_as_they_go() -> None:
    body = b"""[{"id": "https://lms.example/1", "scoreMaximum": "50", "label": null, "resourceId": ["x"]},
                {"id": "https://lms.example/2", "scoreMaximum": true},
                {"id": "https://lms.example/3", "scoreMaximum": 1e999999},
                {"id": "https://lms.example/4", "scoreMaximum": "many"},
                {"id": "javascript:x"}, {"id": 5}, {}, null, 7]"""
    assert ags.parse_line_items(body) == (
        LineItem("https://lms.example/1", score_maximum=Decimal(50)),
        LineItem("https://lms.example/2"),
        LineItem("https://lms.example/3"),
        LineItem("https://lms.example/4"),
    )


def test_our_line_item_is_found_by_link_and_activity() -> None:
    items = [
        LineItem("https://l/1", resource_link_id="17"),
        LineItem("https://l/2", resource_link_id="18", resource_id="r"),
        LineItem("https://l/3", resource_link_id="17", resource_id="r"),
        LineItem("https://l/4", resource_id="r"),
    ]
    assert ags.find_line_item(items, "17", "r") == items[2]
    assert ags.find_line_item(items, "17", "other") is None
    assert ags.find_line_item([], "17", "r") is None


def test_results_are_read_and_zero_is_a_grade() -> None:
    body = b"""[{"userId": "1", "resultScore": 0, "resultMaximum": 10, "comment": "try again"},
                {"userId": "2", "resultMaximum": 10},
                {"userId": 3, "resultScore": "73.00000", "resultMaximum": "100"},
                {"userId": "4", "resultScore": null}, {"resultScore": 1},
                {"userId": "5", "resultScore": 0.1},
                {"userId": "6", "resultScore": "", "resultMaximum": 0}]"""
    assert ags.parse_results(body) == (
        Result("1", Decimal(0), Decimal(10), "try again"),
        Result("2", None, Decimal(10)),
        Result("3", Decimal(73), Decimal(100)),
        Result("4", None, Decimal(1)),
        Result("5", Decimal("0.1"), Decimal(1)),
        Result("6", None, Decimal(1)),
    )


def test_the_last_result_of_that_person_counts() -> None:
    results = [Result(user, score, Decimal(10)) for user, score in (("1", Decimal(5)), ("2", Decimal(6)), ("1", None))]
    assert ags.result_of(results, "1") == results[2]
    assert ags.result_of(results, "9") is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Sign in</html>",
        b"5",
        b"null",
        b'"x"',
        b"\xff",
        b"[" * 100_000,
        b"9" * 5000,
        b"1e99999999999999999999",
    ],
)
@pytest.mark.parametrize("read", [ags.parse_line_items, ags.parse_results])
def test_what_is_no_list_is_an_odd_answer(read: Callable[[bytes], object], body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read(body)
    assert caught.value.code == "AGS_ODD_ANSWER"
    assert "<" not in caught.value.seen


@given(body=st.binary(max_size=60) | st.text(alphabet='[]{}:,"0123eE.+-truefalsn id userIdresultScore').map(str.encode))
def test_any_body_is_read_or_odd(body: bytes) -> None:
    for read in (ags.parse_line_items, ags.parse_results):
        try:
            outcome: object = read(body)
        except Refused as refused:
            outcome = refused.code
        assert isinstance(outcome, tuple) or outcome == "AGS_ODD_ANSWER"
