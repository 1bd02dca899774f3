"""The installation of docs/operating.md, started as documented: its ini, units and nginx configuration, on free ports.

Only what a test machine must have otherwise differs: ports and folders, and what `Production.environment` says.
"""

import contextlib
import itertools
import json
import os
import re
import shlex
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from saas import clock
from saas.secrets import generate_key
from tests.house import ROOT, databases_of
from tests.installation import LocalTransport, Running
from tests.services import answers, free_port, start_redis, wait_for

EXAMPLES = ROOT / "docs" / "production"
HOME = "/opt/lyceum"
#: Every host name of the test: a certificate with a wildcard right below the root is believed by nobody.
HOSTS = ("localhost", "north.localhost", "south.localhost")


def certificate(folder: Path) -> Path:
    """``fullchain.pem`` beside its ``privkey.pem``, signed by itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "privkey.pem").write_bytes(private)
    path = folder / "fullchain.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return path


class Supervisor:
    """What systemd does for ``Type=notify``: a socket on which a process says that it is ready."""

    def __init__(self, path: Path) -> None:
        self.address = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.settimeout(0.1)

    def told_ready(self) -> bool:
        with contextlib.suppress(TimeoutError):
            return self._socket.recv(1000) == b"READY=1"
        return False

    def close(self) -> None:
        self._socket.close()


@dataclass
class Production:
    """Databases, two ports for web processes, Redis and nginx; nothing runs until it is started."""

    folder: Path
    web_ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))
    redis_port: int = field(default_factory=free_port)
    port: int = field(default_factory=free_port)
    plain_port: int = field(default_factory=free_port)
    metrics_ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))
    token: str = "for-prometheus"
    running: dict[tuple[str, str], Running] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.certificate = certificate(self.folder)
        self.database = databases_of("postgresql").create(self.folder)
        self.redis = start_redis(self.redis_port)
        others = {name: value for name, value in os.environ.items() if not name.startswith("LYCEUM_")}
        self.environment = {
            **others,
            "LYCEUM_WEB_HOST": "localhost",
            "LYCEUM_DATABASE_URL": self.database["lyceum.database.url"],
            "LYCEUM_SECRETS_KEYS": generate_key(),
            "LYCEUM_WEB_METRICS_TOKEN": self.token,
            "LYCEUM_JOBS_BROKER": f"redis://127.0.0.1:{self.redis_port}/0",
            "LYCEUM_LIMITS_STORAGE": f"redis://127.0.0.1:{self.redis_port}/1",
            # What differs from an installation: a public port of its own, an LMS on this machine, little patience.
            "LYCEUM_WEB_PORT": str(self.port),
            "LYCEUM_OUTBOUND_ALLOW": "127.0.0.0/8",
            "LYCEUM_JOBS_LEASE_SECONDS": "3",
            "LYCEUM_JOBS_RETRY_BASE_SECONDS": "0.5",
        }

    def url(self, slug: str = "") -> str:
        return f"https://{slug + '.' if slug else ''}localhost:{self.port}"

    def migrate(self) -> None:
        """As the only unit that knows the owner's password."""
        owner = {"LYCEUM_DATABASE_OWNER_URL": self.database["lyceum.database.owner_url"]}
        self._run(self._command("lyceum-migrate.service"), {**self.environment, **owner})

    def cli(self, *arguments: str) -> str:
        return self._run([*self._command("lyceum-migrate.service")[:-1], *arguments], self.environment)

    def json(self, *arguments: str) -> Any:
        return json.loads(self.cli(*arguments, "--json"))

    def _run(self, command: list[str], environment: dict[str, str]) -> str:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)
        if done.returncode:
            raise RuntimeError(f"{command}: {done.stdout}{done.stderr.strip()[-2000:]}")
        return done.stdout

    def _command(self, unit: str, instance: str = "") -> list[str]:
        line = re.search(r"^ExecStart=(.*)$", (EXAMPLES / unit).read_text(), re.MULTILINE)
        assert line, unit
        program = str(Path(sys.executable).with_name("lyceum"))
        return shlex.split(line[1].replace(f"{HOME}/.venv/bin/lyceum", program).replace("%i", instance))

    def start(self, kind: str, instance: object) -> Running:
        """``systemctl start lyceum-<kind>@<instance>``: returns when the process says that it is ready."""
        number = next(self._numbers)
        log, supervisor = self.folder / f"{number}.log", Supervisor(self.folder / f"{number}.socket")
        with log.open("wb") as output, contextlib.closing(supervisor):
            process = subprocess.Popen(
                self._command(f"lyceum-{kind}@.service", str(instance)),
                cwd=ROOT,
                env={**self.environment, "NOTIFY_SOCKET": supervisor.address},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            started = self.running[kind, str(instance)] = Running(process, log)
            wait_for(lambda: supervisor.told_ready() or started.failed(), f"lyceum-{kind}@{instance}", 90)
        return started

    def start_all(self, *units: tuple[str, object]) -> None:
        """``systemctl start`` of several: side by side."""
        with ThreadPoolExecutor(len(units)) as side_by_side:
            list(side_by_side.map(lambda unit: self.start(*unit), units))

    def restart_all(self, *units: tuple[str, object]) -> list[int]:
        with ThreadPoolExecutor(len(units)) as side_by_side:
            return list(side_by_side.map(lambda unit: self.restart(*unit), units))

    def restart(self, kind: str, instance: object) -> int:
        """``systemctl restart``; returns the exit code of the process that ended."""
        code = self.running[kind, str(instance)].stop()
        self.start(kind, instance)
        return code

    def start_nginx(self) -> None:
        (self.folder / "nginx.conf").write_text(self._nginx_configuration())
        command = ["nginx", "-p", str(self.folder), "-e", "stderr", "-c", str(self.folder / "nginx.conf")]
        log = self.folder / "nginx.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        started = self.running["nginx", ""] = Running(process, log)
        wait_for(lambda: answers(self.port) or started.failed(), "nginx")

    def _nginx_configuration(self) -> str:
        """The documented file, inside the least that nginx wants around it."""
        given = (EXAMPLES / "nginx.conf").read_text()
        changes = {
            "127.0.0.1:6551": f"127.0.0.1:{self.web_ports[0]}",
            "127.0.0.1:6552": f"127.0.0.1:{self.web_ports[1]}",
            "127.0.0.1:9551": f"127.0.0.1:{self.metrics_ports[0]}",
            "127.0.0.1:9552": f"127.0.0.1:{self.metrics_ports[1]}",
            "lyceum.example": "localhost",
            "listen 80 ": f"listen {self.plain_port} ",
            "listen 443 ": f"listen {self.port} ",
            "/etc/lyceum/tls": str(self.folder),
            HOME: str(ROOT),
        }
        for documented, here in changes.items():
            assert documented in given, documented
            given = given.replace(documented, here)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {self.folder / kind};\n" for kind in kinds)
        user = "user root;\n" if os.geteuid() == 0 else ""
        return (
            f"{user}daemon off;\nworker_processes 1;\npid {self.folder / 'nginx.pid'};\nerror_log stderr;\n"
            f"events {{}}\nhttp {{\ninclude /etc/nginx/mime.types;\naccess_log off;\n{temporary}{given}}}\n"
        )

    def start_redis(self) -> None:
        self.redis = start_redis(self.redis_port)

    def stop_redis(self) -> None:
        self.redis.terminate()
        self.redis.wait(120)

    def browser(self, address: str = "127.0.0.1", **headers: str) -> httpx.Client:
        """One at that address of this machine (all of 127.0.0.0/8 is), that believes the test's certificate."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        return httpx.Client(transport=SecureTransport(context, address), headers=headers, timeout=180)

    def close(self) -> None:
        for each in self.running.values():
            each.stop()
        self.stop_redis()
        databases_of("postgresql").drop(self.database["lyceum.database.url"])


class SecureTransport(LocalTransport):
    """``*.localhost`` over TLS: connected to by number, asked for and checked by name."""

    def __init__(self, context: ssl.SSLContext, address: str) -> None:
        super().__init__(verify=context, local_address=address)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        return super().handle_request(request)


@contextlib.contextmanager
def production(folder: Path) -> Iterator[Production]:
    """Migrated, and everything started in the order of the manual."""
    made = Production(folder)
    try:
        made.migrate()
        made.start_all(*(("web", port) for port in made.web_ports), ("worker", 1), ("worker", 2))
        made.start_nginx()
        yield made
    finally:
        made.close()
