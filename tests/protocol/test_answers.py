"""What each answer of a platform means for a delivery."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.lti.wire.answers import LONGEST_WAIT, Answer, Kind, Step, classify, spoken
from tenants.problems.lti import LTI_PROBLEMS as PROBLEMS


def answer(status: int | None, body: bytes = b"", step: Step = Step.SCORE) -> Answer:
    return classify(status, body, {}, step)


def outcome(status: int | None, body: bytes = b"", step: Step = Step.SCORE) -> tuple[Kind, str]:
    result = answer(status, body, step)
    return result.kind, result.code


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (None, Kind.RETRY, "AGS_NO_ANSWER"),
        (200, Kind.DELIVERED, ""),
        (201, Kind.DELIVERED, ""),
        (202, Kind.DELIVERED, ""),
        (204, Kind.DELIVERED, ""),
        (301, Kind.FINAL, "AGS_MOVED"),
        (302, Kind.FINAL, "AGS_MOVED"),
        (307, Kind.FINAL, "AGS_MOVED"),
        (400, Kind.FINAL, "AGS_REFUSED"),
        (401, Kind.NEW_TOKEN, "AGS_UNAUTHORIZED"),
        (403, Kind.FINAL, "AGS_FORBIDDEN"),
        (404, Kind.LINE_ITEM_GONE, "AGS_LINE_ITEM_GONE"),
        (410, Kind.LINE_ITEM_GONE, "AGS_LINE_ITEM_GONE"),
        (405, Kind.FINAL, "AGS_REFUSED"),
        (408, Kind.RETRY, "AGS_BUSY"),
        (409, Kind.SUPERSEDED, "AGS_SUPERSEDED"),
        (412, Kind.FINAL, "AGS_REFUSED"),
        (413, Kind.FINAL, "AGS_REFUSED"),
        (415, Kind.FINAL, "AGS_REFUSED"),
        (422, Kind.FINAL, "AGS_REFUSED"),
        (425, Kind.RETRY, "AGS_BUSY"),
        (429, Kind.RETRY, "AGS_BUSY"),
        (500, Kind.RETRY, "AGS_PLATFORM_DOWN"),
        (502, Kind.RETRY, "AGS_PLATFORM_DOWN"),
        (503, Kind.RETRY, "AGS_PLATFORM_DOWN"),
        (504, Kind.RETRY, "AGS_PLATFORM_DOWN"),
        (100, Kind.RETRY, "AGS_ODD_ANSWER"),
        (999, Kind.RETRY, "AGS_ODD_ANSWER"),
    ],
)
def test_each_status_of_a_score(status: int | None, kind: Kind, code: str) -> None:
    assert outcome(status) == (kind, code)


@pytest.mark.case("AC-010")
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b'{"status":400,"message":"User could not be found: 4711"}'),
        (403, b'{"title":"User in requested score is not enrolled in the org unit"}'),
        (404, b'{"title":"User in requested score does not exist"}'),
    ],
    ids=["Blackboard", "Brightspace 403", "Brightspace 404"],
)
def test_a_person_not_in_the_course_is_final(status: int | None, body: bytes) -> None:
    result = answer(status, body)
    assert (result.kind, result.code) == (Kind.FINAL, "AGS_NOT_ENROLLED")
    assert "not enrolled" in result.cause
    assert "User" in result.said


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (
            422,
            b'{"errors":{"type":"unprocessable_entity","message":"User not found in course or is not a student"}}',
            Kind.FINAL,
            "AGS_NOT_ENROLLED",
        ),
        (400, b'Incorrect score received{"scoreGiven":70}', Kind.FINAL, "AGS_NOT_ENROLLED"),
        (
            422,
            b"The maximum number of allowed attempts has been reached for this submission",
            Kind.FINAL,
            "AGS_ATTEMPTS_USED",
        ),
        (400, b"Provided timestamp of X before last updated timestamp of Y", Kind.SUPERSEDED, "AGS_SUPERSEDED"),
        (
            400,
            b'{"timestamp":["Score timestamp can only be updated to a later point in time"]}',
            Kind.SUPERSEDED,
            "AGS_SUPERSEDED",
        ),
        (400, b'{"timestamp":["Score already exists for the provided timestamp"]}', Kind.SUPERSEDED, "AGS_SUPERSEDED"),
        (409, b"Refusing score with an earlier timestamp for item 1 and user 2", Kind.SUPERSEDED, "AGS_SUPERSEDED"),
        (500, b"user could not be found", Kind.RETRY, "AGS_PLATFORM_DOWN"),
        (200, b"the user is not enrolled", Kind.DELIVERED, ""),
        (200, b'{"resultUrl":"https://lms.example/results/1"}', Kind.DELIVERED, ""),
        (200, b"<!DOCTYPE html><title>Sign in</title>", Kind.RETRY, "AGS_ODD_ANSWER"),
        (200, b'{"error":"something"}', Kind.RETRY, "AGS_ODD_ANSWER"),
        (200, b'{"errors":[{"message":"x"}]}', Kind.RETRY, "AGS_ODD_ANSWER"),
        (200, b'{"errors":[]}', Kind.DELIVERED, ""),
        (200, b"{", Kind.DELIVERED, ""),
    ],
)
def test_what_platforms_really_say(status: int | None, body: bytes, kind: Kind, code: str) -> None:
    assert outcome(status, body) == (kind, code)


@pytest.mark.parametrize(
    ("status", "step", "kind", "code"),
    [
        (404, Step.FIND, Kind.FINAL, "AGS_NO_LINE_ITEM"),
        (410, Step.CREATE, Kind.FINAL, "AGS_NO_LINE_ITEM"),
        (404, Step.RESULTS, Kind.LINE_ITEM_GONE, "AGS_LINE_ITEM_GONE"),
        (403, Step.CREATE, Kind.FINAL, "AGS_FORBIDDEN"),
        (409, Step.CREATE, Kind.FINAL, "AGS_REFUSED"),
        (401, Step.FIND, Kind.NEW_TOKEN, "AGS_UNAUTHORIZED"),
        (400, Step.TOKEN, Kind.RETRY, "AGS_TOKEN_REFUSED"),
        (401, Step.TOKEN, Kind.RETRY, "AGS_TOKEN_REFUSED"),
        (404, Step.TOKEN, Kind.RETRY, "AGS_TOKEN_REFUSED"),
        (429, Step.TOKEN, Kind.RETRY, "AGS_BUSY"),
        (503, Step.TOKEN, Kind.RETRY, "AGS_PLATFORM_DOWN"),
        (None, Step.TOKEN, Kind.RETRY, "AGS_NO_ANSWER"),
    ],
)
def test_the_step_matters(status: int | None, step: Step, kind: Kind, code: str) -> None:
    assert outcome(status, b"not enrolled", step) == (kind, code)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "120"}, 120),
        ({"retry-after": " 7 "}, 7),
        (
            {"Retry-After": "Mon, 01 Jan 2024 00:00:00 +99999999999999999999", "Date": "Mon, 01 Jan 2024 00:00:00 GMT"},
            None,
        ),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "9" * 50}, LONGEST_WAIT),
        ({}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "²"}, None),
        ({"Retry-After": "Sun, 01 Mar 2026 12:05:00 GMT"}, None),
        ({"Retry-After": "Sun, 01 Mar 2026 12:05:00 GMT", "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}, 300),
        ({"Retry-After": "Sun, 01 Mar 2026 11:00:00 GMT", "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}, 0),
        ({"Retry-After": "Sun, 01 Mar 2026 12:05:00", "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], wait: int | None) -> None:
    for status in (429, 503):
        assert classify(status, b"", headers, Step.SCORE).retry_after == wait


def test_only_a_retry_waits() -> None:
    assert classify(403, b"", {"Retry-After": "5"}, Step.SCORE).retry_after is None
    assert answer(200, b"fine") == Answer(Kind.DELIVERED, "", "The platform accepted it.")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", ""),
        (b"plain words", "plain words"),
        (b'{"error":"invalid_client","error_description":"Bad aud"}', "invalid_client: Bad aud"),
        (b'{"errors":[{"message":"a"},{"message":"a"},{"message":"b"}]}', "a: b"),
        (b'{"access_token":"s3cret"}', "JSON with access_token"),
        (b'["s3cret"]', ""),
        (b'"s3cret"', ""),
        (b"{}", ""),
        (b"null", ""),
        (b'{"error":{"message":"<b>deep</b>"}}', "deep"),
        (b'{"a":{"message":"s3cret"}}', "JSON with a"),
    ],
)
def test_a_platforms_words_are_told_short(body: bytes, words: str) -> None:
    assert spoken(body) == words


@given(
    status=st.none() | st.integers(0, 1000),
    body=st.binary(max_size=80) | st.sampled_from([b'{"error":[[[{}]]]}', b'{"errors":{"error":1}}']),
    headers=st.dictionaries(st.sampled_from(["Retry-After", "retry-after", "Date", "X"]), st.text(max_size=30)),
    step=st.sampled_from(Step),
)
def test_any_answer_means_something(status: int | None, body: bytes, headers: dict[str, str], step: Step) -> None:
    result = classify(status, body, headers, step)
    known = {problem.code for problem in PROBLEMS}
    assert (result.kind is Kind.DELIVERED and not result.code) or result.code in known
    assert result.cause.endswith(".")
    assert len(result.said) <= 400
