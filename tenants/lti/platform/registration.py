"""Dynamic registration: a tool our admin invited says who it is, and waits for approval.

An invitation's token registers one tool, within an hour; until our admin has decided, the same token reads and changes
what it said. Whatever is refused is kept with the invitation and in the log of service calls, so each call opens its
own transactions.
"""

import secrets
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.addresses import add_query
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.runtime import Runtime
from saas.sessions import hash_token
from saas.tenancy.resolve import Academy
from tenants.audit.services import note
from tenants.lti.availability import require_lti
from tenants.lti.entered import InvalidValues
from tenants.lti.platform.addresses import (
    authorize_url,
    configuration_url,
    issuer,
    registration_url,
    token_url,
)
from tenants.lti.platform.grants import ToolInvitation
from tenants.lti.platform.log import Service, note_call
from tenants.lti.platform.models import Tool
from tenants.lti.platform.tools import ALL_SCOPES, Tools, ToolValues
from tenants.lti.tool.addresses import jwks_url
from tenants.lti.wire.substitution import VARIABLES
from tenants.lti.wire.tool_registration import Granted, PlatformSelf, ToolRegistration, read_registration, scopes_beyond

LIFETIME = timedelta(hours=1)
#: How long a tool that is not decided on may read and change what it said.
CHANGEABLE = timedelta(days=7)


def platform_self(academy: Academy) -> PlatformSelf:
    """What our configuration document says."""
    return PlatformSelf(
        issuer=issuer(academy),
        authorization_endpoint=authorize_url(academy),
        token_endpoint=token_url(academy),
        jwks_uri=jwks_url(academy),
        registration_endpoint=registration_url(academy),
        scopes=ALL_SCOPES,
        variables=tuple(each.name for each in VARIABLES),
    )


class ToolInvitations:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def make(self, academy: Academy, url: str, made_by: str) -> tuple[ToolInvitation, str]:
        """The row, and the tool's address with our token in it (§3.3), which is shown once and not kept."""
        token = secrets.token_urlsafe(32)
        row = ToolInvitation(token_hash=hash_token(token), url=url, made_by=made_by, expires_at=clock.now() + LIFETIME)
        self.session.add(row)
        self.session.flush()
        asked = {"openid_configuration": configuration_url(academy), "registration_token": token}
        return row, add_query(url, asked)

    def get(self, invitation_id: UUID) -> ToolInvitation:
        found = self.session.get(ToolInvitation, invitation_id)
        if found is None:
            raise Refused("WEB_NOT_FOUND")
        return found

    def of(self, tool: Tool) -> ToolInvitation | None:
        """The one the tool came by, if it registered itself."""
        return self.session.scalar(sa.select(ToolInvitation).where(ToolInvitation.tool_id == tool.id).limit(1))

    def by_token(self, token: str) -> ToolInvitation | None:
        """Locked, so that of two tries at once only one goes on."""
        query = sa.select(ToolInvitation).where(ToolInvitation.token_hash == hash_token(token))
        return self.session.scalar(query.with_for_update()) if token else None


def beyond(invitation: ToolInvitation, tool: Tool) -> list[str]:
    """Scopes the tool asked for and does not get."""
    return scopes_beyond(invitation.asked.get("scopes", []), tool.scopes)


class Registrar:
    """One call with ``token``; each method raises `Refused`.

    ``may_log`` is asked before a refusal goes into the log that no invitation of ours stands behind.
    """

    def __init__(
        self, runtime: Runtime, academy: Academy, token: str, may_log: Callable[[], bool] = lambda: True
    ) -> None:
        self.runtime = runtime
        self.academy = academy
        self.token = token
        self.may_log = may_log

    def register(self, body: bytes) -> Granted:
        """Makes the tool, which waits for approval, and uses the token up."""
        return self._changing(lambda session: self._register(session, body), 201)

    def change(self, tool_id: UUID, body: bytes) -> Granted:
        """All of it anew (RFC 7592 §2.2), as long as nobody has decided."""
        return self._changing(lambda session: self._change(session, tool_id, body), 200)

    def read(self, tool_id: UUID) -> Granted:
        with self.runtime.database.transaction(self.academy.id) as session:
            require_lti(self.academy)
            return self._granted(*self._waiting(session, tool_id))

    def _changing(self, act: Callable[[ScopedSession], tuple[Tool, ToolInvitation]], status: int) -> Granted:
        try:
            with self.runtime.database.transaction(self.academy.id) as session:
                require_lti(self.academy)
                tool, invitation = act(session)
                invitation.last_code = ""
                note(session, f"LTI: {tool.name}", "lti.tool.registered", tool.name, tool=str(tool.id))
                note_call(session, Service.REGISTRATION, status=status, seen=tool.login_url, tool=tool)
                return self._granted(tool, invitation)
        except Refused as refusal:
            self._keep_refusal(refusal)
            raise
        except InvalidValues as invalid:
            unusable = Refused("LTI13_TOOL_REG_MEMBER", seen=str(invalid))
            self._keep_refusal(unusable)
            raise unusable from None

    def _keep_refusal(self, refusal: Refused) -> None:
        with self.runtime.database.transaction(self.academy.id) as session:
            invitation = ToolInvitations(session).by_token(self.token)
            tool = session.get(Tool, invitation.tool_id) if invitation and invitation.tool_id else None
            if invitation is not None:
                invitation.last_code = refusal.code
            elif not self.may_log():
                return
            status = self.runtime.problems[refusal.code].status
            note_call(session, Service.REGISTRATION, status=status, code=refusal.code, seen=refusal.seen, tool=tool)

    def _register(self, session: ScopedSession, body: bytes) -> tuple[Tool, ToolInvitation]:
        invitation = ToolInvitations(session).by_token(self.token)
        if invitation is None or invitation.used_at is not None or invitation.expires_at <= clock.now():
            used = invitation is not None and invitation.used_at is not None
            seen = "used before" if used else "too old" if invitation else "none" if not self.token else "unknown here"
            raise Refused("LTI13_TOOL_REG_TOKEN", seen=seen, wanted="an unused token of this academy")
        tools = Tools(session, self.runtime.outbound)
        said = read_registration(body, tools.address_fault)
        tool = tools.create(_values(said))
        tool.approved_at, tool.is_active = None, False
        invitation.used_at, invitation.tool_id, invitation.asked = clock.now(), tool.id, _asked(said)
        session.flush()
        return tool, invitation

    def _change(self, session: ScopedSession, tool_id: UUID, body: bytes) -> tuple[Tool, ToolInvitation]:
        tool, invitation = self._waiting(session, tool_id)
        tools = Tools(session, self.runtime.outbound)
        said = read_registration(body, tools.address_fault)
        tools.edit(tool, _values(said))
        invitation.asked = _asked(said)
        session.flush()
        session.refresh(tool)
        return tool, invitation

    def _waiting(self, session: ScopedSession, tool_id: UUID) -> tuple[Tool, ToolInvitation]:
        """The tool this very token registered, not yet decided on; anything else is a bad token."""
        invitation = ToolInvitations(session).by_token(self.token)
        if invitation is not None and invitation.tool_id == tool_id:
            tool = session.get(Tool, tool_id, with_for_update=True)
            is_young = invitation.created_at > clock.now() - CHANGEABLE
            if tool is not None and tool.approved_at is None and is_young:
                return tool, invitation
        seen = "decided on, or too old" if invitation and invitation.tool_id == tool_id else "not of this tool"
        raise Refused("LTI13_TOOL_REG_TOKEN", seen=seen, wanted="the token that registered this tool")

    def _granted(self, tool: Tool, invitation: ToolInvitation) -> Granted:
        return Granted(
            tool=_registration(tool, invitation),
            client_id=tool.client_id,
            deployment_id=tool.deployment_id,
            scopes=tuple(tool.scopes),
            client_url=f"{registration_url(self.academy)}/{tool.id}",
            token=self.token,
        )


def _values(said: ToolRegistration) -> ToolValues:
    """As asked, as far as it is ours to give."""
    same = ("name", "login_url", "jwks_url", "redirect_urls", "target_url", "deep_link_url", "icon_url", "custom")
    return ToolValues(
        **{name: getattr(said, name) for name in same},
        scopes=tuple(scope for scope in ALL_SCOPES if scope in said.scopes),
        send_name=said.wants_name,
        send_email=said.wants_email,
    )


def _asked(said: ToolRegistration) -> dict[str, object]:
    lists = ("scopes", "claims", "messages")
    return {"domain": said.domain, **{name: list(getattr(said, name)) for name in lists}}


def _registration(tool: Tool, invitation: ToolInvitation) -> ToolRegistration:
    asked = invitation.asked
    same = ("name", "login_url", "jwks_url", "target_url", "deep_link_url", "icon_url")
    return ToolRegistration(
        **{name: getattr(tool, name) for name in same},
        redirect_urls=tuple(tool.redirect_urls),
        custom=tuple((name, value) for name, value in tool.custom),
        domain=asked.get("domain", ""),
        scopes=tuple(asked.get("scopes", ())),
        claims=tuple(asked.get("claims", ())),
        messages=tuple(asked.get("messages", ())),
    )
