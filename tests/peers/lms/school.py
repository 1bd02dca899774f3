"""What this LMS knows: courses, people, tools, links, grade columns. All of it in memory, reset between tests."""

import secrets
import threading
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCOPES = [AGS + "lineitem", AGS + "lineitem.readonly", AGS + "result.readonly", AGS + "score"]


class Unknown(LookupError):
    """Nothing here by that name: the HTTP answer is 404."""


class Refused(ValueError):
    """The request is wrong; the text says how: the HTTP answer is 400."""


@dataclass
class Person:
    """Somebody with an account here; ``sub`` is what tools see instead of ``key``."""

    key: str
    name: str
    role: str = "student"
    email: str = ""
    sub: str = ""

    def __post_init__(self) -> None:
        """Make the opaque subject, so that no test can confuse it with the name used in URLs."""
        self.sub = self.sub or f"u-{self.key.encode().hex()}"
        self.email = self.email or f"{self.key}@people.example"


@dataclass
class Course:
    """A course and who is in it, by key."""

    id: str
    title: str
    label: str
    members: set[str]


@dataclass
class Quirks:
    """How this LMS departs from the specification for one tool, after what real ones do."""

    moodle_links: bool = False
    """``Link`` header with typographic quotes around rel and HTML-escaped ampersands."""
    moodle_urls: bool = False
    """AGS addresses carry ``?type_id=1`` and do not answer without it."""
    refuse_json: bool = False
    """``Content-Type: application/json`` is 400; only the exact media type is taken."""
    token_status: int = 200
    """Status of a good token answer (some answer 201)."""
    expires_in_string: bool = False
    """``expires_in`` as a JSON string."""
    not_enrolled: str = ""
    """Whose answer to a score for somebody not in the course: ``blackboard``, ``d2l``, ``d2l-unknown`` or 404."""
    stale_status: int = 409
    """Status for a score that is not newer (Canvas and Open edX: 400)."""
    page_size: int = 0
    """Most items in one page of a container, whatever ``limit`` asks; 0 is no cap."""
    auth_error: str = ""
    """The authorization endpoint answers every launch with this error, such as ``login_required``."""
    storage_answers: str = "good"
    """LTI platform storage: ``good``, ``another`` (value than was put), ``nothing``, or an error's code for everything."""
    omit_client_id: bool = False
    """The login initiation names neither client_id nor deployment."""


@dataclass
class Registration:
    """One tool as registered here. Several may share this issuer."""

    client_id: str
    name: str
    login_url: str
    redirect_uris: list[str]
    jwks_url: str | None = None
    public_key: str | None = None
    deployment_ids: list[str] = field(default_factory=lambda: ["1"])
    initiation: str = "GET"
    ags: str = "both"
    scopes: list[str] = field(default_factory=lambda: list(SCOPES))
    storage: bool = False
    picker: str = ""
    """Where the tool lets teachers choose content; empty: nowhere."""
    claims: dict[str, Any] = field(default_factory=dict)
    quirks: Quirks = field(default_factory=Quirks)

    def __post_init__(self) -> None:
        """Refuse values outside the closed lists; raise Refused."""
        if self.ags not in {"both", "lineitem", "lineitems", "none"}:
            raise Refused(f"ags: {self.ags}")
        if self.initiation not in {"GET", "POST"}:
            raise Refused(f"initiation: {self.initiation}")


@dataclass
class Link:
    """A resource link: one placement of a tool in a course."""

    id: str
    course_id: str
    client_id: str
    deployment_id: str
    title: str
    url: str
    description: str = ""
    custom: dict[str, str] = field(default_factory=dict)
    line_item_id: int | None = None


@dataclass
class Score:
    """The last score accepted for one person in one column; numbers and times as the tool gave them."""

    user_id: str
    given: float | None
    maximum: float | None
    activity_progress: str
    grading_progress: str
    timestamp: str
    moment: datetime
    comment: str
    accepted: int
    received: str
    sent: dict[str, Any]


@dataclass
class LineItem:
    """A grade column; it belongs to the tool and course it was made for."""

    id: int
    course_id: str
    client_id: str
    label: str
    maximum: float
    resource_link_id: str = ""
    resource_id: str = ""
    tag: str = ""
    coupled: bool = False
    scores: dict[str, Score] = field(default_factory=dict)


def build(kind: type, given: dict[str, Any]) -> Any:
    """Make a dataclass from JSON, refusing a member it does not have; raise Refused."""
    if surplus := set(given) - {member.name for member in fields(kind)}:
        raise Refused(f"{kind.__name__} has no {', '.join(sorted(surplus))}")
    try:
        return kind(**given)
    except TypeError as error:
        raise Refused(str(error)) from error


class School:
    """The whole LMS. ``lock`` guards every check-then-change; nothing slow happens while it is held."""

    def __init__(self) -> None:
        """Begin empty; both addresses are set once the port is known: the browser's, and where tools find services."""
        self.lock = threading.RLock()
        self.issuer = ""
        self.services = ""
        self.reset()

    def reset(self) -> None:
        """Two courses, six people; no tool, no link, no grade. The signing keys stay as they are."""
        everybody = [
            Person("anna", "Anna Åkesson"),
            Person("bruno", "Bruno Łęcki"),
            Person("xiaoli", "李小丽"),
            Person("layla", "ليلى الحداد"),
            Person("oskar", "Oskar O’Brien-Šimić"),
            Person("tilda", "Tilda Þorvaldsdóttir", role="staff"),
        ]
        first = {person.key for person in everybody} - {"oskar"}
        with self.lock:
            self.people = {person.key: person for person in everybody}
            self.courses = {
                "1": Course("1", "Arbejdsmiljø & sikkerhed", "SAFE-1", first),
                "2": Course("2", "Химия «101»", "CHEM-101", {"anna", "oskar", "tilda"}),
            }
            self.registrations: dict[str, Registration] = {}
            self.links: dict[str, Link] = {}
            self.line_items: dict[int, LineItem] = {}
            self.seen_assertions: dict[str, float] = {}
            self.registration_tokens: set[str] = set()
            self.choosers: dict[str, Link] = {}
            self.clock_offset = 0
            self._last_id = 0

    def now(self) -> datetime:
        """The time this LMS believes it is: aware UTC, wrong by ``clock_offset`` seconds."""
        return datetime.now(UTC) + timedelta(seconds=self.clock_offset)

    def next_id(self) -> int:
        """Count up; shared by links and line items."""
        with self.lock:
            self._last_id += 1
            return self._last_id

    def person(self, key: str) -> Person:
        """By the name used in URLs here; raise Unknown."""
        return self._found(self.people, key, "person")

    def course(self, course_id: str) -> Course:
        """By id; raise Unknown."""
        return self._found(self.courses, course_id, "course")

    def registration(self, client_id: str) -> Registration:
        """By client id; raise Unknown."""
        return self._found(self.registrations, client_id, "client_id")

    def link(self, link_id: str) -> Link:
        """By resource link id; raise Unknown."""
        return self._found(self.links, link_id, "link")

    def learner(self, course_id: str, sub: str) -> Person | None:
        """Who in this course is graded under that subject; None for strangers and teachers."""
        members = (self.people[key] for key in self.course(course_id).members)
        return next((person for person in members if person.sub == sub and person.role == "student"), None)

    def register(self, given: dict[str, Any]) -> Registration:
        """Enter a tool; a client id is made unless one is given."""
        quirks = build(Quirks, given.pop("quirks", {}))
        client_id = given.pop("client_id", None) or f"client-{secrets.token_hex(8)}"
        registration: Registration = build(Registration, {**given, "client_id": client_id, "quirks": quirks})
        with self.lock:
            self.registrations[client_id] = registration
        return registration

    def change(self, client_id: str, given: dict[str, Any]) -> Registration:
        """Replace members of a registration; members of ``quirks`` are merged one by one."""
        with self.lock:
            old = self.registration(client_id)
            quirks = build(Quirks, {**vars(old.quirks), **given.pop("quirks", {})})
            changed: Registration = build(Registration, {**vars(old), **given, "quirks": quirks})
            self.registrations[client_id] = changed
        return changed

    def place(self, given: dict[str, Any]) -> Link:
        """Put a tool into a course. A column of its own comes with it where the tool is told of one (``line_item``)."""
        registration = self.registration(given.get("client_id", ""))
        wants_column = given.pop("line_item", registration.ags in {"both", "lineitem"})
        maximum = given.pop("maximum", 100)
        course = self.course(given.get("course_id", "1"))
        with self.lock:
            defaults = {"deployment_id": registration.deployment_ids[0], "title": "Untitled", "course_id": course.id}
            link: Link = build(Link, {**defaults, **given, "id": f"link-{self.next_id()}"})
            self.links[link.id] = link
            if wants_column:
                column = LineItem(self.next_id(), course.id, link.client_id, link.title, maximum, link.id, coupled=True)
                self.line_items[column.id] = column
                link.line_item_id = column.id
        return link

    def columns(self, course_id: str, client_id: str | None = None) -> list[LineItem]:
        """The grade columns of a course, oldest first; of one tool only when it is named."""
        with self.lock:
            found = [item for item in self.line_items.values() if item.course_id == course_id]
        return [item for item in found if client_id in {None, item.client_id}]

    @staticmethod
    def _found(shelf: dict[str, Any], key: str, what: str) -> Any:
        try:
            return shelf[key]
        except KeyError:
            raise Unknown(f"no {what} {key!r}") from None


SCHOOL = School()
