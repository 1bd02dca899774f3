"""Scores, columns, assertions and outcomes as tools write them: what is taken, and what is refused without an error."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas.problems import Refused
from tenants.lti.wire import oauth1
from tenants.lti.wire.assertion import read_token_request
from tenants.lti.wire.line_items import read_line_item, read_number, write_line_item
from tenants.lti.wire.memberships_out import INSTRUCTOR, LEARNER, ContextOut, MemberOut, read_role, write_page
from tenants.lti.wire.moments import read_moment
from tenants.lti.wire.outcomes_in import check_signature, read_header
from tenants.lti.wire.scores_in import read_score

T = TypeVar("T")
NOW = datetime(2026, 3, 6, 20, 0, tzinfo=UTC)
FULL = {
    "userId": "u1",
    "timestamp": "2026-03-06T19:00:00Z",
    "activityProgress": "Completed",
    "gradingProgress": "FullyGraded",
    "scoreGiven": 1,
    "scoreMaximum": 3,
}
#: What JSON can carry, and what stands beside it.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


def judged(read: Callable[..., T], *given: object) -> tuple[T | None, str]:
    """What was read, or the code it was refused with."""
    try:
        return read(*given), ""
    except Refused as refusal:
        return None, refusal.code


@pytest.mark.parametrize("member", FULL)
@given(value=VALUES)
def test_any_value_in_any_member_is_taken_or_refused(member: str, value: object) -> None:
    said, code = judged(read_score, json.dumps({**FULL, member: value}).encode(), NOW)
    assert code in ("", "CALL_SHAPE", "CALL_SCORE_FUTURE")
    if said is not None:
        assert said.given is None or (said.given.is_finite() and said.given >= 0)
        assert said.maximum is None or (said.maximum.is_finite() and said.maximum > 0)
        assert said.at.tzinfo is not None
        said.user_id.encode()


@given(body=st.binary(max_size=200))
def test_any_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        read_score(body, NOW)
    with pytest.raises(Refused):
        read_line_item(body)


@pytest.mark.parametrize("member", ["label", "scoreMaximum", "resourceId", "tag", "startDateTime", "submissionReview"])
@given(value=VALUES)
def test_any_value_of_a_column(member: str, value: object) -> None:
    said, code = judged(read_line_item, json.dumps({"label": "x", "scoreMaximum": 1, member: value}).encode())
    assert code in ("", "CALL_SHAPE")
    if said is not None:
        assert 0 < said.maximum < Decimal(10) ** 10
        assert said.label.strip()


def test_numbers_keep_every_digit() -> None:
    body = b'{"userId": 7, "timestamp": "2026-03-06T19:00:00Z", "activityProgress": "Submitted", "gradingProgress":'
    said = read_score(body + b' "Pending", "scoreGiven": 0.12345678901234567890123, "scoreMaximum": 1e0}', NOW)
    assert (said.user_id, said.given, said.is_done) == ("7", Decimal("0.12345678901234567890123"), True)


@pytest.mark.parametrize("value", ["", " ", "1_0", "٣", "0x1", "1e13", "nan", "-inf", True, None, [], {}, "1" * 41])
def test_what_is_no_number(value: object) -> None:
    assert read_number(value) is None


@pytest.mark.parametrize(
    "text", ["2026-03-06", "20:05", "2026-3-6T1:2:3Z", "2026-03-06T25:00:00Z", "2026-W10-5T00:00Z", "0001-01-01T00:00:00+23:59",
             "0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2000-01-01T00:59:59+01:00",
             "9999-12-31T23:59:59-23:59", "2026-03-06T20:05:02+99:00", 5, None, {}]
)  # fmt: skip
def test_what_is_no_moment(text: object) -> None:
    assert read_moment(text) is None


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])
def test_before_there_were_tools_there_was_no_score(at: str) -> None:
    """A clock that was never set; and a day that not every time zone has."""
    assert judged(read_score, json.dumps({**FULL, "timestamp": at}).encode(), NOW) == (None, "CALL_SHAPE")
    for member in ("startDateTime", "endDateTime"):
        body = json.dumps({"label": "x", "scoreMaximum": 1, member: at}).encode()
        assert judged(read_line_item, body) == (None, "CALL_SHAPE")
    assert judged(read_score, json.dumps({**FULL, "timestamp": "2000-01-01T00:00:00Z"}).encode(), NOW)[1] == ""


def test_nothing_empty_is_written() -> None:
    written = write_line_item(url="u", label="x", maximum=Decimal("100.00000000"), tag="")
    assert orjson.dumps(written) == b'{"id":"u","label":"x","scoreMaximum":100}'
    page = write_page("u", ContextOut("c", "Course"), [MemberOut("s", LEARNER)])
    assert page["members"] == [{"status": "Active", "user_id": "s", "roles": [LEARNER]}]


def test_roles_by_every_name() -> None:
    assert [read_role(text) for text in ("Instructor", INSTRUCTOR, "urn:lti:role:ims/lis/Instructor")] == [
        INSTRUCTOR
    ] * 3
    assert read_role("instructor") is None


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=40)), max_size=6))
def test_any_form_is_refused_politely(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(Refused):
        read_token_request(pairs)


@given(header=st.text(max_size=200), body=st.binary(max_size=50), query=st.text(max_size=30))
def test_any_header_is_refused_politely(header: str, body: bytes, query: str) -> None:
    with pytest.raises(Refused):
        read_header(header, "application/xml", body, query)


def test_an_unknown_key_is_refused_like_a_wrong_secret() -> None:
    body, url = b"<a/>", "https://academy.example/lti/outcomes"
    header = oauth1.authorization_header(url, body, key="k", secret="s", nonce="n", timestamp=1)
    read = read_header(header, "text/xml", body, "")
    assert check_signature(read, [url], ["other", "s"]) == 1
    codes = set()
    for secrets in ([], ["other"]):
        with pytest.raises(Refused) as caught:
            check_signature(read, [url], secrets)
        codes.add(caught.value.code)
    assert codes == {"CALL_OUTCOME_SIGNATURE"}
