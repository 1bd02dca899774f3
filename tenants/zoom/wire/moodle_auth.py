"""How Moodle's authorization and token addresses judge what Zoom asks there, where that is not how LTI has it."""

from collections.abc import Mapping
from types import MappingProxyType

from saas.problems import Refused
from tenants.lti.wire import jws
from tenants.lti.wire.authorize import ERRORS, AuthenticationRequest
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.text import identifier_fault, shown

#: Moodle's name for what our own page adds when it sends a request once more.
REPOST = "repost"
#: What Moodle posts back, by our codes; what is not here is ``access_denied``.
MOODLE_ERRORS: Mapping[str, str] = MappingProxyType(
    {
        **ERRORS,
        "ZOOM_AUTH_MISSING": "invalid_request",
        "ZOOM_AUTH_CLIENT": "unauthorized_client",
        "TOOL_LAUNCH_USED": "invalid_request",
    }
)
OTHERWISE = "access_denied"
#: What must be there, with the step that says so. Client ID and redirect URI are judged before.
_NEEDED = (
    ("scope", "scope"),
    ("response_type", "response_type"),
    ("login_hint", "hint"),
    ("nonce", "nonce"),
    ("response_mode", "response_mode"),
)


class MoodleRequest(AuthenticationRequest):
    """What is missing is ``invalid_request``, whatever it is; the scope is ``openid`` and nothing more."""

    __slots__ = ()

    def check_shape(self, checks: Checklist) -> None:
        for name, step in _NEEDED:
            if not self[name].strip():
                checks.refuse(step, "ZOOM_AUTH_MISSING", seen=f"no {name}", wanted=name)
        if self["scope"] != "openid":
            checks.refuse("scope", "TOOL_SCOPE", seen=shown(self["scope"]), wanted="openid")
        super().check_shape(checks)


def client_of(token: jws.Token) -> str:
    """``sub`` is the client ID, as Moodle has it; ``iss`` is any name. `Refused` CALL_ASSERTION_ISSUER."""
    subject, issuer = token.claims.get("sub"), token.claims.get("iss")
    if identifier_fault(subject) or identifier_fault(issuer):
        seen = f"iss: {shown(issuer, 100)}, sub: {shown(subject, 100)}"
        raise Refused("CALL_ASSERTION_ISSUER", seen=seen, wanted="the client ID as sub, and an iss")
    return str(subject)
