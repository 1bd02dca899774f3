"""Check Zoom connection as a job: killed, cancelled, started twice, run beside others; what it leaves can be read."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from saas import clock
from saas.jobs.models import JobState, Outbox
from saas.jobs.outbox import later
from tenants.zoom.ltipro.check import LONGEST, Checks, ConnectionCheck, Draft
from tenants.zoom.ltipro.check_lines import LINES
from tenants.zoom.ltipro.models import ZoomCheck
from tests.features.zoom_double import JWKS, KEY, KEYS, LOGIN, Checked, Rig, ZoomDouble, served
from tests.house import BACKENDS, ROOT, databases_of
from tests.jobs.scripted import Reply, Request

RUN = """
import json, sys
from uuid import UUID
from saas.app import configure
from tenants.zoom.ltipro.check import ConnectionCheck
ini, tenant, check = json.loads(sys.stdin.read())
runtime = configure(ini).registry.runtime
ConnectionCheck(runtime, runtime.tenants.by_id(tenant)).run(UUID(check))
"""


@pytest.fixture(params=BACKENDS, scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with served(request.param, tmp_path_factory.mktemp("zoom")) as rig:
        yield rig
    databases_of(request.param).drop(rig.house.database_url)


@pytest.fixture
def academy(running: Rig) -> Checked:
    running.zoom.reset()
    with running.house.runtime.database.shell() as session:
        session.execute(sa.delete(Outbox))
    return running.academy()


class Gate:
    """Holds Zoom's answer to a login until it is opened; ``reached`` once somebody waits there."""

    def __init__(self, zoom: ZoomDouble) -> None:
        self.zoom = zoom
        self.reached, self.opened = threading.Event(), threading.Event()
        zoom.rule(LOGIN, self._hold)

    def _hold(self, request: Request) -> Reply:
        self.reached.set()
        self.opened.wait(2.5)
        return self.zoom.lead(request)


def promised(academy: Checked) -> UUID:
    with academy.kit.session() as session:
        checks = Checks(session, academy.kit.runtime, academy.kit.academy)
        check, _is_new = checks.begin(Draft("New", KEY), "somebody")
        later(session, "zoom.check_connection", check_id=check.id)
        return check.id


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def run(academy: Checked, check_id: UUID) -> None:
    ConnectionCheck(academy.kit.runtime, academy.kit.academy).run(check_id)


def test_lines_are_there_as_soon_as_they_are_known(academy: Checked) -> None:
    """And nobody is kept waiting meanwhile: no transaction is open while Zoom is asked."""
    gate, check_id = Gate(academy.zoom), academy.begin()
    running = in_thread(lambda: run(academy, check_id))
    assert gate.reached.wait(20)
    half = academy.report(check_id)
    names = [line.name for line in LINES]
    assert ([row.step for row in half.rows], half.busy) == (names[: names.index("login")], True)
    academy.change(name="Written meanwhile")
    gate.opened.set()
    running.join(20)
    assert [row.step for row in academy.report(check_id).rows] == names


@pytest.mark.case("ZL-085")
def test_killed_between_two_steps(academy: Checked) -> None:
    """What is there can be read; it counts as interrupted after a while; the job begins anew and ends."""
    gate, check_id = Gate(academy.zoom), promised(academy)
    house = academy.kit.house
    process = subprocess.Popen(
        [sys.executable, "-c", RUN], stdin=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps([house.ini, academy.kit.academy.id, str(check_id)]).encode())
    process.stdin.close()
    assert gate.reached.wait(60)
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    gate.opened.set()
    half = academy.report(check_id)
    assert (0 < len(half.rows) < len(LINES), half.busy, half.passed) == (True, True, False)
    with academy.kit.session() as session:
        session.get_one(ZoomCheck, check_id).started_at = clock.now() - LONGEST + timedelta(seconds=20)
    house.run_jobs()
    whole = academy.report(check_id)
    assert ([row.step for row in whole.rows], whole.passed) == ([line.name for line in LINES], True)
    assert whole.check.finished_at is not None


def test_killed_and_found_too_late(academy: Checked) -> None:
    """Nobody waits for it any more: it is closed, not run."""
    check_id = promised(academy)
    with academy.kit.session() as session:
        session.get_one(ZoomCheck, check_id).started_at = clock.now() - LONGEST - timedelta(seconds=1)
    assert academy.report(check_id).interrupted
    academy.kit.house.run_jobs()
    report = academy.report(check_id)
    assert (report.interrupted, len(report.rows), academy.zoom.requests) == (True, len(LINES), [])
    assert {row.code for row in report.rows} == {"ZOOM_CHECK_BROKE_OFF"}


def test_a_job_that_is_given_up_says_so(academy: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the program, made here: what was found stands."""
    check_id = promised(academy)
    monkeypatch.setattr("tenants.zoom.ltipro.check_steps._clock", lambda _answer: 1 / 0)
    with academy.kit.house.runtime.database.shell() as session:
        session.execute(sa.update(Outbox).values(give_up_at=clock.now() - timedelta(seconds=1)))
    academy.kit.house.run_jobs()
    report = academy.report(check_id)
    assert (report.interrupted, report.rows[0].outcome, len(report.rows)) == (True, "ok", len(LINES))
    assert report.rows[-1].code == "ZOOM_CHECK_BROKE_OFF"


@pytest.mark.case("ZL-085")
def test_cancelled_while_it_runs(academy: Checked) -> None:
    gate, check_id = Gate(academy.zoom), academy.begin()
    running = in_thread(lambda: run(academy, check_id))
    assert gate.reached.wait(20)
    with academy.kit.session() as session:
        Checks(session, academy.kit.runtime, academy.kit.academy).cancel(check_id)
    gate.opened.set()
    running.join(20)
    report = academy.report(check_id)
    assert (report.cancelled, report.passed, report.busy) == (True, False, False)
    assert [row.step for row in report.rows] == [line.name for line in LINES]
    assert {row.code for row in report.rows[7:]} == {"ZOOM_CHECK_CANCELLED"}
    assert report.rows[0].outcome == "ok"


def test_forgotten_while_it_runs(academy: Checked) -> None:
    gate, check_id = Gate(academy.zoom), academy.begin()
    running = in_thread(lambda: run(academy, check_id))
    assert gate.reached.wait(20)
    with academy.kit.session() as session:
        session.delete(session.get_one(ZoomCheck, check_id))
    gate.opened.set()
    running.join(20)
    assert not running.is_alive()
    with academy.kit.session() as session:
        assert session.get(ZoomCheck, check_id) is None


def test_started_twice_it_is_written_once(academy: Checked) -> None:
    """A lease that lapsed while its worker lived: the newer run counts, the older stops."""
    gate, check_id = Gate(academy.zoom), academy.begin()
    older = in_thread(lambda: run(academy, check_id))
    assert gate.reached.wait(20)
    gate.opened.set()
    newer = in_thread(lambda: run(academy, check_id))
    older.join(20)
    newer.join(20)
    rows = academy.report(check_id).rows
    assert [row.step for row in rows] == [line.name for line in LINES]
    run(academy, check_id)
    assert [row.id for row in academy.report(check_id).rows] == [row.id for row in rows], "it is over"


@pytest.mark.case("ZL-085")
def test_several_at_once(academy: Checked, running: Rig) -> None:
    """Of one profile and of another academy: each has its own lines."""
    other = running.academy()
    begun = [(each, each.begin()) for each in (academy, academy, academy, other)]
    academy.zoom.on(JWKS, Reply.of(KEYS))
    threads = [in_thread(lambda each=each: run(*each)) for each in begun]  # type: ignore[misc]  # -- bound per turn
    for thread in threads:
        thread.join(60)
    for each, check_id in begun:
        report = each.report(check_id)
        assert ([row.step for row in report.rows], report.passed) == ([line.name for line in LINES], True)


def test_the_outbox_is_settled(academy: Checked) -> None:
    check_id = promised(academy)
    academy.kit.house.run_jobs()
    with academy.kit.house.runtime.database.shell() as session:
        assert [row.state for row in session.scalars(sa.select(Outbox))] == [JobState.DONE]
    assert academy.report(check_id).passed
