"""Moodle's web service as it answers: its documents and errors, in JSON and XML, by its own names."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from xml.sax.saxutils import escape, quoteattr

from tenants.zoom.wire.moodle_rest import Format, Function

#: Who has done everything, as Moodle would say it: one number for whatever the web service did.
SERVICE_USER = 2
RELEASE, VERSION = "4.5 (Build: 20241007)", "2024100700"
CONTENT_TYPES: Mapping[Format, str] = MappingProxyType(
    {Format.JSON: "application/json", Format.XML: "application/xml; charset=utf-8"}
)
_PLAIN, _HTML = 2, 1
#: What XML 1.0 §2.2 leaves out.
_NO_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF))


@dataclass(frozen=True, slots=True)
class Fault:
    """An error of Moodle's: always with status 200."""

    exception: str
    errorcode: str
    message: str


#: For an unknown token and for whatever else shall not be told from one.
INVALID_TOKEN = Fault("moodle_exception", "invalidtoken", "Invalid token - token not found")
INVALID_PARAMETER = Fault("invalid_parameter_exception", "invalidparameter", "Invalid parameter value detected")
UNKNOWN_FUNCTION = Fault(
    "dml_missing_record_exception",
    "invalidrecord",
    "Can't find data record in database table external_functions.",
)
NO_PERMISSION = Fault(
    "required_capability_exception",
    "nopermissions",
    "Sorry, but you do not currently have permissions to do that (Manage calendar entries).",
)
FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "ZOOM_CALL_FUNCTION": UNKNOWN_FUNCTION,
        "ZOOM_CALL_PARAMETERS": INVALID_PARAMETER,
        "ZOOM_CALL_EVENT": NO_PERMISSION,
    }
)


def fault_of(code: str) -> Fault:
    """Refusals that are not listed sound as if the token were wrong."""
    return FAULTS.get(code, INVALID_TOKEN)


@dataclass(frozen=True, slots=True)
class EventAnswer:
    """An event to be told of. ``course`` is the context's id, ``repeat_of`` the first number of several dates."""

    number: int
    course: str
    title: str
    description: str
    starts_at: datetime
    seconds: int
    sequence: int
    changed_at: datetime
    uid: str
    is_hidden: bool = False
    repeat_of: int | None = None
    group: int = 0
    format: int = _PLAIN
    eventtype: str = "course"

    def document(self) -> dict[str, object]:
        return {
            "id": self.number,
            "name": self.title,
            "description": self.description,
            "format": self.format if self.format in (0, _HTML, _PLAIN, 4) else _HTML,
            "courseid": number_or_text(self.course),
            "groupid": self.group,
            "userid": SERVICE_USER,
            "repeatid": self.repeat_of,
            "modulename": None,
            "instance": 0,
            "eventtype": self.eventtype,
            "timestart": int(self.starts_at.timestamp()),
            "timeduration": self.seconds,
            "visible": 0 if self.is_hidden else 1,
            "uuid": self.uid,
            "sequence": self.sequence + 1,
            "timemodified": int(self.changed_at.timestamp()),
            "subscriptionid": None,
        }


def number_or_text(value: str) -> int | str:
    """Moodle's courses have numbers; our contexts have none, and go back as they came."""
    return (
        int(value) if value.isascii() and value.isdigit() and len(value) <= 15 and str(int(value)) == value else value
    )


def warning(item: str, code: str, message: str, item_id: int | None = None) -> dict[str, object]:
    told: dict[str, object] = {"item": item, "warningcode": code, "message": message}
    return told if item_id is None else {**told, "itemid": item_id}


def events_document(events: Iterable[EventAnswer], warnings: Iterable[Mapping[str, object]]) -> dict[str, object]:
    return {"events": [event.document() for event in events], "warnings": list(warnings)}


def site_info(name: str, url: str, locale: str, user: str) -> dict[str, object]:
    """``user``: what the profile is called; no person of ours is told of."""
    return {
        "sitename": name,
        "username": "zoom",
        "firstname": user,
        "lastname": "Zoom",
        "fullname": f"{user} Zoom".strip(),
        "lang": locale,
        "userid": SERVICE_USER,
        "siteurl": url,
        "userpictureurl": "",
        "functions": [{"name": function.value, "version": VERSION} for function in Function],
        "downloadfiles": 0,
        "uploadfiles": 0,
        "release": RELEASE,
        "version": VERSION,
        "mobilecssurl": "",
        "advancedfeatures": [],
        "usercanmanageownfiles": False,
        "userquota": 0,
        "usermaxuploadfilesize": 0,
        "userhomepage": 0,
        "siteid": 1,
        "sitecalendartype": "gregorian",
        "usercalendartype": "gregorian",
        "userissiteadmin": False,
        "theme": "",
    }


def render(document: object, wanted: Format) -> bytes:
    """``document`` None: the function returns nothing, which is ``null`` in JSON and an empty answer in XML."""
    if wanted is Format.JSON:
        return json.dumps(document, separators=(",", ":")).encode()
    inner = "" if document is None else _xml(document)
    return _xml_document(f"<RESPONSE>\n{inner}</RESPONSE>\n")


def render_fault(fault: Fault, wanted: Format) -> bytes:
    if wanted is Format.JSON:
        told = {"exception": fault.exception, "errorcode": fault.errorcode, "message": fault.message}
        return json.dumps(told, separators=(",", ":")).encode()
    inner = f"<ERRORCODE>{escape(fault.errorcode)}</ERRORCODE>\n<MESSAGE>{escape(_plain(fault.message))}</MESSAGE>\n"
    return _xml_document(f"<EXCEPTION class={quoteattr(fault.exception)}>\n{inner}</EXCEPTION>\n")


def _xml_document(text: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8" ?>\n{text}'.encode()


def _xml(value: object) -> str:
    if isinstance(value, Mapping):
        keys = "".join(f"<KEY name={quoteattr(_plain(str(name)))}>{_xml(each)}</KEY>\n" for name, each in value.items())
        return f"<SINGLE>\n{keys}</SINGLE>\n"
    if isinstance(value, list):
        return f"<MULTIPLE>\n{''.join(map(_xml, value))}</MULTIPLE>\n"
    if value is None:
        return '<VALUE null="null"/>'
    if isinstance(value, bool):
        return f"<VALUE>{int(value)}</VALUE>"
    return f"<VALUE>{escape(_plain(str(value)))}</VALUE>\n"


def _plain(text: str) -> str:
    return text.translate(_NO_XML)
