"""Rows of scoped statements as the objects the rest of the program knows, of no session; whoever asks runs either.

Loading them through the ORM costs ten times the statement (docs/performance.md).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import sqlalchemy as sa

from saas.db.base import Base, table_of
from saas.db.statement import TENANT, ScopedStatement

RowT = TypeVar("RowT", bound=Base)


class Runner(Protocol):
    """A session of the academy, or the connection of a hot path."""

    def run(self, statement: ScopedStatement, **parameters: Any) -> Any: ...


class Keeper(Runner, Protocol):
    """The same, where rows go."""

    def add(self, row: Any, /) -> None: ...


class Part(Generic[RowT]):
    """The columns of one class in a statement of several, and the object they make.

    ``names`` contain ``id``; without any it is all of them. What is not among them is None in the object.
    """

    def __init__(self, model: type[RowT], *names: str) -> None:
        table = table_of(model)
        self.model = model
        names = names or tuple(column.name for column in table.c)
        self._fields = tuple((name, f"{table.name}_{name}") for name in names)
        self._key = f"{table.name}_id"

    @property
    def columns(self) -> Sequence[sa.ColumnElement[Any]]:
        table = table_of(self.model)
        return [table.c[name].label(label) for name, label in self._fields]

    def read(self, row: Any) -> RowT | None:
        """None where an outer join found nothing."""
        if getattr(row, self._key) is None:
            return None
        return self.model(**{name: getattr(row, label) for name, label in self._fields})


def same(table: sa.FromClause, **columns: object) -> sa.ColumnElement[bool]:
    """``table`` in this tenant with these values: the condition of every statement here."""
    return sa.and_(table.c.tenant_id == TENANT, *(table.c[name] == value for name, value in columns.items()))


def new_values(table: sa.Table, names: Iterable[str]) -> dict[str, sa.BindParameter[Any]]:
    """Values of an insert or update: each column takes the parameter ``new_<column>``."""
    return {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in names}


def unchanged(table: sa.Table, names: Iterable[str]) -> sa.ColumnElement[bool]:
    """That columns still are as they were read: each is compared with the parameter ``seen_<column>``."""
    seen = ((table.c[name], sa.bindparam(f"seen_{name}", type_=table.c[name].type)) for name in names)
    return sa.and_(*(column.is_not_distinct_from(value) for column, value in seen))


def parameters_of(row: Base, names: Iterable[str], prefix: str) -> dict[str, Any]:
    """For `new_values` (``prefix`` "new") or `unchanged` ("seen")."""
    return {f"{prefix}_{name}": getattr(row, name) for name in names}
