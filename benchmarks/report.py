"""The figures as one JSON document or as a table for people."""

from collections.abc import Mapping
from typing import Any

from benchmarks.measure import Figures, Key
from benchmarks.paths import UNIT

COLUMNS = {
    "per_second": "per second",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "cpu_us": "CPU µs",
    "echo_units": "E",
    "ratio": "× peer",
    "grown_mb": "MB grown",
    "statements": "statements",
}
PEERS = ("pylti1p3_flask", "lti_flask")


def as_json(figures: Mapping[Key, Figures], main: str) -> dict[str, dict[str, float]]:
    """By system and database; ``lyceum`` and a peer's bare name stand for the database ``main``."""
    shown: dict[str, dict[str, float]] = {}
    for (name, database), figure in figures.items():
        peer = next((figures[each, database] for each in PEERS if (each, database) in figures), None)
        values = figure.as_json(figures.get(UNIT), peer if name not in (*PEERS, UNIT[0]) else None)
        if database in ("", main):
            shown[name] = values
        if database:
            shown[f"{name}_{database}"] = values
    return shown


def as_text(paths: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    lines = [f"{'path':22}{'system':28}" + "".join(f"{title:>12}" for title in COLUMNS.values())]
    for path, systems in paths.items():
        for name, values in systems.items():
            if f"{name}_sqlite" not in systems and f"{name}_postgresql" not in systems:
                shown = (f"{values[column]:>12g}" if column in values else f"{'':12}" for column in COLUMNS)
                lines.append(f"{path:22}{name:28}" + "".join(shown))
    return "\n".join(lines)
