"""Other people's software as counterparties: each in its own locked environment, each its own process.

A peer is a folder with a ``serve.py`` and a hashed ``requirements.txt``, or a ``serve.js`` and a ``package-lock.json``
with integrity hashes. Nothing of it is installed into the product's
environment: its licence, its framework and its versions stay its own. ``serve.… --port 0`` takes a free port of
127.0.0.1 and prints ``READY http://127.0.0.1:PORT`` as its first line once it answers.
"""

import atexit
import fcntl
import hashlib
import os
import select
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

PEERS = Path(__file__).resolve().parents[2] / "var" / "peers"


def python_of(folder: Path) -> Path:
    """Return the interpreter of the environment that ``folder/requirements.txt`` locks, building it if need be.

    It is rebuilt when the lock changes. Processes may race: one builds, the others wait. Raises RuntimeError with the
    installer's words if it fails.
    """
    return _built(folder, "requirements.txt", sys.version, _python_environment) / "bin" / "python"


def modules_of(folder: Path) -> Path:
    """Return the ``node_modules`` that ``folder/package-lock.json`` locks, building them under the same rules."""
    return _built(folder, "package-lock.json", "", _node_modules) / "node_modules"


def _built(folder: Path, lock: str, more: str, build: Callable[[Path, Path], list[str]]) -> Path:
    """The environment of a peer. ``build`` prepares its folder and returns the command that installs into it."""
    wanted = hashlib.sha256((folder / lock).read_bytes() + more.encode()).hexdigest()
    home = PEERS / folder.name
    made_from = home / "made-from"
    PEERS.mkdir(parents=True, exist_ok=True)
    with (PEERS / f"{folder.name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if made_from.is_file() and made_from.read_text() == wanted:
            return home
        _say(f"peers: installing {folder.name} (once) …")
        shutil.rmtree(home, ignore_errors=True)
        done = subprocess.run(build(folder, home), capture_output=True, text=True, check=False)
        if done.returncode:
            message = f"installing {folder.name} failed:\n{done.stderr[-4000:]}"
            raise RuntimeError(message)
        made_from.write_text(wanted)
    return home


def _python_environment(folder: Path, home: Path) -> list[str]:
    venv.create(home, with_pip=True)
    options = ("--quiet", "--require-hashes", "--no-deps", "--only-binary=:all:")
    return [str(home / "bin" / "python"), "-m", "pip", "install", *options, "-r", str(folder / "requirements.txt")]


def _node_modules(folder: Path, home: Path) -> list[str]:
    """``npm ci`` installs what the lock says and nothing else; no package may run anything while it is installed."""
    home.mkdir()
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(folder / name, home)
    return ["npm", "ci", "--prefix", str(home), "--ignore-scripts", "--omit=dev"]


class Process:
    """One running peer. Usable as a context manager; whatever is still running when Python ends is killed."""

    def __init__(
        self, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, ready_within: float = 300.0
    ) -> None:
        """Describe the peer; ``ready_within`` seconds must suffice from start to READY, installing excluded."""
        self.folder = folder
        self.arguments = arguments
        self.environment = dict(environment or {})
        self.ready_within = ready_within
        self.log = PEERS / f"{folder.name}.log"
        self.url = ""
        self._running: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """The process id, for measuring its run time; RuntimeError when it is not running."""
        if self._running is None:
            message = f"{self.folder.name} is not running"
            raise RuntimeError(message)
        return self._running.pid

    def start(self) -> Self:
        """Start it on a free port (unless the arguments name one) and wait until it says it is ready."""
        program, environment = self._program()
        port = () if "--port" in self.arguments else ("--port", "0")
        with self.log.open("a") as log:
            self._running = subprocess.Popen(
                [*program, *port, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **environment, **self.environment},
            )
        atexit.register(self.kill)
        self.url = self._ready_line().removeprefix("READY ").rstrip("/")
        return self

    def terminate(self, within: float = 5.0) -> None:
        """Ask it to end; after ``within`` seconds kill it."""
        if self._running is None:
            return
        self._running.terminate()
        try:
            self._running.wait(within)
        except subprocess.TimeoutExpired:
            self._running.kill()
        self._ended()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._running is None:
            return
        self._running.kill()
        self._ended()

    def __enter__(self) -> Self:
        """Start on entry, unless it is running already."""
        return self if self._running else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Terminate on leaving."""
        self.terminate()

    def _program(self) -> tuple[list[Path | str], dict[str, str]]:
        script = self.folder / "serve.js"
        if script.exists():
            return ["node", script], {"NODE_PATH": str(modules_of(self.folder))}
        return [python_of(self.folder), self.folder / "serve.py"], {"PYTHONUNBUFFERED": "1"}

    def _ready_line(self) -> str:
        running = self._running
        if running is None or running.stdout is None:
            message = f"{self.folder.name} was not started"
            raise RuntimeError(message)
        deadline = time.monotonic() + self.ready_within
        said, line = b"", ""
        while not line and (left := deadline - time.monotonic()) > 0:
            readable, _, _ = select.select([running.stdout], [], [], left)
            # by the descriptor: what a buffer holds back, no select ever tells of
            chunk = os.read(running.stdout.fileno(), 65536) if readable else b""
            if readable and not chunk:
                break
            said += chunk
            whole = said.decode(errors="replace").rpartition("\n")[0].splitlines()
            line = next((each.strip() for each in whole if each.startswith("READY ")), "")
        if line:
            return line
        self.kill()
        words = f"{said[-4000:].decode(errors='replace')}\n{self.log.read_text()[-4000:]}"
        message = f"{self.folder.name} did not become ready; what it said, and the end of {self.log}:\n{words}"
        raise RuntimeError(message)

    def _ended(self) -> None:
        if self._running is None:
            return
        self._running.wait()
        if self._running.stdout:
            self._running.stdout.close()
        self._running = None
        atexit.unregister(self.kill)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
