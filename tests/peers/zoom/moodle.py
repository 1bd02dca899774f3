"""The site behind an instance, taken for Moodle: its keys, its tokens, its rosters, and its web service as a client.

Addresses are derived from the site's, by Moodle's fixed paths.
"""

import json
import queue
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import urlencode, urljoin

import httpx
import jwt

from tests.peers.zoom.state import NRPS, Call, Credential, Instance, Meeting, Practice, Visit

AUTH, TOKEN, CERTS, REST = (
    "/mod/lti/auth.php",
    "/mod/lti/token.php",
    "/mod/lti/certs.php",
    "/webservice/rest/server.php",
)
ROSTER_SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
ROSTER = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CREATE, DELETE = "core_calendar_create_calendar_events", "core_calendar_delete_calendar_events"


class LocalNames(httpx.HTTPTransport):
    """Names below ``.localhost`` are this machine (RFC 6761 §6.3), whatever its resolver thinks."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.host.endswith(".localhost"):
            return super().handle_request(request)
        here = request.url.copy_with(host="127.0.0.1")
        sent = httpx.Request(request.method, here, headers=request.headers, stream=request.stream)
        sent.extensions = request.extensions
        return super().handle_request(sent)


def flattened(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """As PHP writes arrays into forms: ``events[0][name]``."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from flattened(each, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, each in enumerate(value):
            yield from flattened(each, f"{name}[{index}]")
    else:
        yield name, str(value)


def description(meeting: Meeting) -> str:
    """The paragraph with its one link that Zoom writes into calendars."""
    link = f'<a href="{escape(meeting.join_url)}" target="_blank">Join Zoom Meeting: {meeting.grouped}</a>'
    return f"<p>{escape(meeting.host)} is inviting you to a scheduled meeting. {link}</p>"


class Sites:
    """Calls to sites. Those to the calendar are made one after the other by a thread of their own."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.http = httpx.Client(transport=LocalNames(), timeout=60, trust_env=False)
        self._keys: dict[str, dict[str, Any]] = {}
        self._orders: queue.Queue[tuple[str, Instance, Meeting]] = queue.Queue()
        threading.Thread(target=self._work, daemon=True, name="calendar").start()

    # Launches

    def key_of(self, instance: Instance, kid: str) -> Any:
        """The site's public key of that name. Raises ValueError in words, or httpx's errors."""
        known = self._keys.get(instance.url, {})
        if kid not in known:
            answer = self.http.get(instance.url + CERTS).raise_for_status().json()
            known = self._keys[instance.url] = {each["kid"]: each for each in answer["keys"]}
        if kid not in known:
            raise ValueError(f"{instance.url + CERTS} has no key {kid!r}")
        return jwt.PyJWK(known[kid], algorithm="RS256").key

    def token(self, visit: Visit) -> str:
        """An access token for the roster."""
        now, url = int(time.time()), visit.instance.url + TOKEN
        claims = {
            "iss": visit.instance.client_id, "sub": visit.instance.client_id, "aud": url,
            "iat": now, "exp": now + 300, "jti": secrets.token_hex(16),
        }  # fmt: skip
        keys = self.practice.keys
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": BEARER,
            "client_assertion": jwt.encode(claims, keys.private, algorithm="RS256", headers={"kid": keys.kid}),
            "scope": ROSTER_SCOPE,
        }
        answer = self.http.post(url, data=form)
        if answer.status_code != 200:
            raise ValueError(f"{TOKEN} answered {answer.status_code}: {answer.text[:500]}")
        return str(answer.json()["access_token"])

    def roster(self, visit: Visit) -> list[dict[str, Any]]:
        """Everybody the site tells of; needs the claim. Raises ValueError in words."""
        url = visit.claims[NRPS]["context_memberships_url"]
        headers = {"Authorization": f"Bearer {self.token(visit)}", "Accept": ROSTER}
        found: list[dict[str, Any]] = []
        while url:
            answer = self.http.get(url, headers=headers)
            if answer.status_code != 200:
                raise ValueError(f"the roster answered {answer.status_code}: {answer.text[:500]}")
            found += answer.json()["members"]
            following = answer.links.get("next", {}).get("url")
            url = urljoin(url, following) if following else ""
        return found

    # Calendar

    def tell(self, what: str, credential: Credential, instance: Instance, meeting: Meeting) -> None:
        """``what``: created, changed, deleted. Returns at once."""
        if credential.with_calendar and not self.practice.faults.get("no_calendar"):
            self._orders.put((what, instance, meeting))

    @property
    def waiting(self) -> int:
        """Orders that are not done."""
        return self._orders.unfinished_tasks

    def _work(self) -> None:
        while True:
            what, instance, meeting = self._orders.get()
            try:
                self._say(what, instance, meeting)
            except Exception as error:  # noqa: BLE001 -- whatever a site answers, the next order is for this thread, too
                self._note(Call(_now(), instance.url, what, {}, error=f"{type(error).__name__}: {error}"))
            finally:
                self._orders.task_done()

    def _note(self, call: Call) -> None:
        with self.practice.lock:
            self.practice.calls.append(call)

    def _say(self, what: str, instance: Instance, meeting: Meeting) -> None:
        replaces = what == "changed" and self.practice.faults.get("change") == "replace"
        if (what == "deleted" or replaces) and meeting.event_ids:
            events = [{"eventid": each, "repeat": 0} for each in meeting.event_ids]
            self._call(instance, DELETE, {"events": events})
            meeting.event_ids = []
        if what != "deleted":
            answer = self._call(instance, CREATE, {"events": self._events(meeting)})
            if isinstance(answer, dict) and answer.get("events"):
                meeting.event_ids = [each["id"] for each in answer["events"]]

    def _events(self, meeting: Meeting) -> list[dict[str, Any]]:
        """One for each date, or with the fault ``series: repeats`` one that says how often."""
        repeats = self.practice.faults.get("series") == "repeats" and meeting.weeks > 1
        starts = meeting.starts[:1] if repeats else meeting.starts
        return [
            {
                "name": meeting.topic,
                "description": description(meeting),
                "format": 1,
                "courseid": meeting.place[2],
                "groupid": 0,
                "repeats": meeting.weeks if repeats else 0,
                "eventtype": "course",
                "timestart": int(start.timestamp()),
                "timeduration": meeting.minutes * 60,
                "visible": 1,
                "sequence": 1,
            }
            for start in starts
        ]

    def _call(self, instance: Instance, function: str, params: Mapping[str, Any]) -> Any:
        """The answer, or None where none came; repeated as often as the fault says."""
        form = dict(flattened(params))
        sent = {"wstoken": instance.token, "wsfunction": function, "moodlewsrestformat": "json", **form}
        answer = None
        for _ in range(1 + int(self.practice.faults.get("repeated_calls", 0))):
            call = Call(_now(), instance.url, function, form)
            self._note(call)
            try:
                came = self.http.post(instance.url + REST, content=urlencode(sent), headers={
                    "Content-Type": "application/x-www-form-urlencoded", "User-Agent": "practice-zoom",
                })  # fmt: skip
                with self.practice.lock:
                    call.status, call.answer = came.status_code, came.text[:4000]
                answer = None if self.practice.faults.get("lost_answer") else json.loads(came.text or "null")
            except (httpx.HTTPError, ValueError) as error:
                call.error = f"{type(error).__name__}: {error}"
        return answer


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
