"""Runs only the tests of the cases asked for and keeps, per case, how each of them ended. Loaded by the runner."""

import json
from pathlib import Path

import pytest

OPTION, RESULTS = "--case-groups", "--case-results"


class Collected:
    """In the process that starts the workers: what every test of a case came to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outcomes: dict[str, dict[str, str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Failed at any step is failed; passed is to have been called and passed."""
        for name, case in report.user_properties:
            if name == "case":
                ends = self.outcomes.setdefault(str(case), {})
                if report.outcome != "passed" or (report.when == "call" and report.nodeid not in ends):
                    ends[report.nodeid] = report.outcome

    def pytest_sessionfinish(self) -> None:
        self.path.write_text(json.dumps({case: sorted(ends.values()) for case, ends in self.outcomes.items()}))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, default="")
    parser.addoption(RESULTS, default="")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption(RESULTS) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Collected(Path(config.getoption(RESULTS))))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    groups = set(config.getoption(OPTION).split())
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        cases = [case for mark in item.iter_markers("case") for case in mark.args if case.partition("-")[0] in groups]
        item.user_properties += [("case", case) for case in cases]
        (kept if cases else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept
