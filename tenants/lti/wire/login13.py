"""Third-party initiated login: what a platform sends, and where the browser goes next.

LTI 1.3 Security Framework 1.0 §5.1.1; OpenID Connect Core §3.1.2.1 and §4.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from urllib.parse import urldefrag

from saas.addresses import add_query
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.params import read_once
from tenants.lti.wire.registration import Registration
from tenants.lti.wire.text import IDENTIFIER_LIMIT, URL_LIMIT, identifier_fault, shown

REQUIRED = ("iss", "login_hint", "target_link_uri")
LIMITS = {
    "iss": IDENTIFIER_LIMIT,
    "login_hint": 4096,
    "target_link_uri": URL_LIMIT,
    "lti_message_hint": 8192,
    "client_id": IDENTIFIER_LIMIT,
    "lti_deployment_id": IDENTIFIER_LIMIT,
    "lti_storage_target": IDENTIFIER_LIMIT,
}
_IDENTIFIERS = ("iss", "client_id", "lti_deployment_id", "lti_storage_target")


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """A login as a platform starts it. Absent text is empty; an absent message hint is None, an empty one is kept."""

    iss: str
    login_hint: str
    target_link_uri: str
    lti_message_hint: str | None = None
    client_id: str = ""
    lti_deployment_id: str = ""
    lti_storage_target: str = ""

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]], checks: Checklist) -> Self:
        """Step "parameters", from the query and the form together: every required one there, each once, none outsize.

        Raises `Refused` LTI13_LOGIN_PARAM naming each parameter at fault.
        """
        values, faults = read_once(pairs, LIMITS)
        faults += [f"{name}: missing" for name in REQUIRED if not values.get(name)]
        faults += [
            f"{name}: {fault}"
            for name in _IDENTIFIERS
            if values.get(name) and (fault := identifier_fault(values[name]))
        ]
        checks.require(
            "parameters",
            not faults,
            "LTI13_LOGIN_PARAM",
            seen="; ".join(faults) or ", ".join(values),
            wanted=", ".join(REQUIRED),
        )
        return cls(**values)


def check_deployment(checks: Checklist, login: LoginRequest, registration: Registration) -> None:
    """Step "deployment": a deployment named at login must be allowed; most platforms name none, which is fine."""
    checks.require(
        "deployment",
        not login.lti_deployment_id or registration.allows(login.lti_deployment_id),
        "LTI13_DEPLOYMENT",
        seen=shown(login.lti_deployment_id) or "not named",
        wanted=registration.known_deployments(),
    )


def authorization_url(
    auth_url: str, *, client_id: str, redirect_uri: str, state: str, nonce: str, login: LoginRequest
) -> str:
    """The platform's authentication address with our request: nine fixed parameters and the message hint unchanged.

    A query the address already has is kept as it stands.
    """
    fields = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "nonce": nonce,
        "login_hint": login.login_hint,
    }
    if login.lti_message_hint is not None:
        fields["lti_message_hint"] = login.lti_message_hint
    return add_query(urldefrag(auth_url).url, fields)
