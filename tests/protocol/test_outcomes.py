"""Basic Outcomes: envelopes written and read for both sides, and what an LMS's answer means."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from xml.dom import minidom

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.lti.wire.answers import Kind
from tenants.lti.wire.outcomes import OutcomeAnswer, read_outcome_answer
from tenants.lti.wire.pox import (
    Major,
    Operation,
    build_answer,
    build_request,
    read_answer,
    read_request,
    read_score,
    score_text,
)
from tenants.lti.wire.xml import MAX_DOCUMENT, NotXml, read_elements

SOURCEDID = '{"data":{"instanceid":"2"},"hash":"<&>\'"}'


def answer(major: str, *, score: str | None = None, description: str = "", prefix: str = "") -> bytes:
    """An answer as another product writes it: by hand, with or without a prefix."""
    p, colon = prefix, ":" if prefix else ""
    names = f'xmlns{colon}{p}="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"'
    q = f"{p}{colon}"
    body = ""
    if score is not None:
        text = f"<{q}resultScore><{q}language>en</{q}language><{q}textString>{score}</{q}textString></{q}resultScore>"
        body = f"<{q}readResultResponse><{q}result>{text}</{q}result></{q}readResultResponse>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<{q}imsx_POXEnvelopeResponse {names}>
 <{q}imsx_POXHeader><{q}imsx_POXResponseHeaderInfo><{q}imsx_version>V1.0</{q}imsx_version>
  <{q}imsx_messageIdentifier>4560</{q}imsx_messageIdentifier>
  <{q}imsx_statusInfo><{q}imsx_codeMajor>{major}</{q}imsx_codeMajor><{q}imsx_severity>status</{q}imsx_severity>
   <{q}imsx_description>{description}</{q}imsx_description>
   <{q}imsx_messageRefIdentifier>m-1</{q}imsx_messageRefIdentifier></{q}imsx_statusInfo>
 </{q}imsx_POXResponseHeaderInfo></{q}imsx_POXHeader>
 <{q}imsx_POXBody>{body}</{q}imsx_POXBody>
</{q}imsx_POXEnvelopeResponse>""".encode()


def meant(
    body: bytes,
    status: int | None = 200,
    operation: Operation = Operation.REPLACE,
    headers: Mapping[str, str] | None = None,
) -> OutcomeAnswer:
    return read_outcome_answer(status, body, headers or {}, operation)


def test_t1_049_055_a_replacement_is_what_an_xml_parser_of_others_reads() -> None:
    document = minidom.parseString(build_request(Operation.REPLACE, "m-1", SOURCEDID, Decimal("0.85")))

    def text(name: str) -> str:
        element = document.getElementsByTagName(name)[0]
        return "".join(node.data for node in element.childNodes if isinstance(node, minidom.Text))

    assert text("sourcedId") == SOURCEDID
    assert (text("textString"), text("language")) == ("0.85", "en")
    assert (text("imsx_messageIdentifier"), text("imsx_version")) == ("m-1", "V1.0")
    request = document.getElementsByTagName("replaceResultRequest")[0]
    assert request.getElementsByTagName("resultRecord")
    assert request.namespaceURI == "http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"


@pytest.mark.parametrize(
    "sourcedid", [SOURCEDID, "x" * 1024, "ü🙂\t\n\r\r\nx", "]]>", "<!--", "a::b:1", "&amp;", "'\""]
)
def test_t1_055_a_sourcedid_comes_back_byte_for_byte(sourcedid: str) -> None:
    for operation in (Operation.READ, Operation.DELETE):
        assert read_request(build_request(operation, "m", sourcedid)).sourcedid == sourcedid.strip()


def test_what_xml_cannot_carry_is_not_sent() -> None:
    for sourcedid in ("a\x00", "a\x0b", "\ud800", "\ufffe"):
        with pytest.raises(ValueError):
            build_request(Operation.READ, "m", sourcedid)
    with pytest.raises(ValueError):
        build_request(Operation.REPLACE, "m", "x")
    with pytest.raises(ValueError):
        build_request(Operation.READ, "m", "x", Decimal(1))


@pytest.mark.parametrize(
    ("score", "text"),
    [
        ("0", "0"),
        ("1", "1"),
        ("1.000", "1"),
        ("0.85", "0.85"),
        ("0.6666666666", "0.666667"),
        ("1E-3", "0.001"),
        ("1E-9", "0"),
        ("-0", "0"),
    ],
)
def test_t1_049_a_score_is_a_plain_number_from_0_to_1(score: str, text: str) -> None:
    assert score_text(Decimal(score)) == text


@pytest.mark.parametrize("score", ["-0.1", "1.0000001", "85", "NaN", "Infinity", "-Infinity", "sNaN"])
def test_no_other_number_is_a_score(score: str) -> None:
    with pytest.raises(ValueError):
        score_text(Decimal(score))


@pytest.mark.parametrize(
    "text", ["", " ", "abc", "NaN", "inf", "1e400", "0,5", "-0.1", "1.5", "85", "1_0", "٠", "0" * 41]
)
def test_what_is_no_score_when_read(text: str) -> None:
    assert read_score(text) is None


@pytest.mark.parametrize(
    ("text", "score"), [("0.85", "0.85"), (" 1 ", "1"), ("0", "0"), (".5", "0.5"), ("1.0E-4", "0.0001"), ("0.0", "0.0")]
)
def test_what_is_a_score_when_read(text: str, score: str) -> None:
    assert read_score(text) == Decimal(score)


@settings(max_examples=40)
@given(score=st.decimals(0, 1), text=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1))
def test_what_we_write_we_read(score: Decimal, text: str) -> None:
    try:
        body = build_request(Operation.REPLACE, "m", text, score)
    except ValueError:
        assert any(character in "\ufffe\uffff" for character in text)
        return
    read = read_request(body)
    assert (read.operation, read.sourcedid) == (Operation.REPLACE, text.strip())
    assert abs((read_score(read.score) or Decimal(0)) - score) <= Decimal("0.000001")


@pytest.mark.parametrize("status", [200, 201, 500, 302])
@pytest.mark.parametrize("prefix", ["", "ns0"])
def test_t1_051_the_body_decides_not_status_or_type(status: int, prefix: str) -> None:
    got = meant(answer("success", prefix=prefix), status, headers={"Content-Type": "text/html"})
    assert (got.answer.kind, got.score) == (Kind.DELIVERED, None)


@pytest.mark.parametrize(
    ("body", "status", "kind", "code"),
    [
        (answer("unsupported"), 200, Kind.FINAL, "OUTCOME_UNSUPPORTED"),
        (answer("Processing"), 200, Kind.RETRY, "AGS_BUSY"),
        (answer("failure", description="No score given"), 200, Kind.FINAL, "OUTCOME_REFUSED"),
        (answer("failure", description="User is no longer in course"), 200, Kind.FINAL, "AGS_NOT_ENROLLED"),
        (answer("failure", description="Invalid OAuth signature"), 401, Kind.FINAL, "OUTCOME_SIGNATURE"),
        (answer("failure", description="Duplicate nonce detected"), 200, Kind.RETRY, "OUTCOME_SIGNATURE"),
        (answer("failure"), 503, Kind.RETRY, "AGS_PLATFORM_DOWN"),
        (answer("perhaps"), 200, Kind.RETRY, "AGS_ODD_ANSWER"),
        (b"<html><body>Maintenance</body></html>", 200, Kind.RETRY, "AGS_ODD_ANSWER"),
        (b"", 200, Kind.RETRY, "AGS_ODD_ANSWER"),
        (b"success", 200, Kind.RETRY, "AGS_ODD_ANSWER"),
        (answer("success").replace(b"imsx_codeMajor", b"code"), 200, Kind.RETRY, "AGS_ODD_ANSWER"),
        (answer("success")[:-5], 200, Kind.RETRY, "AGS_ODD_ANSWER"),
        (b"", 500, Kind.RETRY, "AGS_PLATFORM_DOWN"),
        (b"", None, Kind.RETRY, "AGS_NO_ANSWER"),
        (b"slow down", 429, Kind.RETRY, "AGS_BUSY"),
        (b"", 302, Kind.FINAL, "AGS_MOVED"),
        (b"no", 401, Kind.FINAL, "OUTCOME_SIGNATURE"),
        (b"no", 404, Kind.FINAL, "OUTCOME_GONE"),
        (b"no", 422, Kind.FINAL, "OUTCOME_REFUSED"),
    ],
)
def test_t1_053_054_057_what_an_answer_means(body: bytes, status: int | None, kind: Kind, code: str) -> None:
    got = meant(body, status)
    assert (got.answer.kind, got.answer.code) == (kind, code)


def test_an_lms_that_asks_to_wait_is_heeded() -> None:
    assert meant(b"", 503, headers={"Retry-After": "120"}).answer.retry_after == 120


@pytest.mark.parametrize(
    ("text", "score"), [("", None), ("  ", None), ("0.73", "0.73"), ("0", "0"), ("0,73", "0.73"), ("1.0", "1.0")]
)
def test_t1_056_reading_back_an_empty_text_is_no_grade(text: str, score: str | None) -> None:
    got = meant(answer("success", score=text), operation=Operation.READ)
    assert got.answer.kind is Kind.DELIVERED
    assert got.score == (Decimal(score) if score is not None else None)


def test_reading_back_nonsense_is_tried_again() -> None:
    assert meant(answer("success", score="85 %"), operation=Operation.READ).answer.code == "AGS_ODD_ANSWER"
    assert meant(answer("success", score="0.5")).score is None


def test_the_lmss_words_are_shown_without_markup() -> None:
    said = meant(answer("failure", description="No &lt;b&gt;grade&lt;/b&gt; item token=abcdef")).answer.said
    assert said == "No grade item token=(hidden)"


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        b"<!DOCTYPE html><html></html>",
        b"<x>&a;</x>",
        b"<p:x/>",
        b"<x/><x/>",
        b"\x00",
        b'<?xml version="1.0" encoding="nonsense"?><x/>',
        b"<x>\xff</x>",
        b"<a>" * 30 + b"</a>" * 30,
        b"<a>" + b"<b/>" * 600 + b"</a>",
        b"<a>" + b" " * MAX_DOCUMENT + b"</a>",
    ],
)
def test_p1_026_nothing_unsafe_or_outsize_is_read(body: bytes) -> None:
    with pytest.raises(NotXml) as caught:
        read_elements(body)
    assert "passwd" not in str(caught.value)


def test_elements_are_named_from_the_root_down() -> None:
    read = read_elements(b'<a xmlns="n:1"><p:b xmlns:p="n:2">x<c/>y&amp;<![CDATA[<z>]]></p:b></a>')
    assert [(element.path, element.text) for element in read] == [
        (("a",), ""),
        (("a", "b"), "xy&<z>"),
        (("a", "b", "c"), ""),
    ]


@pytest.mark.parametrize(
    ("body", "operation", "name"),
    [
        (build_request(Operation.REPLACE, "", "s", Decimal(1)), Operation.REPLACE, "replaceResult"),
        (build_request(Operation.READ, "m", "s").replace(b"readResult", b"fooResult"), None, "fooResult"),
        (build_request(Operation.READ, "m", "s").replace(b"readResultRequest", b"readResult"), None, "readResult"),
    ],
)
def test_p1_016_028_a_request_is_read_and_not_yet_judged(body: bytes, operation: Any, name: str) -> None:
    read = read_request(body)
    assert (read.operation, read.name, read.sourcedid) == (operation, name, "s")


@pytest.mark.parametrize("body", [b"", b"<x/>", build_answer(Major.SUCCESS, "m"), b"<imsx_POXEnvelopeRequest/>"])
def test_p1_032_no_request(body: bytes) -> None:
    with pytest.raises(NotXml):
        read_request(body)


def test_p1_014_our_answer_to_a_read_request() -> None:
    request = read_request(build_request(Operation.READ, "m<1>", "s"))
    got = read_answer(build_answer(Major.SUCCESS, "ours", request=request, score=Decimal("0.85")))
    assert (got.major, got.severity, got.message_ref, got.operation_ref, got.score) == (
        "success",
        "status",
        "m<1>",
        "readResult",
        "0.85",
    )
    assert read_answer(build_answer(Major.SUCCESS, "ours", request=request)).score == ""
    replaced = read_request(build_request(Operation.REPLACE, "m", "s", Decimal(1)))
    assert read_answer(build_answer(Major.SUCCESS, "ours", request=replaced, score=Decimal(1))).score is None


def test_p1_032_an_answer_to_no_request_is_well_formed() -> None:
    got = read_answer(build_answer(Major.FAILURE, "ours", description="Not\x00 <XML> & more"))
    assert (got.major, got.severity, got.description, got.score) == ("failure", "error", "Not <XML> & more", None)
