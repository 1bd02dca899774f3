"""Every request through one door: written to the journal, and answered wrongly when a test has ordered so."""

import hashlib
import itertools
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from school import Refused, build

Answer = Callable[[HttpRequest], HttpResponse]

PLACES = [
    ("scores", re.compile(r"^/ags/[^/]+/lineitems/[^/]+/scores$")),
    ("results", re.compile(r"^/ags/[^/]+/lineitems/[^/]+/results$")),
    ("lineitem", re.compile(r"^/ags/[^/]+/lineitems/[^/]+$")),
    ("lineitems", re.compile(r"^/ags/[^/]+/lineitems$")),
    ("token", re.compile(r"^/lti/token$")),
    ("jwks", re.compile(r"^/lti/jwks$")),
    ("auth", re.compile(r"^/lti/auth$")),
    ("launch", re.compile(r"^/launch/")),
    ("course", re.compile(r"^/courses/")),
]
REDACTED = {"authorization", "cookie"}
BODY_LIMIT = 100_000
"""Characters of a body kept in the journal."""


@dataclass
class Fault:
    """One ordered answer. Without ``status`` the request is served normally and only what is given here is changed.

    ``after`` serves the request first and then hides that: the work is done, the answer lost.
    ``delay`` is in seconds, before anything else.
    """

    status: int | None = None
    body: Any = None
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    after: bool = False


class Wire:
    """The journal of requests received, and the queues of answers ordered, per place."""

    def __init__(self) -> None:
        """Begin with nothing seen and nothing ordered."""
        self._lock = threading.Lock()
        self._journal: deque[dict[str, Any]] = deque(maxlen=20_000)
        self._faults: dict[str, deque[Fault]] = {}
        self._numbers = itertools.count(1)

    def clear(self, *, journal: bool = False, faults: bool = False) -> None:
        """Forget what was seen, what was ordered, or both."""
        with self._lock:
            if journal:
                self._journal.clear()
            if faults:
                self._faults.clear()

    def order(self, place: str, answers: list[dict[str, Any]]) -> None:
        """Queue answers for a place; each serves one request, then normal service resumes. Raise Refused."""
        if place not in {name for name, _ in PLACES}:
            raise Refused(f"no place {place!r}; there are {', '.join(name for name, _ in PLACES)}")
        faults = [build(Fault, answer) for answer in answers]
        with self._lock:
            self._faults.setdefault(place, deque()).extend(faults)

    def next_fault(self, place: str) -> Fault | None:
        """Take the next ordered answer for that place, if any."""
        with self._lock:
            queue = self._faults.get(place)
            return queue.popleft() if queue else None

    def pending(self) -> dict[str, int]:
        """How many ordered answers each place has left."""
        with self._lock:
            return {place: len(queue) for place, queue in self._faults.items() if queue}

    def record(self, request: HttpRequest, place: str, response: HttpResponse, started: float) -> None:
        """Write one request down; credentials only as a fingerprint, so that two can be told apart."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        for name in REDACTED & set(headers):
            headers[name] = f"sha256:{hashlib.sha256(headers[name].encode()).hexdigest()[:16]}"
        entry = {
            "number": next(self._numbers),
            "received": datetime.fromtimestamp(started, UTC).isoformat(timespec="milliseconds"),
            "seconds": round(time.time() - started, 4),
            "place": place,
            "method": request.method,
            "path": request.path,
            "query": request.META.get("QUERY_STRING", ""),
            "status": response.status_code,
            "headers": headers,
            "body": request.body.decode("utf-8", "replace")[:BODY_LIMIT],
        }
        with self._lock:
            self._journal.append(entry)

    def journal(self, since: int = 0, place: str = "") -> list[dict[str, Any]]:
        """Requests numbered above ``since``, oldest first, of one place if named."""
        with self._lock:
            entries = list(self._journal)
        return [entry for entry in entries if entry["number"] > since and place in {"", entry["place"]}]


WIRE = Wire()


def observed(get_response: Answer) -> Answer:
    """Django middleware around everything but the control API."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/admin/"):
            return get_response(request)
        started = time.time()
        place = next((name for name, shape in PLACES if shape.match(request.path)), "")
        _ = request.body
        fault = WIRE.next_fault(place)
        response = _faulty(fault, request, get_response) if fault else get_response(request)
        WIRE.record(request, place, response, started)
        return response

    return answer


def _faulty(fault: Fault, request: HttpRequest, get_response: Answer) -> HttpResponse:
    time.sleep(fault.delay)
    response = get_response(request) if fault.status is None or fault.after else HttpResponse()
    if fault.status is not None:
        response = HttpResponse(status=fault.status, content_type="text/plain; charset=utf-8")
    if fault.body is not None:
        response.content = fault.body if isinstance(fault.body, str) else json.dumps(fault.body)
        if not isinstance(fault.body, str):
            response.headers["Content-Type"] = "application/json"
    if fault.content_type:
        response.headers["Content-Type"] = fault.content_type
    for name, value in fault.headers.items():
        response.headers[name] = value
    return response
