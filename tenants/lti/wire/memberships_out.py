"""Names and Role Provisioning Services 2.0, server side: who takes part, as a document."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tenants.lti.wire.claims import CLAIM
from tenants.lti.wire.nrps import Status

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
LEARNER, INSTRUCTOR = f"{MEMBERSHIP}Learner", f"{MEMBERSHIP}Instructor"
RESOURCE_LINK_REQUEST = "LtiResourceLinkRequest"
#: A role as a tool may ask for it (NRPS 2.0 §2.4.1): in short, as a URI, or as LTI 1.x has it.
ROLES: Mapping[str, str] = MappingProxyType(
    {
        written: role
        for name, role in (("Learner", LEARNER), ("Instructor", INSTRUCTOR))
        for written in (name, role, f"urn:lti:role:ims/lis/{name}")
    }
)


@dataclass(frozen=True, slots=True)
class MemberOut:
    """``user_id`` is the pseudonym the tool knows; names and e-mail are empty where nothing may be told.

    ``more_roles``: besides ``role``, which says most.
    """

    user_id: str
    role: str
    status: Status = Status.ACTIVE
    given_name: str = ""
    family_name: str = ""
    email: str = ""
    more_roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContextOut:
    id: str
    title: str


def read_role(text: str) -> str | None:
    """The URI of the role asked for; None for one that nobody here has."""
    return ROLES.get(text.strip())


def write_page(
    url: str, context: ContextOut, members: Iterable[MemberOut], *, resource_link_id: str = ""
) -> dict[str, Any]:
    """One page of the container (NRPS 2.0 §2); ``resource_link_id``: of whom may open that link (§2.4.2)."""
    return {
        "id": url,
        "context": {"id": context.id, "label": context.title[:40], "title": context.title},
        "members": [_member(each, resource_link_id) for each in members],
    }


def _member(member: MemberOut, resource_link_id: str) -> dict[str, Any]:
    said: dict[str, Any] = {
        "status": member.status.value,
        "user_id": member.user_id,
        "roles": [member.role, *member.more_roles],
        "name": f"{member.given_name} {member.family_name}".strip(),
        "given_name": member.given_name,
        "family_name": member.family_name,
        "email": member.email,
    }
    if resource_link_id:
        said["message"] = [
            {
                f"{CLAIM}message_type": RESOURCE_LINK_REQUEST,
                f"{CLAIM}version": "1.3.0",
                f"{CLAIM}resource_link": {"id": resource_link_id},
            }
        ]
    return {name: value for name, value in said.items() if value}
