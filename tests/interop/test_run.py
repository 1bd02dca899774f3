"""``lyceum run``, which is what ``make run`` starts: its last lines lead in, and a second start keeps everything."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.house import ROOT
from tests.installation import START, Installation, LocalTransport, Running
from tests.services import answers, free_port, wait_for

ROLES = {"north": ["admin", "learner"], "south": ["admin", "learner"], "": ["operator"]}


def last_lines(running: Running) -> list[str]:
    """What stands below “is running”, without empty lines and the log of requests."""
    said = running.log.read_text().rpartition("Lyceum is running")[2].splitlines()
    return [line for line in said if ": http" in line]


def wanted(made: Installation) -> list[str]:
    """Patterns of the last lines: each house's address, then its links."""
    lines = []
    for slug, roles in ROLES.items():
        address = re.escape(made.url(slug) if slug else f"http://localhost:{made.port}")
        lines += [rf"[^:]+: {address}", *(rf"  sign in once as {role}: {address}/sign-in/[\w-]+" for role in roles)]
    return lines


def test_its_last_lines_lead_in_and_a_second_start_keeps_everything(tmp_path: Path) -> None:
    made = Installation(tmp_path, more={"app__demo": "true"})
    courses = []
    try:
        for start in (1, 2):
            running, links = made.run()
            shown = zip(last_lines(running), wanted(made), strict=True)
            assert [line for line, pattern in shown if not re.fullmatch(pattern, line)] == []
            said = running.log.read_text()
            assert "preparing the database" in said
            assert ("made the demonstration academies" in said) is (start == 1)
            with made.client() as browser:
                assert browser.get(links["north admin"]).status_code == 303
                assert browser.get(f"{made.url('north')}/people").status_code == 200
                assert browser.get(links["north admin"]).status_code == 410, "a link works once"
            courses.append(made.json("course", "list", "north"))
            assert running.stop() == 0
        assert courses[0] == courses[1] != []
    finally:
        made.close()


@contextmanager
def make_run(folder: Path, port: int, zoom_port: int) -> Iterator[str]:
    """``make run``, with this very environment; what it said until the last line. Ended by ending Lyceum alone."""
    log = folder / "make.log"
    values = {"PORT": port, "ZOOM_PORT": zoom_port, "DATA": folder / "data", "BIN": Path(sys.executable).parent}
    said = [f"{name}={value}" for name, value in values.items()]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    with log.open("wb") as output:
        make = subprocess.Popen(
            ["make", "-o", ".venv/.runtime", "run", *said],
            cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True,
        )  # fmt: skip
    running = Running(make, log)
    try:
        wait_for(lambda: "sign in once as operator" in log.read_text() or running.failed(), "make run", START)
        yield log.read_text()
    finally:
        running.stop()
        wait_for(lambda: not answers(port), "Lyceum to end", START)


def test_practice_zoom_comes_and_goes_with_it_and_is_told_again(tmp_path: Path) -> None:
    port, zoom_port = free_port(), free_port()
    practice, north = f"http://practice-zoom.localhost:{zoom_port}", f"http://north.localhost:{port}"
    with httpx.Client(transport=LocalTransport(), timeout=60) as browser:
        for _start in (1, 2):
            with make_run(tmp_path, port, zoom_port) as said:
                assert re.search(
                    rf"Zoom: the course .* practice Zoom, which is not Zoom: {practice}$", said, re.MULTILINE
                )
                (credential,) = browser.get(f"{practice}/practice/state").json()["credentials"]
                assert [instance["url"] for instance in credential["instances"]] == [north]
                link = re.search(rf"sign in once as coach: ({north}/sign-in/\S+)", said)
                assert link
                assert browser.get(link[1]).status_code == 303
            wait_for(lambda: not answers(zoom_port), "practice Zoom to end with Lyceum", 60)
