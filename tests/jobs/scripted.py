"""A platform's services as a script: any answer at any address, to show ours what a well-behaved peer never would."""

import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID

from saas import clock
from tenants.accounts.services import People
from tenants.learning.services import ProgressMade
from tenants.lti.tool.models import Participant, Platform, ResourceLink
from tenants.lti.wire import ags
from tests.house import Kit
from tests.jobs.school import Academy


@dataclass(frozen=True)
class Reply:
    """``delay``: seconds before anything is sent. ``cut``: the connection is closed with half an answer out."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: bool = False

    @classmethod
    def of(cls, document: object, status: int = 200, **headers: str) -> Self:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(document).encode(), {"content-type": "application/json", **named})


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class ScriptedPlatform:
    """Answers each path with the replies ordered for it, the last one again and again; unordered paths are 404."""

    def __init__(self) -> None:
        self.replies: dict[str, deque[Reply]] = defaultdict(deque)
        self.requests: list[Request] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.on("/token", Reply.of({"access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600}))

    def on(self, path: str, *replies: Reply) -> None:
        self.replies[path] = deque(replies)

    def seen(self, path: str) -> list[Request]:
        return [request for request in self.requests if urlsplit(request.target).path == path]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: Request) -> Reply:
        self.requests.append(request)
        waiting = self.replies[urlsplit(request.target).path]
        if not waiting:
            return Reply(404)
        return waiting.popleft() if len(waiting) > 1 else waiting[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = script._answer(Request(self.command, self.path, headers, body))
                time.sleep(reply.delay)
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(reply.body) + reply.cut))
                    self.end_headers()
                    self.wfile.write(reply.body)
                except OSError:  # whoever asked has lost patience
                    reply = Reply(cut=True)
                self.close_connection = reply.cut

            do_GET = do_POST = _serve  # noqa: N815 -- the names http.server calls

            def log_message(self, *_arguments: Any) -> None:
                """Requests are kept in ``requests``."""

        return Handler

    def route(
        self, kit: Kit, *, line_item: str = "/item", line_items: str = "", **more: Any
    ) -> tuple[UUID, UUID, UUID]:
        """Somebody whose scores go to this platform: ``(person, activity, link)``, as a launch would have made it."""
        activity = kit.activity()
        with kit.session() as session:
            person = People(session).create(f"{activity.id}@people.example", "Anna", "Test")
            platform = Platform(
                name="Scripted", issuer=f"{self.url}/{activity.id}", client_id="tool", auth_url=self.url, token_url=f"{self.url}/token",
                is_active=True,
            )  # fmt: skip
            session.add(platform)
            session.flush()
            link = ResourceLink(
                platform_id=platform.id, deployment_id="1", resource_link_id="link-1", activity_id=activity.id,
                line_item=self.url + line_item if line_item else "", line_items=self.url + line_items if line_items else "",
                scopes=list(ags.SCOPES), **more,
            )  # fmt: skip
            session.add(link)
            session.flush()
            session.add(Participant(resource_link_id=link.id, person_id=person.id, sub="sub-1"))
            return person.id, activity.id, link.id


def reach(kit: Kit, person_id: UUID, activity_id: UUID, *, once: bool = False) -> Academy:
    """The person finishes with 80 %, and the academy's jobs run: until nothing is due, or each once."""
    academy = Academy(kit)
    with kit.session() as session:
        session.announce(ProgressMade(person_id, activity_id, completed=True, score=Decimal(80), at=clock.now()))
    academy.work_once() if once else academy.work()
    return academy
