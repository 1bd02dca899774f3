"""SIGTERM: whoever is being answered, or has been let in, gets an answer; then the process ends with 0."""

import socket
from contextlib import ExitStack
from pathlib import Path

from tests.installation import Installation, Running, installation
from tests.services import wait_for

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
POST = GET.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: 13\r\n\r\nemail=")
#: More than the buffers of both sockets hold.
LARGE = bytes(range(256)) * 80_000


def answer(connection: socket.socket) -> bytes:
    """All there is until the other side closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def terminate(made: Installation, running: Running) -> None:
    """As far as the closed door."""

    def closed() -> bool:
        try:
            socket.create_connection(("127.0.0.1", made.port), timeout=60).close()
        except ConnectionRefusedError:
            return True
        return False

    running.process.terminate()
    wait_for(closed, "the closed door")


def test_a_web_process_ends_without_losing_a_request(tmp_path: Path) -> None:
    static = tmp_path / "static"
    static.mkdir()
    (static / "large.bin").write_bytes(LARGE)
    with installation(tmp_path, web__static=str(static)) as made, ExitStack() as open_connections:
        running = made.serve()

        def connect(said: bytes = b"") -> socket.socket:
            made_now = socket.create_connection(("127.0.0.1", made.port), timeout=120)
            made_now.sendall(said)
            return open_connections.enter_context(made_now)

        idle = connect(GET.replace(b"Connection: close\r\n", b""))
        received = b""
        while not received.endswith(b"ok\n"):
            received += idle.recv(65536)
        asking = connect(POST)  # has sent half of its request
        reading = connect(GET.replace(b"/healthz", b"/static/large.bin"))  # has read none of its answer
        silent = connect()  # as a proxy is between connecting and sending
        terminate(made, running)
        asking.sendall(b"a%40b.c")
        silent.sendall(GET)
        assert answer(asking).startswith(b"HTTP/1.1 405")
        assert answer(silent).startswith(b"HTTP/1.1 200")
        assert answer(reading).endswith(LARGE)
        assert answer(idle) == b""
        assert running.process.wait(120) == 0


def test_a_worker_ends_with_its_exit_code(tmp_path: Path) -> None:
    with installation(tmp_path) as made:
        worker = made.worker()
        wait_for(lambda: "worker started" in worker.log.read_text() or worker.failed(), "lyceum worker")
        assert worker.stop() == 0
