"""Documents and errors as Moodle's web service writes them."""

import json
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.problems.zoom_calls import ZOOM_CALLS_PROBLEMS
from tenants.zoom.wire.moodle_answers import (
    FAULTS,
    INVALID_TOKEN,
    EventAnswer,
    Fault,
    events_document,
    fault_of,
    number_or_text,
    render,
    render_fault,
    site_info,
    warning,
)
from tenants.zoom.wire.moodle_rest import Format, Function

AT = datetime(2031, 1, 1, 9, tzinfo=UTC)
EVENT = EventAnswer(7, "a-context", "Talk", "Text", AT, 3600, 2, AT, "uid-1")
#: Everything Python calls text, lone surrogates and control characters too.
TEXT = st.text(st.characters(), max_size=20)
DOCUMENTS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_json_is_what_it_was(document: Any) -> None:
    assert json.loads(render(document, Format.JSON)) == document
    assert render(document, Format.JSON).isascii()


@given(DOCUMENTS)
def test_xml_is_always_xml(document: Any) -> None:
    root = ET.fromstring(render(document, Format.XML))
    assert root.tag == "RESPONSE"
    assert len(root) == (0 if document is None else 1)


@given(TEXT, TEXT)
def test_faults_are_always_readable(code: str, message: str) -> None:
    fault = Fault("moodle_exception", "invalidtoken", message)
    assert json.loads(render_fault(fault, Format.JSON))["message"] == message
    assert ET.fromstring(render_fault(fault, Format.XML)).tag == "EXCEPTION"
    assert fault_of(code) in {INVALID_TOKEN, *FAULTS.values()}


def test_an_event() -> None:
    document = events_document([EVENT], [])
    assert json.loads(render(document, Format.JSON)) == {
        "events": [
            {
                "id": 7, "name": "Talk", "description": "Text", "format": 2, "courseid": "a-context", "groupid": 0,
                "userid": 2, "repeatid": None, "modulename": None, "instance": 0, "eventtype": "course",
                "timestart": 1_925_024_400, "timeduration": 3600, "visible": 1, "uuid": "uid-1", "sequence": 3,
                "timemodified": 1_925_024_400, "subscriptionid": None,
            }
        ],
        "warnings": [],
    }  # fmt: skip


def test_xml_of_an_event() -> None:
    text = render(events_document([EVENT], [warning("course", "nopermissions", "no", 4)]), Format.XML).decode()
    assert text.startswith(
        '<?xml version="1.0" encoding="UTF-8" ?>\n<RESPONSE>\n<SINGLE>\n<KEY name="events"><MULTIPLE>'
    )
    assert '<KEY name="id"><VALUE>7</VALUE>' in text
    assert '<KEY name="repeatid"><VALUE null="null"/></KEY>' in text
    assert '<KEY name="itemid"><VALUE>4</VALUE>' in text


def test_nothing_and_faults() -> None:
    assert render(None, Format.JSON) == b"null"
    assert render(None, Format.XML) == b'<?xml version="1.0" encoding="UTF-8" ?>\n<RESPONSE>\n</RESPONSE>\n'
    assert json.loads(render_fault(INVALID_TOKEN, Format.JSON)) == {
        "exception": "moodle_exception",
        "errorcode": "invalidtoken",
        "message": "Invalid token - token not found",
    }
    found = ET.fromstring(render_fault(INVALID_TOKEN, Format.XML))
    assert (found.tag, found.get("class")) == ("EXCEPTION", "moodle_exception")
    assert [each.tag for each in found] == ["ERRORCODE", "MESSAGE"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("17", 17),
        ("0", 0),
        ("017", "017"),
        ("-1", "-1"),
        ("a-1", "a-1"),
        ("", ""),
        ("\u0661", "\u0661"),
        ("9" * 30, "9" * 30),
    ],
)
def test_courses_go_back_as_they_came(said: str, told: int | str) -> None:
    assert number_or_text(said) == told


def test_every_obstacle_sounds_like_a_wrong_token() -> None:
    spoken = {problem.code: fault_of(problem.code).errorcode for problem in ZOOM_CALLS_PROBLEMS}
    for code in ("ZOOM_CALL_TOKEN", "ZOOM_CALL_INACTIVE", "ZOOM_CALL_NO_CALENDAR", "ZOOM_CALL_LOCKED"):
        assert spoken[code] == "invalidtoken"
    assert fault_of("ZOOM_OFF") == INVALID_TOKEN
    assert spoken["ZOOM_CALL_EVENT"] == "nopermissions"
    assert spoken["ZOOM_CALL_FUNCTION"] == "invalidrecord"
    assert spoken["ZOOM_CALL_PARAMETERS"] == "invalidparameter"


def test_site_info_names_nobody_and_every_function() -> None:
    told = site_info("North", "https://north.example", "en", "Main account")
    assert [each["name"] for each in told["functions"]] == [each.value for each in Function]  # type: ignore[attr-defined]  # -- a list of mappings
    assert (told["username"], told["userid"], told["fullname"]) == ("zoom", 2, "Main account Zoom")
    assert ET.fromstring(render(told, Format.XML)).tag == "RESPONSE"
