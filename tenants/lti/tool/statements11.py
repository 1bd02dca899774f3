"""The SQL of an LTI 1.2 launch: somebody known costs the key, the nonce, one look-up, the session and the log row."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from saas.db.base import table_of
from saas.db.rows import new_values, same
from saas.db.statement import TENANT, ScopedInsert, ScopedStatement
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.learning.models import Enrolment
from tenants.lti.launches.models import Launch
from tenants.lti.tool.models import Identity
from tenants.lti.tool.models11 import ConsumerKey, ConsumerNonce, OutcomeRoute
from tenants.lti.tool.statements import WHO_AND_WHAT

_consumer, _nonce, _route = table_of(ConsumerKey), table_of(ConsumerNonce), table_of(OutcomeRoute)
_activity, _identity, _person, _enrolment = (table_of(each) for each in (Activity, Identity, Person, Enrolment))

#: A key in full, active or not.
FIND_CONSUMER = ScopedStatement(
    "lti11.find_consumer", sa.select(_consumer).where(same(_consumer, key=sa.bindparam("key")))
)

#: Uses a nonce up: of twenty posts at the same moment one gets a row back. Both databases know this conflict clause.
KEEP_NONCE = ScopedStatement(
    "lti11.keep_nonce",
    insert(_nonce)
    .values(
        tenant_id=TENANT,
        id=sa.bindparam("new_id"),
        consumer_key_id=sa.bindparam("consumer"),
        nonce=sa.bindparam("new_nonce"),
        expires_at=sa.bindparam("until"),
    )
    .on_conflict_do_nothing(index_elements=[_nonce.c.tenant_id, _nonce.c.consumer_key_id, _nonce.c.nonce])
    .returning(_nonce.c.id),
)

#: Everything that decides where a launch lands, outer-joined from the key's row.
RESOLVE11 = ScopedStatement(
    "lti11.resolve_launch",
    sa.select(
        *WHO_AND_WHAT,
        _route.c.id.label("route_id"),
        _route.c.service_url,
        _route.c.sourcedid,
        _route.c.link_title,
        _route.c.context_title,
    )
    .select_from(
        _consumer.outerjoin(_activity, same(_activity, id=_consumer.c.activity_id))
        .outerjoin(_identity, same(_identity, issuer=sa.bindparam("issuer"), sub=sa.bindparam("sub")))
        .outerjoin(_person, same(_person, id=_identity.c.person_id))
        .outerjoin(_enrolment, same(_enrolment, person_id=_identity.c.person_id, activity_id=_activity.c.id))
        .outerjoin(
            _route,
            same(
                _route,
                consumer_key_id=_consumer.c.id,
                resource_link_id=sa.bindparam("resource_link"),
                person_id=_identity.c.person_id,
            ),
        )
    )
    .where(same(_consumer, id=sa.bindparam("consumer", type_=_consumer.c.id.type))),
)

#: What a proven launch says of its consumer.
USED = ("last_used_at", "current_used", "product", "instance", "origin")
TOUCH_CONSUMER = ScopedStatement(
    "lti11.touch_consumer",
    sa.update(_consumer)
    .where(same(_consumer, id=sa.bindparam("consumer", type_=_consumer.c.id.type)))
    .values(new_values(_consumer, USED)),
)

PURGE_NONCES = ScopedStatement(
    "lti11.purge_nonces",
    sa.delete(_nonce).where(
        _nonce.c.tenant_id == TENANT, _nonce.c.expires_at < sa.bindparam("now", type_=_nonce.c.expires_at.type)
    ),
)

for _model in (Launch, OutcomeRoute):
    ScopedInsert(f"{_model.__tablename__}.insert", _model)
