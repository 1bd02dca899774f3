"""``make check``: every static check, all of them even when one fails; exit 1 if any did."""

import subprocess
import sys
import tempfile
from pathlib import Path

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[1]
LYCEUM = (str(BIN / "lyceum"), "-c", str(ROOT / "development.ini"))


def run(title: str, *command: str, environment: dict[str, str] | None = None) -> bool:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
    print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {title}", flush=True)
    if done.returncode:
        print(done.stdout[-6000:] + done.stderr[-6000:])
    return done.returncode == 0


def schema() -> bool:
    """Migrates an empty database, then asks Alembic whether the models want anything else."""
    import os

    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "LYCEUM_APP_DATA": folder}
        return run("migrate an empty database", *LYCEUM, "migrate", environment=environment) and run(
            "alembic check", *LYCEUM, "migrate", "--check", environment=environment
        )


def main() -> int:
    results = [
        run("ruff check", str(BIN / "ruff"), "check", "."),
        run("ruff format", str(BIN / "ruff"), "format", "--check", "."),
        run("mypy", str(BIN / "mypy")),
        run("import-linter", str(BIN / "lint-imports"), "--no-cache"),
        run("djlint", str(BIN / "djlint"), "templates", "--lint", "--quiet"),
        schema(),
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
