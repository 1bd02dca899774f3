# ruff: noqa: SLF001 -- a statement's parts are private to SQLAlchemy, and proving it means reading them
"""The one door through which Core SQL may touch tenant tables: statements proven, at import, to stay in their tenant.

The hot paths (launch, score, webhook, calendar) cannot afford the ORM's unit of work (docs/performance.md). A
`ScopedStatement` walks its own tree once and refuses to exist unless every tenant table in it is bound to `TENANT`;
whoever executes it supplies only the other parameters.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BindParameter, BooleanClauseList, ColumnElement
from sqlalchemy.sql.operators import and_, eq
from sqlalchemy.sql.selectable import FromClause, FromClauseAlias, HasPrefixes, Join

from saas.db.base import Base, table_of

#: The parameter every tenant table of a scoped statement is compared with; only sessions fill it.
TENANT: BindParameter[int] = sa.bindparam("the_tenant", type_=sa.Integer)


class UnboundTableError(Exception):
    """A statement was declared that could read or write outside its tenant."""


class ScopedStatement:
    """A named Core statement; a test lists every one of them."""

    declared: ClassVar[dict[str, "ScopedStatement"]] = {}

    def __init__(self, name: str, clause: sa.Executable) -> None:
        if name in self.declared:
            raise ValueError(f"scoped statement {name} is declared twice")
        _prove(name, clause)
        self.name = name
        self.clause = clause
        self.declared[name] = self

    def bind(self, tenant_id: int, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if TENANT.key in parameters or "tenant_id" in parameters:  # a parameter named like a column would be SET
            raise UnboundTableError(f"{self.name}: the tenant is not the caller's to choose")
        return {**parameters, TENANT.key: tenant_id}


class ScopedInsert(ScopedStatement):
    """Whole rows of one mapped class, taken from objects that no session knows: `saas.db.hot.HotConnection.add`."""

    by_class: ClassVar[dict[type, "ScopedInsert"]] = {}

    def __init__(self, name: str, model: type[Base]) -> None:
        table = table_of(model)
        self._defaults = {column.name: column.default for column in table.c if column.name != "tenant_id"}
        given = {column: sa.bindparam(f"new_{column}", type_=table.c[column].type) for column in self._defaults}
        super().__init__(name, sa.insert(table).values({"tenant_id": TENANT, **given}))
        self.by_class[model] = self

    def parameters(self, row: Base) -> dict[str, Any]:
        """What the object says, and the columns' own defaults where it says nothing."""
        said = vars(row)
        return {
            f"new_{name}": said[name] if name in said else _default(default) for name, default in self._defaults.items()
        }


def _default(default: Any) -> Any:
    """As SQLAlchemy holds a column's default: a function of an execution context, or a value."""
    if default is None:
        return None
    return default.arg(None) if default.is_callable else default.arg


def is_raw(part: Any) -> bool:
    """SQL as text, which nothing here can read; the ``*`` of ``count(*)`` is harmless."""
    if isinstance(part, sa.ColumnClause):
        return part.is_literal and part.name != "*"
    if isinstance(part, HasPrefixes):
        return any(getattr(part, name, ()) for name in ("_prefixes", "_suffixes", "_hints", "_statement_hints"))
    return isinstance(part, sa.TextClause) or (isinstance(part, sa.TableClause) and not isinstance(part, sa.Table))


def other_tables(change: sa.Update | sa.Delete) -> set[FromClause]:
    """What an update or delete reads beside its own table (``UPDATE … FROM``, ``DELETE … USING``)."""
    said = (*change._where_criteria, *_columns(getattr(change, "_values", None)).values())
    read = {table for each in said for table in getattr(each, "_from_objects", ())}
    return read.union(getattr(change, "_extra_froms", ())) - {change.table}


def _prove(name: str, clause: Any) -> None:
    every = list(visitors.iterate(clause))
    if any(is_raw(part) for part in every):
        raise UnboundTableError(f"{name}: SQL as text cannot be proven")
    parts = [part for part in every if isinstance(part, sa.Select | sa.Update | sa.Delete | sa.Insert)]
    if not parts:
        raise UnboundTableError(f"{name}: only select, insert, update and delete can be proven")
    for part in parts:
        if isinstance(part, sa.Select):
            _prove_select(name, part)
        elif isinstance(part, sa.Insert):
            _prove_insert(name, part)
        else:
            _prove_change(name, part)


def _prove_select(name: str, part: sa.Select[Any]) -> None:
    """A correlated subquery, too, binds every table it names: what is correlated in the end is the compiler's say."""
    bound = list(_conjuncts(part.whereclause))
    tables: list[FromClause] = []
    for source in part.get_final_froms():
        _walk_joins(source, tables, bound)
    _require(name, tables, bound)


def _walk_joins(source: FromClause, tables: list[FromClause], bound: list[ColumnElement[Any]]) -> None:
    """Collects the tables of a join tree and the ON conditions that really restrict them."""
    if not isinstance(source, Join):
        tables.append(source)
        return
    _walk_joins(source.left, tables, bound)
    _walk_joins(source.right, tables, bound)
    conditions = list(_conjuncts(source.onclause))
    if source.full:
        return
    if source.isouter:
        left: list[FromClause] = []
        _walk_joins(source.left, left, [])
        conditions = [each for each in conditions if not any(_binds(each, table) for table in left)]
    bound.extend(conditions)


def _prove_change(name: str, part: sa.Update | sa.Delete) -> None:
    if not isinstance(part.table, sa.Table):
        raise UnboundTableError(f"{name}: one table is changed at a time")
    _require(name, [part.table, *other_tables(part)], list(_conjuncts(part.whereclause)))
    if isinstance(part, sa.Update) and "tenant_id" in _columns(part._values):
        raise UnboundTableError(f"{name}: a row never changes its tenant")


def _prove_insert(name: str, part: sa.Insert) -> None:
    if "tenant_id" not in part.table.c:
        return
    if part._multi_values:
        raise UnboundTableError(f"{name}: one row of values at a time")
    if part.select is not None:
        names = list(part._select_names or ())
        given = list(part.select.selected_columns)[names.index("tenant_id")] if "tenant_id" in names else None
    else:
        given = _columns(part._values).get("tenant_id")
    if not _is_tenant(given):
        raise UnboundTableError(f"{name}: rows for {part.table} are not stamped with the tenant")
    conflict = part._post_values_clause
    if conflict is not None:
        targets = {getattr(each, "name", each) for each in getattr(conflict, "inferred_target_elements", None) or ()}
        if "tenant_id" not in targets:
            raise UnboundTableError(f"{name}: the conflict target must contain the tenant")
        if "tenant_id" in _columns(getattr(conflict, "update_values_to_set", None)):
            raise UnboundTableError(f"{name}: a row never changes its tenant")


def _columns(values: Mapping[Any, Any] | None) -> dict[str, Any]:
    return {getattr(column, "name", column): value for column, value in (values or {}).items()}


def _require(name: str, tables: list[FromClause], bound: list[ColumnElement[Any]]) -> None:
    for table in tables:
        inner = table
        while isinstance(inner, FromClauseAlias):
            inner = inner.element
        scoped = isinstance(inner, sa.Table) and "tenant_id" in inner.c
        if scoped and not any(_binds(condition, table) for condition in bound):
            raise UnboundTableError(f"{name}: {table} is not bound to the tenant")


def _conjuncts(condition: Any) -> Iterator[ColumnElement[Any]]:
    if condition is None:
        return
    if isinstance(condition, BooleanClauseList) and condition.operator is and_:
        for each in condition.clauses:
            yield from _conjuncts(each)
    elif isinstance(condition, sa.sql.elements.Grouping):
        yield from _conjuncts(condition.element)
    else:
        yield condition


def _binds(condition: Any, table: FromClause) -> bool:
    """True for ``table.tenant_id = TENANT`` in either order."""
    if not isinstance(condition, sa.BinaryExpression) or condition.operator is not eq:
        return False
    sides = (condition.left, condition.right)
    return any(_is_tenant(side) for side in sides) and any(_is_tenant_column(side, table) for side in sides)


def _is_tenant_column(element: Any, table: FromClause) -> bool:
    return isinstance(element, sa.ColumnClause) and element.name == "tenant_id" and element.table is table


def _is_tenant(element: Any) -> bool:
    while isinstance(element, sa.Label | sa.sql.elements.Grouping):
        element = element.element
    return isinstance(element, BindParameter) and element.key == TENANT.key
