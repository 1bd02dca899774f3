"""``python -m benchmarks [--only PATH,…] [--format text|json] [--quick]``: the figures of docs/performance.md."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.load import Generator
from benchmarks.measure import Effort, FailedError
from benchmarks.paths import PATHS, Arena
from benchmarks.report import as_json, as_text
from benchmarks.school import KNOWN_PEOPLE, School
from benchmarks.systems import Stage
from tests.services import Services

FULL = Effort(rounds=6, burst=100, gentle=100, rate=20)
QUICK = Effort(rounds=1, burst=10, gentle=10, rate=50)
QUICK_PEOPLE = 20


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def measured(paths: Sequence[str], effort: Effort, known: int) -> dict[str, dict[str, dict[str, float]]]:
    """The document of ``--format json``. Raises `FailedError` when anybody gives a wrong answer."""
    services = Services.start(durable=True)
    databases = ("postgresql", "sqlite") if services.postgres else ("sqlite",)
    os.environ["LYCEUM_TEST_POSTGRES"], os.environ["LYCEUM_TEST_REDIS"] = services.postgres, services.redis
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as ends:
        ends.callback(services.stop)
        folder = Path(
            ends.enter_context(tempfile.TemporaryDirectory(prefix="lyceum-bench-", ignore_cleanup_errors=True))
        )
        say(f"starting the systems on {' and '.join(databases)} …")
        stage = Stage(folder, School(known), {cores[0]}, ends)
        arena = Arena(stage, ends.enter_context(Generator()), databases)
        found = {}
        for path in paths:
            say(path)
            found[path] = as_json(arena.measure(path, effort), databases[0])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", default="", help=f"paths, with commas between: {', '.join(PATHS)}; none means all")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--quick", action="store_true", help="a few requests only: proves that everything works")
    options = parser.parse_args()
    wanted = options.only.replace(",", " ").split()
    unknown = [name for name in wanted if name not in PATHS]
    if unknown:
        parser.error(f"unknown path {', '.join(unknown)}; there are {', '.join(PATHS)}")
    try:
        effort, known = (QUICK, QUICK_PEOPLE) if options.quick else (FULL, KNOWN_PEOPLE)
        paths = measured([path for path in PATHS if path in wanted or not wanted], effort, known)
    except FailedError as failure:
        say(f"failed: {failure}")
        return 1
    print(json.dumps({"paths": paths}, indent=2) if options.format == "json" else as_text(paths))
    return 0


if __name__ == "__main__":
    sys.exit(main())
