"""Who may do what: one table that reads like a policy."""

from enum import StrEnum


class Role(StrEnum):
    LEARNER = "learner"
    AUTHOR = "author"
    ADMIN = "admin"
    OPERATOR = "operator"


class Permission(StrEnum):
    LEARN = "learn"
    AUTHOR = "author"
    INTEGRATE = "integrate"
    PEOPLE = "people"
    OPERATE = "operate"
    SIGNED_IN = "signed-in"


_LEARNER = frozenset({Permission.SIGNED_IN, Permission.LEARN})
_AUTHOR = _LEARNER | {Permission.AUTHOR}
_ADMIN = _AUTHOR | {Permission.INTEGRATE, Permission.PEOPLE}

ROLES: dict[Role, frozenset[Permission]] = {
    Role.LEARNER: _LEARNER,
    Role.AUTHOR: _AUTHOR,
    Role.ADMIN: _ADMIN,
    Role.OPERATOR: frozenset({Permission.SIGNED_IN, Permission.OPERATE}),
}

#: Roles with power over others; an outside LMS can never sign anybody in as one of these.
STAFF = frozenset({Role.AUTHOR, Role.ADMIN, Role.OPERATOR})


def allows(role: Role, permission: str) -> bool:
    return permission in ROLES[role]
