"""One session that lives and dies inside one tenant, and refuses every way around it.

Layer one of four (see docs/architecture.md): the schema's composite keys, PostgreSQL's row-level security and the
enumerating tests stand behind it.
"""

from typing import Any, ClassVar, NoReturn
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Result
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session, with_loader_criteria
from sqlalchemy.orm.session import ORMExecuteState, SessionTransaction
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import FromClauseAlias

from saas.db.base import Base, uuid7
from saas.db.statement import ScopedStatement, is_raw, other_tables
from saas.events import Events

#: Transaction-local on PostgreSQL; the policies of `saas.db.isolation` compare rows with it.
TENANT_SETTING = "lyceum.tenant_id"


class ScopeError(Exception):
    """Code tried to leave its tenant. Always a bug, never a user's doing."""


class TenantScoped:
    """Mixin of every table that belongs to a tenant: key ``(tenant_id, id)``, the mapper's identity ``id`` alone.

    No foreign key to the tenant: every insert of an academy would lock that one row, and tenants are never deleted.
    """

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-2)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7, sort_order=-1)

    __mapper_args__: ClassVar[dict[str, Any]] = {"primary_key": ["id"]}


def belongs_to(column: str, table: str, *, ondelete: str | None = "CASCADE") -> sa.ForeignKeyConstraint:
    """The composite foreign key ``(tenant_id, column)``: a row can only point inside its own tenant."""
    return sa.ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], ondelete=ondelete)


def enter_tenant(connection: Connection, tenant_id: int) -> None:
    """Tells PostgreSQL the tenant for the rest of this transaction; PgBouncer-safe because it is transaction-local."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT set_config('{TENANT_SETTING}', %s, true)", (str(tenant_id),))


def _refused(name: str) -> Any:
    def refuse(_self: Session, *_args: object, **_options: object) -> NoReturn:
        raise ScopeError(f"{name} would bypass the tenant of this session")

    return refuse


class ScopedSession(Session):
    """An ORM session of one tenant: narrows every statement, stamps new rows, refuses foreign ones."""

    def __init__(self, bind: sa.Engine | Connection, tenant_id: int, events: Events) -> None:
        super().__init__(bind)
        self._tenant_id = tenant_id
        self.events = events
        self.narrow = with_loader_criteria(
            TenantScoped, lambda cls: cls.tenant_id == tenant_id, include_aliases=True, track_closure_variables=True
        )

    @property
    def tenant_id(self) -> int:
        """Fixed for the session's whole life."""
        return self._tenant_id

    connection = _refused("connection")
    bulk_save_objects = _refused("bulk_save_objects")
    bulk_insert_mappings = _refused("bulk_insert_mappings")
    bulk_update_mappings = _refused("bulk_update_mappings")

    def run(self, statement: ScopedStatement, **parameters: Any) -> Result[Any]:
        """The one door for Core: a statement proven at import to be bound to the tenant."""
        self.flush()
        bound = statement.bind(self.tenant_id, parameters)
        return self.execute(statement.clause, bound, execution_options={"scoped_statement": statement})

    def announce(self, happening: object) -> None:
        self.events.announce(self, happening)


@event.listens_for(ScopedSession, "after_begin")
def _enter(session: ScopedSession, _transaction: SessionTransaction, connection: Connection) -> None:
    enter_tenant(connection, session.tenant_id)


@event.listens_for(ScopedSession, "do_orm_execute")
def _narrow(state: ORMExecuteState) -> None:
    statement = state.statement
    scoped = state.execution_options.get("scoped_statement")
    if scoped is not None and scoped.clause is statement:
        return
    if isinstance(statement, sa.TextClause) or state.is_from_statement:
        raise ScopeError("raw SQL in a tenant session")
    if state.is_insert or isinstance(state.parameters, list | tuple):
        raise ScopeError("bulk writes by parameters; add objects instead")
    _refuse_core_access(statement)
    if state.is_orm_statement:
        state.statement = statement.options(state.session.narrow)  # type: ignore[attr-defined]  # -- a ScopedSession


def _refuse_core_access(statement: Any) -> None:
    """Every tenant table, in every part of the statement, must come through its mapped class."""
    for part in visitors.iterate(statement):
        if is_raw(part) or (isinstance(part, sa.UpdateBase) and part is not statement):
            raise ScopeError("raw SQL, or a change inside another statement, in a tenant session")
        if isinstance(part, sa.Update | sa.Delete) and other_tables(part):
            raise ScopeError("a change that reads a second table directly; use a subquery")
        if isinstance(part, sa.Select | sa.Update | sa.Delete):
            bare = _tables_in(part) - _claimed_in(part)
            if bare:
                raise ScopeError(f"Core access to tenant table {', '.join(sorted(each.name for each in bare))}")


def _tables_in(part: Any) -> set[Any]:
    """The tenant tables and aliases of them that the part reads; an alias stands for the table inside it."""
    found, rest = set(), [part]
    while rest:
        each = rest.pop()
        inner = each.element if isinstance(each, FromClauseAlias) else each
        if isinstance(inner, sa.Table):
            if "tenant_id" in inner.c:
                found.add(each)
        else:
            rest.extend(each.get_children())
    return found


def _claimed_in(part: Any) -> set[Any]:
    """Tables and aliases that a mapped class brought in, as their annotations tell."""
    entities = (
        each._annotations.get("parententity")  # noqa: SLF001 -- the one place where SQLAlchemy keeps this
        for each in visitors.iterate(part)
        if isinstance(each, sa.Table | sa.Column | FromClauseAlias)
    )
    return {each.selectable for each in entities if each is not None and issubclass(each.class_, TenantScoped)}


@event.listens_for(ScopedSession, "before_flush")
def _stamp(session: ScopedSession, _context: object, _instances: object) -> None:
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, TenantScoped) and vars(row).get("tenant_id") is None:
            row.tenant_id = session.tenant_id
        if getattr(row, "tenant_id", session.tenant_id) != session.tenant_id:
            raise ScopeError(f"{type(row).__name__} belongs to another tenant")


@event.listens_for(ScopedSession, "before_attach")
def _refuse_foreign(session: ScopedSession, row: object) -> None:
    if isinstance(row, TenantScoped) and _is_foreign(session, row):
        raise ScopeError(f"{type(row).__name__} belongs to another tenant")


@event.listens_for(TenantScoped, "load", propagate=True)
@event.listens_for(TenantScoped, "refresh", propagate=True)
def _tripwire(row: TenantScoped, _context: object, _names: object = None) -> None:
    session = object_session(row)
    if isinstance(session, ScopedSession) and _is_foreign(session, row):
        raise ScopeError(f"{type(row).__name__} of another tenant was loaded")


def _is_foreign(session: ScopedSession, row: TenantScoped) -> bool:
    """By what the row holds now: asking an expired attribute would load it."""
    return vars(row).get("tenant_id") not in (None, session.tenant_id)


def scoped_tables() -> list[sa.Table]:
    return [mapper.local_table for mapper in Base.registry.mappers if issubclass(mapper.class_, TenantScoped)]  # type: ignore[misc]  # -- local_table is a Table for all of ours
