"""Two sites over TLS on one machine: a certificate made for the run, and a front that ends TLS as a reverse proxy does.

Each name has a port of its own, which browsers are sent to by `Front.rules`; their addresses name none.
"""

import datetime as dt
import http.client
import ssl
import threading
from collections.abc import Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.x509.oid import NameOID

#: What belongs to one connection only (RFC 9110 §7.6.1), and what `BaseHTTPRequestHandler` sends by itself.
OWN = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"})


def certificate(folder: Path, names: list[str]) -> Path:
    """A key and its certificate for these names, signed by itself, in one PEM file."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lyceum tests")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "front.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return pem


class _Site(ThreadingHTTPServer):
    """One name. Handshakes happen in the threads of the connections."""

    daemon_threads = True

    def __init__(self, behind: int, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = behind
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        server = self.server
        if not isinstance(server, _Site):
            raise TypeError(server)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in OWN}
        with closing(http.client.HTTPConnection("127.0.0.1", server.behind, timeout=180)) as behind:
            behind.request(self.command, self.path, body or None, {**headers, "X-Forwarded-Proto": "https"})
            self._answer(behind.getresponse())

    do_POST = do_GET  # noqa: N815 -- the names http.server calls
    do_HEAD = do_GET  # noqa: N815 -- likewise

    def _answer(self, answer: http.client.HTTPResponse) -> None:
        body = answer.read()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in OWN:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """The processes behind have logs of their own."""


class Front:
    """``backends``: the port of 127.0.0.1 behind each name. Used as a context manager."""

    def __init__(self, folder: Path, backends: Mapping[str, int]) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate(folder, [*backends]))
        self._sites = {name: _Site(port, context) for name, port in backends.items()}

    @property
    def rules(self) -> str:
        """What to tell Chromium as ``--host-resolver-rules``."""
        return ",".join(f"MAP {name} 127.0.0.1:{site.server_port}" for name, site in self._sites.items())

    def port(self, name: str) -> int:
        """For those who name it in their addresses."""
        return self._sites[name].server_port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for site in self._sites.values():
            site.shutdown()
            site.server_close()
