"""The only HTTP client: whom it calls, whom it never calls, and how little it takes (product.md §4, 91 to 93)."""

import gzip
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from typing import Any

import pytest

from saas import outbound as module
from saas.outbound import AddressRefusedError, AllowList, Outbound, OutboundError, resolve
from saas.settings import OutboundSettings

NOBODY = AllowList(())


_made: list[Outbound] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while _made:
        _made.pop().close()


def client(*allow: str, **settings: Any) -> Outbound:
    values = {"allow": allow, "connect_seconds": 1, "total_seconds": 1, "max_bytes": 1000, **settings}
    _made.append(Outbound(OutboundSettings.model_validate(values)))
    return _made[-1]


class Server:
    """Plain sockets: each connection is given to ``talk`` once a request is there whole; every request is noted."""

    def __init__(self, talk: Callable[[socket.socket], None], family: int = socket.AF_INET) -> None:
        self.socket = socket.create_server(("127.0.0.1" if family == socket.AF_INET else "::1", 0), family=family)
        self.port = self.socket.getsockname()[1]
        self.requests: list[bytes] = []
        self.connections = 0
        self.talk = talk
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _peer = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            request = b""
            try:
                while received := connection.recv(65536):
                    request += received
                    if whole(request):
                        self.requests.append(request)
                        request = b""
                        self.talk(connection)
            except OSError:
                return


def whole(request: bytes) -> bool:
    """Also of what is no HTTP, such as a TLS hello."""
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return length is None or len(body) >= int(length[1])


@contextmanager
def serving(answer: bytes | Callable[[socket.socket], None]) -> Iterator[Server]:
    talk = (lambda connection: connection.sendall(answer)) if isinstance(answer, bytes) else answer
    server = Server(talk)
    yield server
    server.socket.shutdown(socket.SHUT_RDWR)
    server.socket.close()


def http(body: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


PRIVATE = [
    "127.0.0.1", "127.8.9.10", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "0.1.2.3", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::1", "::", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "100::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:1::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2002:808:808::1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_inside_are_never_called(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressRefusedError):
        resolve(host, 443, NOBODY)
    outbound = client()
    with pytest.raises(AddressRefusedError):
        outbound.refuse_url(f"https://{host}/")
    with pytest.raises(AddressRefusedError):
        outbound.get(f"https://{host}/")


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    client().refuse_url(f"https://{host}/")
    assert [ip_address(each) for each in resolve(host, 443, NOBODY)] == [ip_address(address)]


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.1", "127.0.1", "017700000001", "0", "127.0.0.1.", "１２７.０.０.１"],
)  # fmt: skip
def test_a_number_in_any_notation_is_the_address_it_means(host: str) -> None:
    with pytest.raises(AddressRefusedError):
        client().refuse_url(f"https://{host}/")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost.", "north.localhost", "a.b.LocalHost."])
def test_this_machines_names_are_refused_without_being_looked_up(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with name_server(monkeypatch, {}):
        with pytest.raises(AddressRefusedError):
            resolve(host, 443, NOBODY)
        with pytest.raises(AddressRefusedError):
            client().refuse_url(f"https://{host}/")


@contextmanager
def name_server(monkeypatch: pytest.MonkeyPatch, names: dict[str, list[list[str]]]) -> Iterator[list[str]]:
    """Stands in for the machine's resolver, which knows no name we could move: each question takes the next answer.

    Numbers are still read by the real one. Yields the names asked for.
    """
    real, asked = socket.getaddrinfo, list[str]()

    def getaddrinfo(host: str, port: int, *rest: Any, **options: Any) -> Any:
        with suppress(OSError):
            return real(host, port, *rest, **{**options, "flags": socket.AI_NUMERICHOST})
        if options.get("flags", 0) & socket.AI_NUMERICHOST or not names.get(host):
            raise socket.gaierror
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in names[host].pop(0)]

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", getaddrinfo)
        yield asked


def test_localhost_names_on_the_allow_list_are_this_machine_whatever_its_resolver_thinks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RFC 6761 §6.3."""
    with serving(http(b"hello")) as server, name_server(monkeypatch, {}):
        assert resolve("north.localhost", 80, AllowList(["*.localhost"])) == ["127.0.0.1", "::1"]
        assert client("*.localhost").get(f"http://north.localhost:{server.port}/").body == b"hello"
        with pytest.raises(AddressRefusedError):
            client("*.localhost").get(f"http://localhost:{server.port}/")


def test_a_name_that_leads_inside_is_refused_at_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when only one of its addresses does."""
    inside, both = [["10.0.0.1"]], [["1.1.1.1", "169.254.169.254"]]
    with name_server(monkeypatch, {"in.example": inside, "both.example": both, "out.example": [["1.1.1.1"]]}):
        assert resolve("out.example", 443, NOBODY) == ["1.1.1.1"]
        for name in ("in.example", "both.example"):
            client().refuse_url(f"https://{name}/")
            with pytest.raises(AddressRefusedError):
                client().get(f"https://{name}/")
        with pytest.raises(OutboundError, match="has no address") as unknown:
            client().get("https://unknown.example/")
    assert unknown.value.kind == "dns"


def test_the_address_checked_is_the_address_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that says something else the second time (DNS rebinding) gains nothing: it is asked once."""
    with name_server(monkeypatch, {"lms.example": [["127.0.0.1"], ["10.0.0.1"]]}) as asked, serving(http()) as server:
        outbound = client("127.0.0.0/8")
        with pytest.raises(OutboundError, match="does not speak TLS"):
            outbound.get(f"https://lms.example:{server.port}/")
        assert (server.connections, asked) == (1, ["lms.example"])
        with pytest.raises(AddressRefusedError):
            outbound.get(f"https://lms.example:{server.port}/")
        assert server.connections == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://lms.example/", "ftp://lms.example/", "file:///etc/passwd", "gopher://lms.example/", "javascript:alert(1)", "//lms.example/",
        "https://", "https:///x", "lms.example", "", "https://user@lms.example/", "https://user:secret@lms.example/", "https://:@lms.example/",
        "https://lms.example:notaport/", "https://[::1", "data:text/plain,x",
    ],
)  # fmt: skip
def test_what_is_no_plain_https_address_is_refused_before_any_call(url: str) -> None:
    with pytest.raises(AddressRefusedError):
        client().refuse_url(url)
    with pytest.raises(AddressRefusedError):
        client().get(url)


def test_credentials_are_never_quoted() -> None:
    with pytest.raises(AddressRefusedError) as refused:
        client().get("https://user:s3cret@lms.example/")
    assert "s3cret" not in refused.value.reason


@pytest.mark.parametrize(
    ("entries", "host", "covered"),
    [
        (["lms.local"], "lms.local", True), (["lms.local"], "LMS.Local", True), (["lms.local"], "x.lms.local", False),
        (["*.lms.local"], "x.lms.local", True), (["*.lms.local"], "lms.local", False), (["*.lms.local"], "evil-lms.local", False),
        (["10.0.0.0/8"], "10.9.8.7", True), (["10.0.0.0/8"], "11.0.0.1", False), (["10.0.0.1"], "10.0.0.1", True),
        (["::1"], "[::1]", True), (["::1"], "::2", False), (["10.0.0.0/8"], "10.example", False),
    ],
)  # fmt: skip
def test_the_allow_list_covers_what_it_says(entries: list[str], host: str, *, covered: bool) -> None:
    assert AllowList(entries).covers(host) is covered


def test_an_allowed_host_works_over_plain_http_and_sends_what_it_should() -> None:
    with serving(http(b'{"a": 1}', "201 Created", "X-Word: yes")) as server:
        answer = client("127.0.0.1").post(f"http://127.0.0.1:{server.port}/a?b=c#d", {"x-mine": "1"}, b"body")
    assert (answer.status, answer.ok, answer.body, answer.headers["x-word"]) == (201, True, b'{"a": 1}', "yes")
    sent = b"".join(server.requests).decode()
    assert sent.startswith("POST /a?b=c HTTP/1.1\r\n")
    assert sent.endswith("body")
    for header in (f"host: 127.0.0.1:{server.port}", "accept-encoding: identity", "x-mine: 1", "user-agent: lyceum/1"):
        assert header in sent.lower()


def test_a_connection_is_used_again() -> None:
    with serving(http(b"x")) as server:
        outbound = client("127.0.0.1")
        for _ in range(5):
            outbound.get(f"http://127.0.0.1:{server.port}/")
        assert server.connections == 1


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_an_answer_and_is_not_followed(status: str) -> None:
    with (
        serving(http(b"inside")) as other,
        serving(http(b"", status, f"Location: http://127.0.0.1:{other.port}/")) as server,
    ):
        answer = client("127.0.0.1").get(f"http://127.0.0.1:{server.port}/")
        assert answer.status == int(status[:3])
        assert not answer.ok
        assert other.connections == 0


def refused(server: Server, kind: str, **settings: Any) -> str:
    with pytest.raises(OutboundError) as error:
        client("127.0.0.1", **settings).get(f"http://127.0.0.1:{server.port}/")
    assert error.value.kind == kind
    return error.value.reason


def test_a_body_beyond_the_cap_is_not_read_to_its_end() -> None:
    sent: list[int] = []

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(100_000):
            connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
            sent.append(1024)

    with serving(endless) as server:
        assert "larger than 1000 bytes" in refused(server, "size")
    with serving(http(b"x" * 1000)) as server:
        assert len(client("127.0.0.1").get(f"http://127.0.0.1:{server.port}/").body) == 1000
    with serving(http(b"x" * 1001)) as server:
        refused(server, "size")
    assert len(sent) < 20_000, "the connection was closed long before"


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_drop_at_a_time_ends_at_the_deadline_of_the_whole(part: str) -> None:
    """Slow-loris: each single wait would be short enough."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\n" if part == "headers" else b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"
        )
        for _ in range(200):
            connection.sendall(b"X-A: b\r\n" if part == "headers" else b"x")
            time.sleep(0.05)

    with serving(drip) as server:
        began = time.monotonic()
        assert "did not answer in time" in refused(server, "timeout", total_seconds=0.5)
        assert time.monotonic() - began < 5


def test_silence_ends_at_the_deadline() -> None:
    with serving(lambda _connection: time.sleep(2)) as server:
        assert refused(server, "timeout", total_seconds=0.3)


def test_a_name_server_that_keeps_silent_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do many such names take the threads of everybody else: further questions end at their deadline, too."""
    answered, release = threading.Event(), threading.Event()

    def silent(*_: Any, **options: Any) -> Any:
        if options.get("flags"):
            raise socket.gaierror
        release.wait(10)
        answered.set()
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    monkeypatch.setattr(module, "_questions", threading.BoundedSemaphore(1))
    try:
        for _ in range(2):
            with pytest.raises(OutboundError) as error:
                client(total_seconds=0.2).get("https://slow.example/")
            assert error.value.kind == "timeout"
        assert not answered.is_set()
    finally:
        release.set()
        for thread in threading.enumerate():  # they give back the places of this test, not of the next
            if thread.name == "resolver":
                thread.join()


def test_waiting_for_a_connection_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)
    release = threading.Event()

    def silent(_connection: socket.socket) -> None:
        release.wait(10)

    with serving(silent) as server:
        patient, hasty = client("127.0.0.1", total_seconds=5), client("127.0.0.1", total_seconds=0.2)
        hasty._pool.close()
        hasty._pool = patient._pool
        address = f"http://127.0.0.1:{server.port}/"

        def hold() -> None:
            with suppress(OutboundError):
                patient.get(address)

        holder = threading.Thread(target=hold)
        holder.start()
        while not server.requests:
            time.sleep(0.01)
        with pytest.raises(OutboundError) as error:
            hasty.get(address)
        still_held = holder.is_alive()
        release.set()
        server.talk = lambda connection: connection.close()
        holder.join()
    assert (error.value.kind, still_held) == ("timeout", True)


def test_an_endless_header_is_cut() -> None:
    with serving(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000)) as server:
        assert refused(server, "network")


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, identity"])
def test_a_compressed_answer_is_refused_unread(encoding: str) -> None:
    with serving(http(gzip.compress(b"x" * 100_000), "200 OK", f"Content-Encoding: {encoding}")) as server:
        assert "compressed" in refused(server, "encoding", max_bytes=10_000_000)


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", b"SSH-2.0-x\r\n", b"HTTP/1.1 99999 X\r\n\r\n"]
)
def test_half_an_answer_is_none(answer: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    with serving(talk) as server:
        assert "broke off" in refused(server, "network")


def test_nobody_listens() -> None:
    with serving(b"") as server:
        pass
    assert "does not accept connections" in refused(server, "connect")


def test_what_speaks_no_tls_is_named() -> None:
    with serving(http(b"plain")) as server, pytest.raises(OutboundError) as error:
        client("127.0.0.1").get(f"https://127.0.0.1:{server.port}/")
    assert (error.value.kind, error.value.reason) == ("connect", "127.0.0.1 does not speak TLS properly")


def test_a_certificate_nobody_trusts_is_named(tmp_path: Any) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(tmp_path))
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        connection, _peer = listener.accept()
        try:
            context.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()

    threading.Thread(target=accept, daemon=True).start()
    with pytest.raises(OutboundError) as error:
        client("127.0.0.1").get(f"https://127.0.0.1:{listener.getsockname()[1]}/")
    assert (error.value.kind, error.value.reason) == ("connect", "the TLS certificate of 127.0.0.1 is not valid")
    listener.close()


def _self_signed(folder: Any) -> Any:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1)).sign(
        key, hashes.SHA256()
    )
    path = folder / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_every_exchange_is_counted_by_how_it_ended() -> None:
    counted: list[str] = []
    with serving(http(b"", "503 Busy")) as server:
        settings = OutboundSettings.model_validate({"allow": ("127.0.0.1",)})
        outbound = Outbound(settings, counted.append)
        _made.append(outbound)
        outbound.get(f"http://127.0.0.1:{server.port}/")
        with pytest.raises(OutboundError):
            outbound.get("https://10.0.0.1/")
    assert counted == ["503", "address"]
