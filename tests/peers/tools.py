"""Other people's tools under control: each its own process, doing what a test orders and telling what came of it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.peers.environment import Process

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Came:
    """What came of an order. ``status`` and ``error`` are the platform's, as far as the tool's library tells them."""

    ok: bool
    value: Any = None
    status: int | None = None
    error: str = ""
    major: str = ""
    description: str = ""
    asked: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Launched:
    """A launch as the tool saw it: ``claims`` of LTI 1.3 or ``params`` of LTI 1.1; ``error`` where it believed nothing."""

    number: int
    error: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)


class Peer:
    """A running tool. Usable as a context manager."""

    folder: str

    def __init__(self, *arguments: str) -> None:
        """Start the process, installing its environment the first time, and wait until it answers."""
        self.process = Process(FOLDER / self.folder, *arguments, ready_within=180).start()
        self.url = self.process.url
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def is_well(self) -> bool:
        return self.http.get("/health").text == "ok"

    def journal(self) -> list[Launched]:
        """Launches, oldest first."""
        return [Launched(**entry) for entry in self.http.get("/admin/journal").raise_for_status().json()]

    def newest(self) -> Launched:
        return self.journal()[-1]

    def do(self, action: str, *, launch: int | None = None, **order: Any) -> Came:
        """As the newest launch it believed, unless ``launch`` names another."""
        named = {"launch": launch} if launch else {}
        return Came(**self.http.post("/admin/do", json={"action": action, **named, **order}).raise_for_status().json())

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

    def _register(self, order: Mapping[str, str]) -> None:
        self.http.post("/admin/register", json=dict(order)).raise_for_status()


class Peer13(Peer):
    """A tool of LTI 1.3. ``launch_url`` takes launches and choices of content, ``login_url`` the login initiation."""

    launch_path = "/launch"
    keys_path = "/jwks"

    @property
    def launch_url(self) -> str:
        return self.url + self.launch_path

    @property
    def login_url(self) -> str:
        return f"{self.url}/login"

    @property
    def jwks_url(self) -> str:
        return self.url + self.keys_path

    def know(
        self, *, issuer: str, client_id: str, deployment_id: str, auth_url: str, token_url: str, jwks_url: str
    ) -> None:
        """Enter a platform, as the tool's admin would."""
        self._register(
            {
                "issuer": issuer, "client_id": client_id, "deployment_id": deployment_id,
                "auth_url": auth_url, "token_url": token_url, "jwks_url": jwks_url,
            }
        )  # fmt: skip

    def score(self, given: float, *, maximum: float = 100, **more: Any) -> Came:
        """More: user, line_item, timestamp, comment, activity_progress, grading_progress, launch."""
        return self.do("score", given=given, maximum=maximum, **more)

    def members(self, **more: Any) -> Came:
        return self.do("members", **more)

    def results(self, **more: Any) -> Came:
        return self.do("results", **more)

    def columns(self, **more: Any) -> Came:
        return self.do("columns", **more)

    def choice(self, *items: Mapping[str, Any], **more: Any) -> Came:
        """The signed answer: ``value`` has the url, the JWT and a form that sends itself. Items: url, title, custom,
        maximum, tag.
        """
        return self.do("choice", items=[dict(item) for item in items], **more)


class Tool13(Peer13):
    """PyLTI1p3 and Flask."""

    folder = "tool13"


class Ltijs(Peer13):
    """ltijs on PostgreSQL. A platform that gives it the address ``registration_url`` is entered by itself."""

    folder = "ltijs"
    launch_path = ""
    keys_path = "/keys"

    def __init__(self) -> None:
        """With a database of its own in the tests' PostgreSQL."""
        super().__init__("--postgres", os.environ["LYCEUM_TEST_POSTGRES"])

    @property
    def registration_url(self) -> str:
        return f"{self.url}/register"


class Peer11(Peer):
    """A tool of LTI 1.1."""

    @property
    def launch_url(self) -> str:
        return f"{self.url}/launch"

    def know(self, key: str, secret: str) -> None:
        self._register({"key": key, "secret": secret})

    def replace(self, score: float, **more: Any) -> Came:
        """More: sourcedid, service_url, secret, launch."""
        return self.do("replace", score=score, **more)

    def read(self, **more: Any) -> Came:
        """``value`` is the score, empty where there is none."""
        return self.do("read", **more)

    def delete(self, **more: Any) -> Came:
        return self.do("delete", **more)


class Tool11(Peer11):
    """The package `lti` and Flask."""

    folder = "tool11"


class ImsLti(Peer11):
    """ims-lti on Node.js."""

    folder = "imslti"
