"""What may come once: of many that bring the same value at the same moment, the database lets one be the first."""

import hashlib
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from saas.db.base import table_of, uuid7
from saas.db.rows import Runner
from saas.db.statement import TENANT, ScopedStatement
from tenants.lti.platform.grants import ToolToken, UsedOnce
from tenants.lti.platform.models import ServiceCall

_once, _token, _call = table_of(UsedOnce), table_of(ToolToken), table_of(ServiceCall)

#: Both databases know this conflict clause.
KEEP = ScopedStatement(
    "lti_platform.keep_once",
    insert(_once)
    .values(
        tenant_id=TENANT,
        id=sa.bindparam("new_id"),
        owner=sa.bindparam("new_owner"),
        value_hash=sa.bindparam("new_hash"),
        expires_at=sa.bindparam("until"),
    )
    .on_conflict_do_nothing(index_elements=[_once.c.tenant_id, _once.c.owner, _once.c.value_hash])
    .returning(_once.c.id),
)
PURGE_ONCE = ScopedStatement(
    "lti_platform.purge_once",
    sa.delete(_once).where(
        _once.c.tenant_id == TENANT, _once.c.expires_at < sa.bindparam("now", type_=_once.c.expires_at.type)
    ),
)
PURGE_TOKENS = ScopedStatement(
    "lti_platform.purge_tokens",
    sa.delete(_token).where(
        _token.c.tenant_id == TENANT, _token.c.expires_at < sa.bindparam("now", type_=_token.c.expires_at.type)
    ),
)
PURGE_CALLS = ScopedStatement(
    "lti_platform.purge_calls",
    sa.delete(_call).where(_call.c.tenant_id == TENANT, _call.c.at < sa.bindparam("kept_since", type_=_call.c.at.type)),
)


def use_once(runner: Runner, owner: str, value: str, until: datetime) -> bool:
    """Whether this is the first time; ``owner`` as `UsedOnce` has it. It is remembered ``until`` then."""
    kept = runner.run(KEEP, new_id=uuid7(), new_owner=owner, new_hash=hash_of(value), until=until)
    return kept.first() is not None


def hash_of(value: str) -> str:
    """What is kept of a token or a nonce: of random values the hash alone gives nothing away."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
