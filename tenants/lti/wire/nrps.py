"""Names and Role Provisioning Services 2.0, client side: the roster of a course, page by page.

Tolerant in what it reads, strict in one thing: an answer that is no roster is `Refused`, never an empty roster, because
whoever is missing from a roster may lose a place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

import orjson

from saas.addresses import add_query
from saas.problems import Refused
from tenants.lti.wire.answers import spoken
from tenants.lti.wire.claims import NRPS_CLAIM, Context, Person, mapping, read_person
from tenants.lti.wire.links import next_page
from tenants.lti.wire.redact import excerpt
from tenants.lti.wire.roles import Roles, read_roles
from tenants.lti.wire.text import clean, identifier, shown, web_url

SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
MEDIA_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
VERSION = "2.0"
PAGE_SIZE = 200
"""Members we ask for at once; platforms give fewer as they please."""
MAX_PAGES = 500
MAX_MEMBERS = 100_000
MAX_PAGE_MEMBERS = 20_000
"""Some platforms ignore the limit and send a whole school."""


class Status(StrEnum):
    """NRPS 2.0 §2.3; only active members are enrolled."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"
    DELETED = "Deleted"


@dataclass(frozen=True, slots=True)
class Member:
    """One person of the course. ``legacy_user_id`` is their ``user_id`` of LTI 1.x, where the platform tells it."""

    user_id: str
    status: Status
    roles: Roles
    person: Person
    sourcedid: str = ""
    legacy_user_id: str = ""

    @property
    def active(self) -> bool:
        return self.status is Status.ACTIVE


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. ``next_url`` empty: it was the last. ``passed_over`` counts entries without a usable user id."""

    context: Context | None
    members: tuple[Member, ...]
    next_url: str = ""
    passed_over: int = 0


def read_endpoint(claims: Mapping[str, object]) -> str:
    """The address of the roster in a launch (NRPS 2.0 §3.6.1.1); empty without one, or for another version only."""
    service = mapping(claims, NRPS_CLAIM)
    versions = service.get("service_versions")
    other = isinstance(versions, list) and versions and VERSION not in map(str, versions)
    return "" if other else web_url(service.get("context_memberships_url"))


def memberships_url(url: str, *, resource_link_id: str = "", role: str = "", limit: int = PAGE_SIZE) -> str:
    """Where to begin to read; a parameter the platform has put into its address already is left as it is."""
    there = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    wanted = {"rlid": resource_link_id, "role": role, "limit": str(limit) if limit > 0 else ""}
    fields = {name: value for name, value in wanted.items() if value and name not in there}
    return add_query(url, fields) if fields else url


def read_page(status: int, body: bytes, link_header: str, url: str) -> Page:
    """One answer from ``url``. `Refused` NRPS_FORBIDDEN, NRPS_REFUSED or NRPS_ODD_ANSWER: then nobody is missing."""
    if status in {401, 403}:
        raise Refused("NRPS_FORBIDDEN", seen=f"{status} {spoken(body)}".strip(), wanted="the roster")
    if not 200 <= status <= 299:
        raise Refused("NRPS_REFUSED", seen=f"{status} {spoken(body)}".strip(), wanted="the roster")
    container = _container(body)
    entries = container["members"]
    if not isinstance(entries, list) or len(entries) > MAX_PAGE_MEMBERS:
        raise Refused("NRPS_ODD_ANSWER", seen=shown(entries), wanted=f"a list of at most {MAX_PAGE_MEMBERS} members")
    members = tuple(_members(entries))
    context = mapping(container, "context")
    context_id = identifier(context.get("id"))
    return Page(
        Context(context_id, clean(context.get("label")), clean(context.get("title"))) if context_id else None,
        members,
        next_page(link_header, url),
        len(entries) - len(members),
    )


def _container(body: bytes) -> Mapping[str, object]:
    """NRPS 2.0 §2.1; a bare list is taken for its members."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    container = {"members": document} if isinstance(document, list) else document
    if not isinstance(container, dict) or "members" not in container:
        raise Refused("NRPS_ODD_ANSWER", seen=excerpt(body) or "nothing", wanted="a membership container")
    return container


def _members(entries: list[object]) -> Iterator[Member]:
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        user_id = identifier(entry.get("user_id"))
        if user_id:
            roles = entry.get("roles")
            listed = roles if isinstance(roles, list) else clean(roles, 2000).split(",")
            yield Member(
                user_id,
                _status(entry.get("status")),
                read_roles(listed),
                read_person(entry),
                identifier(entry.get("lis_person_sourcedid")),
                identifier(entry.get("lti11_legacy_user_id")),
            )


def _status(value: object) -> Status:
    """Missing is active (NRPS 2.0 §2.3); a word we do not know is not."""
    if value is None:
        return Status.ACTIVE
    text = clean(value).rpartition("#")[2].capitalize()
    return Status(text) if text in set(Status) else Status.INACTIVE
