"""``make bench`` in its quick form: the document's shape, and that every answer was the right one. No time is asserted."""

import json
import subprocess
import sys

import pytest

from benchmarks.calendar import CALENDAR_PATHS
from benchmarks.paths import PATHS
from benchmarks.platform import PLATFORM_PATHS
from tests.house import BACKENDS, ROOT

#: Beside whom a path is measured.
PEERS = {
    **dict.fromkeys(("login_lti13", "launch_lti13", "launch_lti13_new"), "pylti1p3_flask"),
    **dict.fromkeys(("launch_lti12", "launch_lti12_new"), "lti_flask"),
}
ALONE = ("catalog", "picker", "roster_preview", "score_delivery", "outcome_delivery", *PLATFORM_PATHS, *CALENDAR_PATHS)


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False)


@pytest.mark.timeout(2400)
def test_the_quick_bench_prints_one_document_and_nothing_else() -> None:
    """A wrong answer of either system would end it with status 1."""
    done = bench("--only", ",".join([*PEERS, *ALONE]), "--format", "json", "--quick")
    assert done.returncode == 0, done.stderr[-2000:]
    document = json.loads(done.stdout)
    assert list(document) == ["paths"]
    assert set(document["paths"]) == {*PEERS, *ALONE} == {*PATHS} - {"echo"}
    for path, found in document["paths"].items():
        check_path(found, ("lyceum", PEERS[path]) if path in PEERS else ("lyceum",))
    assert "grown_mb" in document["paths"]["roster_preview"]["lyceum"]
    assert document["paths"]["tool_token"]["lyceum"]["statements"] > 0


def check_path(found: dict[str, dict[str, float]], systems: tuple[str, ...]) -> None:
    databases = [name for name in BACKENDS if f"lyceum_{name}" in found]
    assert "sqlite" in databases
    named = {f"{system}_{database}" for system in systems for database in databases}
    assert set(found) == {*systems, *named, "waitress_echo"}
    for name, figures in found.items():
        assert {"per_second", "p50_ms", "p99_ms"} <= figures.keys(), name
        assert 0 < figures["p50_ms"] <= figures["p99_ms"], name
        assert figures["per_second"] > 0, name
        assert ("ratio" in figures) is (len(systems) > 1 and name.startswith("lyceum")), name
    main = "postgresql" if "postgresql" in databases else "sqlite"
    assert all(found[system] == found[f"{system}_{main}"] for system in systems)


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_unknown_path_is_refused_by_name(form: str) -> None:
    done = bench("--only", "launch_lti14", "--format", form)
    assert (done.returncode, done.stdout) == (2, "")
    assert "launch_lti14" in done.stderr
