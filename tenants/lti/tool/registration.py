"""Dynamic registration: the other LMS opens our link, we read its description and introduce ourselves.

The link is used up before anything is asked of the network, so that of two tries at once only one goes on; a try of
which nothing came gives it back. No transaction is open while we talk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from saas import clock
from saas.outbound import AddressRefusedError, Answer, OutboundError
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.audit.services import note
from tenants.lti.entered import InvalidValues
from tenants.lti.tool.addresses import activities_url, jwks_url, launch_url, login_url, picker_url
from tenants.lti.tool.invitations import Invitations, register
from tenants.lti.tool.platforms import PlatformValues
from tenants.lti.wire import ags, nrps
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.dynamic_registration import (
    REGISTRATION_STEPS,
    Invitation,
    Message,
    PlatformDescription,
    Registered,
    ToolDescription,
    conflict,
    read_configuration,
    read_registered,
    registration_request,
)
from tenants.lti.wire.launch13 import DEEP_LINKING_REQUEST, RESOURCE_LINK_REQUEST, SUBMISSION_REVIEW_REQUEST

PLACEMENTS = ("ContentArea", "RichTextEditor", "link_selection", "assignment_selection")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A good registration. ``deployment_id`` empty: we wait for it. ``may_score``: we have the right to send scores."""

    platform_id: UUID
    name: str
    deployment_id: str
    may_score: bool


def description_of(academy: Academy) -> ToolDescription:
    """What we tell of ourselves."""
    return ToolDescription(
        name=academy.name,
        description=f"Activities of {academy.name}",
        domain=academy.host,
        login_url=login_url(academy),
        redirect_urls=(launch_url(academy),),
        jwks_url=jwks_url(academy),
        target_link_uri=activities_url(academy),
        home_url=academy.url,
        scopes=(*ags.SCOPES, nrps.SCOPE),
        messages=(
            Message(RESOURCE_LINK_REQUEST, activities_url(academy)),
            Message(DEEP_LINKING_REQUEST, picker_url(academy), academy.name, PLACEMENTS),
            Message(SUBMISSION_REVIEW_REQUEST, activities_url(academy)),
        ),
    )


class Registration:
    """One try with the link of ``token``."""

    def __init__(self, runtime: Runtime, academy: Academy, token: str) -> None:
        self.runtime = runtime
        self.academy = academy
        self.token = token
        self.checks = Checklist(REGISTRATION_STEPS)

    def run(self, pairs: Sequence[tuple[str, str]]) -> Outcome:
        """Raises `Refused`; a refusal of the other side's making is kept with the invitation for our admin."""
        with self.runtime.database.transaction(self.academy.id) as session:
            if not self.academy.has("lti"):
                raise Refused("LTI_NOT_AVAILABLE", seen="LTI is off for this academy")
            invitation_id = Invitations(session).claim(self.token).id
        self.checks.note("link", "first use")
        try:
            return self._register(invitation_id, pairs)
        except Refused as refusal:
            self._give_back(invitation_id, refusal.code)
            raise
        except Exception:
            self._give_back(invitation_id, "")
            raise

    def _register(self, invitation_id: UUID, pairs: Sequence[tuple[str, str]]) -> Outcome:
        there = Invitation.read(pairs, self.checks, self._schemes(dict(pairs).get("openid_configuration", "")))
        platform = self._describe(there)
        answer = self._introduce(there, platform)
        registered = read_registered(self.checks, answer.status, answer.body)
        return self._keep(invitation_id, platform, registered)

    def _schemes(self, url: str) -> Sequence[str]:
        """Without TLS only towards hosts that the operator exempts by name or number."""
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            host = ""
        return ("https", "http") if host and self.runtime.outbound.allow.covers(host) else ("https",)

    def _describe(self, there: Invitation) -> PlatformDescription:
        url = there.openid_configuration
        wanted = "an OpenID configuration as JSON"
        try:
            answer = self.runtime.outbound.get(url, {"accept": "application/json"})
        except OutboundError as error:
            self.checks.refuse("fetched", "LTI13_REG_CONFIGURATION", seen=error.reason, wanted=wanted)
        found = read_configuration(self.checks, answer.status, answer.body, url, self._schemes(url))
        for address in (
            found.registration_endpoint,
            found.authorization_endpoint,
            found.token_endpoint,
            found.jwks_uri,
        ):
            try:
                self.runtime.outbound.refuse_url(address)
            except AddressRefusedError as error:
                self.checks.refuse("endpoints", "LTI13_REG_ENDPOINT", seen=f"{address}: {error.reason}")
        return found

    def _introduce(self, there: Invitation, platform: PlatformDescription) -> Answer:
        headers: Mapping[str, str] = {"content-type": "application/json", "accept": "application/json"}
        if there.registration_token:
            headers = {**headers, "authorization": f"Bearer {there.registration_token}"}
        body = registration_request(description_of(self.academy), platform)
        try:
            return self.runtime.outbound.post(platform.registration_endpoint, headers, body)
        except OutboundError as error:
            self.checks.refuse("answer", "LTI13_REG_REFUSED", seen=error.reason, wanted="a client_id as JSON")

    def _keep(self, invitation_id: UUID, there: PlatformDescription, registered: Registered) -> Outcome:
        values = PlatformValues(
            name=urlsplit(there.issuer).hostname or there.issuer,
            issuer=there.issuer,
            client_id=registered.client_id,
            auth_url=there.authorization_endpoint,
            token_url=there.token_endpoint,
            jwks_url=there.jwks_uri,
            token_audience=there.token_audience,
            deployment_ids=(registered.deployment_id,) if registered.deployment_id else (),
        )
        with self.runtime.database.transaction(self.academy.id) as session:
            invitations = Invitations(session)
            invitation = invitations.get(invitation_id)
            try:
                platform = register(session, self.runtime.outbound, invitation, values)
            except InvalidValues as invalid:
                if "client_id" in invalid.fields:
                    raise conflict(there.issuer, registered.client_id) from None
                code = "LTI13_REG_ISSUER" if "issuer" in invalid.fields else "LTI13_REG_ENDPOINT"
                raise Refused(code, seen=str(invalid)) from None
            self.checks.note("unknown", f"{there.issuer}, client {registered.client_id}")
            self._remember(invitation, "")
            note(session, f"LTI: {there.issuer}", "lti.platform.registered", platform.name, platform=str(platform.id))
            may_score = not registered.scopes or ags.SCORE_SCOPE in registered.scopes
            return Outcome(platform.id, platform.name, registered.deployment_id, may_score)

    def _give_back(self, invitation_id: UUID, code: str) -> None:
        with self.runtime.database.transaction(self.academy.id) as session:
            invitations = Invitations(session)
            invitation = invitations.get(invitation_id)
            invitations.release(invitation)
            self._remember(invitation, code)

    def _remember(self, invitation: Any, code: str) -> None:
        invitation.tried_at, invitation.code, invitation.checks = clock.now(), code, self.checks.as_json()
