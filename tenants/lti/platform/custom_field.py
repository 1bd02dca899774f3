"""The rows of additional parameters in a form: a name and a value each, and lines pasted whole.

The inputs of every row have the same two names; empty rows are left out. Buttons among the rows add one or take one
out: the form is then shown again, and nothing is saved.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from typing import Any

from webob.multidict import MultiDict
from wtforms import Field
from wtforms.utils import unset_value

from tenants.lti.wire.custom_rows import ROWS_LIMIT, Rows, read_row, read_rows
from tenants.lti.wire.substitution import MARK, VARIABLES

#: Rows a page shows at least; one of them is always empty.
SHOWN = 3
#: Of more rows than can be saved, these are shown again with what is wrong.
MOST_SHOWN = 4 * ROWS_LIMIT
#: Every variable a value may be, with what it becomes.
CHOICES = tuple((MARK + each.name, each.meaning) for each in VARIABLES)


class ParameterRows(Field):
    """``data`` are the rows that say something, `rows` also those to be filled in.

    ``is_edited``: a button among the rows was pressed, not the form's own.
    """

    data: Rows
    is_edited = False
    empty = 0

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        super().process(None, data, extra_filters)
        if formdata is not None:
            self._read(formdata.getlist)

    def process_data(self, value: Iterable[Iterable[str]] | None) -> None:
        self.data = tuple((name, text) for name, text in value or ())

    def take(self, sent: "MultiDict[str, Any]") -> None:
        """What stood in the rows of another form with this field, if there was such a form."""
        if any(name in sent for name in (self.name, self.named("name"))):
            self._read(sent.getall)

    def named(self, part: str) -> str:
        """What the inputs ``name`` and ``value`` and the buttons ``more`` and ``drop`` are called."""
        return f"{self.name}-{part}"

    @property
    def rows(self) -> Rows:
        spare = max(self.empty, 1, SHOWN - len(self.data))
        return (*self.data[:MOST_SHOWN], *[("", "")] * min(spare, ROWS_LIMIT))

    def _read(self, texts: Callable[[str], Sequence[str]]) -> None:
        more, drop = texts(self.named("more")), texts(self.named("drop"))
        pairs = zip_longest(texts(self.named("name")), texts(self.named("value")), fillvalue="")
        sent = [read_row(*pair) for place, pair in enumerate(pairs) if str(place) not in drop]
        self.raw_data = [*texts(self.name)]
        self.is_edited = bool(more or drop)
        self.empty = sent.count(()) + bool(more)
        pasted = [read_rows(text) for text in self.raw_data]
        self.data = tuple(row for rows in (*sent, *pasted) for row in rows)
