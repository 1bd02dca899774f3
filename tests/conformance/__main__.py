"""``python -m tests.conformance --groups "T3 AC" --format text|json``: which conformance cases pass.

Only the result goes to stdout; what pytest says goes to stderr. Ends with 1 unless every case asked for has passed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.conformance.cases import listed, marks
from tests.conformance.plugin import OPTION, RESULTS
from tests.house import ROOT

Verdicts = Mapping[str, Mapping[str, Sequence[str]]]


def run(groups: Sequence[str]) -> dict[str, list[str]]:
    """How each test of each case ended; runs pytest once."""
    files = sorted({str(mark.file) for mark in marks() if mark.case.partition("-")[0] in groups})
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "results.json")
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "-p", "tests.conformance.plugin",
                   OPTION, " ".join(groups), RESULTS, str(results), *files]  # fmt: skip
        subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False)
        return json.loads(results.read_text()) if results.exists() else {}


def judge(groups: Sequence[str], ends: Mapping[str, Sequence[str]]) -> dict[str, dict[str, list[str]]]:
    """Per group the ids passed, failed and missing; a case with a skipped test is missing."""
    verdicts: dict[str, dict[str, list[str]]] = {group: {"passed": [], "failed": [], "missing": []} for group in groups}
    for case in listed().values():
        if case.group in verdicts:
            found = set(ends.get(case.id, ()))
            verdict = "failed" if "failed" in found else "passed" if found == {"passed"} else "missing"
            verdicts[case.group][verdict].append(case.id)
    return verdicts


def as_text(verdicts: Verdicts) -> str:
    lines = []
    for group, ids in verdicts.items():
        counts = "  ".join(f"{len(ids[verdict])} {verdict}" for verdict in ("passed", "failed", "missing"))
        lines.append(f"{group}  {sum(map(len, ids.values()))} cases  {counts}")
        lines += [f"    {verdict}: {' '.join(ids[verdict])}" for verdict in ("failed", "missing") if ids[verdict]]
    return "\n".join(lines)


def as_json(verdicts: Verdicts) -> str:
    counted = {group: {"cases": sum(map(len, ids.values())), **ids} for group, ids in verdicts.items()}
    return json.dumps({"groups": counted})


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.conformance", description=__doc__)
    parser.add_argument("--groups", default="", help="such as “T3 AC”; all by default")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    options = parser.parse_args(arguments)
    known = list(dict.fromkeys(case.group for case in listed().values()))
    groups = list(dict.fromkeys(options.groups.split())) or known
    if unknown := set(groups) - set(known):
        parser.error(f"no such group: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if strays := sorted({mark.case for mark in marks()} - set(listed())):
        parser.error(f"docs/conformance.md does not list {', '.join(strays)}, which tests name")
    verdicts = judge(groups, run(groups))
    print(as_json(verdicts) if options.format == "json" else as_text(verdicts))
    return 0 if all(not ids["failed"] and not ids["missing"] for ids in verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
