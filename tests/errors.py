"""``python -m tests.errors`` writes docs/errors.md from the catalogue of problems."""

from collections.abc import Iterable

from saas.problems import Problem
from saas.web.problems import PROBLEMS as SHELL
from tenants.problems.academy import ACADEMY_PROBLEMS
from tenants.problems.calendar import CALENDAR_PROBLEMS
from tenants.problems.groups import GROUPS_PROBLEMS
from tenants.problems.lti import LTI_PROBLEMS
from tenants.problems.zoom import ZOOM_PROBLEMS
from tests.house import ROOT

FILE = ROOT / "docs" / "errors.md"
AREAS = (
    ("The installation and its pages", SHELL),
    ("People, courses and learning", (*ACADEMY_PROBLEMS, *GROUPS_PROBLEMS, *CALENDAR_PROBLEMS)),
    ("LTI", LTI_PROBLEMS),
    ("Zoom", ZOOM_PROBLEMS),
)
HEAD = """# What people and partner systems can be refused with

Every refusal has a code, which pages, the launch log, the command line and this list share; codes are stable. The number is the
HTTP status. This file is written from the catalogue: change it there, then run `python -m tests.errors`.
"""


def wanted() -> str:
    return "\n".join([HEAD, *(_area(title, problems) for title, problems in AREAS)])


def _area(title: str, problems: Iterable[Problem]) -> str:
    rows = [_row(each) for each in sorted(problems, key=lambda each: each.code)]
    return "\n".join(
        [f"## {title}\n", "| code | | what happened | who mends it | how |", "|---|---|---|---|---|", *rows, ""]
    )


def _row(problem: Problem) -> str:
    cells = (
        f"`{problem.code}`",
        str(problem.status),
        f"**{problem.title}.** {problem.cause}",
        problem.owner,
        problem.remedy,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    FILE.write_text(wanted())
