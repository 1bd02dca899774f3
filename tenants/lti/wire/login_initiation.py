"""Third-party initiated login as the platform sends it (Security Framework 1.0 §5.1.1), and its steps in the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urldefrag

from saas.addresses import add_query
from tenants.lti.wire.storage import PARENT

#: What is checked before a tool hears anything, in either version.
OPENING_STEPS: Mapping[str, str] = MappingProxyType(
    {
        "lti": "LTI is switched on for this academy",
        "link": "The activity has a tool to open",
        "tool": "The tool is switched on",
        "consent": "The person agreed to what is sent",
        "user": "The tool knows the person under a pseudonym",
        "sent": "The browser is sent to the tool",
    }
)


@dataclass(frozen=True, slots=True)
class LoginInitiation:
    """``login_hint`` is the tool's pseudonym for the person, ``lti_message_hint`` the one-use token of this launch."""

    login_url: str
    iss: str
    login_hint: str
    target_link_uri: str
    lti_message_hint: str
    client_id: str
    lti_deployment_id: str
    framed: bool = True

    @property
    def fields(self) -> dict[str, str]:
        """In a frame, the page around it keeps state and nonce for tools whose cookies the browser drops."""
        fields = {
            "iss": self.iss,
            "login_hint": self.login_hint,
            "target_link_uri": self.target_link_uri,
            "lti_message_hint": self.lti_message_hint,
            "client_id": self.client_id,
            "lti_deployment_id": self.lti_deployment_id,
        }
        return fields | {"lti_storage_target": PARENT} if self.framed else fields

    @property
    def address(self) -> str:
        """The same as a link, for tools that take no form."""
        return add_query(urldefrag(self.login_url).url, self.fields)
