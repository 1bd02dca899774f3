"""A whole installation as an operator has it: an ini file, the command line, and processes that can be killed."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, Protocol

import httpx

from tests.house import ROOT, databases_of, settings_for
from tests.services import answers, free_port, wait_for

LYCEUM = Path(sys.executable).with_name("lyceum")
#: Seconds a process may take to start on a machine that has much else to do.
START = 600


class Operated(Protocol):
    """What operators do with an installation, whichever way it is started."""

    def cli(self, *arguments: str) -> str: ...
    def json(self, *arguments: str) -> Any: ...
    def url(self, slug: str) -> str: ...


@dataclass
class Installation:
    """``folder`` holds the ini, the logs and, on SQLite, the database. Hosts are ``<slug>.localhost``."""

    folder: Path
    backend: str = "sqlite"
    more: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    processes: list["Running"] = field(default_factory=list)

    def __post_init__(self) -> None:
        values = settings_for(self.folder, databases_of(self.backend).create(self.folder))
        local = {
            "lyceum.web.host": "localhost",
            "lyceum.web.scheme": "http",
            "lyceum.web.port": str(self.port),
            "lyceum.outbound.allow": "localhost *.localhost 127.0.0.0/8",
            "lyceum.jobs.poll_seconds": "0.1",
            "lyceum.jobs.lease_seconds": "3",
            "lyceum.jobs.retry_base_seconds": "0.2",
            "lyceum.log.level": "info",
        }
        self.settings = {
            **values,
            **local,
            **{"lyceum." + name.replace("__", "."): value for name, value in self.more.items()},
        }
        self.ini = self.folder / "lyceum.ini"
        lines = "\n".join(f"{name} = {value.replace('%', '%%')}" for name, value in self.settings.items())
        self.ini.write_text(f"[app:main]\nuse = egg:lyceum\n{lines}\n")

    def cli(self, *arguments: str) -> str:
        """Stdout of a command; raises with its stderr when it fails."""
        done = self.attempt(*arguments)
        if done.returncode:
            raise RuntimeError(f"lyceum {' '.join(arguments)}: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [LYCEUM, "-c", str(self.ini), *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        return json.loads(self.cli(*arguments, "--json"))

    def url(self, slug: str) -> str:
        return f"http://{slug}.localhost:{self.port}"

    def serve(self, *, embedded: bool = True, port: int | None = None) -> "Running":
        port = port or self.port
        environment = {"LYCEUM_JOBS_EMBEDDED": "true" if embedded else "false"}
        running = self._start("serve", "--port", str(port), environment=environment)
        wait_for(lambda: answers(port) or running.failed(), "lyceum serve", START)
        return running

    def run(self) -> tuple["Running", dict[str, str]]:
        """``lyceum run``: migrated, with the demonstration; and its one-time links, such as ``links["north admin"]``."""
        running = self._start("run", environment={})
        wait_for(lambda: "sign in once as operator" in running.log.read_text() or running.failed(), "lyceum run", START)
        found = re.findall(r"sign in once as (\w+): (http://(?:(\w+)\.)?localhost\S+)", running.log.read_text())
        return running, {f"{slug} {role}".strip(): link for role, link, slug in found}

    def worker(self) -> "Running":
        return self._start("worker", environment={})

    def _start(self, *arguments: str, environment: dict[str, str]) -> "Running":
        log = self.folder / f"{arguments[0]}-{len(self.processes)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [LYCEUM, "-c", str(self.ini), *arguments],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
            )
        running = Running(process, log)
        self.processes.append(running)
        return running

    def client(self) -> httpx.Client:
        """A browser without JavaScript; see `LocalTransport`."""
        return httpx.Client(transport=LocalTransport(), timeout=180)

    def close(self) -> None:
        for running in self.processes:
            running.stop()
        databases_of(self.backend).drop(self.settings["lyceum.database.url"])


@dataclass
class Running:
    process: subprocess.Popen[bytes]
    log: Path

    def failed(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"the process ended: {self.log.read_text()[-3000:]}")
        return False

    def stop(self) -> int:
        """As an operator would: SIGTERM, then patience."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait(60)

    def kill(self) -> None:
        """As the kernel would."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)


class LocalTransport(httpx.HTTPTransport):
    """Names below .localhost are loopback (RFC 6761 §6.3), whatever the machine's resolver thinks, and as in browsers
    they are trusted with ``Secure`` cookies over plain http; httpx's own cookies cannot be taught that."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.cookies = httpx.Cookies(CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https"))))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers.pop("cookie", None)
        self.cookies.set_cookie_header(request)
        sent = request
        if request.url.host.endswith("localhost"):
            sent = httpx.Request(
                request.method, request.url.copy_with(host="127.0.0.1"), headers=request.headers, stream=request.stream
            )
            sent.extensions = request.extensions
        response = super().handle_request(sent)
        response.request = request
        self.cookies.extract_cookies(response)
        return response


@contextlib.contextmanager
def installation(folder: Path, backend: str = "sqlite", **more: str) -> Iterator[Installation]:
    """Migrated, with the academy ``north`` that has LTI."""
    made = Installation(folder, backend, more)
    try:
        made.cli("migrate")
        yield made
    finally:
        made.close()
