"""A test may be run twice where the machine, not the code, may have failed it: in a browser that shares its processors,
or between processes that wait for each other.

What fails twice has failed. What passed at the second try is named at the end of the run, with what was wrong before.
"""

import pytest
from _pytest.runner import runtestprotocol

NAME = "second try"


def run(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Instead of pytest's own way of running one test."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    failed = [str(report.longrepr) for report in reports if report.failed]
    if failed:
        item.user_properties.append((NAME, failed[0][-400:]))
        item._initrequest()  # type: ignore[attr-defined]  # -- fixtures anew; not declared
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


def summarise(reporter: pytest.TerminalReporter) -> None:
    for report in reporter.getreports("passed"):
        if why := dict(report.user_properties).get(NAME):
            reporter.section(f"{NAME}: {report.nodeid}", yellow=True)
            reporter.line(str(why))
