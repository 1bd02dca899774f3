"""What practice Zoom knows, all of it in memory: credentials with their instances, launches, meetings, calls, faults."""

import secrets
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
LIS = "http://purl.imsglobal.org/vocab/lis/v2/membership#"

#: What can be ordered at ``POST /practice/faults``, and with which value.
FAULTS: Mapping[str, tuple[type, ...]] = {
    "slow": (int, float),
    "error": (bool,),
    "login_status": (int,),
    "login_page": (str,),
    "wrong_redirect": (bool,),
    "wrong_client_id": (bool,),
    "other_site": (str,),
    "key_set": (str,),
    "stale_keys": (bool,),
    "clock": (int,),
    "repeated_calls": (int,),
    "lost_answer": (bool,),
    "no_calendar": (bool,),
    "series": (str,),
    "change": (str,),
}


@dataclass
class Instance:
    """A server under LTI Moodle, as its admin typed it in Add Instance."""

    url: str
    client_id: str
    token: str

    @property
    def token_hint(self) -> str:
        return f"…{self.token[-4:]}"


@dataclass
class Credential:
    """An LTI 1.3 credential of LTI Pro."""

    key: str
    name: str
    with_calendar: bool = False
    students_host: bool = False
    instances: list[Instance] = field(default_factory=list)

    def instance(self, url: str, client_id: str | None = None) -> Instance | None:
        """Of this site; ``client_id`` None: whatever it is."""
        return next((each for each in self.instances if each.url == url and client_id in (None, each.client_id)), None)


@dataclass(frozen=True)
class Asked:
    """An authentication request that is not answered yet; ``base`` is where the browser reaches us."""

    credential: Credential
    instance: Instance
    nonce: str
    base: str


@dataclass
class Visit:
    """Somebody in our pages, by a launch. Frames have no cookies of ours, so its token is in the address."""

    token: str
    credential: Credential
    instance: Instance
    claims: dict[str, Any]
    base: str

    @property
    def is_instructor(self) -> bool:
        """With several roles the instructor's view wins."""
        return LIS + "Instructor" in self.claims[CLAIM + "roles"]

    @property
    def may_schedule(self) -> bool:
        return self.is_instructor or self.credential.students_host

    @property
    def context_id(self) -> str:
        return str(self.claims[CLAIM + "context"]["id"])

    @property
    def title(self) -> str:
        return str(self.claims[CLAIM + "context"].get("title", ""))

    @property
    def name(self) -> str:
        return str(self.claims.get("name") or self.claims["email"])

    @property
    def place(self) -> tuple[str, str, str]:
        """What Zoom finds its meetings by: LTI Key, domain and context."""
        return self.credential.key, self.instance.url, self.context_id


@dataclass
class Meeting:
    """``weeks`` dates, a week apart at the same time of day; one for no series. ``event_ids`` are the site's."""

    number: str
    place: tuple[str, str, str]
    topic: str
    local: datetime
    zone: str
    minutes: int
    weeks: int
    host: str
    base: str
    passcode: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    event_ids: list[int] = field(default_factory=list)

    @property
    def grouped(self) -> str:
        return f"{self.number[:3]} {self.number[3:7]} {self.number[7:]}"

    @property
    def join_url(self) -> str:
        return f"{self.base}/j/{self.number}?pwd={self.passcode}"

    @property
    def starts(self) -> list[datetime]:
        zone = ZoneInfo(self.zone)
        return [(self.local + timedelta(weeks=week)).replace(tzinfo=zone) for week in range(self.weeks)]


@dataclass
class Call:
    """One call of Moodle's web service. ``params`` without the token; ``answer`` is the body, cut."""

    at: str
    site: str
    function: str
    params: dict[str, str]
    status: int | None = None
    answer: str = ""
    error: str = ""


class Keys:
    """The keys we sign with. ``published`` says which the key set lists."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.rotate()

    def rotate(self) -> None:
        self.kid = f"practice-{next(self._numbers)}"
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def published(self, *, stale: bool) -> dict[str, Any]:
        """``stale``: of an earlier key, under the same name."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048) if stale else self.private
        public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": self.kid, "alg": "RS256", "use": "sig"}]}


class Practice:
    """``lock`` is held while anything below is changed."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.keys = Keys()
        self.credentials: dict[str, Credential] = {}
        self.asked: dict[str, Asked] = {}
        self.visits: dict[str, Visit] = {}
        self.meetings: dict[str, Meeting] = {}
        self.refusals: deque[str] = deque(maxlen=100)
        self.calls: deque[Call] = deque(maxlen=500)
        self.faults: dict[str, Any] = {}
        self.logins = 0

    def credential(self, name: str, key: str = "") -> Credential:
        """A new one, or the one that has this key."""
        with self.lock:
            made = Credential(key or secrets.token_urlsafe(16), name)
            return self.credentials.setdefault(made.key, made)

    def add_instance(self, credential: Credential, url: str, client_id: str, token: str) -> Instance:
        """Of a site that is known already the values are replaced."""
        with self.lock:
            made = Instance(url, client_id, token)
            credential.instances = [each for each in credential.instances if each.url != url] + [made]
            return made

    def ask(self, asked: Asked) -> str:
        """Returns the state."""
        with self.lock:
            state = secrets.token_urlsafe(16)
            self.asked[state] = asked
            while len(self.asked) > 1000:
                self.asked.pop(next(iter(self.asked)))
            return state

    def enter(self, asked: Asked, claims: dict[str, Any]) -> Visit:
        with self.lock:
            made = Visit(secrets.token_urlsafe(16), asked.credential, asked.instance, claims, asked.base)
            self.visits[made.token] = made
            return made

    def meetings_of(self, place: tuple[str, str, str]) -> Iterator[Meeting]:
        with self.lock:
            found = [each for each in self.meetings.values() if each.place == place]
        return iter(sorted(found, key=lambda each: each.starts[0]))

    def new_number(self) -> str:
        """Eleven digits that no meeting has."""
        while (number := str(80_000_000_000 + secrets.randbelow(9_000_000_000))) in self.meetings:
            pass
        return number

    def order_faults(self, wanted: Mapping[str, Any]) -> str:
        """They replace the ones before; none heals. Returns what is wrong with the order."""
        for name, value in wanted.items():
            if name not in FAULTS:
                return f"no such fault: {name}"
            if not isinstance(value, FAULTS[name]) or (isinstance(value, bool) and bool not in FAULTS[name]):
                return f"{name} takes {' or '.join(each.__name__ for each in FAULTS[name])}"
        with self.lock:
            self.faults = dict(wanted)
        return ""

    def told(self) -> dict[str, Any]:
        """Everything a test asks for; of tokens only the end."""
        with self.lock:
            return {
                "credentials": [
                    {
                        "key": each.key,
                        "name": each.name,
                        "calendar": each.with_calendar,
                        "instances": [
                            {"url": one.url, "client_id": one.client_id, "token": one.token_hint}
                            for one in each.instances
                        ],
                    }
                    for each in self.credentials.values()
                ],
                "visits": [{"token": each.token, "claims": each.claims} for each in self.visits.values()],
                "refusals": list(self.refusals),
                "meetings": [
                    {"number": each.number, "topic": each.topic, "event_ids": each.event_ids, "join_url": each.join_url}
                    for each in self.meetings.values()
                ],
                "calls": [asdict(each) for each in self.calls],
                "faults": self.faults,
            }
