"""The gradebook as a CSV file (RFC 4180, UTF-8), some lines at a time."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence

from saas.web.i18n import _
from tenants.grades.models import DeliveryState
from tenants.learning.standing import Reads
from tenants.reports.services import GradebookRow

#: Spreadsheets run a cell that begins like this (CWE-1236), also after white space.
FORMULA_MARKS = "=+-@＝＋－＠"
_BEGINS = (*FORMULA_MARKS, "\t", "\r", "\n")
#: Where a spreadsheet that expects another separator or quotation mark than ours begins a cell.
_INSIDE = re.compile(rf"([;,|\t\r\n\"'][^\S\t\r\n]*+)(?=[{re.escape(FORMULA_MARKS)}])")
#: Without it Excel takes UTF-8 for something else.
MARK = "\ufeff"

STATES = {
    Reads.NOT_STARTED: _("Not started"),
    Reads.IN_PROGRESS: _("In progress"),
    Reads.COMPLETED: _("Completed"),
    Reads.PASSED: _("Passed"),
    Reads.FAILED: _("Failed"),
    Reads.WAITING: _("Waiting for result"),
}
DELIVERIES = {
    DeliveryState.WAITING: _("On its way"),
    DeliveryState.SENT: _("Sent"),
    DeliveryState.CONFIRMED: _("Confirmed"),
    DeliveryState.DEAD: _("Not delivered"),
    DeliveryState.CANCELLED: _("Cancelled"),
}
COLUMNS = (
    _("First name"), _("Last name"), _("E-mail"), _("Attempts"), _("Progress (%)"), _("Score (%)"), _("State"),
    _("Minimum score (%)"), _("Score of the tool"), _("Maximum of the tool"), _("From"), _("When"), _("Results sent"),
)  # fmt: skip


def neutral(text: str) -> str:
    """What people or tools wrote, so that no spreadsheet takes it for a formula."""
    text = _INSIDE.sub(r"\1'", text)
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_BEGINS) else text


def heading(translate: Callable[[str], str]) -> bytes:
    return (MARK + _written([[translate(each) for each in COLUMNS]])).encode()


def lines(rows: Sequence[GradebookRow], translate: Callable[[str], str]) -> bytes:
    return _written([_cells(row, translate) for row in rows]).encode()


def _written(rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


def _cells(row: GradebookRow, translate: Callable[[str], str]) -> Sequence[object]:
    person, outside = row.person, row.outside
    return [
        *map(neutral, (person.given_name, person.family_name, person.email or "")),
        row.attempts,
        int(row.progress),
        "" if row.score is None else row.score,
        translate(STATES[row.state]),
        outside.minimum if outside and outside.minimum is not None else "",
        neutral(outside.given or "") if outside else "",
        neutral(outside.maximum or "") if outside else "",
        neutral(row.source),
        row.at.isoformat(timespec="seconds"),
        neutral("; ".join(f"{each.label.lms}: {translate(DELIVERIES[each.delivery.state])}" for each in row.told)),
    ]
