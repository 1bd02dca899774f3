"""``make lock``: every hashed lock of the repository, renewed to the newest versions its requirements allow.

Locks are universal (one for every platform from Python 3.11 on) and name no registry, so that they serve anybody's
mirror. Where nothing newer exists the files stay as they are, to the byte.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV = Path(sys.executable).with_name("uv")
OPTIONS = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--quiet", "--upgrade")


@dataclass(frozen=True)
class Lock:
    """``arguments`` say what is locked, seen from ``folder``; uv writes them into the file's comments."""

    folder: Path
    arguments: tuple[str, ...]
    file: str = "requirements.txt"

    @property
    def path(self) -> Path:
        return self.folder / self.file

    def renew(self) -> bool:
        """True when the file has changed. Raises `subprocess.CalledProcessError`; uv says why on stderr."""
        before = self.path.read_text() if self.path.exists() else ""
        command = [str(UV), "pip", "compile", *self.arguments, *OPTIONS, "--output-file", self.file]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        return self.path.read_text() != before


@dataclass(frozen=True)
class NodeLock:
    """Of a peer in JavaScript. What npm adds for reading (whom to pay, what is deprecated) is left out."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "package-lock.json"

    def renew(self) -> bool:
        """As `Lock.renew`."""
        before = self.path.read_text() if self.path.exists() else ""
        self.path.unlink(missing_ok=True)
        command = ["npm", "install", "--package-lock-only", "--omit-lockfile-registry-resolved=true", "--silent"]
        try:
            subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        except (subprocess.CalledProcessError, FileNotFoundError):
            self.path.write_text(before)
            raise
        self.path.write_text(without_addresses(self.path.read_text()))
        return self.path.read_text() != before


def without_addresses(text: str) -> str:
    """A package-lock.json without what only people read."""
    lock = json.loads(text)
    for about in lock["packages"].values():
        for name in ("funding", "deprecated"):
            about.pop(name, None)
    return json.dumps(lock, indent=2, ensure_ascii=False) + "\n"


def locks() -> Iterator[Lock | NodeLock]:
    """The product's first, because the tests' libraries must be at the same versions; then each peer's own."""
    yield Lock(ROOT, ("pyproject.toml",))
    yield Lock(ROOT, ("pyproject.toml", "--group", "dev", "-c", "requirements.txt"), "tests/requirements.txt")
    for source in sorted(ROOT.glob("*/peers/*/requirements.in")):
        yield Lock(source.parent, (source.name,))
    for source in sorted(ROOT.glob("*/peers/*/package.json")) if shutil.which("npm") else ():
        yield NodeLock(source.parent)


def main() -> int:
    for lock in locks():
        try:
            changed = lock.renew()
        except subprocess.CalledProcessError as error:
            return error.returncode
        print(f"{'renewed  ' if changed else 'unchanged'} {lock.path.relative_to(ROOT)}", flush=True)
        if "://" in lock.path.read_text():
            print(f"{lock.path.relative_to(ROOT)} names an address; a lock must not", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
