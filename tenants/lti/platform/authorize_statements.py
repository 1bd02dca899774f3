"""The SQL of an authentication request: five statements for a launch as it usually goes (docs/performance.md)."""

from typing import Any

import sqlalchemy as sa

from saas.db.base import table_of
from saas.db.rows import Part, new_values, same
from saas.db.statement import ScopedStatement
from tenants.accounts.models import Person
from tenants.catalog.models import Activity, Course
from tenants.learning.models import Enrolment
from tenants.lti.launches.models import Direction, Launch, Outcome
from tenants.lti.models import KeyState, SigningKey
from tenants.lti.platform.bearer import TOOL
from tenants.lti.platform.models import LineItem, Tool, ToolLink, ToolUser

_key, _tool, _launch, _user = table_of(SigningKey), table_of(Tool), table_of(Launch), table_of(ToolUser)
_person, _link, _activity = table_of(Person), table_of(ToolLink), table_of(Activity)
_course, _enrolment, _column = table_of(Course), table_of(Enrolment), table_of(LineItem)

LAUNCH = Part(
    Launch, "id", "started_at", "consumed_at", "outcome", "login", "target", "person_id", "person_name", "activity_id",
    "tool_id", "tool_link_id", "message_type", "checks",
)  # fmt: skip
PERSON = Part(Person, "id", "given_name", "family_name", "email", "role")
LINK = Part(ToolLink, "id", "tool_id", "resource_link_id", "custom", "results_until")
ACTIVITY = Part(Activity, "id", "course_id", "title", "description", "status")
COLUMN = Part(LineItem, "id", "maximum")
USER = Part(ToolUser, "id", "person_id", "sub", "consented")

#: A tool by its client id, and which of our keys signs now.
FIND_ASKING = ScopedStatement(
    "lti_platform.find_asking",
    sa.select(
        *TOOL.columns,
        sa.select(_key.c.kid).where(same(_key, state=KeyState.ACTIVE)).limit(1).scalar_subquery().label("active_kid"),
    ).where(same(_tool, client_id=sa.bindparam("the_client"))),
)

#: The launch that a hint names; whoever has the row decides, and everybody else waits to find it used.
TAKE_LAUNCH = ScopedStatement(
    "lti_platform.take_launch",
    sa.select(*LAUNCH.columns)
    .where(same(_launch, state_hash=sa.bindparam("the_hint"), direction=Direction.OUT))
    .with_for_update(),
)
FIND_URLS = ScopedStatement(
    "lti_platform.find_urls_of_tool", sa.select(_link.c.url).where(same(_link, tool_id=sa.bindparam("the_tool")))
)
FIND_HINTED = ScopedStatement(
    "lti_platform.find_hinted",
    sa.select(*USER.columns).where(same(_user, audience=sa.bindparam("the_audience"), sub=sa.bindparam("the_sub"))),
)

#: Who opens what, as far as it is still there: everything hangs on the person.
FIND_SEAT = ScopedStatement(
    "lti_platform.find_seat",
    sa.select(
        *PERSON.columns,
        *LINK.columns,
        *ACTIVITY.columns,
        *COLUMN.columns,
        _course.c.title.label("course_title"),
        _enrolment.c.id.label("enrolment_id"),
    )
    .select_from(
        _person.outerjoin(_link, same(_link, id=sa.bindparam("the_link", type_=_link.c.id.type)))
        .outerjoin(_activity, same(_activity, id=sa.bindparam("the_activity", type_=_activity.c.id.type)))
        .outerjoin(_course, same(_course, id=_activity.c.course_id))
        .outerjoin(_enrolment, same(_enrolment, person_id=_person.c.id, activity_id=_activity.c.id))
        .outerjoin(_column, same(_column, tool_link_id=_link.c.id, tool_id=_link.c.tool_id, is_coupled=True))
    )
    .where(same(_person, id=sa.bindparam("the_person", type_=_person.c.id.type))),
)


def _ending(name: str, outcome: Outcome, *columns: str, **fixed: Any) -> ScopedStatement:
    ended = sa.update(_launch).where(same(_launch, id=sa.bindparam("the_launch")))
    return ScopedStatement(name, ended.values(outcome=outcome, **fixed, **new_values(_launch, columns)))


ACCEPT = _ending(
    "lti_platform.accept_launch", Outcome.ACCEPTED, "consumed_at", "finished_at", "nonce", "claims", "checks", code=""
)
REFUSE = _ending("lti_platform.refuse_launch", Outcome.REFUSED, "consumed_at", "finished_at", "code", "checks")
