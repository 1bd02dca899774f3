"""The one door for Core: what must be refused when it is declared, what must pass, and every statement there is."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from saas import clock
from saas.db.base import table_of, uuid7
from saas.db.statement import TENANT, ScopedStatement, UnboundTableError
from saas.sessions import OPEN_SESSION, WebSession
from tenants.catalog.models import Activity, Course
from tests.house import House
from tests.isolation import pairs

c, a = table_of(Course), table_of(Activity)
mine, own = c.c.tenant_id == TENANT, a.c.tenant_id == TENANT
_id: sa.BindParameter[Any] = sa.bindparam("id")
d, all_c = c.alias("d"), sa.select(c).subquery()

#: Every statement that may touch tenant tables without the ORM. A new one is added here with its use in mind.
DECLARED = {
    "accounts.identity": "who is asking: every request",
    "audit_entry.insert": "first launch of a person",
    "calendar.cancel_event": "a calendar call",
    "calendar.change_event": "a calendar call",
    "calendar.find_numbered": "a calendar call",
    "calendar.find_of_key": "a calendar call",
    "calendar.make_event": "a calendar call",
    "calendar.note_reading": "a feed is read, once an hour",
    "calendar.open_events": "a launch into a meeting",
    "calendar.see_event": "a calendar call that says nothing new",
    "calendar.take_numbers": "a calendar call that makes events",
    "enrolment.insert": "first launch of a person",
    "zoom.find_place_of_context": "a calendar call that makes or changes events",
    "zoom.find_place_of_event": "a calendar call that deletes events",
    "zoom.find_profile_of_token": "a calendar call: whose token it is",
    "zoom.find_use": "every call at Moodle's addresses",
    "zoom.note_keys_read": "our key set is read at Moodle's address, once a minute",
    "grades.find_result": "a tool's score: does it raise the result, and is there an LMS to tell?",
    "grades.raise_result": "a tool's score that raises the result",
    "learning.change_attempt": "a tool's score",
    "learning.change_outside_result": "a tool's score that is not the first",
    "learning.find_standing": "a tool's score",
    "learning.hold_person": "a result of LTI 1.2",
    "lti.active_addresses": "who may frame us: every framable page",
    "lti.consume_state": "launch",
    "lti.take_state": "launch",
    "lti.explain_state": "refused launch",
    "lti.find_email": "first launch of a person",
    "lti.find_obstacle": "first launch of a person",
    "lti_introduction.insert": "a launch that asks to sign in",
    "lti.find_platforms": "login",
    "lti.finish_launch": "launch",
    "lti.load_deployments": "first login after a registration changed",
    "lti.load_platform": "first login after a registration changed",
    "lti.offer_session": "a launch whose frame keeps no cookies",
    "lti.peek_session": "the same, in the window where it goes on",
    "lti.take_session": "the same",
    "lti.purge_launches": "house-keeping",
    "lti.resolve_launch": "launch",
    "lti.start_launch": "login",
    "lti_identity.insert": "first launch of a person",
    "lti_participant.insert": "first launch of a person",
    "lti_selection.insert": "a message that asks for a choice of activities",
    "lti11.find_consumer": "LTI 1.2 launch, and the claim of a move to 1.3",
    "lti11.keep_nonce": "LTI 1.2 launch",
    "lti11.resolve_launch": "LTI 1.2 launch",
    "lti11.touch_consumer": "LTI 1.2 launch, once a minute per key",
    "lti11.purge_nonces": "house-keeping",
    "lti_platform.accept_launch": "a tool's authentication request",
    "lti_platform.find_asking": "a tool's authentication request",
    "lti_platform.find_column": "a tool's score",
    "lti_platform.find_hinted": "a tool's authentication request",
    "lti_platform.find_holder": "every call with an access token",
    "lti_platform.find_link_of_call": "a refused result of LTI 1.2",
    "lti_platform.find_person_of_tool": "a tool's score",
    "lti_platform.find_score_said": "a tool of LTI 1.2 reads a result",
    "lti_platform.find_seat": "a tool's authentication request",
    "lti_platform.find_signers": "a result of LTI 1.2",
    "lti_platform.find_tool": "a tool's token request",
    "lti_platform.find_urls_of_tool": "a tool without redirect URIs, and a hint we never gave",
    "lti_platform.refuse_launch": "a refused authentication request",
    "lti_platform.take_launch": "a tool's authentication request",
    "lti_platform.keep_newer_score": "a tool's score",
    "lti_platform.keep_once": "a tool's token request, a result of LTI 1.2",
    "lti_platform.purge_calls": "house-keeping",
    "lti_platform.purge_once": "house-keeping",
    "lti_platform.purge_tokens": "house-keeping",
    "lti_launch.insert": "LTI 1.2 launch",
    "lti_service_call.insert": "every call of a tool",
    "lti_tool_token.insert": "a tool's token request",
    "outside_result.insert": "a tool's first score of a person",
    "lti_outcome_route.insert": "first LTI 1.2 launch of a person",
    "person.insert": "first launch of a person",
    "session.open": "launch",
}


def test_every_declared_statement_is_listed() -> None:
    assert pairs.scoped_classes(), "every feature is imported"
    assert set(ScopedStatement.declared) == set(DECLARED)
    for name, statement in ScopedStatement.declared.items():
        assert statement.name == name
        clause: Any = statement.clause
        assert TENANT.key in clause.compile().params, name


def insert(table: sa.Table = c, **values: Any) -> sa.Insert:
    return sa.insert(table).values(**values)


def exists_of(condition: Any) -> Any:
    return sa.exists().where(condition)


GOOD: dict[str, Callable[[], Any]] = {
    "bound": lambda: sa.select(c.c.id).where(mine),
    "bound, the other way round": lambda: sa.select(c.c.id).where(TENANT == c.c.tenant_id),  # noqa: SIM300 -- the order is the case
    "bound among other conditions": lambda: sa.select(c.c.id).where(c.c.id == _id, sa.and_(mine, c.c.title != "")),
    "count": lambda: sa.select(sa.func.count()).select_from(c).where(mine),
    "inner join": lambda: sa.select(c.c.id).join_from(c, a, sa.and_(own, a.c.course_id == c.c.id)).where(mine),
    "inner join, all in ON": lambda: sa.select(c.c.id).join_from(c, a, sa.and_(own, mine)),
    "outer join, right side in ON": lambda: sa.select(c.c.id).select_from(c.outerjoin(a, sa.and_(own, a.c.course_id == c.c.id))).where(mine),
    "outer join to a bound join": lambda: sa.select(c.c.id)
    .select_from(c.outerjoin(a.join(d, sa.and_(own, d.c.tenant_id == TENANT)), a.c.course_id == c.c.id))
    .where(mine),
    "alias": lambda: sa.select(d.c.id).where(d.c.tenant_id == TENANT),
    "subquery": lambda: sa.select(sa.select(c.c.id).where(mine).subquery()),
    "common table expression": lambda: sa.select(sa.select(c.c.id).where(mine).cte("mine")),
    "union": lambda: sa.union_all(sa.select(c.c.id).where(mine), sa.select(a.c.id).where(own)),
    "exists, all bound inside": lambda: sa.select(c.c.id).where(mine, exists_of(sa.and_(own, a.c.course_id == c.c.id, mine)).correlate(c)),
    "no tenant table at all": lambda: sa.select(sa.func.now()),
    "insert": lambda: insert(tenant_id=TENANT, id=_id, title=sa.bindparam("title")),
    "insert from select": lambda: sa.insert(c).from_select(["id", "tenant_id"], sa.select(a.c.id, sa.label("t", TENANT)).where(own)),
    "update": lambda: sa.update(c).where(mine, c.c.id == _id).values(title="x"),
    "update with a bound subquery": lambda: sa.update(c).where(mine).values(title=sa.select(a.c.title).where(own).limit(1).scalar_subquery()),
    "update from a bound table": lambda: sa.update(c).where(mine, own, a.c.course_id == c.c.id).values(title="x"),
    "delete": lambda: sa.delete(c).where(mine),
    "upsert": lambda: _upsert(postgresql, ["tenant_id", "id"], {"title": "x"}),
    "upsert on SQLite": lambda: _upsert(sqlite, ["tenant_id", "id"], {"title": "x"}),
    "insert or nothing": lambda: postgresql.insert(c).values(tenant_id=TENANT, id=_id).on_conflict_do_nothing(index_elements=["tenant_id", "id"]),
}  # fmt: skip


def _upsert(dialect: Any, target: Any, values: dict[Any, Any]) -> Any:
    return dialect.insert(c).values(tenant_id=TENANT, id=_id).on_conflict_do_update(index_elements=target, set_=values)


BAD: dict[str, Callable[[], Any]] = {
    "not bound": lambda: sa.select(c.c.id),
    "bound to another value": lambda: sa.select(c.c.id).where(c.c.tenant_id == 7),
    "bound to another parameter": lambda: sa.select(c.c.id).where(c.c.tenant_id == sa.bindparam("tenant")),
    "bound by another comparison": lambda: sa.select(c.c.id).where(c.c.tenant_id >= TENANT),
    "bound by its negation": lambda: sa.select(c.c.id).where(~mine),
    "bound inside OR": lambda: sa.select(c.c.id).where(sa.or_(mine, c.c.title == "x")),
    "bound inside NOT": lambda: sa.select(c.c.id).where(sa.not_(sa.and_(mine, c.c.title == "x"))),
    "bound to an expression of it": lambda: sa.select(c.c.id).where(c.c.tenant_id == TENANT + 0),
    "bound through a function": lambda: sa.select(c.c.id).where(c.c.tenant_id == sa.func.coalesce(None, TENANT)),
    "an expression of the column": lambda: sa.select(c.c.id).where(c.c.tenant_id + 0 == TENANT),
    "another column": lambda: sa.select(c.c.id).where(c.c.title == TENANT),
    "bound in HAVING": lambda: sa.select(c.c.tenant_id).group_by(c.c.tenant_id).having(mine),
    "bound in CASE": lambda: sa.select(c.c.id).where(sa.case((mine, sa.true()), else_=sa.true())),
    "one table of two": lambda: sa.select(c.c.id, a.c.id).where(mine),
    "bound by the other table's column": lambda: sa.select(c.c.id, a.c.id).where(mine, a.c.tenant_id == c.c.tenant_id),
    "another alias bound": lambda: sa.select(c.alias("d").c.id).where(mine),
    "inner join, one side": lambda: sa.select(c.c.id).join_from(c, a, own),
    "outer join, left side only in ON": lambda: sa.select(c.c.id).select_from(c.outerjoin(a, sa.and_(own, mine))),
    "outer join, right side unbound": lambda: sa.select(c.c.id).select_from(c.outerjoin(a, a.c.course_id == c.c.id)).where(mine),
    "outer join, bound in OR in ON": lambda: sa.select(c.c.id).select_from(c.outerjoin(a, sa.or_(own, a.c.title == ""))).where(mine),
    "full join, bound in ON": lambda: sa.select(c.c.id).select_from(c.join(a, sa.and_(own, mine), full=True)),
    "subquery unbound": lambda: sa.select(sa.select(c.c.id).subquery()),
    "subquery bound outside": lambda: sa.select(all_c.c.id).where(all_c.c.tenant_id == TENANT),
    "scalar subquery unbound": lambda: sa.select(a.c.id, sa.select(c.c.title).limit(1).scalar_subquery()).where(own),
    "IN unbound": lambda: sa.select(a.c.id).where(own, a.c.course_id.in_(sa.select(c.c.id))),
    "EXISTS unbound": lambda: sa.select(a.c.id).where(own, exists_of(c.c.id == a.c.course_id)),
    "NOT EXISTS unbound": lambda: sa.select(a.c.id).where(own, ~exists_of(c.c.id == a.c.course_id)),
    "correlated with nothing around it": lambda: sa.select(c.c.id).correlate(c),
    "a FROM subquery said to be correlated": lambda: sa.select(
        a.c.id, sa.select(a.c.title).correlate(a).subquery().c.title
    ).where(own),
    "common table expression unbound": lambda: sa.select(sa.select(c.c.id).cte("all")),
    "recursive CTE, second part unbound": lambda: sa.select(
        sa.select(c.c.id).where(mine).cte("walk", recursive=True).union_all(sa.select(a.c.id))
    ),
    "a CTE that changes": lambda: sa.select(sa.update(c).values(title="x").returning(c.c.id).cte("u")),
    "an attached CTE": lambda: sa.select(a.c.id).where(own).add_cte(sa.delete(c).cte("gone")),
    "union, one part unbound": lambda: sa.union(sa.select(c.c.id).where(mine), sa.select(a.c.id)),
    "lateral unbound": lambda: sa.select(a.c.id, sa.select(c.c.title).lateral().c.title).where(own),
    "sample of the table": lambda: sa.select(sa.tablesample(c, 50).c.title),
    "in ORDER BY": lambda: sa.select(a.c.id).where(own).order_by(sa.select(c.c.title).limit(1).scalar_subquery()),
    "in LIMIT": lambda: sa.select(a.c.id).where(own).limit(sa.select(sa.func.count()).select_from(c).scalar_subquery()),
    "in a function": lambda: sa.select(sa.func.upper(sa.select(c.c.title).limit(1).scalar_subquery())),
    "in a window": lambda: sa.select(sa.func.max(c.c.title).over()),
    "text": lambda: sa.text("SELECT * FROM course"),
    "text as a column": lambda: sa.select(sa.text("title")).select_from(sa.text("course")),
    "text as a condition": lambda: sa.select(c.c.id).where(mine, sa.text("true")),
    "text as a prefix": lambda: insert(tenant_id=TENANT, id=_id).prefix_with("OR REPLACE"),
    "a literal column": lambda: sa.select(c.c.id, sa.literal_column("(SELECT max(title) FROM course)")).where(mine),
    "a textual table": lambda: sa.select(sa.table("course", sa.column("title"))),
    "values only": lambda: sa.values(sa.column("id", sa.Integer)).data([(1,)]),
    "insert without a tenant": lambda: insert(id=_id, title="x"),
    "insert for another tenant": lambda: insert(tenant_id=7, id=_id),
    "insert with a parameter of the caller's": lambda: insert(tenant_id=sa.bindparam("tenant"), id=_id),
    "insert without values": lambda: sa.insert(c),
    "insert of several rows": lambda: sa.insert(c).values([{"tenant_id": TENANT, "id": 1}, {"tenant_id": 7, "id": 2}]),
    "insert from an unbound select": lambda: sa.insert(c).from_select(["id", "tenant_id"], sa.select(a.c.id, TENANT)),
    "insert from select, their tenant": lambda: sa.insert(c).from_select(["id", "tenant_id"], sa.select(a.c.id, a.c.tenant_id).where(own)),
    "insert from select without a tenant": lambda: sa.insert(c).from_select(["id"], sa.select(a.c.id).where(own)),
    "insert whose value is a subquery": lambda: insert(tenant_id=TENANT, id=_id, title=sa.select(a.c.title).limit(1).scalar_subquery()),
    "upsert without a target": lambda: postgresql.insert(c).values(tenant_id=TENANT, id=_id).on_conflict_do_nothing(),
    "upsert by a named constraint": lambda: postgresql.insert(c).values(tenant_id=TENANT, id=_id).on_conflict_do_update(constraint="pk_course", set_={"title": "x"}),
    "upsert on a target without the tenant": lambda: _upsert(postgresql, ["id"], {"title": "x"}),
    "upsert on SQLite, target without the tenant": lambda: _upsert(sqlite, ["id"], {"title": "x"}),
    "upsert that moves the row": lambda: _upsert(postgresql, ["tenant_id", "id"], {"tenant_id": 7}),
    "upsert that moves the row, by column": lambda: _upsert(sqlite, ["tenant_id", "id"], {c.c.tenant_id: 7}),
    "update unbound": lambda: sa.update(c).values(title="x"),
    "update in OR": lambda: sa.update(c).where(sa.or_(mine, c.c.id == _id)).values(title="x"),
    "update of the tenant": lambda: sa.update(c).where(mine).values(tenant_id=7),
    "update of the tenant, by column": lambda: sa.update(c).where(mine).values({c.c.tenant_id: TENANT}),
    "update of the tenant, in order": lambda: sa.update(c).where(mine).ordered_values((c.c.tenant_id, 7)),
    "update from an unbound table": lambda: sa.update(c).where(mine, a.c.course_id == c.c.id).values(title="x"),
    "update with values of an unbound table": lambda: sa.update(c).where(mine).values(title=a.c.title),
    "update with an unbound subquery": lambda: sa.update(c).where(mine).values(title=sa.select(a.c.title).limit(1).scalar_subquery()),
    "update returning an unbound subquery": lambda: sa.update(c).where(mine).values(title="x").returning(sa.select(a.c.title).limit(1).scalar_subquery()),
    "update of a join": lambda: sa.update(c.join(a, a.c.course_id == c.c.id)).where(mine).values(title="x"),
    "delete unbound": lambda: sa.delete(c),
    "delete by id": lambda: sa.delete(c).where(c.c.id == _id),
    "delete using an unbound table": lambda: sa.delete(c).where(mine, a.c.course_id == c.c.id),
    "delete using, said explicitly": lambda: sa.delete(c).using(a).where(mine),
}  # fmt: skip


@pytest.fixture(autouse=True)
def undeclared() -> Any:
    """What a test declares is taken back."""
    before = dict(ScopedStatement.declared)
    yield
    ScopedStatement.declared.clear()
    ScopedStatement.declared.update(before)


@pytest.mark.parametrize("case", GOOD)
def test_bound_statements_are_accepted(case: str) -> None:
    ScopedStatement(f"test.{case}", GOOD[case]())
    assert f"test.{case}" in ScopedStatement.declared


@pytest.mark.parametrize("case", BAD)
def test_unbound_statements_cannot_be_declared(case: str) -> None:
    with pytest.raises(UnboundTableError):
        ScopedStatement(f"test.{case}", BAD[case]())
    assert f"test.{case}" not in ScopedStatement.declared


def test_a_name_is_declared_once() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        ScopedStatement("session.open", sa.select(c.c.id).where(mine))


@pytest.mark.parametrize("parameter", ["the_tenant", "tenant_id"])
def test_the_caller_cannot_choose_the_tenant(house: House, parameter: str) -> None:
    """Neither by the parameter itself nor by a column's name, which SQLAlchemy would add to the values."""
    kit, other = house.academy(), house.academy()
    now = clock.now()
    values: dict[str, Any] = dict.fromkeys(("session_hash", "came_by"), "x")
    values |= {"session_id": uuid7(), "subject": uuid7(), "session_about": {}, "at": now, "until": now}
    with pytest.raises(UnboundTableError), house.runtime.database.hot(kit.academy.id) as connection:
        connection.run(OPEN_SESSION, **values, **{parameter: other.academy.id})
    with house.runtime.database.hot(kit.academy.id) as connection:
        connection.run(OPEN_SESSION, **values)
    with kit.session() as session:
        assert session.get_one(WebSession, values["session_id"]).tenant_id == kit.academy.id
