"""PostgreSQL, Redis, Chromium and Node.js for the tests: private instances on free ports, or those the environment names.

``python -m tests.services install`` (run by ``make test``) installs what is missing, on Debian as root. What is still
missing afterwards is reported by `missing`; its tests are skipped loudly, or fail with ``LYCEUM_TEST_REQUIRE_ALL=1``.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PACKAGES = {
    "postgresql": "postgresql",
    "redis": "redis-server",
    "chromium": "chromium",
    "nginx": "nginx",
    "node": "nodejs npm",
}


def postgres_bin() -> Path | None:
    """The newest server installed, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def node() -> str | None:
    """Node.js with npm: they run the peers that are written in JavaScript."""
    return shutil.which("npm") and shutil.which("node")


def missing() -> list[str]:
    """What the tests want and this machine has not."""
    has: dict[str, Callable[[], object]] = {
        "postgresql": lambda: os.environ.get("LYCEUM_TEST_POSTGRES") or postgres_bin(),
        "redis": lambda: os.environ.get("LYCEUM_TEST_REDIS") or shutil.which("redis-server"),
        "chromium": chromium,
        "nginx": lambda: shutil.which("nginx"),
        "node": node,
    }
    return [name for name, present in has.items() if not present()]


def install() -> None:
    lacking = missing()
    if not lacking:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(
            f"missing for the tests: {', '.join(lacking)} (installed by itself only on Debian as root)", file=sys.stderr
        )
        return
    print(f"installing {', '.join(lacking)} …", file=sys.stderr, flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Debian starts new services by itself; the tests want their own instances, so nothing is started.
    policy = Path("/usr/sbin/policy-rc.d")
    made = not policy.exists()
    if made:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        subprocess.run(["apt-get", "-qq", "update"], env=quiet, check=False, stdout=subprocess.DEVNULL)
        names = [package for name in lacking for package in PACKAGES[name].split()]
        subprocess.run(
            ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *names],
            env=quiet,
            check=False,
            stdout=subprocess.DEVNULL,
        )
    finally:
        if made:
            policy.unlink()
    if still := missing():
        print(f"apt could not install what gives: {', '.join(still)}", file=sys.stderr)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(ready: Callable[[], bool], what: str, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} was not ready within {seconds:.0f} s")
        time.sleep(0.05)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _end(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    server.wait(120)


def start_redis(port: int) -> "subprocess.Popen[bytes]":
    """One that forgets everything when it ends."""
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: answers(port), "Redis")
    return server


@dataclass
class Services:
    """Private servers of one test run; `stop` ends them and removes their data."""

    postgres: str = ""
    redis: str = ""
    _stops: list[Callable[[], object]] = field(default_factory=list)

    @classmethod
    def start(cls, *, durable: bool = False) -> "Services":
        """``durable``: PostgreSQL flushes each commit to disk; tests do without, because their data is thrown away."""
        services = cls(os.environ.get("LYCEUM_TEST_POSTGRES", ""), os.environ.get("LYCEUM_TEST_REDIS", ""))
        if not services.postgres and postgres_bin():
            services._start_postgres(durable=durable)
        if not services.redis and shutil.which("redis-server"):
            services._start_redis()
        return services

    def _start_postgres(self, *, durable: bool) -> None:
        folder, port, programs = Path(tempfile.mkdtemp(prefix="lyceum-pg-")), free_port(), postgres_bin()
        user: int | None = None
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres").pw_uid
            os.chown(folder, user, -1)
        data = folder / "data"
        initdb = [
            f"{programs}/initdb",
            "-D",
            str(data),
            "-U",
            "tests",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--lc-ctype=C.UTF-8",
            "--no-sync",
        ]
        subprocess.run(initdb, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "max_connections": 300,
                    "shared_buffers": "128MB"}  # fmt: skip
        settings |= {} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        server = subprocess.Popen(
            [f"{programs}/postgres", "-D", str(data), *flags],
            user=user,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._stops += [
            lambda: _end(server),
            lambda: shutil.rmtree(folder, ignore_errors=True),
        ]
        wait_for(lambda: answers(port), "PostgreSQL")
        self.postgres = f"postgresql://tests@127.0.0.1:{port}/postgres"

    def _start_redis(self) -> None:
        port = free_port()
        server = start_redis(port)
        self._stops.append(lambda: _end(server))
        self.redis = f"redis://127.0.0.1:{port}/0"

    def stop(self) -> None:
        for stop in self._stops:
            stop()


if __name__ == "__main__" and sys.argv[1:] == ["install"]:
    install()
