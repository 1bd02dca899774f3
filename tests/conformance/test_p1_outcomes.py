"""P1-010 to P1-037: results that tools of LTI 1.2 send us (docs/conformance.md)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from time import time
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from saas.tenancy.models import Domain
from tenants.access import Role
from tenants.grades.models import Progress, Result
from tenants.learning.models import Attempt, Verdict
from tenants.lti.platform.links import LinkValues, ToolLinks
from tenants.lti.platform.models import ToolLink
from tenants.lti.platform.sourcedids import MAX_LENGTH, write_sourcedid
from tests.conformance.tools import Pox, Tool12, at_once, envelope
from tests.house import House, Kit


@pytest.fixture(scope="module")
def kits() -> dict[str, Kit]:
    return {}


@pytest.fixture
def tool(house: House, kits: dict[str, Kit]) -> Tool12:
    """An activity and a key of this case's own, in an academy that the cases of one process share."""
    if house.backend not in kits:
        kits[house.backend] = house.academy()
    return Tool12.set(kits[house.backend])


def signed(tool: Tool12, body: bytes, **how: Any) -> Pox:
    return Pox.of(tool.send(body, tool.authorization(body, **how)))


def logged(tool: Tool12) -> tuple[str, str]:
    row = tool.calls()[0].row
    assert row.service == "outcome"
    return row.code, row.seen


@pytest.mark.case("P1-010")
def test_a_result(tool: Tool12) -> None:
    seat = tool.sit()
    answer = tool.replace(seat, "0.85")
    assert (answer.status, answer.major, answer.operation, answer.reference) == (200, "success", "replaceResult", "m-1")
    assert answer.body == ["replaceResultResponse"]
    assert tool.told(seat).percent == 85
    row = tool.calls()[0].row
    assert (row.status, row.code, row.person_id, row.tool_link_id) == (200, "", seat.person.id, tool.link.id)


@pytest.mark.case("P1-010")
@pytest.mark.parametrize(
    ("score", "verdict"), [("0.7", "passed"), ("0.69999", "failed"), ("1", "passed"), ("0", "failed")]
)
def test_an_exam(house: House, score: str, verdict: str) -> None:
    tool = Tool12.set(house.academy(), minimum=70)
    seat = tool.sit()
    assert tool.replace(seat, score).major == "success"
    assert tool.told(seat).verdict is Verdict(verdict)


@pytest.mark.case("P1-012", "P1-013")
@pytest.mark.parametrize(
    "score",
    ["-0.1", "1.5", "1.01", "85", "abc", "", " ", "NaN", "inf", "-Infinity", "1e400", "0,5", "0x1", "1_0", "٠.٥"],
)
def test_a_score_that_is_none(tool: Tool12, score: str) -> None:
    seat = tool.sit()
    answer = tool.replace(seat, score)
    assert (answer.status, answer.major, answer.operation) == (200, "failure", "replaceResult")
    assert "0 to 1" in answer.words
    assert tool.result(seat) is None
    assert logged(tool)[0] == "CALL_OUTCOME_SCORE"


@pytest.mark.case("P1-013")
def test_a_replacement_without_a_score(tool: Tool12) -> None:
    seat = tool.sit()
    assert signed(tool, envelope("replaceResult", seat.sourcedid)).major == "failure"
    assert tool.result(seat) is None


@pytest.mark.case("P1-014")
def test_a_result_is_read(tool: Tool12) -> None:
    seat = tool.sit()
    before = tool.read(seat)
    assert (before.major, before.score, before.body) == ("success", "", ["readResultResponse"])
    tool.replace(seat, "0.85")
    assert tool.read(seat).score == "0.85"
    tool.replace(seat, "0")
    assert tool.read(seat).score == "0"


@pytest.mark.case("P1-015")
def test_a_result_is_deleted(tool: Tool12) -> None:
    seat = tool.sit()
    tool.replace(seat, "0.85")
    answer = tool.delete(seat)
    assert (answer.major, answer.body) == ("success", ["deleteResultResponse"])
    assert tool.read(seat).score == ""
    assert tool.told(seat).withdrawn_at is not None
    with tool.kit.session() as session:
        attempt = session.scalars(sa.select(Attempt).where(Attempt.person_id == seat.person.id)).one()
        assert attempt.is_completed, "completion stays"


@pytest.mark.case("P1-016")
@pytest.mark.parametrize("name", ["transferResult", "replaceresult", "x"])
def test_an_operation_we_do_not_know(tool: Tool12, name: str) -> None:
    answer = signed(tool, envelope(name, tool.sit().sourcedid, "0.5"))
    assert (answer.status, answer.major, answer.operation) == (200, "unsupported", name)
    assert answer.reference == "m-1"


@pytest.mark.case("P1-018")
def test_no_hash_of_the_body(tool: Tool12) -> None:
    seat = tool.sit()
    body = envelope("replaceResult", seat.sourcedid, "0.5")
    unhashed = tool.authorization(body, hashed=False)
    answer = Pox.of(tool.send(body, unhashed))
    assert (answer.status, answer.major) == (200, "failure")
    assert logged(tool)[0] == "CALL_OUTCOME_HASH"
    assert Pox.of(tool.send(body, tool.authorization(b"<other/>"))).major == "failure"
    assert tool.result(seat) is None


@pytest.mark.case("P1-019")
def test_a_hash_that_is_not_signed(tool: Tool12) -> None:
    """The hash of other bytes put into a header that was signed for a first body."""
    seat = tool.sit()
    first, second = (envelope("replaceResult", seat.sourcedid, score) for score in ("0.1", "0.9"))
    old, new = tool.authorization(first), tool.authorization(second)
    was, now = (next(part for part in header.split(", ") if "oauth_body_hash" in part) for header in (old, new))
    answer = Pox.of(tool.send(second, old.replace(was, now)))
    assert (answer.major, answer.words) == ("failure", "Invalid signature")
    assert tool.result(seat) is None


@pytest.mark.case("P1-020")
def test_a_wrong_secret_and_an_unknown_key_sound_the_same(tool: Tool12) -> None:
    seat = tool.sit()
    body = envelope("replaceResult", seat.sourcedid, "0.5")
    answers = [signed(tool, body, secret="wrong"), signed(tool, body, key="nobody"), signed(tool, body, key="x" * 3000)]
    assert {(answer.status, answer.major, answer.words) for answer in answers} == {
        (200, "failure", "Invalid signature")
    }
    assert tool.result(seat) is None
    assert {call.row.code for call in tool.calls()[:3]} == {"CALL_OUTCOME_SIGNATURE"}
    assert [call.row.tool_link_id for call in tool.calls()[:3]] == [None, None, tool.link.id]


@pytest.mark.case("P1-020")
def test_a_secret_that_does_not_open_any_more(tool: Tool12) -> None:
    seat = tool.sit()
    with tool.kit.session() as session:
        session.get_one(ToolLink, tool.link.id).sealed_secret = "no seal"
    body = envelope("replaceResult", seat.sourcedid, "0.5")
    assert signed(tool, body).words == "Invalid signature"


@pytest.mark.case("P1-021")
def test_a_sourcedid_changed_for_another_person(tool: Tool12) -> None:
    mine, other = tool.sit(), tool.sit()
    half = len(mine.sourcedid) // 2
    for text in (
        mine.sourcedid[:half] + other.sourcedid[half:],
        mine.sourcedid[:-4] + "AAAA",
        f"{tool.link.id}:{other.person.id}",
        str(other.person.id),
        "",
        "x" * 2000,
    ):
        answer = signed(tool, envelope("replaceResult", text, "0.5"))
        assert (answer.major, answer.words) == ("failure", "Invalid sourcedid")
        assert logged(tool)[0] == "CALL_SOURCEDID"
    assert tool.result(other) is None


@pytest.mark.case("P1-022")
def test_a_sourcedid_of_another_tool(house: House, tool: Tool12) -> None:
    """Another key of the academy, the same key with another secret, the same key and secret elsewhere: one answer."""
    neighbour, abroad = Tool12.set(tool.kit), Tool12.set(house.academy(), key=tool.key, secret=tool.secret)
    namesake = Tool12.set(tool.kit, key=tool.key)
    for other in (neighbour, abroad, namesake):
        seat = other.sit()
        answer = signed(tool, envelope("replaceResult", seat.sourcedid, "0.5"))
        assert (answer.major, answer.words) == ("failure", "Invalid sourcedid")
        assert other.result(seat) is None
        assert logged(tool)[0] == "CALL_SOURCEDID"
    page = tool.kit.signed_in(Role.ADMIN).get("/integrations/tool-calls?outcome=refused")
    assert "The result is for a link that is not the tool" in page.text
    assert tool.key in page.text


@pytest.mark.case("P1-022")
def test_a_vendors_key_in_many_activities(tool: Tool12) -> None:
    """More than are tried: the sourcedid says which activity is meant."""
    others = [Tool12.set(tool.kit, key=tool.key, secret=f"s{number}") for number in range(21)]
    first, last = tool.sit(), others[-1].sit()
    assert tool.replace(first, "0.5").major == "success"
    assert others[-1].replace(last, "0.6").major == "success"


@pytest.mark.case("P1-024")
def test_somebody_who_left(tool: Tool12) -> None:
    seat = tool.sit()
    tool.replace(seat, "0.4")
    tool.leave(seat)
    answer = tool.replace(seat, "0.9")
    assert (answer.major, answer.words) == ("failure", "The user is not enrolled")
    assert tool.delete(seat).major == "failure"
    assert (tool.read(seat).major, tool.read(seat).score) == ("success", "0.4")


@pytest.mark.case("P1-025")
def test_a_message_comes_once(tool: Tool12) -> None:
    seat = tool.sit()
    body = envelope("replaceResult", seat.sourcedid, "0.4")
    header = tool.authorization(body)
    assert Pox.of(tool.send(body, header)).major == "success"
    tool.replace(seat, "0.9")
    again = Pox.of(tool.send(body, header))
    assert (again.major, again.words) == ("failure", "The nonce was used before")
    assert tool.told(seat).percent == 90


@pytest.mark.case("P1-025")
def test_of_one_message_sent_many_times_at_once_one_counts(tool: Tool12) -> None:
    seat = tool.sit()
    body = envelope("replaceResult", seat.sourcedid, "0.4")
    header = tool.authorization(body)
    answers = at_once(6, lambda _: Pox.of(tool.send(body, header)).major)
    assert sorted(answers) == ["failure"] * 5 + ["success"]


@pytest.mark.case("P1-025")
@pytest.mark.parametrize("seconds", [-400, 400])
def test_another_time(tool: Tool12, seconds: int) -> None:
    seat = tool.sit()
    body = envelope("replaceResult", seat.sourcedid, "0.4")
    answer = signed(tool, body, timestamp=str(int(time()) + seconds))
    assert answer.major == "failure"
    assert "our clock says" in answer.words
    assert tool.result(seat) is None


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]>
<imsx_POXEnvelopeRequest><imsx_POXBody><readResultRequest><resultRecord><sourcedGUID><sourcedId>&lol2;</sourcedId>
</sourcedGUID></resultRecord></readResultRequest></imsx_POXBody></imsx_POXEnvelopeRequest>"""
FILE = BOMB.replace(b'<!ENTITY lol "lol">', b'<!ENTITY lol SYSTEM "file:///etc/passwd">')


@pytest.mark.case("P1-026", "P1-032")
@pytest.mark.parametrize(
    "body",
    [
        BOMB, FILE, b"", b"x", b"<a/>", b"\xff\xfe\x00", b"<imsx_POXEnvelopeRequest/>", b"<a>" * 3000,
        b"<imsx_POXEnvelopeRequest><imsx_POXBody/></imsx_POXEnvelopeRequest>", b"<a>" + b"x" * 70_000 + b"</a>",
        b"<imsx_POXEnvelopeRequest><imsx_POXBody><a/><b/></imsx_POXBody></imsx_POXEnvelopeRequest>",
    ],
    ids=range(11),
)  # fmt: skip
def test_xml_that_is_not_read(tool: Tool12, body: bytes) -> None:
    answer = tool.send(body)
    read = Pox.of(answer)
    assert (read.status, read.major) == (200, "failure")
    assert b"lollol" not in answer.body
    assert b"root:" not in answer.body
    assert logged(tool)[0] == "CALL_OUTCOME_XML"


@pytest.mark.case("P1-027")
@pytest.mark.parametrize("namespace", ["", "http://www.imsglobal.org/lis/oms1p0/pox"])
def test_another_namespace(tool: Tool12, namespace: str) -> None:
    seat = tool.sit()
    assert tool.replace(seat, "0.5", namespace=namespace).major == "success"


@pytest.mark.case("P1-027")
def test_a_prefix(tool: Tool12) -> None:
    seat = tool.sit()
    plain = envelope("replaceResult", seat.sourcedid, "0.5").decode()
    head, rest = plain.split("?>", 1)
    prefixed = rest.replace("</", "\0").replace("<", "<o:").replace("\0", "</o:").replace("xmlns=", "xmlns:o=")
    assert signed(tool, f"{head}?>{prefixed}".encode()).major == "success"
    assert tool.told(seat).percent == 50


@pytest.mark.case("P1-028")
def test_an_empty_message_id(tool: Tool12) -> None:
    answer = tool.replace(tool.sit(), "0.5", message="")
    assert (answer.major, answer.reference) == ("success", "")


@pytest.mark.case("P1-030")
def test_without_a_header(tool: Tool12) -> None:
    seat = tool.sit()
    answer = tool.send(envelope("replaceResult", seat.sourcedid, "0.5"), None)
    assert (answer.status_int, answer.content_type) == (401, "application/xml")
    assert Pox.of(answer).major == "failure"
    for header in ("Bearer x", "OAuth", 'OAuth oauth_nonce="1"', "x" * 9000):
        assert Pox.of(tool.send(b"<a/>", header)).major == "failure"


@pytest.mark.case("P1-030")
def test_a_form(tool: Tool12) -> None:
    answer = tool.send(b"a=b", content_type="application/x-www-form-urlencoded")
    assert Pox.of(answer).major == "failure"
    assert logged(tool)[0] == "CALL_OUTCOME_FORM"


@pytest.mark.case("P1-031")
def test_signed_over_another_address(house: House) -> None:
    tool = Tool12.set(house.academy())
    seat = tool.sit()
    body = envelope("replaceResult", seat.sourcedid, "0.5")
    answer = signed(tool, body, url=tool.url.replace("https://", "http://"))
    assert (answer.major, answer.words) == ("failure", "Invalid signature")
    assert "http instead of https" in logged(tool)[1]
    alias = f"alias-{uuid4().hex[:6]}.example"
    other = tool.url.replace(tool.kit.academy.host, alias)
    assert signed(tool, body, url=other).major == "failure"
    with house.runtime.database.shell() as session:
        session.add(Domain(tenant_id=tool.kit.academy.id, host=alias))
    house.runtime.tenants.forget()
    assert signed(tool, body, url=other).major == "success"


@pytest.mark.case("P1-033")
def test_every_way_to_write_a_sourcedid(tool: Tool12) -> None:
    """As characters by number, in CDATA, with white space around; and one in another alphabet is refused in XML."""
    seat = tool.sit()
    text = seat.sourcedid
    numbered = "".join(f"&#{ord(sign)};" for sign in text)
    for written in (numbered, f"<![CDATA[{text}]]>", f"\n  {text}\n", escape(text)):
        assert signed(tool, envelope("replaceResult", written, "0.5")).major == "success"
    for strange in ("日本語-ключ-é", "😀" * 10):
        answer = signed(tool, envelope("replaceResult", strange, "0.5"))
        assert (answer.major, answer.words) == ("failure", "Invalid sourcedid")


@pytest.mark.case("P1-034")
def test_after_the_due_date(tool: Tool12) -> None:
    seat = tool.sit()
    tool.replace(seat, "0.4")
    tool.until(datetime.now(UTC) - timedelta(minutes=1))
    answer = tool.replace(seat, "0.9")
    assert answer.major == "failure"
    assert "Past due" in answer.words
    assert (tool.told(seat).percent, tool.read(seat).score) == (Decimal(40), "0.4")
    tool.until(datetime.now(UTC) + timedelta(minutes=5))
    assert tool.replace(seat, "0.9").major == "success"


@pytest.mark.case("P1-036")
def test_two_launches_two_sourcedids(tool: Tool12) -> None:
    seat = tool.sit()
    secrets, academy = tool.kit.runtime.secrets, tool.kit.academy.id
    both = {write_sourcedid(secrets, academy, tool.link.id, seat.person.id) for _ in range(2)}
    assert len(both) == 2
    for score, sourcedid in zip(("0.3", "0.6"), sorted(both), strict=True):
        assert len(sourcedid) <= MAX_LENGTH
        assert signed(tool, envelope("replaceResult", sourcedid, score)).major == "success"
        assert tool.told(seat).percent == Decimal(score) * 100


@pytest.mark.case("P1-036")
def test_a_rotated_secret_is_good_for_a_while(tool: Tool12) -> None:
    seat = tool.sit()
    with tool.kit.session() as session:
        links = ToolLinks(session, tool.kit.runtime.secrets, tool.kit.runtime.outbound)
        link = session.get_one(ToolLink, tool.link.id)
        values = LinkValues(
            lti_version=link.lti_version, url=link.url, resource_link_id=link.resource_link_id, key=link.key,
            secret="the next one",
        )  # fmt: skip
        links.save(link.activity, values)
    assert tool.replace(seat, "0.5").major == "success"
    tool.secret = "the next one"
    assert tool.replace(seat, "0.6").major == "success"
    with tool.kit.session() as session:
        session.get_one(ToolLink, tool.link.id).previous_until = datetime.now(UTC) - timedelta(minutes=1)
    tool.secret = "the next one"
    assert tool.replace(seat, "0.7").major == "success"


@pytest.mark.case("P1-037")
def test_the_same_result_again(tool: Tool12) -> None:
    seat = tool.sit()
    assert [tool.replace(seat, "0.85").major for _ in range(3)] == ["success"] * 3
    with tool.kit.session() as session:
        attempts = session.scalars(sa.select(Attempt).where(Attempt.person_id == seat.person.id)).all()
        results = session.scalars(sa.select(Result).where(Result.person_id == seat.person.id)).all()
        assert [(attempt.number, attempt.is_completed, attempt.score) for attempt in attempts] == [
            (1, True, Decimal(85))
        ]
        assert [(result.progress, result.score) for result in results] == [(Progress.COMPLETED, Decimal(85))]
