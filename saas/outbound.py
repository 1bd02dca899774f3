"""The only HTTP client. Nobody else opens a connection to an address somebody typed in.

Every request: https unless the host is on the allow-list, the name resolved once and *that* address checked and
connected to (no rebinding), no redirects, no compression, one deadline for the whole exchange and a cap on its bytes.
"""

import ipaddress
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

import httpcore
import httpx

from saas.settings import OutboundSettings

LOOPBACK = ("127.0.0.1", "::1")
#: All of IPv6 that is given out to the public (RFC 4291 §2.4); translated and local addresses lie outside.
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
USER_AGENT = "Lyceum/1 (+online academies)"
MAX_CONNECTIONS = 100
#: Seconds for one question to the system's resolver, and questions at the same time. It cannot be interrupted, so a
#: question that takes longer lives on in a thread of its own and keeps its place until it is answered.
MAX_LOOK_UP = 30.0
_questions = threading.BoundedSemaphore(16)
_deadline: ContextVar[float] = ContextVar("outbound_deadline", default=math.inf)


class OutboundError(Exception):
    """The exchange did not happen or did not finish; ``reason`` is safe to show and never quotes the answer's body."""

    def __init__(self, reason: str, kind: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind


class AddressRefusedError(OutboundError):
    """The address is one that nobody outside may make us call (SSRF guard)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "address")


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, lower-cased headers and the raw body, at most ``max_bytes`` long."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class AllowList:
    """Host names (``*.example`` covers subdomains), addresses and networks exempt from the guard."""

    def __init__(self, entries: Iterable[str]) -> None:
        self.names: set[str] = set()
        self.networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for entry in entries:
            try:
                self.networks.append(ipaddress.ip_network(entry))
            except ValueError:
                self.names.add(entry.lower())

    def covers(self, host: str) -> bool:
        host = host.lower().strip("[]")
        try:
            return self.covers_address(ipaddress.ip_address(host))
        except ValueError:
            return host in self.names or any(name.startswith("*.") and host.endswith(name[1:]) for name in self.names)

    def covers_address(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        return any(address in network for network in self.networks if network.version == address.version)


class _Stream(httpcore.NetworkStream):
    """A socket whose every wait ends at the deadline of the whole exchange."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _remaining(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _remaining(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _remaining(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _remaining(timeout: float | None) -> float:
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left if timeout is None else min(left, timeout)


class _GuardedBackend(httpcore.NetworkBackend):
    def __init__(self, allow: AllowList) -> None:
        self._allow = allow
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception | None = None
        for address in resolve(host, port, self._allow):
            try:
                return _Stream(
                    self._backend.connect_tcp(address, port, _remaining(timeout), local_address, socket_options)
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("no address")


def resolve(host: str, port: int, allow: AllowList, flags: int = 0) -> list[str]:
    """The addresses of ``host``; raises `AddressRefusedError` if any of them is not a public one.

    ``localhost`` and the names below it are this machine, whether its resolver knows that or not (RFC 6761 §6.3).
    """
    name = host.strip("[]").lower().rstrip(".")
    here = name == "localhost" or name.endswith(".localhost")
    addresses = LOOPBACK if here else _look_up(name, port, flags)
    if not allow.covers(name):
        for address in addresses:
            _refuse_private(address, allow)
    return list(addresses)


def _look_up(name: str, port: int, flags: int) -> Sequence[str]:
    try:
        found = _ask(name, port, flags)
    except (OSError, UnicodeError):
        raise OutboundError(f"the name {name} has no address (DNS)", "dns") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _ask(name: str, port: int, flags: int) -> Sequence[Any]:
    """``getaddrinfo`` as far as the deadline lets it; numbers need no name server and no thread."""
    if flags & socket.AI_NUMERICHOST:
        return socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=flags)
    if not _questions.acquire(timeout=_remaining(MAX_LOOK_UP)):
        raise httpcore.ConnectTimeout
    answer: Future[Sequence[Any]] = Future()

    def ask() -> None:
        try:
            answer.set_result(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=flags))
        except Exception as error:  # noqa: BLE001 -- handed on to whoever asked
            answer.set_exception(error)
        finally:
            _questions.release()

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    try:
        return answer.result(_remaining(MAX_LOOK_UP))
    except TimeoutError:
        raise httpcore.ConnectTimeout from None


def _refuse_private(text: str, allow: AllowList) -> None:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or address
    if allow.covers_address(address):
        return
    foreign = isinstance(address, ipaddress.IPv6Address) and address not in GLOBAL_UNICAST
    if foreign or not address.is_global or address.is_multicast or address.is_reserved:
        raise AddressRefusedError("the address is private, local or reserved and is never called")


class Outbound:
    """Thread-safe; keeps connections alive between exchanges."""

    def __init__(self, settings: OutboundSettings, count: Callable[[str], None] = lambda _outcome: None) -> None:
        """``count`` is told how each exchange ended: the status, such as ``503``, or the kind of an `OutboundError`."""
        self._settings = settings
        self._count = count
        self.allow = AllowList(settings.allow)
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(),
            network_backend=_GuardedBackend(self.allow),
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=40,
            keepalive_expiry=30,
        )

    def refuse_url(self, url: str) -> None:
        """Raises `AddressRefusedError` for an address that could never be called, without calling it."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, TypeError, ValueError):
            raise AddressRefusedError("this is not a web address") from None
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise AddressRefusedError("the address must begin with https://")
        if parsed.userinfo:
            raise AddressRefusedError("the address must not contain a user name or password")
        if parsed.scheme == "http" and not self.allow.covers(parsed.host):
            raise AddressRefusedError("the address must begin with https://")
        try:  # what needs no name server: numbers in every notation the resolver takes, and this machine's names
            resolve(parsed.host, 443, self.allow, socket.AI_NUMERICHOST)
        except AddressRefusedError:
            raise
        except OutboundError:
            return

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.send("GET", url, headers or {}, b"")

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return self.send("POST", url, headers, body)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One exchange. Raises `OutboundError` when there is no complete answer."""
        try:
            answer = self._send(method, url, headers, body)
        except OutboundError as error:
            self._count(error.kind)
            raise
        self._count(str(answer.status))
        return answer

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.refuse_url(url)
        target = httpx.URL(url)
        request = httpx.Request(
            method,
            target.copy_with(fragment=None),
            headers={"user-agent": USER_AGENT, "accept": "*/*", **headers, "accept-encoding": "identity"},
            content=body or None,
        )
        token = _deadline.set(time.monotonic() + self._settings.total_seconds)
        try:
            return self._exchange(request)
        except httpcore.TimeoutException:
            raise OutboundError(f"{target.host} did not answer in time", "timeout") from None
        except httpcore.ConnectError as error:
            raise OutboundError(_connect_reason(target.host, error), "connect") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            raise OutboundError(f"the connection to {target.host} broke off", "network") from None
        finally:
            _deadline.reset(token)

    def _exchange(self, request: httpx.Request) -> Answer:
        outgoing = httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.content,
            extensions={"timeout": {"connect": self._settings.connect_seconds, "pool": self._settings.total_seconds}},
        )
        response = self._pool.handle_request(outgoing)
        try:
            headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in response.headers}
            if headers.get("content-encoding", "identity").lower() != "identity":
                raise OutboundError("the answer is compressed although we asked for plain text", "encoding")
            body = self._read(cast("Iterable[bytes]", response.stream))
        finally:
            response.close()
        return Answer(response.status, headers, body)

    def _read(self, stream: Iterable[bytes]) -> bytes:
        body = bytearray()
        for chunk in stream:
            body += chunk
            if len(body) > self._settings.max_bytes:
                raise OutboundError(f"the answer is larger than {self._settings.max_bytes} bytes", "size")
        return bytes(body)

    def close(self) -> None:
        self._pool.close()


def _connect_reason(host: str, error: Exception) -> str:
    text = str(error)
    if "certificate" in text.lower():
        return f"the TLS certificate of {host} is not valid"
    if "ssl" in text.lower():
        return f"{host} does not speak TLS properly"
    return f"{host} does not accept connections"
