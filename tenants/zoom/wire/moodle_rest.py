"""Moodle's web service as it is called: flattened PHP arrays in query and form, and what the functions take.

Tolerant in how a name is written (gaps, ``[]``, brackets encoded once more), strict in what a value is.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import unquote

from tenants.lti.wire.text import clean, shown

MAX_PAIRS = 5000
MAX_DEPTH = 4
"""Names inside each other: ``events[0][name]`` is three."""
MAX_EVENTS = 200
MAX_TEXT = 10_000
"""Characters of a description that are looked at."""

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
_INTEGER = re.compile(r"-?\d{1,15}", re.ASCII)
_INDEX = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)


class InvalidParameter(ValueError):
    """What Moodle answers with ``invalidparameter``; the message names the parameter and quotes no secret."""


class Format(StrEnum):
    """``moodlewsrestformat``; without it Moodle answers in XML."""

    JSON = "json"
    XML = "xml"


class Function(StrEnum):
    CREATE = "core_calendar_create_calendar_events"
    DELETE = "core_calendar_delete_calendar_events"
    GET = "core_calendar_get_calendar_events"
    SITE_INFO = "core_webservice_get_site_info"


class Branch(dict[str, Any]):
    """An array of PHP: text and branches by key, in the order they came."""

    def __init__(self) -> None:
        super().__init__()
        self._following = 0

    def place(self, key: str) -> str:
        """``key``, or the next free number for ``[]``."""
        key = key.strip() or str(self._following)
        if _INDEX.fullmatch(key):
            self._following = max(self._following, int(key) + 1)
        return key


def unflatten(pairs: Iterable[tuple[str, str]]) -> Branch:
    """As PHP does: what comes later counts. Names that are none are passed over. `InvalidParameter` beyond a limit."""
    root = Branch()
    for number, (name, value) in enumerate(pairs):
        if number >= MAX_PAIRS:
            raise InvalidParameter("too many parameters")
        _insert(root, _path(name), value)
    return root


def _path(name: str) -> list[str]:
    """Empty for what is no name."""
    if "%" in name:
        name = unquote(name)
    found = _NAME.match(name.strip())
    if found is None:
        return []
    path = [found[1], *_PART.findall(found[2])]
    if len(path) > MAX_DEPTH:
        raise InvalidParameter(f"{shown(found[1], 40)}: more than {MAX_DEPTH} names inside each other")
    return path


def _insert(root: Branch, path: list[str], value: str) -> None:
    if not path:
        return
    branch = root
    for part in path[:-1]:
        key = branch.place(part)
        inner = branch.get(key)
        if not isinstance(inner, Branch):
            inner = branch[key] = Branch()
        branch = inner
    branch[branch.place(path[-1])] = value


@dataclass(frozen=True, slots=True)
class RestCall:
    """One call as it came. ``function`` is what was asked for, known here or not; empty: nothing was."""

    token: str = field(repr=False)
    function: str
    format: Format
    parameters: Mapping[str, Any] = field(repr=False)
    #: Why the parameters cannot be read; then there are none.
    fault: str = ""

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]], bearer: str = "") -> Self:
        """Never raises: whoever calls is told what is wrong in the format they asked for."""
        pairs = list(pairs)
        said = {name: value for name, value in pairs if "[" not in name}
        fault = ""
        try:
            parameters = unflatten(pairs)
        except InvalidParameter as error:
            parameters, fault = Branch(), str(error)
        wanted = said.get("moodlewsrestformat", "").strip().lower()
        function = said.get("wsfunction", "").strip()
        if not function and "courseid" in _first(parameters.get("events")):
            function = Function.CREATE.value
        return cls(
            said.get("wstoken", "").strip() or bearer,
            function,
            Format.JSON if wanted == Format.JSON else Format.XML,
            MappingProxyType(parameters),
            fault,
        )


def _first(events: object) -> Mapping[str, Any]:
    first = next(iter(events.values()), None) if isinstance(events, Branch) else None
    return first if isinstance(first, Branch) else {}


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be made or changed. ``course`` is the context's id as we gave it; ``starts``: seconds, None for now.

    ``description`` is whatever was sent, and foreign. ``seconds``: how long.
    """

    course: str
    name: str
    description: str
    starts: int | None
    seconds: int
    repeats: int
    group: int
    format: int
    eventtype: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """``with_repeats``: every date of the same meeting."""

    number: int
    with_repeats: bool


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events are wanted: those with these numbers or of these courses, all of them where both are empty.

    ``since`` and ``until`` in seconds; ``until`` None: without end.
    """

    numbers: tuple[int, ...]
    courses: tuple[str, ...]
    since: int
    until: int | None


def read_new_events(parameters: Mapping[str, Any]) -> list[NewEvent]:
    return [_new_event(f"events[{key}]", event) for key, event in _events(parameters)]


def read_deletions(parameters: Mapping[str, Any]) -> list[Deletion]:
    return [
        Deletion(_integer(event, "eventid", where), _integer(event, "repeat", where, 0) != 0)
        for where, event in ((f"events[{key}]", event) for key, event in _events(parameters))
    ]


def read_query(parameters: Mapping[str, Any]) -> EventQuery:
    events, options = (_branch(parameters, name) for name in ("events", "options"))
    numbers = tuple(_integer(given, key, "events[eventids]") for given, key in _listed(events, "eventids"))
    courses = tuple(_text(given, key, "events[courseids]") for given, key in _listed(events, "courseids"))
    until = _integer(options, "timeend", "options", 0)
    return EventQuery(numbers, courses, _integer(options, "timestart", "options", 0), until if until > 0 else None)


def _events(parameters: Mapping[str, Any]) -> list[tuple[str, Branch]]:
    if "events" not in parameters:
        raise InvalidParameter("events: missing")
    events = _branch(parameters, "events")
    if len(events) > MAX_EVENTS:
        raise InvalidParameter(f"events: {len(events)}, at most {MAX_EVENTS}")
    return [(shown(key, 20), _branch(events, key)) for key in events]


def _new_event(where: str, event: Branch) -> NewEvent:
    if "name" not in event:
        raise InvalidParameter(f"{where}[name]: missing")
    said = event.get("timestart")
    return NewEvent(
        course=_text(event, "courseid", where) or "0",
        name=_text(event, "name", where),
        description=_text(event, "description", where)[:MAX_TEXT],
        starts=None if said in (None, "") else _integer(event, "timestart", where),
        seconds=_integer(event, "timeduration", where, 0),
        repeats=_integer(event, "repeats", where, 0),
        group=_integer(event, "groupid", where, 0),
        format=_integer(event, "format", where, 1),
        eventtype=clean(_text(event, "eventtype", where), 20) or "user",
    )


def _listed(events: Branch, name: str) -> list[tuple[Branch, str]]:
    listed = _branch(events, name)
    if len(listed) > MAX_EVENTS:
        raise InvalidParameter(f"events[{name}]: {len(listed)}, at most {MAX_EVENTS}")
    return [(listed, key) for key in listed]


def _branch(parent: Mapping[str, Any], key: str) -> Branch:
    """Empty where there is none."""
    found = parent.get(key)
    if found is None or found == "":
        return Branch()
    if not isinstance(found, Branch):
        raise InvalidParameter(f"{shown(key, 40)}: a single value where several belong")
    return found


def _text(parent: Mapping[str, Any], key: str, where: str) -> str:
    value = parent.get(key, "")
    if not isinstance(value, str):
        raise InvalidParameter(f"{where}[{shown(key, 40)}]: several values where one belongs")
    return value


def _integer(parent: Mapping[str, Any], key: str, where: str, default: int | None = None) -> int:
    """Without ``default`` it must be there. ``true`` and ``false`` count as one and zero."""
    said = _text(parent, key, where).strip()
    if not said and default is not None:
        return default
    said = {"true": "1", "false": "0"}.get(said.lower(), said)
    if not _INTEGER.fullmatch(said):
        raise InvalidParameter(f"{where}[{shown(key, 40)}]: {shown(said, 40) or 'missing'}")
    return int(said)
