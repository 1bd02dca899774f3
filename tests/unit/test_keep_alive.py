"""Connections that stay: what our server sends after answers that have no body, over a real socket."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from waitress import wasyncore

from saas.server import listen
from saas.settings import WebSettings

STATUSES = {"200": "200 OK", "204": "204 No Content", "304": "304 Not Modified"}


def application(environ: dict[str, Any], start: Callable[..., object]) -> list[bytes]:
    """Answers with the status of the path; a 200 says "here"."""
    status = environ["PATH_INFO"].strip("/")
    body = b"here" if status == "200" else b""
    start(STATUSES[status], [("Content-Length", str(len(body)))] if body else [])
    return [body if environ["REQUEST_METHOD"] != "HEAD" else b""] if body else []


@pytest.fixture
def port() -> Iterator[int]:
    sockets: dict[int, Any] = {}
    server = listen(application, "127.0.0.1", 0, WebSettings.model_validate({}), sockets)
    number, ended = int(server.effective_port), threading.Event()

    def serve() -> None:
        while not ended.is_set():
            wasyncore.loop(timeout=0.05, map=sockets, use_poll=True, count=1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield number
    ended.set()
    thread.join(5)
    server.task_dispatcher.shutdown()
    wasyncore.close_all(sockets)


class Caller:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.reader = self.socket.makefile("rb")

    def ask(self, method: str, status: str, *headers: str, version: str = "1.1") -> tuple[str, dict[str, str]]:
        """Status line and headers; what follows is left unread."""
        lines = [f"{method} /{status} HTTP/{version}", "Host: localhost", *headers, "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        first = self.reader.readline().decode().strip()
        found = {}
        while line := self.reader.readline().decode().strip():
            name, _, value = line.partition(": ")
            found[name.lower()] = value
        return first, found

    def close(self) -> None:
        self.reader.close()
        self.socket.close()

    @property
    def is_closed(self) -> bool:
        """Nothing else may have come."""
        return self.reader.read(1) == b""


@pytest.fixture
def caller(port: int) -> Iterator[Caller]:
    with closing(Caller(port)) as caller:
        yield caller


@pytest.mark.parametrize(("method", "status"), [("POST", "204"), ("GET", "204"), ("GET", "304"), ("HEAD", "304")])
def test_the_connection_stays_after_an_answer_that_has_no_body(caller: Caller, method: str, status: str) -> None:
    """It says no length, for it has none (RFC 9110 §8.6), and the next request is read at once."""
    for _ in range(3):
        first, headers = caller.ask(method, status)
        assert first == f"HTTP/1.1 {STATUSES[status]}"
        assert not headers.keys() & {"content-length", "transfer-encoding", "connection"}
    assert caller.ask("GET", "200")[0] == "HTTP/1.1 200 OK"
    assert caller.reader.read(4) == b"here"


def test_an_answer_with_a_length_is_as_it_was(caller: Caller) -> None:
    assert caller.ask("HEAD", "200")[1]["content-length"] == "4"
    assert caller.ask("GET", "200")[1]["content-length"] == "4"
    assert caller.reader.read(4) == b"here"


@pytest.mark.parametrize(
    ("headers", "version"),
    [(("Connection: close",), "1.1"), ((), "1.0"), (("Connection: keep-alive",), "1.0")],
    ids=["asked", "old", "old and kept"],
)
def test_it_ends_for_whoever_asked_or_could_not_tell_the_end(
    caller: Caller, headers: tuple[str, ...], version: str
) -> None:
    said = caller.ask("POST", "204", "Content-Length: 0", *headers, version=version)[1]
    assert said["connection"] == "close"
    assert "content-length" not in said
    assert caller.is_closed
