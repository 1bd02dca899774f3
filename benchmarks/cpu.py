"""Processor time of other processes, and which processors they may use."""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path


def family(pid: int) -> list[int]:
    """The process and everything below it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found.extend(int(child) for child in task.read_text().split())
    return found


def times(pids: Iterable[int]) -> dict[int, int]:
    """Nanoseconds each process has run, all threads together; those that have ended are left out."""
    found = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            # The clock of another process as clock_getcpuclockid(3) encodes it.
            found[pid] = time.clock_gettime_ns((~pid << 3) | 2)
    return found


def spent(before: dict[int, int], after: dict[int, int]) -> int:
    """Nanoseconds run between two looks; a process that came in between counts from its start."""
    return sum(run - before.get(pid, 0) for pid, run in after.items())


def memory(pids: Iterable[int], *, peak: bool = False) -> float:
    """Megabytes the processes hold, or ever held."""
    wanted, total = "VmHWM:" if peak else "VmRSS:", 0
    for pid in pids:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            total += next((int(line.split()[1]) for line in lines if line.startswith(wanted)), 0)
    return total / 1024


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@contextlib.contextmanager
def processors(wanted: set[int]) -> Iterator[None]:
    """Processes started inside run on these processors only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, wanted)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
