"""Who is asking: the session row and the person it names, read in one statement, both of the host's tenant."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pyramid.request import Request
from pyramid.security import Allowed, Denied

from saas import clock
from saas.db.base import table_of
from saas.db.statement import TENANT, ScopedStatement
from saas.sessions import WebSession, hash_token
from saas.web.i18n import KNOWN_IDENTITY
from tenants.access import Role, allows
from tenants.accounts.models import Person, PersonStatus

_session, _person = table_of(WebSession), table_of(Person)

IDENTITY = ScopedStatement(
    "accounts.identity",
    sa.select(
        _person.c.id,
        _person.c.given_name,
        _person.c.family_name,
        _person.c.email,
        _person.c.role,
        _session.c.id.label("session_id"),
        _session.c.origin,
        _session.c.about,
    )
    .join_from(_session, _person, sa.and_(_person.c.tenant_id == TENANT, _person.c.id == _session.c.subject_id))
    .where(
        _session.c.tenant_id == TENANT,
        _session.c.token_hash == sa.bindparam("token_hash"),
        _session.c.expires_at > sa.bindparam("now", type_=_session.c.expires_at.type),
        _person.c.status == PersonStatus.ACTIVE,
    ),
)


@dataclass(frozen=True, slots=True)
class Identity:
    """The signed-in person. ``about`` is what the session remembers of how they came (a launch, say)."""

    id: UUID
    name: str
    email: str | None
    role: Role
    session_id: UUID
    origin: str
    about: dict[str, Any]

    def may(self, permission: str) -> bool:
        return allows(self.role, permission)


class SecurityPolicy:
    """Pyramid's policy: identity from the session, permission from the table in `tenants.access`."""

    def identity(self, request: Request) -> Identity | None:
        if KNOWN_IDENTITY not in request.environ:
            request.environ[KNOWN_IDENTITY] = _load(request)
        return request.environ[KNOWN_IDENTITY]

    def authenticated_userid(self, request: Request) -> str | None:
        identity = self.identity(request)
        return str(identity.id) if identity else None

    def permits(self, request: Request, _context: Any, permission: str) -> Any:
        identity = self.identity(request)
        if identity is not None and identity.may(permission):
            return Allowed(f"{identity.role} has {permission}")
        return Denied(f"{identity.role if identity else 'a stranger'} lacks {permission}")


def _load(request: Request) -> Identity | None:
    if request.tenant is None or not request.session_token:
        return None
    with request.runtime.database.hot(request.tenant.id, write=False) as connection:
        row = connection.run(IDENTITY, token_hash=hash_token(request.session_token), now=clock.now()).one_or_none()
    if row is None:
        return None
    name = f"{row.given_name} {row.family_name}".strip()
    return Identity(row.id, name, row.email, Role(row.role), row.session_id, row.origin, row.about)
