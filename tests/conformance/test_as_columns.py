"""AS-001 to AS-014: tokens and grade columns that tools ask for (docs/conformance.md)."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tenants.access import Role
from tenants.lti.platform.columns import coupled_column
from tenants.lti.platform.models import LineItem, ToolLink
from tenants.lti.platform.tools import Tools
from tests.conformance.tools import (
    LINE_ITEM,
    LINE_ITEM_READ,
    RESULT,
    SCORE,
    Tool12,
    Tool13,
    at_once,
    is_refused,
    made_by,
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


@pytest.mark.case("AS-001")
def test_without_a_good_token(tool: Tool13) -> None:
    app = tool.kit.browser().app
    launch = tool.sign(tool.claims(nonce="n"))
    for header in ("", "Bearer", "Bearer x", "Basic dTpw", "Bearer a b c", f"Bearer {launch}", "Bearer " + "x" * 9000):
        answer = app.get(tool.lineitems, headers={"Authorization": header}, expect_errors=True)
        assert answer.status_int == 401, header[:20]
        assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")
    assert app.get(tool.lineitems, expect_errors=True).status_int == 401


@pytest.mark.case("AS-002")
def test_a_token_for_something_else(tool: Tool13) -> None:
    token, seat = tool.token(RESULT), tool.sit()
    answer = tool.score(seat, token=token)
    assert is_refused(answer, 403, "CALL_SCOPE")
    assert f'error="insufficient_scope", scope="{SCORE}"' in answer.headers["WWW-Authenticate"]
    assert tool.call("GET", tool.lineitems, token=token).status_int == 403
    assert tool.call("GET", f"{tool.lineitem}/results", token=token).status_int == 200
    assert tool.result(seat) is None


@pytest.mark.case("AS-002")
def test_a_service_switched_off_is_off_for_tokens_there_are(own: Tool13) -> None:
    token = own.token(LINE_ITEM)
    with own.kit.session() as session:
        Tools(session, own.kit.runtime.outbound).get(own.tool.id).scopes = [SCORE]
    assert is_refused(own.call("GET", own.lineitems, token=token), 403, "CALL_SCOPE")


@pytest.mark.case("AS-004")
def test_the_list(own: Tool13) -> None:
    answer = own.call("GET", own.lineitems, Accept="application/json")
    assert answer.status_int == 200
    assert answer.content_type == CONTAINER
    (column,) = answer.json
    assert column["id"] == f"{own.kit.academy.url}{own.lineitem}"
    assert column["resourceLinkId"] == own.link.resource_link_id
    assert (column["label"], column["scoreMaximum"]) == (own.activity.title, 100)
    assert own.call("GET", own.lineitem).json == column


@pytest.mark.case("AS-005")
@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_pages_of_columns(own: Tool13, limit: int) -> None:
    made = [made_by(own, tag=f"t{number}")["id"] for number in range(2)]
    found = pages(own, query(own.lineitems, limit=limit))
    assert [len(page) for page in found] == {1: [1, 1, 1], 2: [2, 1], 3: [3], 50: [3]}[limit]
    assert [column["id"] for page in found for column in page][1:] == made


@pytest.mark.case("AS-005")
def test_a_made_up_cursor(tool: Tool13) -> None:
    for cursor in ("x", "ä", "A" * 22, "%00"):
        assert tool.call("GET", query(tool.lineitems, cursor=cursor)).status_int in (200, 400)


@pytest.mark.case("AS-006")
def test_filters(own: Tool13) -> None:
    link = own.link.resource_link_id
    one = made_by(own, resourceLinkId=link, resourceId="r1", tag="grade")["id"]
    two = made_by(own, resourceId="r1", tag="other")["id"]
    coupled = f"{own.kit.academy.url}{own.lineitem}"
    for filters, wanted in (
        ({"resource_link_id": link}, [coupled, one]),
        ({"resource_id": "r1"}, [one, two]),
        ({"tag": "grade"}, [one]),
        ({"resource_id": "r1", "tag": "other"}, [two]),
        ({"resource_link_id": link, "tag": "other"}, []),
        ({"resource_link_id": "nobody's"}, []),
    ):
        answer = own.call("GET", query(own.lineitems, **filters))
        assert [column["id"] for column in answer.json] == wanted, filters


@pytest.mark.case("AS-007")
def test_a_column_is_made(tool: Tool13) -> None:
    said = {
        "label": "Quiz", "scoreMaximum": 60.5, "resourceId": "quiz-1", "tag": "grade", "startDateTime":
        "2026-03-06T20:05:02Z", "submissionReview": {"reviewableStatus": ["Submitted"], "url": "https://tool.example/r"},
        "https://tool.example/extension": {"a": 1},
    }  # fmt: skip
    answer = tool.call("POST", tool.lineitems, said)
    assert answer.status_int == 201
    assert answer.json["id"].startswith(f"{tool.kit.academy.url}{tool.lineitems}/")
    assert answer.headers["Location"] == answer.json["id"]
    shown = tool.call("GET", answer.json["id"]).json
    assert shown == answer.json
    assert (shown["label"], shown["scoreMaximum"], shown["resourceId"]) == ("Quiz", 60.5, "quiz-1")
    assert shown["submissionReview"] == said["submissionReview"]


@pytest.mark.case("AS-008")
@pytest.mark.parametrize(
    "members",
    [
        {"label": None}, {"label": " "}, {"label": 5}, {"scoreMaximum": None}, {"scoreMaximum": 0}, {"scoreMaximum": -1},
        {"scoreMaximum": "x"}, {"scoreMaximum": "NaN"}, {"scoreMaximum": 1e300}, {"scoreMaximum": True},
        {"scoreMaximum": 1e-12}, {"resourceId": "x" * 300}, {"tag": {}}, {"startDateTime": "tomorrow"},
    ],
    ids=str,
)  # fmt: skip
def test_a_column_that_cannot_be(tool: Tool13, members: dict[str, Any]) -> None:
    answer = tool.call("POST", tool.lineitems, {"label": "Quiz", "scoreMaximum": 10, **members})
    assert is_refused(answer, 400, "CALL_SHAPE")
    assert next(iter(members)) in answer.json["error_description"]


@pytest.mark.case("AS-008")
@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"null", b'{"label": "a", "scoreMaximum": NaN}', b"[" * 50_000])
def test_a_column_that_is_no_document(tool: Tool13, body: bytes) -> None:
    assert tool.call("POST", tool.lineitems, body or b" ").status_int == 400


@pytest.mark.case("AS-010")
def test_reading_is_not_writing(tool: Tool13) -> None:
    token = tool.token(LINE_ITEM_READ)
    assert tool.call("GET", tool.lineitems, token=token).status_int == 200
    for method, path in (("POST", tool.lineitems), ("PUT", tool.lineitem), ("DELETE", tool.lineitem)):
        assert is_refused(tool.call(method, path, {"label": "x"}, token=token), 403, "CALL_SCOPE")


@pytest.mark.case("AS-011")
def test_a_column_is_changed(own: Tool13) -> None:
    seat = own.sit()
    assert own.score(seat, scoreGiven=60, scoreMaximum=80).status_int == 204
    answer = own.call("PUT", own.lineitem, {"label": "New", "scoreMaximum": 200, "tag": "t"})
    assert answer.status_int == 200
    assert (answer.json["label"], answer.json["scoreMaximum"], answer.json["tag"]) == ("New", 200, "t")
    (result,) = own.call("GET", f"{own.lineitem}/results").json
    assert (result["resultScore"], result["resultMaximum"]) == (150, 200)
    assert own.told(seat).percent == 75
    assert own.call("PUT", own.lineitem, {"label": "", "scoreMaximum": 1}).status_int == 400


@pytest.mark.case("AS-012")
def test_id_and_link_of_a_column_stay(own: Tool13) -> None:
    other = Tool13.set(own.kit, course_id=own.activity.course_id, tool_id=own.tool.id)
    said = {
        "label": "x",
        "scoreMaximum": 1,
        "id": "https://tool.example/1",
        "resourceLinkId": other.link.resource_link_id,
    }
    answer = own.call("PUT", own.lineitem, said)
    assert answer.json["id"] == f"{own.kit.academy.url}{own.lineitem}"
    assert answer.json["resourceLinkId"] == own.link.resource_link_id


@pytest.mark.case("AS-013")
def test_columns_are_removed(own: Tool13) -> None:
    made = made_by(own)["id"]
    assert own.call("DELETE", made).status_int == 204
    assert is_refused(own.call("DELETE", made), 404, "CALL_NOT_YOURS")
    assert is_refused(own.call("DELETE", own.lineitem), 405, "CALL_COLUMN_COUPLED")
    assert own.call("GET", own.lineitem).status_int == 200


@pytest.mark.case("AS-014")
def test_what_is_not_the_tools_does_not_exist(house: House, own: Tool13) -> None:
    """Another tool's of the academy, another academy's, nobody's: the same answer, and the admin sees it."""
    neighbour, abroad = Tool13.set(own.kit), Tool13.set(house.academy())
    token, seat = own.token(), own.sit()
    elsewhere = f"{Tool13.set(own.kit, tool_id=own.tool.id).lineitems}/{own.column.id}"
    for lineitem in (
        elsewhere,
        neighbour.lineitem,
        abroad.lineitem,
        f"{own.lineitems}/{uuid4()}",
        f"{own.lineitems}/x",
    ):
        answers = [
            own.call("GET", lineitem, token=token),
            own.call("PUT", lineitem, {"label": "x", "scoreMaximum": 1}, token=token),
            own.call("DELETE", lineitem, token=token),
            own.call("GET", f"{lineitem}/results", token=token),
            own.score(seat, lineitem=lineitem, token=token),
        ]
        assert [is_refused(answer, 404, "CALL_NOT_YOURS") for answer in answers] == [True] * 5, lineitem
    assert is_refused(own.call("GET", neighbour.lineitems, token=token), 404, "CALL_NOT_YOURS")
    foreign = {"label": "x", "scoreMaximum": 1, "resourceLinkId": neighbour.link.resource_link_id}
    assert is_refused(own.call("POST", own.lineitems, foreign), 404, "CALL_NOT_YOURS")
    assert own.kit.browser().get(abroad.lineitem, headers={"Authorization": f"Bearer {token}"}, status=404)
    assert abroad.call("GET", abroad.lineitem).json["label"] == abroad.activity.title
    page = own.kit.signed_in(Role.ADMIN).get("/integrations/tool-calls?outcome=refused")
    assert "The tool reached for what is not its own" in page.text
    assert own.tool.name in page.text


@pytest.mark.case("AS-014")
def test_a_token_of_another_academy(house: House, own: Tool13) -> None:
    abroad = Tool13.set(house.academy())
    answer = abroad.call("GET", abroad.lineitems, token=own.token())
    assert is_refused(answer, 401, "CALL_TOKEN_UNKNOWN")


@pytest.mark.case("AS-014")
def test_a_link_that_went_to_another_tool(own: Tool13) -> None:
    seat, other = own.sit(), Tool13.set(own.kit)
    with own.kit.session() as session:
        session.get_one(ToolLink, own.link.id).tool_id = other.tool.id
    assert is_refused(own.score(seat), 404, "CALL_NOT_YOURS")
    assert own.result(seat) is None


def test_the_activitys_column_is_made_once(own: Tool13) -> None:
    with own.kit.session() as session:
        session.delete(session.get_one(LineItem, own.column.id))

    def ask(_turn: int) -> UUID:
        with own.kit.session() as session:
            return coupled_column(session, session.get_one(ToolLink, own.link.id)).id

    assert len(set(at_once(6, ask))) == 1
    assert len(own.call("GET", own.lineitems).json) == 1


def test_a_link_of_lti_1_2_has_no_column(own: Tool13) -> None:
    old = Tool12.set(own.kit)
    with own.kit.session() as session, pytest.raises(ValueError, match="no line items"):
        coupled_column(session, session.get_one(ToolLink, old.link.id))
