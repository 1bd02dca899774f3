# mypy: disable-error-code="func-returns-value"
# -- several steps of one intruder stand in one expression
"""Every way around one tenant's session that we could think of, on both databases; and the same without its narrowing.

A way in is either refused with `ScopeError` or sees and changes nothing of the other academy.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from saas import clock
from saas.db.base import table_of, uuid7
from saas.db.scope import ScopedSession, ScopeError
from saas.db.statement import UnboundTableError
from saas.jobs.models import Outbox
from saas.tenancy.models import Domain, Feature
from tenants.accounts.models import Person
from tenants.accounts.security import IDENTITY
from tenants.catalog.models import Activity, Block, Chapter, Course, Status
from tests.house import House, Kit
from tests.isolation.pairs import enter, scoped_classes

pytestmark = pytest.mark.filterwarnings("ignore:(SELECT|UPDATE) statement has a cartesian product")
Session = ScopedSession
course_table, activity_table, outbox_table = table_of(Course), table_of(Activity), table_of(Outbox)


@dataclass
class Target:
    """What the intruder of `mine` is after: rows of another academy, by id."""

    house: House
    mine: Kit
    theirs: Kit
    course: UUID
    activity: UUID
    own_course: UUID
    own_activity: UUID
    foreign_row: Course


@pytest.fixture(scope="module")
def academies() -> dict[str, tuple[Kit, Kit]]:
    return {}


@pytest.fixture
def target(house: House, academies: dict[str, tuple[Kit, Kit]]) -> Target:
    """The same two academies for the whole module; new courses for each test, because some ways spoil mine."""
    if house.backend not in academies:
        academies[house.backend] = house.academy(), house.academy()
    mine, theirs = academies[house.backend]
    own, other = mine.activity(), theirs.activity()
    with theirs.session() as session:
        foreign = session.get_one(Course, other.course_id)
        foreign.title = "their secret"
        session.flush()
        session.refresh(foreign)
        session.expunge(foreign)
    return Target(house, mine, theirs, other.course_id, other.id, own.course_id, own.id, foreign)


#: Each returns what it could read; `their secret` and their ids must not be in it.
READS: dict[str, Callable[[Session, Target], Any]] = {
    "get": lambda s, t: s.get(Course, t.course),
    "get, populate_existing": lambda s, t: s.get(Course, t.course, populate_existing=True),
    "get, for update": lambda s, t: s.get(Course, t.course, with_for_update=True),
    "select all": lambda s, _t: s.scalars(sa.select(Course)).all(),
    "select by id": lambda s, t: s.scalars(sa.select(Course).where(Course.id == t.course)).all(),
    "select by tenant": lambda s, t: s.scalars(sa.select(Course).where(Course.tenant_id == t.theirs.academy.id)).all(),
    "select or": lambda s, t: s.scalars(
        sa.select(Course).where(sa.or_(Course.tenant_id == t.theirs.academy.id, sa.true()))
    ).all(),
    "select columns": lambda s, _t: s.execute(sa.select(Course.id, Course.title)).all(),
    "select one column with its table": lambda s, _t: s.scalars(sa.select(Course.title).select_from(Course)).all(),
    "count": lambda s, t: s.scalar(
        sa.select(sa.func.count()).select_from(Course).where(Course.id == t.course)
    ),
    "maximum": lambda s, _t: s.scalar(sa.select(sa.func.max(Course.title)).where(Course.title == "their secret")),
    "alias": lambda s, _t: s.scalars(sa.select(orm.aliased(Course))).all(),
    "join": lambda s, _t: s.execute(sa.select(Activity, Course).join(Course, Course.id == Activity.course_id)).all(),
    "outer join on anything": lambda s, t: s.execute(
        sa.select(Activity.id, Course.title).outerjoin(Course, Course.id == t.course)
    ).all(),
    "cross join": lambda s, t: s.execute(sa.select(Activity.id, Course.title).where(Course.id == t.course)).all(),
    "exists": lambda s, t: s.scalar(sa.select(sa.select(Course.id).where(Course.id == t.course).exists())),
    "exists beside a row of mine": lambda s, t: s.scalars(
        sa.select(Activity.id).where(sa.select(Course.id).where(Course.id == t.course).exists())
    ).all(),
    "in a subquery": lambda s, t: s.scalars(
        sa.select(Course).where(Course.id.in_(sa.select(Activity.course_id).where(Activity.id == t.activity)))
    ).all(),
    "scalar subquery": lambda s, t: s.execute(
        sa.select(Activity.id, sa.select(Course.title).where(Course.id == t.course).scalar_subquery())
    ).all(),
    "subquery as table": lambda s, _t: s.execute(
        sa.select(sa.select(Course.id, Course.title).subquery())
    ).all(),
    "common table expression": lambda s, _t: s.execute(
        sa.select(sa.select(Course.id, Course.title).cte("stolen"))
    ).all(),
    "lateral": lambda s, t: s.execute(
        sa.select(Activity.id, sa.select(Course.title).where(Course.id == t.course).subquery().c.title)
    ).all(),
    "union": lambda s, _t: s.execute(sa.union_all(sa.select(Course.id, Course.title), sa.select(Activity.id, Activity.title))).all(),
    "union, from statement": lambda s, _t: s.scalars(
        sa.select(Course).from_statement(sa.union_all(sa.select(Course), sa.select(Course)))
    ).all(),
    "entity of a union": lambda s, _t: s.scalars(
        sa.select(orm.aliased(Course, sa.union_all(sa.select(Course), sa.select(Course)).subquery()))
    ).all(),
    "text": lambda s, _t: s.execute(sa.text("SELECT id, title FROM course")).all(),
    "text, from statement": lambda s, _t: s.scalars(sa.select(Course).from_statement(sa.text("SELECT * FROM course"))).all(),
    "text in columns": lambda s, _t: s.execute(
        sa.select(sa.text("title")).select_from(sa.text("course"))
    ).all(),
    "a textual table": lambda s, _t: s.execute(sa.select(sa.column("title")).select_from(sa.table("course"))).all(),
    "a textual subquery": lambda s, _t: s.execute(
        sa.select(sa.text("SELECT title FROM course").columns(sa.column("title")).subquery())
    ).all(),
    "a literal column that is a query": lambda s, _t: s.execute(
        sa.select(Course.id, sa.literal_column("(SELECT max(title) FROM course)"))
    ).all(),
    "a textual condition": lambda s, _t: s.execute(
        sa.select(Course.id, Course.title).where(sa.text("1 = 1 OR 1 = 1"))
    ).all(),
    "Core select": lambda s, _t: s.execute(sa.select(course_table)).all(),
    "Core column": lambda s, _t: s.execute(sa.select(course_table.c.title)).all(),
    "Core select bound to their tenant": lambda s, t: s.execute(
        sa.select(course_table).where(course_table.c.tenant_id == t.theirs.academy.id)
    ).all(),
    "Core subquery in an ORM statement": lambda s, _t: s.scalars(
        sa.select(sa.select(course_table.c.title).limit(1).scalar_subquery()).select_from(Activity)
    ).all(),
    "Core table joined to an entity": lambda s, _t: s.execute(
        sa.select(Activity.id, course_table.c.title).join(course_table, course_table.c.id != Activity.id)
    ).all(),
    "Core table beside its own entity": lambda s, _t: s.execute(
        sa.select(Course.id, course_table.alias("other").c.title)
    ).all(),
    "Core in an EXISTS": lambda s, t: s.scalars(
        sa.select(Activity.id).where(sa.exists().where(course_table.c.id == t.course))
    ).all(),
    "Core CTE": lambda s, _t: s.execute(sa.select(sa.select(course_table.c.title).cte("stolen"))).all(),
    "relationship of their row": lambda s, t: s.scalars(
        sa.select(Activity).where(Activity.course.has(Course.id == t.course))
    ).all(),
    "any over a relationship": lambda s, t: s.scalars(
        sa.select(Course).where(Course.activities.any(Activity.id == t.activity))
    ).all(),
    "legacy query": lambda s, _t: s.query(Course).all(),
    "legacy query by id": lambda s, t: s.query(Course).filter_by(id=t.course).all(),
    "legacy query, text": lambda s, _t: s.query(Course).from_statement(sa.text("SELECT * FROM course")).all(),
    "refresh of their row": lambda s, t: (s.add(t.foreign_row), s.refresh(t.foreign_row), t.foreign_row),
    "expired attribute of their row": lambda s, t: (s.add(t.foreign_row), s.expire(t.foreign_row), t.foreign_row.title),
    "merge of their row": lambda s, t: (s.merge(t.foreign_row), s.flush(), "their secret"),
    "merge without load": lambda s, t: (s.merge(t.foreign_row, load=False), s.flush(), s.scalars(sa.select(Course)).all())[2],
    "connection": lambda s, _t: s.connection().execute(sa.select(course_table)).all(),
    "their activity as the condition of my update": lambda s, t: s.execute(
        sa.update(Course).where(Course.id == t.own_course, Activity.id == t.activity).values(summary="it exists")
    ).rowcount and "their secret",  # type: ignore[attr-defined]  # -- a CursorResult
    "options that drop the criteria": lambda s, _t: s.scalars(
        sa.select(Course).options(orm.with_loader_criteria(Course, sa.true()))
    ).all(),
    "another criterion on the same class": lambda s, t: s.scalars(
        sa.select(Course).options(orm.with_loader_criteria(Course, Course.tenant_id == t.theirs.academy.id))
    ).all(),
    "a scoped statement for another tenant": lambda s, t: s.run(IDENTITY, token_hash="", now=None, the_tenant=t.theirs.academy.id),
    "a scoped statement with its clause swapped": lambda s, _t: s.execute(
        sa.select(course_table), execution_options={"scoped_statement": IDENTITY}
    ).all(),
    "another tenant put into the session": lambda s, t: _as(s, t, lambda: s.get(Course, t.course)),
    "the outbox": lambda s, _t: (s.scalars(sa.select(Outbox)).all(), "their secret")[1],
    "the hosts": lambda s, _t: (s.scalars(sa.select(Domain)).all(), "their secret")[1],
    "the features of others": lambda s, _t: (s.scalars(sa.select(Feature)).all(), "their secret")[1],
    "execution options": lambda s, _t: s.scalars(sa.select(Course).execution_options(include_all_tenants=True)).all(),
    "yield per": lambda s, _t: list(s.scalars(sa.select(Course).execution_options(yield_per=1))),
    "window": lambda s, _t: s.execute(sa.select(sa.func.first_value(Course.title).over(order_by=Course.title))).all(),
}  # fmt: skip


def _as(session: Session, target: Target, work: Callable[[], Any]) -> Any:
    setattr(session, "tenant_id", target.theirs.academy.id)  # noqa: B010 -- an intruder does not ask mypy
    return work()


#: Each tries to change something of theirs.
WRITES: dict[str, Callable[[Session, Target], Any]] = {
    "add with their tenant": lambda s, t: (s.add(Course(tenant_id=t.theirs.academy.id, title="planted")), s.flush()),
    "promise a job in their name": lambda s, t: (
        s.add(Outbox(tenant_id=t.theirs.academy.id, job="planted", args={}, due_at=clock.now(), give_up_at=clock.now())),
        s.flush(),
    ),
    "change their row": lambda s, t: (s.add(t.foreign_row), setattr(t.foreign_row, "title", "changed"), s.flush()),
    "delete their row": lambda s, t: (s.add(t.foreign_row), s.delete(t.foreign_row), s.flush()),
    "give my row to them": lambda s, t: (
        setattr(s.get_one(Course, t.own_course), "tenant_id", t.theirs.academy.id),
        s.flush(),
    ),
    "update by id": lambda s, t: s.execute(sa.update(Course).where(Course.id == t.course).values(title="changed")),
    "update all": lambda s, _t: s.execute(sa.update(Course).values(title="changed")),
    "update their tenant's": lambda s, t: s.execute(
        sa.update(Course).where(Course.tenant_id == t.theirs.academy.id).values(title="changed")
    ),
    "update of the tenant": lambda s, t: s.execute(
        sa.update(Course).where(Course.id == t.own_course).values(tenant_id=t.theirs.academy.id)
    ),
    "update, no synchronisation": lambda s, t: s.execute(
        sa.update(Course).where(Course.id == t.course).values(title="changed"), execution_options={"synchronize_session": False}
    ),
    "update by primary key": lambda s, t: s.execute(sa.update(Course), [{"id": t.course, "title": "changed"}]),
    "update with parameters": lambda s, t: s.execute(
        sa.update(Course).where(Course.id == sa.bindparam("which")), {"which": t.course, "title": "changed"}
    ),
    "update in a correlated way": lambda s, t: s.execute(
        sa.update(Course).where(Course.id == t.course).values(title=sa.select(Activity.title).limit(1).scalar_subquery())
    ),
    "update through a CTE": lambda s, t: s.execute(
        sa.select(sa.update(course_table).where(course_table.c.id == t.course).values(title="changed").returning(course_table.c.id).cte("c"))
    ),
    "update of an entity inside a query": lambda s, t: s.execute(
        sa.select(sa.update(Course).where(Course.id == t.course).values(title="changed").returning(Course.id).cte("c"))
    ),
    "insert of an entity inside a query": lambda s, t: s.execute(
        sa.select(sa.insert(Course).values(tenant_id=t.theirs.academy.id, title="planted").returning(Course.id).cte("c"))
    ),
    "delete by id": lambda s, t: s.execute(sa.delete(Course).where(Course.id == t.course)),
    "delete all": lambda s, _t: s.execute(sa.delete(Course)),
    "delete through an insert's CTE": lambda s, t: s.execute(
        sa.select(sa.delete(course_table).where(course_table.c.id == t.course).returning(course_table.c.id).cte("d"))
    ),
    "Core update": lambda s, t: s.execute(sa.update(course_table).where(course_table.c.id == t.course).values(title="changed")),
    "Core delete": lambda s, t: s.execute(sa.delete(course_table).where(course_table.c.id == t.course)),
    "Core insert": lambda s, t: s.execute(
        sa.insert(course_table).values(id=uuid7(), tenant_id=t.theirs.academy.id, title="planted", summary="", status=Status.DRAFT)
    ),
    "ORM insert statement": lambda s, t: s.execute(sa.insert(Course).values(tenant_id=t.theirs.academy.id, title="planted")),
    "ORM bulk insert": lambda s, t: s.execute(sa.insert(Course), [{"tenant_id": t.theirs.academy.id, "title": "planted"}]),
    "insert from select": lambda s, _t: s.execute(
        sa.insert(Course).from_select(["tenant_id", "id", "title"], sa.select(Course.tenant_id, Course.id, Course.title))
    ),
    "bulk_save_objects": lambda s, t: s.bulk_save_objects([Course(tenant_id=t.theirs.academy.id, title="planted")]),
    "bulk_insert_mappings": lambda s, t: s.bulk_insert_mappings(Course, [{"tenant_id": t.theirs.academy.id, "title": "planted"}]),
    "bulk_update_mappings": lambda s, t: s.bulk_update_mappings(Course, [{"id": t.course, "title": "changed"}]),
    "text": lambda s, _t: s.execute(sa.text("UPDATE course SET title = 'changed'")),
    "legacy query update": lambda s, t: s.query(Course).filter_by(id=t.course).update({"title": "changed"}),
    "legacy query delete": lambda s, t: s.query(Course).filter_by(id=t.course).delete(),
    "my activity into their course": lambda s, t: (setattr(s.get_one(Activity, t.own_activity), "course_id", t.course), s.flush()),
    "a new activity in their course": lambda s, t: (
        s.add(Activity(course_id=t.course, title="planted", position=0)),
        s.flush(),
    ),
    "through their row's relationship": lambda s, t: (
        s.add(t.foreign_row),
        t.foreign_row.activities.append(Activity(title="planted", position=0)),
        s.flush(),
    ),
}  # fmt: skip


@contextmanager
def intruder(target: Target) -> Iterator[Session]:
    """My session, undone afterwards, so that what a way in may do to my own rows does not matter."""
    with target.house.runtime.database.scoped(target.mine.academy.id) as session:
        yield session
        session.rollback()


def seen(value: Any) -> str:
    """Everything a result says, in words."""
    if isinstance(value, list | tuple | sa.Row):
        return " ".join(seen(each) for each in value)
    if isinstance(value, Course | Activity | Person):
        return f"{value.id} {value.tenant_id} {getattr(value, 'title', '')}"
    return repr(value)


def theirs_as_stored(target: Target) -> list[Any]:
    with target.house.runtime.database.write.begin() as connection:
        enter(connection, target.theirs.academy.id)
        rows: list[Any] = []
        for table in (course_table, activity_table):
            found = sa.select(table.c.id, table.c.title).where(table.c.tenant_id == target.theirs.academy.id)
            rows += connection.execute(found.order_by(table.c.id)).all()
        theirs = sa.select(sa.func.count()).where(outbox_table.c.tenant_id == target.theirs.academy.id)
        return [*rows, connection.scalar(theirs)]


@pytest.mark.parametrize("way", READS)
def test_no_way_reads_another_academy(target: Target, way: str) -> None:
    found: Any = None
    with intruder(target) as session:
        try:
            found = READS[way](session, target)
            said = seen(found)
        except (
            ScopeError,
            UnboundTableError,
            sa.exc.InvalidRequestError,
            sa.orm.exc.ObjectDeletedError,
            AttributeError,
        ):
            return
        except sa.exc.DatabaseError as error:
            assert "row-level security" in str(error) or "UNIQUE" in str(error).upper()  # noqa: PT017 -- one of many ends
            return
    for secret in ("their secret", str(target.course), str(target.activity)):
        assert secret not in said, way
    if way in ("count", "exists"):
        assert not found


@pytest.mark.parametrize("way", WRITES)
def test_no_way_changes_another_academy(target: Target, way: str) -> None:
    before = theirs_as_stored(target)
    with target.house.runtime.database.scoped(target.mine.academy.id) as session:
        try:
            WRITES[way](session, target)
            session.commit()
        except (ScopeError, sa.exc.InvalidRequestError, sa.orm.exc.StaleDataError, sa.exc.DatabaseError):
            session.rollback()
    assert theirs_as_stored(target) == before


def test_what_the_session_is_for_works(target: Target) -> None:
    """The same session reads and writes its own academy, so the refusals above are not simply a broken session."""
    with target.mine.session() as session:
        course = session.get_one(Course, target.own_course)
        assert [each.id for each in course.activities] == [target.own_activity]
        session.execute(sa.update(Course).where(Course.id == course.id).values(title="mine"))
        session.add(Course(title="mine, too"))
    with target.mine.session() as session:
        query = sa.select(Course).options(orm.selectinload(Course.activities)).where(Course.title.startswith("mine"))
        found = session.scalars(query.order_by(Course.title)).all()
        assert [each.title for each in found] == ["mine", "mine, too"]
        assert session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) == 2
        gone = session.execute(sa.delete(Course).where(Course.title.startswith("mine")))
        assert gone.rowcount == 2  # type: ignore[attr-defined]  # -- a CursorResult
    with target.mine.session() as session:
        assert session.get(Activity, target.own_activity) is None


LOADS = {
    "lazy": orm.lazyload,
    "select in": orm.selectinload,
    "joined": orm.joinedload,
    "subquery": orm.subqueryload,
}


@pytest.mark.parametrize("how", LOADS)
def test_relationships_load_only_mine(target: Target, how: str) -> None:
    load = LOADS[how]
    with target.mine.session() as session:
        query = sa.select(Activity).options(
            load(Activity.chapters).options(load(Chapter.blocks)), load(Activity.course)
        )
        activities = session.scalars(query).unique().all()
        assert target.own_activity in {each.id for each in activities}
        assert {each.course.tenant_id for each in activities} == {target.mine.academy.id}
        blocks = [block for each in activities for chapter in each.chapters for block in chapter.blocks]
        assert len(blocks) == 4 * len(activities)
        assert {block.tenant_id for block in blocks} == {target.mine.academy.id}


def test_the_statement_cache_keeps_tenants_apart(target: Target) -> None:
    """One compiled statement serves all tenants; the tenant is a parameter, not a part of it."""
    for kit in (target.mine, target.theirs) * 3:
        with kit.session() as session:
            assert {each.tenant_id for each in session.scalars(sa.select(Course))} == {kit.academy.id}
            assert {each.tenant_id for each in session.scalars(sa.select(orm.aliased(Course)))} == {kit.academy.id}


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
def test_the_tripwire_ends_a_load_of_another_academy(target: Target) -> None:
    """Were the narrowing broken, SQLite would give foreign rows; the session still refuses to hand them out."""
    with target.house.runtime.database.scoped(target.mine.academy.id) as session:
        session.narrow = orm.with_loader_criteria(Block, sa.true())
        with pytest.raises(ScopeError, match="another tenant was loaded"):
            session.scalars(sa.select(Course)).all()


@pytest.mark.parametrize("model", scoped_classes(), ids=lambda model: model.__name__)
def test_every_mapper_is_narrowed(target: Target, model: Any) -> None:
    """Asked of the SQL itself, so that a table without rows is no way out."""
    with target.mine.session() as session:
        tenants = set(session.scalars(sa.select(model.tenant_id)))
        assert tenants <= {target.mine.academy.id}
        statement = sa.select(model).options(session.narrow)
        compiled = statement.compile(dialect=session.get_bind().dialect)
        assert f"{model.__table__.name}.tenant_id = " in str(compiled)
        assert target.mine.academy.id in compiled.params.values()
