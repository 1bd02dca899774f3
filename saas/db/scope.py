"""One session that lives and dies inside one tenant, and refuses every way around it.

Layer one of four (see docs/architecture.md): the schema's composite keys, PostgreSQL's row-level security and the
enumerating tests stand behind it.
"""

from typing import Any, ClassVar, NoReturn
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Result
from sqlalchemy.orm import Mapped, Session, mapped_column, with_loader_criteria
from sqlalchemy.orm.session import ORMExecuteState, SessionTransaction
from sqlalchemy.sql import visitors

from saas.db.base import Base, uuid7
from saas.db.statement import ScopedStatement
from saas.events import Events

#: Transaction-local on PostgreSQL; the policies of `saas.db.isolation` compare rows with it.
TENANT_SETTING = "lyceum.tenant_id"


class ScopeError(Exception):
    """Code tried to leave its tenant. Always a bug, never a user's doing."""


class TenantScoped:
    """Mixin of every table that belongs to a tenant: key ``(tenant_id, id)``, the mapper's identity ``id`` alone."""

    tenant_id: Mapped[int] = mapped_column(
        sa.ForeignKey("tenant.id"), primary_key=True, autoincrement=False, sort_order=-2
    )
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
        self.tenant_id = tenant_id
        self.events = events
        self.narrow = with_loader_criteria(
            TenantScoped, lambda cls: cls.tenant_id == tenant_id, include_aliases=True, track_closure_variables=True
        )

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
        if isinstance(part, sa.Select | sa.Update | sa.Delete | sa.Insert):
            bare = _tables_in(part) - _claimed_in(part)
            if bare:
                raise ScopeError(f"Core access to tenant table {', '.join(sorted(bare))}")


def _tables_in(part: Any) -> set[str]:
    return {each.name for each in visitors.iterate(part) if isinstance(each, sa.Table) and "tenant_id" in each.c}


def _claimed_in(part: Any) -> set[str]:
    """Tables that a mapped class brought in, as their annotations tell."""
    entities = (
        each._annotations.get("parententity")  # noqa: SLF001 -- the one place where SQLAlchemy keeps this
        for each in visitors.iterate(part)
        if isinstance(each, sa.Table | sa.Column | sa.Alias)
    )
    mappers = {entity.mapper for entity in entities if entity is not None}
    return {mapper.local_table.name for mapper in mappers if issubclass(mapper.class_, TenantScoped)}


@event.listens_for(ScopedSession, "before_flush")
def _stamp(session: ScopedSession, _context: object, _instances: object) -> None:
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, TenantScoped) and vars(row).get("tenant_id") is None:
            row.tenant_id = session.tenant_id
        if getattr(row, "tenant_id", session.tenant_id) != session.tenant_id:
            raise ScopeError(f"{type(row).__name__} belongs to another tenant")


@event.listens_for(TenantScoped, "load", propagate=True)
def _tripwire(row: TenantScoped, context: Any) -> None:
    session = context.session
    if isinstance(session, ScopedSession) and row.tenant_id != session.tenant_id:
        raise ScopeError(f"{type(row).__name__} of another tenant was loaded")


def scoped_tables() -> list[sa.Table]:
    return [mapper.local_table for mapper in Base.registry.mappers if issubclass(mapper.class_, TenantScoped)]  # type: ignore[misc]  # -- local_table is a Table for all of ours
