"""AS-016 to AS-044: scores that tools send us, and results they read (docs/conformance.md)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tenants.access import Role
from tenants.accounts.models import Person
from tenants.learning.models import Grading, Verdict
from tenants.learning.services import Learning
from tenants.lti.platform.tools import Tools, ToolValues, values_of
from tests.conformance.tools import (
    SCORE_TYPE,
    Seat,
    Tool13,
    at_once,
    is_refused,
    made_by,
    moment,
    pages,
    query,
)
from tests.house import House

CONTAINER = "application/vnd.ims.lis.v2.lineitemcontainer+json"


@pytest.fixture(scope="module")
def toolkits() -> dict[str, Tool13]:
    return {}


@pytest.fixture
def tool(house: House, toolkits: dict[str, Tool13]) -> Tool13:
    """Shared by the cases of one process that leave the activity's own column as it is."""
    if house.backend not in toolkits:
        toolkits[house.backend] = Tool13.set(house.academy())
    return toolkits[house.backend]


@pytest.fixture
def own(house: House) -> Tool13:
    return Tool13.set(house.academy())


@pytest.mark.case("AS-016", "AS-017", "AS-018")
@pytest.mark.parametrize(("later", "status"), [(-1000, 409), (0, 409), (1, 204)])
def test_only_a_newer_score_counts(tool: Tool13, later: int, status: int) -> None:
    seat, first = tool.sit(), 2_000_000
    assert tool.score(seat, timestamp=moment(first), scoreGiven=40).status_int == 204
    answer = tool.score(seat, timestamp=moment(first + later), scoreGiven=50)
    assert answer.status_int == status
    assert tool.told(seat).percent == (50 if status == 204 else 40)
    assert tool.calls()[0].row.code == ("" if status == 204 else "CALL_SCORE_OLD")


@pytest.mark.case("AS-019")
def test_a_score_of_next_year(tool: Tool13) -> None:
    seat, ahead = tool.sit(), datetime.now(UTC)
    assert is_refused(tool.score(seat, timestamp=(ahead + timedelta(days=365)).isoformat()), 400, "CALL_SCORE_FUTURE")
    assert tool.score(seat, timestamp=(ahead + timedelta(minutes=4)).isoformat()).status_int == 204


@pytest.mark.case("AS-020")
@pytest.mark.parametrize(
    "written",
    [
        "2026-03-06T20:05:02Z",
        "2026-03-06T20:05:02.000Z",
        "2026-03-06T20:05:02+00:00",
        "2026-03-06T20:05:02+0000",
        "2026-03-06T15:05:02-0500",
        "2026-03-06T20:05:02.000000+00:00",
        "2026-03-06T20:05:02.000000000Z",
        "2026-03-06T20:05:02",
        "2026-03-06 20:05:02Z",
    ],
)
def test_one_instant_in_many_spellings(tool: Tool13, written: str) -> None:
    seat = tool.sit()
    assert tool.score(seat, timestamp=written).status_int == 204
    assert tool.told(seat).said_at == datetime(2026, 3, 6, 20, 5, 2, tzinfo=UTC)


@pytest.mark.case("AS-022")
def test_numbers_as_text(tool: Tool13) -> None:
    seat = tool.sit()
    assert tool.score(seat, scoreGiven="64.00000", scoreMaximum="100.00000").status_int == 204
    assert tool.told(seat).percent == 64


@pytest.mark.case("AS-023", "AS-024", "AS-025")
@pytest.mark.parametrize(
    ("given", "maximum", "named"),
    [
        ("50", "", "scoreMaximum"), ("50", "null", "scoreMaximum"), ("50", "0", "scoreMaximum"),
        ("50", "-5", "scoreMaximum"), ("50", '"x"', "scoreMaximum"), ("50", "1e309", "scoreMaximum"),
        ("50", '"1e309"', "scoreMaximum"), ("-0.1", "100", "scoreGiven"), ('"abc"', "100", "scoreGiven"),
        ('"0,5"', "100", "scoreGiven"), ('"NaN"', "100", "scoreGiven"), ("true", "100", "scoreGiven"),
        ("[1]", "100", "scoreGiven"), ('"1e400"', "100", "scoreGiven"), ("1" * 50, "100", "scoreGiven"),
        ("NaN", "100", "JSON"), ("-Infinity", "100", "JSON"), ("1" * 5000, "100", "JSON"),
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_numbers_that_are_none(tool: Tool13, given: str, maximum: str, named: str) -> None:
    seat = tool.sit()
    last = f', "scoreMaximum": {maximum}' if maximum else ""
    body = (
        f'{{"userId": "{seat.sub}", "timestamp": "{moment()}", "activityProgress": "Completed",'
        f' "gradingProgress": "FullyGraded", "scoreGiven": {given}{last}}}'
    )
    answer = tool.score(None, raw=body.encode())
    assert is_refused(answer, 400, "CALL_SHAPE")
    assert named in answer.json["error_description"] or named in tool.calls()[0].row.seen
    assert tool.result(seat) is None


@pytest.mark.case("AS-026")
def test_more_than_the_maximum(house: House) -> None:
    tool = Tool13.set(house.academy(), minimum=100)
    seat = tool.sit()
    assert tool.score(seat, scoreGiven=110, scoreMaximum=100).status_int == 204
    result = tool.told(seat)
    assert (result.given, result.percent, result.verdict) == ("110", Decimal(100), Verdict.PASSED)


@pytest.mark.case("AS-028")
def test_another_maximum(tool: Tool13) -> None:
    seat = tool.sit()
    assert tool.score(seat, scoreGiven=64, scoreMaximum=350).status_int == 204
    percent = tool.told(seat).percent
    assert percent is not None
    assert round(percent, 2) == Decimal("18.29")


@pytest.mark.case("AS-029")
@pytest.mark.parametrize(
    ("grading", "shown"),
    [
        ("PendingManual", Grading.AWAITED),
        ("Pending", Grading.NONE),
        ("NotReady", Grading.NONE),
        ("Failed", Grading.FAILED),
    ],
)
def test_a_grade_that_is_not_decided(house: House, grading: str, shown: Grading) -> None:
    tool = Tool13.set(house.academy(), minimum=50)
    seat = tool.sit()
    assert tool.score(seat, gradingProgress=grading, scoreGiven=90).status_int == 204
    result = tool.told(seat)
    assert (result.verdict, result.grading) == (None, shown)
    (read,) = tool.call("GET", f"{tool.lineitem}/results").json
    assert "resultScore" not in read
    assert tool.score(seat, scoreGiven=90).status_int == 204
    assert tool.told(seat).verdict is Verdict.PASSED


@pytest.mark.case("AS-030", "AS-031")
@pytest.mark.parametrize(
    "members",
    [
        {"activityProgress": "Done"}, {"activityProgress": None}, {"activityProgress": 1}, {"activityProgress": ["Started"]},
        {"gradingProgress": "Graded"}, {"gradingProgress": None}, {"timestamp": None}, {"timestamp": "yesterday"},
        {"timestamp": 1700000000}, {"timestamp": ""}, {"timestamp": "2026-02-30T00:00:00Z"}, {"userId": None},
        {"userId": ""}, {"userId": []}, {"userId": "x" * 300},
    ],
    ids=str,
)  # fmt: skip
def test_what_a_score_must_have(tool: Tool13, members: dict[str, Any]) -> None:
    answer = tool.score(tool.sit(), **members)
    assert is_refused(answer, 400, "CALL_SHAPE")
    assert next(iter(members)) in answer.json["error_description"]


def strangers(tool: Tool13) -> dict[str, tuple[Seat | None, dict[str, Any]]]:
    person = tool.kit.person()
    return {
        "unknown to this tool": (None, {"userId": "nobody"}),
        "a number": (None, {"userId": 7}),
        "our own id": (None, {"userId": str(person.id)}),
        "unenrolled": (tool.sit(enrolled=False), {}),
        "staff": (tool.sit(Role.AUTHOR), {}),
        "of another tool": (None, {"userId": Tool13.set(tool.kit).sit().sub}),
    }


@pytest.mark.case("AS-032", "PR-010")
def test_a_score_for_somebody_who_does_not_learn_there(tool: Tool13) -> None:
    for who, (seat, members) in strangers(tool).items():
        answer = tool.score(seat, **members)
        assert is_refused(answer, 404, "CALL_PERSON"), who
        call = tool.calls()[0]
        assert (call.row.code, call.row.tool_id) == ("CALL_PERSON", tool.tool.id)
        assert seat is None or tool.result(seat) is None
    page = tool.kit.signed_in(Role.ADMIN).get("/integrations/tool-calls")
    assert "The tool named somebody who does not learn there" in page.text


@pytest.mark.case("PR-010")
def test_a_result_for_somebody_who_takes_part_but_never_launched(tool: Tool13) -> None:
    person = tool.kit.person()
    with tool.kit.session() as session:
        Learning(session, person.id).enrol(session.get_one(type(tool.activity), tool.activity.id))
    for name in (str(person.id), person.id.hex, person.email, person.name):
        assert is_refused(tool.score(None, userId=name), 404, "CALL_PERSON")


@pytest.mark.case("AS-034")
@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"5", b'"x"', b"\xff\xfe", b'{"a":' * 3000, b"\x00"])
def test_no_document(tool: Tool13, body: bytes) -> None:
    assert is_refused(tool.score(None, raw=body), 400, "CALL_SHAPE")


@pytest.mark.case("AS-035")
@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (SCORE_TYPE, 204),
        (f"{SCORE_TYPE}; charset=utf-8", 204),
        ("application/json", 204),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/vnd.ims.lis.v2.lineitem+json", 415),
    ],
)
def test_content_types(tool: Tool13, content_type: str, status: int) -> None:
    assert tool.score(tool.sit(), content_type=content_type).status_int == status


@pytest.mark.case("AS-036")
def test_scores_are_not_read(tool: Tool13) -> None:
    answer = tool.call("GET", f"{tool.lineitem}/scores")
    assert (answer.status_int, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.case("AS-037")
@pytest.mark.parametrize(
    ("comment", "kept"),
    [
        (None, ""),
        ("", ""),
        (" ", ""),
        (5, ""),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("é\0ü", "éü"),
    ],
)
def test_comments(tool: Tool13, comment: Any, kept: str) -> None:
    seat = tool.sit()
    assert tool.score(seat, comment=comment).status_int == 204
    assert tool.told(seat).comment == kept


@pytest.mark.case("AS-037")
def test_an_endless_comment(tool: Tool13) -> None:
    assert is_refused(tool.score(tool.sit(), comment="x" * 100_000), 400, "CALL_SHAPE")


@pytest.mark.case("AS-038")
def test_members_we_do_not_know(tool: Tool13) -> None:
    extension: dict[str, Any] = {
        "https://canvas.instructure.com/lti/submission": {"new_submission": True},
        "more": [1, {"a": None}],
    }
    assert tool.score(tool.sit(), **extension).status_int == 204


@pytest.mark.case("AS-040")
def test_zero_is_a_score(own: Tool13) -> None:
    seat = own.sit()
    assert own.score(seat, scoreGiven=0).status_int == 204
    (result,) = own.call("GET", query(f"{own.lineitem}/results", user_id=seat.sub)).json
    assert (result["resultScore"], result["resultMaximum"], result["userId"]) == (0, 100, seat.sub)
    assert result["scoreOf"] == f"{own.kit.academy.url}{own.lineitem}"
    assert own.call("GET", query(f"{own.lineitem}/results", user_id="nobody")).json == []


@pytest.mark.case("AS-040")
def test_results_in_pages(own: Tool13) -> None:
    seats = [own.sit() for _ in range(3)]
    for seat in seats:
        assert own.score(seat).status_int == 204
    found = pages(own, query(f"{own.lineitem}/results", limit=2))
    assert [len(page) for page in found] == [2, 1]
    assert {row["userId"] for page in found for row in page} == {seat.sub for seat in seats}


@pytest.mark.case("AS-041")
def test_of_fifty_scores_at_once_the_newest_stays(house: House) -> None:
    tool = Tool13.set(house.academy(), minimum=50)
    seat, token = tool.sit(), tool.token()
    shuffled = [(number * 37) % 50 for number in range(50)]

    def post(turn: int) -> int:
        number = shuffled[turn]
        return int(tool.score(seat, token=token, timestamp=moment(3_000_000 + number), scoreGiven=number).status_int)

    answers = at_once(50, post)
    assert set(answers) <= {204, 409}
    (result,) = tool.call("GET", f"{tool.lineitem}/results").json
    assert result["resultScore"] == 49
    assert (tool.told(seat).given, tool.told(seat).verdict) == ("49", Verdict.FAILED)


@pytest.mark.case("AS-042")
@pytest.mark.parametrize(
    ("given", "maximum", "verdict"),
    [
        (70, 100, Verdict.PASSED),
        ("69.99", 100, Verdict.FAILED),
        ("69.999999999", 100, Verdict.FAILED),
        (0.7, 1, Verdict.PASSED),
        (7, 10, Verdict.PASSED),
        (0, 10, Verdict.FAILED),
    ],
)
def test_the_minimum_of_an_exam(
    house: House, exams: dict[str, Tool13], given: Any, maximum: Any, verdict: Verdict
) -> None:
    if house.backend not in exams:
        exams[house.backend] = Tool13.set(house.academy(), minimum=70)
    tool = exams[house.backend]
    seat = tool.sit()
    assert tool.score(seat, scoreGiven=given, scoreMaximum=maximum).status_int == 204
    assert tool.told(seat).verdict is verdict


@pytest.fixture(scope="module")
def exams() -> dict[str, Tool13]:
    return {}


@pytest.mark.case("AS-042")
@pytest.mark.parametrize(
    ("minimum", "given", "verdict"),
    [(100, "69.999", Verdict.FAILED), (100, 70, Verdict.PASSED), (99, "69.999", Verdict.PASSED)],
)
def test_a_hair_below_all_of_it(house: House, minimum: int, given: Any, verdict: Verdict) -> None:
    """Out of 70, as a tool with 70 points says it."""
    tool = Tool13.set(house.academy(), minimum=minimum)
    seat = tool.sit()
    assert tool.score(seat, scoreGiven=given, scoreMaximum=70).status_int == 204
    assert tool.told(seat).verdict is verdict


@pytest.mark.case("AS-044")
def test_after_the_due_date(own: Tool13) -> None:
    seat = own.sit()
    own.until(datetime.now(UTC) - timedelta(minutes=1))
    answer = own.score(seat)
    assert is_refused(answer, 422, "CALL_SCORE_LATE")
    assert "past due" in answer.json["error_description"]
    assert own.result(seat) is None
    own.until(None)
    assert own.score(seat).status_int == 204
    assert own.told(seat).percent == 85


def test_a_column_without_a_link_only_keeps_scores(own: Tool13) -> None:
    seat, made = own.sit(), made_by(own)["id"]
    assert own.score(seat, lineitem=made, scoreGiven=5, scoreMaximum=10).status_int == 204
    assert own.result(seat) is None
    (result,) = own.call("GET", f"{made}/results").json
    assert (result["resultScore"], result["resultMaximum"]) == (5, 10)


def test_a_score_without_a_number_takes_the_last_one_back(own: Tool13) -> None:
    seat = own.sit()
    assert own.score(seat).status_int == 204
    assert own.score(seat, scoreGiven=None, scoreMaximum=None, gradingProgress="NotReady").status_int == 204
    result = own.told(seat)
    assert result.given is None
    assert result.withdrawn_at is not None
    (read,) = own.call("GET", f"{own.lineitem}/results").json
    assert "resultScore" not in read


def test_the_log_says_who_did_what(own: Tool13) -> None:
    seat = own.sit()
    own.score(seat)
    call = own.calls(tool_id=own.tool.id)[0]
    assert (call.row.service, call.row.status, call.row.code, call.row.person_id) == ("score", 204, "", seat.person.id)
    assert call.row.tool_link_id == own.link.id
    assert call.activity is not None
    assert call.activity.id == own.activity.id
    assert call.person == Person.name.fget(seat.person)  # type: ignore[attr-defined]  # -- the property, of a detached row


def test_a_changed_registration_keeps_its_columns(own: Tool13) -> None:
    with own.kit.session() as session:
        tools = Tools(session, own.kit.runtime.outbound)
        tool = tools.get(own.tool.id)
        values: ToolValues = values_of(tool)
        tools.edit(tool, values)
    assert own.call("GET", own.lineitem).status_int == 200
