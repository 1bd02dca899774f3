"""The SQL of a login and a launch: the hot path, in the fewest statements (docs/performance.md).

A launch of somebody known runs TAKE_STATE, RESOLVE, OPEN_SESSION and FINISH in one transaction; a newcomer's also asks
for the address and inserts five rows.
"""

from typing import Any

import sqlalchemy as sa

from saas.db.base import table_of
from saas.db.rows import new_values, same
from saas.db.statement import TENANT, ScopedInsert, ScopedStatement
from tenants.accounts.models import Person
from tenants.audit.models import AuditEntry
from tenants.catalog.models import Activity
from tenants.learning.models import Enrolment
from tenants.lti.launches.models import Direction, Launch, Outcome, Protocol
from tenants.lti.tool.models import Deployment, Identity, Participant, Platform, ResourceLink
from tenants.lti.tool.models11 import ConsumerKey
from tenants.lti.tool.people_models import Introduction, PersonCase

_launch, _platform, _deployment = table_of(Launch), table_of(Platform), table_of(Deployment)
_activity, _identity, _person = table_of(Activity), table_of(Identity), table_of(Person)
_consumer, _case = table_of(ConsumerKey), table_of(PersonCase)
_enrolment, _link, _participant = table_of(Enrolment), table_of(ResourceLink), table_of(Participant)


#: Every registration of an issuer: id, client id, version, whether active.
FIND_PLATFORMS = ScopedStatement(
    "lti.find_platforms",
    sa.select(_platform.c.id, _platform.c.client_id, _platform.c.version, _platform.c.is_active)
    .where(same(_platform, issuer=sa.bindparam("issuer")))
    .limit(50),
)

#: A registration in full, for a process that does not hold this version yet.
LOAD_PLATFORM = ScopedStatement(
    "lti.load_platform", sa.select(_platform).where(same(_platform, id=sa.bindparam("platform")))
)
LOAD_DEPLOYMENTS = ScopedStatement(
    "lti.load_deployments",
    sa.select(_deployment.c.deployment_id).where(
        same(_deployment, platform_id=sa.bindparam("platform")), _deployment.c.accepted_at.is_not(None)
    ),
)

#: The sites that may show our pages in a frame.
ACTIVE_ADDRESSES = ScopedStatement(
    "lti.active_addresses",
    sa.union_all(
        sa.select(_platform.c.auth_url, _platform.c.issuer).where(same(_platform), _platform.c.is_active),
        sa.select(_consumer.c.origin, _consumer.c.origin)
        .where(same(_consumer), _consumer.c.is_active, _consumer.c.origin != "")
        .distinct(),
    ),
)

#: A login: its state and nonce, and all that is known so far.
START = ScopedStatement(
    "lti.start_launch",
    sa.insert(_launch).values(
        {
            "tenant_id": TENANT,
            **new_values(
                _launch,
                (
                    "id", "started_at", "finished_at", "outcome", "code", "platform_id", "platform_name", "state_hash",
                    "nonce", "target", "login_deployment", "checks", "login", "login_shown", "claims", "browser",
                ),
            ),
            "message_type": "",
            "protocol": Protocol.LTI_13.value,
            "direction": Direction.IN,
            "person_name": "",
        }
    ),
)  # fmt: skip

#: Takes an unused state: of twenty posts at the same moment one gets the row, which FINISH or CONSUME then uses up.
TAKE_STATE = ScopedStatement(
    "lti.take_state",
    sa.select(
        _launch.c.id,
        _launch.c.platform_id,
        _launch.c.nonce,
        _launch.c.login_deployment,
        _launch.c.checks,
        _launch.c.login,
        sa.select(_platform.c.version)
        .where(same(_platform, id=_launch.c.platform_id), same(_launch))
        .correlate(_launch)
        .scalar_subquery()
        .label("version"),
    )
    .where(
        same(_launch, state_hash=sa.bindparam("the_state")),
        _launch.c.consumed_at.is_(None),
        _launch.c.started_at > sa.bindparam("not_before", type_=_launch.c.started_at.type),
    )
    .with_for_update(of=_launch),
)

#: Uses the state up before the launch is finished, because keys must be fetched in between.
CONSUME = ScopedStatement(
    "lti.consume_state",
    sa.update(_launch)
    .where(same(_launch, id=sa.bindparam("launch")))
    .values(consumed_at=sa.bindparam("now", type_=_launch.c.consumed_at.type)),
)

#: Why a state was not to be had: when it was made and used, by whom; and what to begin again with.
EXPLAIN_STATE = ScopedStatement(
    "lti.explain_state",
    sa.select(
        _launch.c.platform_id,
        _launch.c.started_at,
        _launch.c.consumed_at,
        _launch.c.login,
        _launch.c.person_id,
        _launch.c.activity_id,
    ).where(same(_launch, state_hash=sa.bindparam("the_state"))),
)

#: What `tenants.lti.tool.landing` needs to know of person and activity, by whichever protocol.
WHO_AND_WHAT: tuple[sa.ColumnElement[Any], ...] = (
    _activity.c.id.label("activity_id"),
    _activity.c.title.label("activity_title"),
    _activity.c.type.label("activity_type"),
    _activity.c.status.label("activity_status"),
    _activity.c.lti_available,
    _identity.c.person_id,
    _identity.c.made_author,
    _person.c.status.label("person_status"),
    _person.c.role.label("person_role"),
    _person.c.made_by,
    _person.c.given_name,
    _person.c.family_name,
    _person.c.email,
    _enrolment.c.id.label("enrolment_id"),
)

#: Everything that decides where a launch lands, outer-joined from the platform's row.
RESOLVE = ScopedStatement(
    "lti.resolve_launch",
    sa.select(
        *WHO_AND_WHAT,
        _link.c.id.label("link_id"),
        _link.c.title.label("link_title"),
        _link.c.context_title,
        _link.c.line_item,
        _link.c.line_items,
        _link.c.memberships_url,
        _link.c.scopes,
        _participant.c.id.label("participant_id"),
        _participant.c.sub.label("participant_sub"),
    )
    .select_from(
        _platform.outerjoin(_activity, same(_activity, id=sa.bindparam("activity", type_=_activity.c.id.type)))
        .outerjoin(_identity, same(_identity, issuer=sa.bindparam("issuer"), sub=sa.bindparam("sub")))
        .outerjoin(_person, same(_person, id=_identity.c.person_id))
        .outerjoin(_enrolment, same(_enrolment, person_id=_identity.c.person_id, activity_id=_activity.c.id))
        .outerjoin(
            _link,
            same(
                _link,
                platform_id=_platform.c.id,
                deployment_id=sa.bindparam("deployment"),
                resource_link_id=sa.bindparam("resource_link"),
                activity_id=_activity.c.id,
            ),
        )
        .outerjoin(_participant, same(_participant, resource_link_id=_link.c.id, person_id=_identity.c.person_id))
    )
    .where(same(_platform, id=sa.bindparam("platform"))),
)

#: A newcomer's rows; and whether somebody has that address already.
FIND_EMAIL = ScopedStatement(
    "lti.find_email", sa.select(_person.c.id).where(same(_person, email_key=sa.bindparam("email_key")))
)
#: What keeps an account from being made with the address: somebody has it, or it is a placeholder of this LMS.
FIND_OBSTACLE = ScopedStatement(
    "lti.find_obstacle",
    sa.union_all(
        sa.select(_person.c.id).where(same(_person, email_key=sa.bindparam("email_key"))),
        sa.select(_case.c.id).where(
            same(_case, issuer=sa.bindparam("issuer"), sub="", email_key=sa.bindparam("email_key"))
        ),
    ),
)
for _model in (Person, Identity, AuditEntry, Enrolment, Participant, Introduction):
    ScopedInsert(f"{_model.__tablename__}.insert", _model)

_END = (
    "consumed_at",
    "finished_at",
    "outcome",
    "code",
    "message_type",
    "person_id",
    "person_name",
    "activity_id",
    "checks",
    "login",
    "claims",
    "browser",
)

#: The end of a launch, good or refused.
FINISH = ScopedStatement(
    "lti.finish_launch",
    sa.update(_launch).where(same(_launch, id=sa.bindparam("launch"))).values(new_values(_launch, _END)),
)

#: Purging: logins that never came back, and what is older than the log is kept.
PURGE = ScopedStatement(
    "lti.purge_launches",
    sa.delete(_launch).where(
        _launch.c.tenant_id == TENANT,
        sa.or_(
            _launch.c.started_at < sa.bindparam("kept_since", type_=_launch.c.started_at.type),
            sa.and_(
                _launch.c.outcome == Outcome.WAITING,
                _launch.c.started_at < sa.bindparam("answered_since", type_=_launch.c.started_at.type),
            ),
        ),
    ),
)
