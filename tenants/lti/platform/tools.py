"""Registrations of outside tools: made, checked, changed. What people paste is cleaned before it gets here."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.outbound import Outbound
from saas.problems import Refused
from saas.tenancy.resolve import Academy
from tenants.catalog.models import Activity
from tenants.lti.entered import NEVER, InvalidValues, address_fault, key_fault, new_version
from tenants.lti.platform.addresses import authorize_url, configuration_url, issuer, token_url
from tenants.lti.platform.grants import ToolToken
from tenants.lti.platform.models import Tool, ToolKeys, ToolKind, ToolLink
from tenants.lti.tool.addresses import jwks_url
from tenants.lti.wire import ags, nrps
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.custom_rows import rows_fault

NAME_LIMIT = 200
NO_KEYS = "Enter the JWKS URL, or paste the tool's public key under “Rarely needed”"
MAX_REDIRECTS = 20
URL_FIELDS = ("login_url", "jwks_url", "target_url", "deep_link_url", "icon_url")
#: Everything a tool can be granted.
ALL_SCOPES: tuple[str, ...] = (*ags.SCOPES, nrps.SCOPE)
#: By kind, whose value is also the operator's feature: without the feature, and with a tool that is switched off.
_REFUSALS = {
    ToolKind.LTI: ("LTI_OFF", "TOOL_INACTIVE"),
    ToolKind.ZOOM: ("ZOOM_OFF", "ZOOM_PROFILE_OFF"),
}
_IS_LTI = Tool.kind == ToolKind.LTI


@dataclass(frozen=True, slots=True)
class ToolValues:
    """What an admin enters. ``jwks_url`` or ``pasted_key``: one of them is needed. ``scopes``: the services granted."""

    name: str
    login_url: str
    jwks_url: str = ""
    pasted_key: str = ""
    redirect_urls: tuple[str, ...] = ()
    target_url: str = ""
    deep_link_url: str = ""
    icon_url: str = ""
    custom: tuple[tuple[str, str], ...] = ()
    scopes: tuple[str, ...] = ALL_SCOPES
    send_name: bool = True
    send_email: bool = True
    is_active: bool = False


class Tools:
    """``session`` is the academy's. Registrations of another kind are nobody's here but their feature's."""

    def __init__(self, session: ScopedSession, outbound: Outbound) -> None:
        self.session = session
        self.outbound = outbound

    def all(self) -> Sequence[Tool]:
        return self.session.scalars(sa.select(Tool).where(_IS_LTI).order_by(Tool.name, Tool.id)).all()

    def get(self, tool_id: UUID) -> Tool:
        tool = self.session.get(Tool, tool_id)
        if tool is None or tool.kind is not ToolKind.LTI:
            raise Refused("WEB_NOT_FOUND")
        return tool

    def by_client(self, client_id: str) -> Tool | None:
        return self.session.scalar(sa.select(Tool).where(Tool.client_id == client_id, _IS_LTI))

    def create(self, values: ToolValues) -> Tool:
        """With identifiers of ours that nobody can guess; raises `InvalidValues`."""
        tool = Tool(client_id=secrets.token_urlsafe(24), deployment_id=secrets.token_hex(6))
        self._apply(tool, values)
        self.session.add(tool)
        self.session.flush()
        self._forget(tool)
        return tool

    def edit(self, tool: Tool, values: ToolValues) -> None:
        """A new version: processes that hold the old one notice; its tokens and its fetched keys are forgotten."""
        self._apply(tool, values)
        new_version(tool)
        self._forget(tool)

    def switch(self, tool: Tool, *, on: bool) -> None:
        """`Refused` LTI13_TOOL_NOT_APPROVED for a tool our admin has not said yes to. Off ends its access at once."""
        if on and tool.approved_at is None:
            raise Refused("LTI13_TOOL_NOT_APPROVED", seen=tool.name)
        tool.is_active = on
        new_version(tool)
        if not on:
            self.session.execute(sa.delete(ToolToken).where(ToolToken.tool_id == tool.id))

    def approve(self, tool: Tool, *, version: str) -> None:
        """Says yes to what the admin saw: ``version`` is the one shown, else `Refused` WEB_CONFLICT."""
        self.session.refresh(tool, with_for_update=True)
        if tool.approved_at is not None or version != str(tool.version):
            raise Refused("WEB_CONFLICT")
        tool.approved_at = clock.now()
        tool.is_active = True
        new_version(tool)

    def delete(self, tool: Tool) -> None:
        """With its links, grade columns and tokens; activities, people and results stay."""
        self.session.delete(tool)
        self.session.flush()

    def activities(self, tool: Tool) -> Sequence[Activity]:
        """Those that open it, by title."""
        query = (
            sa.select(Activity).join(ToolLink, ToolLink.activity_id == Activity.id).where(ToolLink.tool_id == tool.id)
        )
        return self.session.scalars(query.order_by(Activity.title, Activity.id)).all()

    def twins(self, tool: Tool) -> Sequence[Tool]:
        """Other registrations of what seems to be the same tool."""
        same = sa.select(Tool).where(Tool.login_url == tool.login_url, Tool.id != tool.id, _IS_LTI)
        return self.session.scalars(same.order_by(Tool.name, Tool.id)).all()

    def faults(self, values: ToolValues) -> dict[str, str]:
        """What is wrong with each field, in words; empty when all is well."""
        found: dict[str, str] = {}
        if not values.name or len(values.name) > NAME_LIMIT:
            found["name"] = f"A name has 1 to {NAME_LIMIT} characters"
        needed = {"login_url"} if values.pasted_key else {"login_url", "jwks_url"}
        for name in URL_FIELDS:
            url = getattr(values, name)
            if (url or name in needed) and (fault := self.address_fault(url)):
                found[name] = fault
        if "jwks_url" in needed and not values.jwks_url:
            found["jwks_url"] = NO_KEYS
        if values.pasted_key and (fault := key_fault(values.pasted_key)):
            found["pasted_key"] = fault
        if fault := self.redirects_fault(values.redirect_urls):
            found["redirect_urls"] = fault
        if fault := rows_fault(values.custom):
            found["custom"] = fault
        if unknown := set(values.scopes) - set(ALL_SCOPES):
            found["scopes"] = f"There is no such service: {min(unknown)[:100]}"
        return found

    def address_fault(self, url: str) -> str:
        """Why an address cannot be used, without calling it; empty when it can."""
        return address_fault(self.outbound, url)

    def redirects_fault(self, urls: Sequence[str]) -> str:
        """Redirect URIs are compared exactly, so each must be whole (RFC 6749 §3.1.2: without a fragment)."""
        if len(urls) > MAX_REDIRECTS:
            return f"At most {MAX_REDIRECTS} redirect URIs, these are {len(urls)}"
        for url in urls:
            fault = "It must not contain a #" if "#" in url else self.address_fault(url)
            if fault:
                return f"{url[:100]}: {fault}"
        return ""

    def _apply(self, tool: Tool, values: ToolValues) -> None:
        if faults := self.faults(values):
            raise InvalidValues(faults)
        for name in ("name", *URL_FIELDS, "pasted_key", "send_name", "send_email"):
            setattr(tool, name, getattr(values, name))
        tool.redirect_urls = list(dict.fromkeys(values.redirect_urls))
        tool.custom = [list(pair) for pair in values.custom]
        tool.scopes = [scope for scope in ALL_SCOPES if scope in values.scopes]
        is_waiting = sa.inspect(tool).has_identity and tool.approved_at is None
        tool.is_active = values.is_active and not is_waiting
        tool.changed_at = clock.now()

    def _forget(self, tool: Tool) -> None:
        for kept in (ToolToken, ToolKeys):
            self.session.execute(sa.delete(kept).where(kept.tool_id == tool.id))
        self.session.add(ToolKeys(tool_id=tool.id, tried_at=NEVER))
        self.session.flush()


def values_of(tool: Tool) -> ToolValues:
    """What an admin would have entered for the tool as it is."""
    same = ("name", "login_url", "jwks_url", "pasted_key", "target_url", "deep_link_url", "icon_url", "is_active")
    return ToolValues(
        **{name: getattr(tool, name) for name in (*same, "send_name", "send_email")},
        redirect_urls=tuple(tool.redirect_urls),
        custom=tuple((name, value) for name, value in tool.custom),
        scopes=tuple(tool.scopes),
    )


def domains_of(tool: Tool) -> frozenset[str]:
    """The hosts our admin entered for the tool; a link of it must be at one of them, or below (`is_at`)."""
    named = [tool.login_url, tool.target_url, tool.deep_link_url, *tool.redirect_urls]
    hosts = set()
    for url in named:
        with suppress(ValueError):
            hosts.add((urlsplit(url).hostname or "").rstrip("."))
    return frozenset(filter(None, hosts))


def require_active(checks: Checklist, step: str, academy: Academy, tool: Tool) -> None:
    """Raises `Refused` LTI_OFF or TOOL_INACTIVE, for a tool of Zoom ZOOM_OFF or ZOOM_PROFILE_OFF."""
    off, inactive = _REFUSALS[tool.kind]
    is_on = academy.has(tool.kind.value)
    checks.require(step, is_on and tool.is_active, inactive if is_on else off, seen=tool.name)


def our_values(academy: Academy) -> dict[str, str]:
    """What the vendor of a tool needs of us, the same for every tool."""
    return {
        "issuer": issuer(academy),
        "authorize_url": authorize_url(academy),
        "token_url": token_url(academy),
        "jwks_url": jwks_url(academy),
        "configuration_url": configuration_url(academy),
    }
