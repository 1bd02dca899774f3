"""The control API of the peer LMS, typed, for tests; and just enough of a browser to follow a launch without one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urljoin

import httpx

from tests.peers.environment import Process

FOLDER = Path(__file__).resolve().parent
Place = Literal["scores", "results", "lineitem", "lineitems", "token", "jwks", "auth", "launch", "course"]
SignWith = Literal["active", "other", "none", "hs256-public"]


@dataclass(frozen=True)
class Resource:
    """One placement of a tool to make while registering. ``line_item`` None: a column where the tool is told of one."""

    title: str
    url: str
    course_id: str = "1"
    description: str = ""
    custom: Mapping[str, str] = field(default_factory=dict)
    maximum: float = 100
    line_item: bool | None = None

    def order(self) -> dict[str, Any]:
        """As the control API takes it."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Link:
    """A resource link as the LMS made it."""

    id: str
    course_id: str
    client_id: str
    deployment_id: str
    title: str
    url: str
    description: str
    custom: dict[str, str]
    line_item_id: int | None
    line_item_url: str | None


@dataclass(frozen=True)
class Registered:
    """What a tool must know of this platform after it was registered here."""

    issuer: str
    client_id: str
    deployment_ids: list[str]
    auth_url: str
    token_url: str
    jwks_url: str
    lineitems_url: str
    links: list[Link]


@dataclass(frozen=True)
class Score:
    """The last score accepted for one person in one column; ``accepted`` counts the posts that were."""

    person: str
    user_id: str
    given: float | None
    maximum: float | None
    activity_progress: str
    grading_progress: str
    timestamp: str
    moment: str
    comment: str
    accepted: int
    received: str
    sent: dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A line item with its scores, by person."""

    number: int
    client_id: str
    line_item: dict[str, Any]
    scores: dict[str, Score]


@dataclass(frozen=True)
class Seen:
    """One request as the journal has it; ``headers`` in lower case, credentials as fingerprints."""

    number: int
    received: str
    seconds: float
    place: str
    method: str
    path: str
    query: str
    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Form:
    """A form that would submit itself in a browser."""

    action: str
    fields: dict[str, str]

    @classmethod
    def of(cls, page: httpx.Response) -> Self:
        """Read the first form of a page; raise ValueError where there is none."""
        reader = _FormReader()
        reader.feed(page.text)
        if reader.action is None:
            message = f"no form in the answer {page.status_code} of {page.url}: {page.text[:500]}"
            raise ValueError(message)
        return cls(urljoin(str(page.url), reader.action), reader.fields)


class LMS:
    """A running peer LMS under control: most methods are one call of its control API.

    What the LMS refuses raises httpx.HTTPStatusError with its words.
    """

    def __init__(self, url: str, front: str = "") -> None:
        """Talk to the LMS at ``url``, such as ``http://127.0.0.1:43123``; browsers may reach it at ``front``."""
        self.url = url
        self.front = front or url
        self.http = httpx.Client(base_url=url, timeout=180, trust_env=False)

    def reset(self) -> None:
        """Back to the start: two courses, six people, no tool, empty journal, no faults, right clock."""
        self._post("reset")

    def register(self, *, login_url: str, resources: Iterable[Resource] = (), **more: Any) -> Registered:
        """Register a tool; the resources are placed in courses at once.

        ``more``: name, redirect_uris, jwks_url or public_key (PEM), client_id, deployment_ids, initiation (GET, POST),
        ags (both, lineitem, lineitems, none), scopes, storage, claims, quirks.
        """
        more = {"name": "Tool", "redirect_uris": [], **more}
        order = {"login_url": login_url, "resources": [resource.order() for resource in resources], **more}
        return _registered(self._post("registrations", order))

    def change(self, client_id: str, **members: Any) -> Registered:
        """Change a registration; ``quirks`` are merged one by one."""
        return _registered(self._post("registrations/change", {"client_id": client_id, **members}))

    def place(self, client_id: str, resource: Resource, *, deployment_id: str | None = None) -> Link:
        """Put a tool into a course once more."""
        order = {"client_id": client_id, **resource.order()}
        return Link(**self._post("links", order | ({"deployment_id": deployment_id} if deployment_id else {})))

    def subject(self, person: str) -> str:
        """The ``sub`` (and AGS userId) of somebody, by the key used in URLs."""
        return next(str(one["sub"]) for one in self._get("people") if one["key"] == person)

    def add_person(self, key: str, name: str, *, role: str = "student", courses: Sequence[str] = ("1",)) -> str:
        """Make an account; return its ``sub``."""
        made = self._post("people/add", {"key": key, "name": name, "role": role, "courses": list(courses)})
        return str(made["sub"])

    def enrol(self, person: str, *, course: str = "1", enrolled: bool = True) -> None:
        """Let somebody into a course, or take them out."""
        self._post("enrolments", {"person": person, "course": course, "enrolled": enrolled})

    def fail(self, at: Place, *answers: Mapping[str, Any], times: int = 1) -> None:
        """Order answers for the next requests at a place: status, body, content_type, headers, delay (s), after.

        ``fail("scores", {"status": 503}, times=2)``: 503 twice, then normal service.
        """
        self._post("faults", {"at": at, "answers": [dict(answer) for answer in answers] * times})

    def clear_faults(self) -> None:
        """Forget answers still waiting."""
        self._post("faults", {"clear": True})

    def pending_faults(self) -> dict[str, int]:
        """How many ordered answers each place has left."""
        return dict(self._post("faults"))

    def rotate_keys(self, *, keep_previous: bool = True) -> str:
        """Sign with a new key; return its kid. The old key stays published unless told otherwise."""
        return str(self._post("keys/rotate", {"keep_previous": keep_previous})["kid"])

    def set_clock(self, offset: int) -> None:
        """Make the LMS's clock wrong by so many seconds."""
        self._post("clock", {"offset": offset})

    def mint(
        self,
        link: str,
        person: str,
        *,
        nonce: str = "nonce",
        state: str = "state",
        overrides: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        sign_with: SignWith = "active",
    ) -> dict[str, str]:
        """``id_token`` and ``state`` of a launch nobody clicked; an override of None removes that claim or header."""
        order = {"link": link, "person": person, "nonce": nonce, "state": state, "sign_with": sign_with}
        return dict(self._post("mint", {**order, "overrides": dict(overrides or {}), "headers": dict(headers or {})}))

    def journal(self, place: Place | None = None, *, since: int = 0) -> list[Seen]:
        """Requests received, oldest first, numbered above ``since``."""
        return [Seen(**entry) for entry in self._get(f"journal?since={since}&place={place or ''}")]

    def gradebook(self, course: str = "1") -> list[Column]:
        """The grade columns of a course."""
        return [_column(entry) for entry in self._get(f"gradebook?course={course}")]

    def score(self, person: str, *, title: str, course: str = "1") -> Score | None:
        """The score of somebody in the column with that label; None when there is none."""
        columns = [column for column in self.gradebook(course) if column.line_item["label"] == title]
        return columns[0].scores.get(person) if columns else None

    def course_url(self, person: str, *, course: str = "1", frame: bool = False) -> str:
        """The course page for a browser; with ``frame`` its links open the tool inside a frame."""
        return f"{self.front}/courses/{course}?as={person}{'&in=frame' if frame else ''}"

    def launch(
        self, link: str, person: str, tool: httpx.Client, *, via: str = "GET", target: str = "window"
    ) -> httpx.Response:
        """Follow a launch as a browser does, ``tool`` keeping the tool's cookies; return the answer to the id_token.

        No redirect of the tool's after that is followed.
        """
        start = self.http.get(f"/launch/{link}?as={person}&in={target}&via={via}")
        if start.has_redirect_location:
            answer = tool.get(start.headers["Location"], follow_redirects=False)
        else:
            login = Form.of(start)
            answer = tool.post(login.action, data=login.fields, follow_redirects=False)
        posted = self.authorize(answer)
        return tool.post(posted.action, data=posted.fields, follow_redirects=False)

    def authorize(self, answer: httpx.Response) -> Form:
        """Bring the tool's authentication request (a redirect or a form) here; return the form post that answers it."""
        if answer.has_redirect_location:
            return Form.of(self.http.get(urljoin(str(answer.url), answer.headers["Location"])))
        request = Form.of(answer)
        return Form.of(self.http.post(request.action, data=request.fields))

    def _post(self, path: str, order: Mapping[str, Any] | None = None) -> Any:
        answer = self.http.post(f"/admin/{path}", json=order or {})
        if answer.is_client_error:
            raise httpx.HTTPStatusError(answer.text, request=answer.request, response=answer)
        return answer.raise_for_status().json()

    def _get(self, path: str) -> Any:
        return self.http.get(f"/admin/{path}").raise_for_status().json()


class RunningLMS(LMS):
    """Start an LMS process of one's own and end it: ``with RunningLMS() as lms: …``."""

    def __init__(self, front: str = "") -> None:
        """Start the process (installing its environment the first time) and wait until it answers."""
        self.process = Process(FOLDER, *(("--front", front) if front else ())).start()
        super().__init__(self.process.url, front)

    def close(self) -> None:
        """End the process."""
        self.http.close()
        self.process.terminate()

    def __enter__(self) -> Self:
        """Already running."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._done = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = given.get("action") or ""
        if tag == "input" and self.action is not None and not self._done and (name := given.get("name")):
            self.fields[name] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        self._done = self._done or (tag == "form" and self.action is not None)


def _registered(answer: dict[str, Any]) -> Registered:
    return Registered(**{**answer, "links": [Link(**link) for link in answer["links"]]})


def _column(entry: dict[str, Any]) -> Column:
    scores = {one["person"]: Score(**one) for one in entry.pop("scores")}
    number, client_id = entry.pop("number"), entry.pop("client_id")
    return Column(number, client_id, entry, scores)
