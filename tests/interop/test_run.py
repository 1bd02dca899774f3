"""``lyceum run``, which is what ``make run`` starts: its last lines lead in, and a second start keeps everything."""

import re
from pathlib import Path

from tests.installation import Installation, Running

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
