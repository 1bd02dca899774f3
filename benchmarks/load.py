"""The load generator, a process of its own: sends each prepared request once and notes what came back, and when.

Closed loop: every connection sends its next request as soon as the last one is answered. Open loop (``rate``): requests
leave on schedule whatever the server does, and a latency counts from the scheduled moment, so that a queue cannot hide.
"""

import pickle
import select
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Self, cast

HEAD_END = b"\r\n\r\n"
#: Seconds without any answer after which the server is taken for stuck.
PATIENCE = 300
#: The kernel's timers are too coarse for a schedule: the last moments before a request is due are spent looking.
SPIN_SECONDS = 0.0015


@dataclass(frozen=True, slots=True)
class Order:
    """``rate`` per second, 0 for the closed loop. ``keep_heads``: the answers' heads are wanted, in order."""

    port: int
    requests: Sequence[bytes]
    connections: int = 8
    rate: float = 0
    keep_heads: bool = False


@dataclass(slots=True)
class Outcome:
    """``seconds``: from the first request sent to the last answer read; ``latencies`` in seconds; status 0: no answer."""

    seconds: float
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)


class _Connection:
    """One kept-alive connection and the answer it is reading."""

    __slots__ = ("began", "head_length", "index", "length", "received", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.head_length = self.length = self.index = 0
        self.began = 0.0

    def send(self, index: int, request: bytes, began: float) -> None:
        self.index, self.began = index, began
        self.received, self.head_length = b"", 0
        self.socket.sendall(request)

    def answered(self) -> bool:
        """Reads what has come; True once the answer is complete. Raises ConnectionError when the server hung up."""
        chunk = self.socket.recv(262144)
        if not chunk:
            raise ConnectionError
        self.received = self.received + chunk if self.received else chunk
        if not self.head_length:
            end = self.received.find(HEAD_END)
            if end < 0:
                return False
            self.head_length = end + len(HEAD_END)
            self.length = self.head_length + _content_length(self.received[:end])
        return len(self.received) >= self.length

    @property
    def status(self) -> int:
        return int(self.received[9:12])

    @property
    def is_last(self) -> bool:
        """The server will hang up, as waitress does after every 204."""
        return b"\r\nconnection: close" in self.received[: self.head_length].lower()


def _content_length(head: bytes) -> int:
    """Answers without a length (204, 304) have no body; nobody here answers in chunks."""
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


class _Run:
    """One order being carried out."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.total = len(order.requests)
        self.sent = self.finished = 0
        self.heads: list[bytes] = [b""] * self.total if order.keep_heads else []
        self.outcome = Outcome(0)
        self.poll = select.epoll()
        self.busy: dict[int, _Connection] = {}
        self.idle = deque(self._connect() for _ in range(min(order.connections, self.total)))

    def _connect(self) -> _Connection:
        connection = _Connection(self.order.port)
        self.poll.register(connection.socket, select.EPOLLIN)
        return connection

    def carry_out(self) -> Outcome:
        start = time.perf_counter()
        while self.finished < self.total:
            wait = self._send_due(start)
            for number, _ in self.poll.poll(wait):
                self._read(number)
        self.outcome.seconds = time.perf_counter() - start
        self.outcome.heads = self.heads
        for connection in self.idle:
            connection.socket.close()
        self.poll.close()
        return self.outcome

    def _send_due(self, start: float) -> float:
        """Sends what is due on idle connections; returns how long the next look may wait."""
        rate = self.order.rate
        while self.idle and self.sent < self.total:
            now = time.perf_counter()
            due = start + self.sent / rate if rate else now
            if due > now:
                return max(0, due - now - SPIN_SECONDS)
            connection = self.idle.popleft()
            self.busy[connection.socket.fileno()] = connection
            connection.send(self.sent, self.order.requests[self.sent], due)
            self.sent += 1
        return PATIENCE

    def _read(self, number: int) -> None:
        connection = self.busy[number]
        try:
            if not connection.answered():
                return
            self._note(connection, connection.status)
            is_over = connection.is_last
        except ConnectionError:
            self._note(connection, 0)
            is_over = True
        if is_over:
            connection.socket.close()
            connection = self._connect()
        self.busy.pop(number)
        self.idle.append(connection)

    def _note(self, connection: _Connection, status: int) -> None:
        self.finished += 1
        self.outcome.latencies.append(time.perf_counter() - connection.began)
        self.outcome.statuses[status] += 1
        if self.heads:
            self.heads[connection.index] = connection.received[: connection.head_length]


class Generator:
    """The generator's process as the benchmark sees it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from benchmarks.load import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, order: Order) -> Outcome:
        writing, reading = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)
        pickle.dump(order, writing)
        writing.flush()
        return cast("Outcome", pickle.load(reading))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()


def main() -> None:
    """Orders pickled on stdin, outcomes pickled on stdout."""
    while True:
        try:
            order = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(_Run(order).carry_out(), sys.stdout.buffer)
        sys.stdout.buffer.flush()
