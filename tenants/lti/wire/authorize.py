"""An authentication request of a tool (LTI Security Framework 1.0 §5.1.1.2; OpenID Connect Core §3.1.2), in its order.

Until the redirect URI is proven nobody is redirected; afterwards refusals go back there as errors.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.params import read_once
from tenants.lti.wire.text import IDENTIFIER_LIMIT, URL_LIMIT, shown

AUTHORIZE_STEPS: Mapping[str, str] = MappingProxyType(
    {
        "parameters": "The request can be read",
        "client": "The tool is registered here",
        "redirect": "The redirect URI is one of the tool's",
        "response_type": "It asks for a token",
        "response_mode": "The token is to be posted",
        "scope": "It asks for OpenID",
        "nonce": "It brings a nonce",
        "prompt": "Nobody is to be asked anything",
        "hint": "We began this launch, for this tool, minutes ago",
        "person": "It is the person who began it",
        "session": "It is the browser that began it",
        "once": "It is answered once",
        "active": "The tool is switched on",
        "enrolled": "The activity is open to the person",
        "message": "The message is made",
        "signed": "The token is signed",
    }
)
#: What a tool is told (OpenID Connect Core §3.1.2.6); ``launch_no_longer_valid`` is Canvas's name. Refusals that are
#: not here are for a page: nobody is redirected.
ERRORS: Mapping[str, str] = MappingProxyType(
    {
        "TOOL_RESPONSE_TYPE": "unsupported_response_type",
        "TOOL_RESPONSE_MODE": "invalid_request",
        "TOOL_SCOPE": "invalid_scope",
        "TOOL_NONCE": "invalid_request",
        "TOOL_PROMPT": "invalid_request",
        "TOOL_HINT": "invalid_request",
        "TOOL_LAUNCH_USED": "launch_no_longer_valid",
        "TOOL_SIGNED_OUT": "login_required",
        "TOOL_OTHER_PERSON": "access_denied",
        "TOOL_INACTIVE": "unauthorized_client",
        "LTI_OFF": "unauthorized_client",
        "TOOL_CLOSED": "access_denied",
        "WEB_FORBIDDEN": "access_denied",
        "ZOOM_OFF": "unauthorized_client",
        "ZOOM_KIND_OFF": "unauthorized_client",
        "ZOOM_PROFILE_OFF": "unauthorized_client",
        "ZOOM_PLACE_OFF": "access_denied",
        "ZOOM_CLOSED": "access_denied",
        "ZOOM_GUEST": "access_denied",
        "ZOOM_EMAIL": "access_denied",
    }
)
_LIMITS = {
    "client_id": IDENTIFIER_LIMIT,
    "redirect_uri": URL_LIMIT,
    "response_type": 100,
    "response_mode": 100,
    "scope": 1000,
    "nonce": 1024,
    "prompt": 100,
    "login_hint": 4096,
    "lti_message_hint": 4096,
    "state": 8192,
}
FIELDS = tuple(_LIMITS)


@dataclass(frozen=True, slots=True)
class AuthenticationRequest:
    """As a tool sent it, nothing proven. ``state`` is echoed byte for byte; None: there was none to echo."""

    values: Mapping[str, str]
    faults: tuple[str, ...] = ()

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]]) -> Self:
        values, faults = read_once(pairs, _LIMITS)
        return cls(MappingProxyType(values), tuple(faults))

    def __getitem__(self, name: str) -> str:
        """Empty where it is absent."""
        return self.values.get(name, "")

    @property
    def state(self) -> str | None:
        return self.values.get("state")

    def check_readable(self, checks: Checklist) -> None:
        """Step "parameters", for a page: what was given twice might be the redirect URI."""
        checks.require(
            "parameters",
            not self.faults,
            "TOOL_AUTH_UNREADABLE",
            seen="; ".join(self.faults) or ", ".join(self.values),
            wanted="each parameter once, in readable text",
        )

    def check_redirect(self, checks: Checklist, allowed: Collection[str]) -> None:
        """Step "redirect": letter by letter, never by beginning, case or meaning (RFC 9700 §2.1)."""
        checks.require(
            "redirect",
            self["redirect_uri"] in allowed,
            "TOOL_REDIRECT",
            seen=shown(self["redirect_uri"]) or "none",
            wanted=" or ".join(sorted(allowed)) or "a redirect URI entered for the tool",
        )

    def check_shape(self, checks: Checklist) -> None:
        """Steps "response_type" to "prompt"."""
        for step, name, fits, code, wanted in (
            ("response_type", "response_type", self["response_type"] == "id_token", "TOOL_RESPONSE_TYPE", "id_token"),
            ("response_mode", "response_mode", self["response_mode"] == "form_post", "TOOL_RESPONSE_MODE", "form_post"),
            ("scope", "scope", "openid" in self["scope"].split(), "TOOL_SCOPE", "openid"),
            ("nonce", "nonce", self["nonce"].strip(), "TOOL_NONCE", "a nonce"),
            ("prompt", "prompt", self["prompt"] in ("", "none"), "TOOL_PROMPT", "none"),
        ):
            seen = "given" if step == "nonce" and fits else shown(self[name]) or "none"
            checks.require(step, fits, code, seen=seen, wanted=wanted)


def error_fields(code: str, description: str, state: str | None, error: str = "") -> dict[str, str]:
    """What is posted to the redirect URI instead of a token; ASCII, as OAuth wants it (RFC 6749 §4.1.2.1).

    ``error``: where it is not the one of `ERRORS`.
    """
    plain = "".join(char if " " <= char <= "~" and char not in '"\\' else " " for char in description)
    fields = {"error": error or ERRORS[code], "error_description": f"{plain} ({code})"}
    return fields if state is None else {**fields, "state": state}


def token_fields(id_token: str, state: str | None) -> dict[str, str]:
    """What is posted to the redirect URI."""
    return {"id_token": id_token} if state is None else {"id_token": id_token, "state": state}
