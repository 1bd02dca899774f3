"""The envelope of Basic Outcomes ("plain old XML"): written and read for both sides (LTI 1.1.1 §6.1, Outcomes 1.0).

What is in it is judged in `outcomes`; here stands only the form. Operations: replaceResult, readResult, deleteResult.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from xml.sax.saxutils import escape

from tenants.lti.wire.ags import plain
from tenants.lti.wire.params11 import fits_xml
from tenants.lti.wire.text import clean
from tenants.lti.wire.xml import Element, NotXml, read_elements

NAMESPACE = "http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"
CONTENT_TYPE = "application/xml"
DECIMALS = 6
MAX_SCORE_TEXT = 40
TEXT_LIMIT = 500


class Operation(StrEnum):
    """The value is the name on the wire without ``Request`` or ``Response``."""

    REPLACE = "replaceResult"
    READ = "readResult"
    DELETE = "deleteResult"


class Major(StrEnum):
    """imsx_codeMajor."""

    SUCCESS = "success"
    PROCESSING = "processing"
    FAILURE = "failure"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class PoxRequest:
    """A request as read; ``operation`` None for one we do not know, ``name`` as it came.

    ``score`` is the text of a replacement, judged by `read_score`; ``sourcedid`` is as sent.
    """

    operation: Operation | None
    name: str
    message_id: str
    sourcedid: str
    score: str


@dataclass(frozen=True, slots=True)
class PoxAnswer:
    """An answer as read. ``score`` is the text of a read result, None if there is no such element."""

    major: str
    severity: str
    description: str
    message_ref: str
    operation_ref: str
    score: str | None


def score_text(score: Decimal) -> str:
    """A score of 0 to 1 as the wire wants it: a dot, no exponent, six decimals at most. ValueError for any other."""
    if not score.is_finite() or not 0 <= score <= 1:
        raise ValueError(f"{score} is not within 0 and 1")
    return plain(round(score, DECIMALS))


def read_score(text: str) -> Decimal | None:
    """A score of 0 to 1, or None; "0,5", "NaN", "" and 1.01 are none, Java's "1.0E-4" is one."""
    text = text.strip()
    if len(text) > MAX_SCORE_TEXT or not text.isascii() or "_" in text:
        return None
    try:
        score = Decimal(text)
    except InvalidOperation:
        return None
    return score if score.is_finite() and 0 <= score <= 1 else None


def build_request(operation: Operation, message_id: str, sourcedid: str, score: Decimal | None = None) -> bytes:
    """One request; a score belongs to a replacement and to nothing else. ValueError if XML cannot carry it."""
    if (score is None) == (operation is Operation.REPLACE):
        raise ValueError("a replacement has a score, and nothing else has")
    result = ""
    if score is not None:
        result = (
            "<result><resultScore><language>en</language>"
            f"<textString>{score_text(score)}</textString></resultScore></result>"
        )
    record = f"<resultRecord><sourcedGUID><sourcedId>{_escaped(sourcedid)}</sourcedId></sourcedGUID>{result}"
    return _envelope(
        "Request",
        f"<imsx_messageIdentifier>{_escaped(message_id)}</imsx_messageIdentifier>",
        f"<{operation}Request>{record}</resultRecord></{operation}Request>",
    )


def build_answer(
    major: Major,
    message_id: str,
    *,
    request: PoxRequest | None = None,
    description: str = "",
    score: Decimal | None = None,
    severity: str = "",
) -> bytes:
    """One answer, always well-formed; to a read request it carries ``score``, empty if there is none."""
    read = request is not None and request.operation is Operation.READ and major is Major.SUCCESS
    text = score_text(score) if score is not None else ""
    result = f"<result><resultScore><language>en</language><textString>{text}</textString></resultScore></result>"
    name = request.operation if request is not None else None
    severity = severity or ("error" if major in {Major.FAILURE, Major.UNSUPPORTED} else "status")
    header = (
        f"<imsx_messageIdentifier>{_mended(message_id)}</imsx_messageIdentifier>"
        f"<imsx_statusInfo><imsx_codeMajor>{major}</imsx_codeMajor><imsx_severity>{severity}</imsx_severity>"
        f"<imsx_description>{_mended(description)}</imsx_description>"
        f"<imsx_messageRefIdentifier>{_mended(request.message_id if request else '')}</imsx_messageRefIdentifier>"
        f"<imsx_operationRefIdentifier>{_mended(request.name if request else '')}</imsx_operationRefIdentifier>"
        "</imsx_statusInfo>"
    )
    body = f"<{name}Response>{result if read else ''}</{name}Response>" if name else ""
    return _envelope("Response", header, body)


def read_request(document: bytes) -> PoxRequest:
    """`NotXml` if it is no envelope with an operation; what the operation says is not judged here."""
    elements = read_elements(document)
    found = [element for element in _below(elements, "imsx_POXBody") if len(element.path) == 3]
    if elements[0].path != ("imsx_POXEnvelopeRequest",) or len(found) != 1:
        raise NotXml("no envelope with one request")
    name = found[0].path[-1].removesuffix("Request")
    known = found[0].path[-1].endswith("Request") and name in set(Operation)
    return PoxRequest(
        Operation(name) if known else None,
        clean(name),
        clean(_text(elements, "imsx_messageIdentifier")),
        _text(elements, "sourcedId").strip(),
        _text(elements, "textString"),
    )


def read_answer(document: bytes) -> PoxAnswer:
    """`NotXml` if it is no envelope with a status."""
    elements = read_elements(document)
    major = _text(elements, "imsx_codeMajor").strip().lower()
    if not elements[0].path[0].startswith("imsx_POXEnvelope") or not major:
        raise NotXml("no envelope with a status")
    scores = [element.text for element in elements if element.path[-1] == "textString"]
    return PoxAnswer(
        clean(major, 40),
        clean(_text(elements, "imsx_severity"), 40).lower(),
        clean(_text(elements, "imsx_description"), TEXT_LIMIT),
        clean(_text(elements, "imsx_messageRefIdentifier")),
        clean(_text(elements, "imsx_operationRefIdentifier")),
        scores[0].strip() if scores else None,
    )


def _envelope(kind: str, header: str, body: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<imsx_POXEnvelope{kind} xmlns="{NAMESPACE}"><imsx_POXHeader><imsx_POX{kind}HeaderInfo>'
        f"<imsx_version>V1.0</imsx_version>{header}</imsx_POX{kind}HeaderInfo></imsx_POXHeader>"
        f"<imsx_POXBody>{body}</imsx_POXBody></imsx_POXEnvelope{kind}>"
    ).encode()


def _escaped(text: str) -> str:
    """Text that comes back byte for byte: an XML reader would fold a carriage return into a line feed."""
    if not fits_xml(text):
        raise ValueError("XML cannot carry these characters")
    return escape(text, {'"': "&quot;", "\r": "&#13;"})


def _mended(text: str) -> str:
    return _escaped(clean(text, TEXT_LIMIT))


def _below(elements: Iterable[Element], name: str) -> list[Element]:
    return [element for element in elements if name in element.path[:-1]]


def _text(elements: Iterable[Element], name: str) -> str:
    return next((element.text for element in elements if element.path[-1] == name), "")
