"""A test may be run twice where the machine, not the code, may have failed it: in a browser that shares its processors,
or between processes that wait for each other.

What fails twice has failed. A try that hung is not counted, once: whatever a test waits for has a limit of its own, so
where a whole test's time runs out, the browser's driver has lost an answer. What passed in the end is named at the end of
the run, with what was wrong before.
"""

import pytest
from _pytest.runner import runtestprotocol

NAME = "second try"
#: In the words of pytest-timeout.
HUNG = "from pytest-timeout"


def run(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Instead of pytest's own way of running one test."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    failures: list[str] = []
    while True:
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        failed = next((str(report.longrepr) for report in reports if report.failed), "")
        if not failed or len(failures) == (2 if any(HUNG in each for each in [*failures, failed]) else 1):
            break
        failures.append(failed)
        item._initrequest()  # type: ignore[attr-defined]  # -- fixtures anew; not declared
    if failures:
        item.user_properties.append((NAME, failures[-1][-400:]))
        for report in reports:
            report.user_properties = item.user_properties
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


def summarise(reporter: pytest.TerminalReporter) -> None:
    for report in reporter.getreports("passed"):
        if why := dict(report.user_properties).get(NAME):
            reporter.section(f"{NAME}: {report.nodeid}", yellow=True)
            reporter.line(str(why))
