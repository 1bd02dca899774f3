"""The lean way to run scoped statements: each compiled once, then given to the driver without further ado.

SQLAlchemy writes the SQL, converts the values and keeps the pool; its per-execution machinery is left out, which costs
several times what the driver needs (docs/performance.md). Listeners of ``before_cursor_execute`` hear of these
statements, and of their commit, like of any other.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.pool import PoolProxiedConnection

from saas.db.base import Base
from saas.db.errors import as_sqlalchemy
from saas.db.statement import ScopedInsert, ScopedStatement

Convert = Callable[[Any], Any]
#: Execution option of a connection whose transaction runs already.
BEGUN = "begun"


class Rows(list[Any]):
    """What a statement returned, all of it: named tuples."""

    def first(self) -> Any:
        return self[0] if self else None

    def one_or_none(self) -> Any:
        """Raises `sqlalchemy.exc.MultipleResultsFound` for more than one row."""
        if len(self) > 1:
            raise sa.exc.MultipleResultsFound("one row was expected at most")
        return self.first()


def _row_class(names: list[str]) -> Any:
    return namedtuple("Row", names)  # noqa: PYI024 -- its columns are only known now


class Prepared:
    """One statement for one kind of database. ``dialect`` numbers its parameters by place."""

    def __init__(self, statement: ScopedStatement, dialect: Dialect) -> None:
        clause: Any = statement.clause
        compiled: Any = clause.compile(dialect=dialect)
        if compiled.insert_prefetch or compiled.update_prefetch:
            raise TypeError(f"{statement.name}: columns with defaults of the program must be given their values")
        self.sql = str(compiled)
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        self.wanted = frozenset(name for name, bind in binds.items() if bind.required)
        #: By place: the parameter's name, how its value is converted, and the value where the statement fixes it.
        self.order: Sequence[tuple[str, Convert | None, Any]] = [
            (name, binds[name].type.dialect_impl(dialect).bind_processor(dialect), binds[name].effective_value)
            for name in compiled.positiontup
        ]
        columns = list(clause.exported_columns) if clause.is_select or compiled.returning else []
        reads = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self.reads: Sequence[tuple[int, Convert]] = [(place, read) for place, read in enumerate(reads) if read]
        self.row = _row_class([column.name for column in columns])

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """Raises TypeError when ``given`` is not exactly what the statement takes."""
        if given.keys() != self.wanted:
            raise TypeError(f"parameters {sorted(given.keys() ^ self.wanted)} are missing or unknown")
        get = given.get
        return [convert(get(name, fixed)) if convert else get(name, fixed) for name, convert, fixed in self.order]

    def rows(self, found: Sequence[Sequence[Any]]) -> Rows:
        make, rows = self.row._make, Rows()
        for each in found:
            columns = list(each)
            for place, read in self.reads:
                columns[place] = read(columns[place])
            rows.append(make(columns))
        return rows


class Transaction(Protocol):
    """A transaction as a kind of database runs it on one pooled connection, taken when it begins: with the first
    statement.
    """

    pooled: PoolProxiedConnection | None

    def execute(self, sql: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """All rows."""

    def begin(self) -> PoolProxiedConnection:
        """Unless it has begun."""

    def commit(self) -> None: ...

    def end(self) -> None:
        """Undoes what was not committed, and gives the connection back."""


class HotConnection:
    """One tenant's transaction on the hot paths: scoped statements only. Errors come as SQLAlchemy's."""

    def __init__(
        self,
        engine: sa.Engine,
        transaction: Transaction,
        tenant_id: int,
        prepare: Callable[[ScopedStatement], Prepared],
    ) -> None:
        self.tenant_id = tenant_id
        self._engine = engine
        self._transaction = transaction
        self._prepare = prepare
        self._core: Connection | None = None
        self._errors = engine.dialect.loaded_dbapi.Error

    @property
    def core(self) -> Connection:
        """The same transaction for the ORM; made when first asked for, because it costs more than a statement."""
        pooled = self._do(self._transaction.begin, "BEGIN")
        if self._core is None:
            self._core = Connection(self._engine, connection=pooled).execution_options(**{BEGUN: True})
            self._core.begin()
        return self._core

    def run(self, statement: ScopedStatement, **parameters: Any) -> Rows:
        """Its rows; none for a statement that returns none."""
        ready, values = self._ready(statement, parameters)
        return ready.rows(self._do(self._transaction.execute, ready.sql, values))

    def add(self, row: Base) -> None:
        """Inserts an object of a class that has a `ScopedInsert`; the object itself stays as it is."""
        statement = ScopedInsert.by_class[type(row)]
        self.run(statement, **statement.parameters(row))

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What fails inside is undone, and the transaction lives on."""
        self._do(self._transaction.execute, "SAVEPOINT hot", ())
        try:
            yield
            self._do(self._transaction.execute, "RELEASE SAVEPOINT hot", ())
        except BaseException:
            self._do(self._transaction.execute, "ROLLBACK TO SAVEPOINT hot", ())
            raise

    def commit(self) -> None:
        if self._core is not None:
            self._core.commit()
            return
        self._hear("COMMIT")
        self._do(self._transaction.commit, "COMMIT")

    def end(self) -> None:
        """Gives the connection back; what was not committed never happened."""
        if self._core is not None:
            self._core.close()
        else:
            self._do(self._transaction.end, "ROLLBACK")

    def _ready(self, statement: ScopedStatement, parameters: Mapping[str, Any]) -> tuple[Prepared, list[Any]]:
        ready = self._prepare(statement)
        self._hear(ready.sql)
        return ready, ready.values(statement.bind(self.tenant_id, parameters))

    def _hear(self, sql: str) -> None:
        for hear in self._engine.dispatch.before_cursor_execute:
            hear(None, None, sql, (), None, False)

    def _do(self, action: Callable[..., Any], sql: str, values: Sequence[Any] | None = None) -> Any:
        try:
            return action() if values is None else action(sql, values)
        except self._errors as error:
            raise as_sqlalchemy(self._engine.dialect, self._transaction.pooled, error, sql) from error
