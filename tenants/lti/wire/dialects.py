"""What each product calls its switches and how it is recognised: facts about other LMSs, as data, in this one place.

Labels are those of the products' English pages. `switch_for` serves the check that names a missing parameter, the
set-up page and the guides for admins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from tenants.lti.wire.text import split_url


class Need(StrEnum):
    """What we must be told about a person; the value is the parameter's name in LTI 1.x."""

    USER_ID = "user_id"
    EMAIL = "lis_person_contact_email_primary"
    GIVEN_NAME = "lis_person_name_given"
    FAMILY_NAME = "lis_person_name_family"

    @property
    def claim(self) -> str:
        """Its name in LTI 1.3."""
        return _CLAIMS[self]


_CLAIMS = {
    Need.USER_ID: "sub",
    Need.EMAIL: "email",
    Need.GIVEN_NAME: "given_name",
    Need.FAMILY_NAME: "family_name",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """One product. ``families`` are its values of ``product_family_code`` in lower case."""

    name: str
    families: frozenset[str]
    switches: Mapping[Need, str]


def _dialect(name: str, families: str, *, user: str, email: str, names: str) -> Dialect:
    switches = {Need.USER_ID: user, Need.EMAIL: email, Need.GIVEN_NAME: names, Need.FAMILY_NAME: names}
    return Dialect(name, frozenset(families.split()), MappingProxyType(switches))


DIALECTS: tuple[Dialect, ...] = (
    _dialect(
        "Moodle",
        "moodle",
        user="always sent; sign in as a person, not as guest",
        email="External tool, Privacy: set “Share launcher's email with tool” to Always",
        names="External tool, Privacy: set “Share launcher's name with tool” to Always",
    ),
    _dialect(
        "Canvas",
        "canvas",
        user="always sent; open the link as a member of the course",
        email="App or developer key: set “Privacy Level” to Public",
        names="App or developer key: set “Privacy Level” to Public",
    ),
    _dialect(
        "Blackboard",
        "blackboardlearn blackboard learn",
        user="LTI tool provider: set “Send User Data” to “Send user data only over SSL”",
        email="LTI tool provider, “User Fields to Send”: tick “Email Address”",
        names="LTI tool provider, “User Fields to Send”: tick “Name”",
    ),
    _dialect(
        "Brightspace",
        "desire2learn brightspace d2l",
        user="Tool provider or deployment, Security Settings: tick “User ID”",
        email="Tool provider or deployment, Security Settings: tick “Email”",
        names="Tool provider or deployment, Security Settings: tick “First Name” and “Last Name”",
    ),
    _dialect(
        "Sakai",
        "sakai",
        user="always sent; open the link as a member of the site",
        email="External tool, Privacy Settings: tick “Send Email Addresses to External Tool”",
        names="External tool, Privacy Settings: tick “Send User Names to External Tool”",
    ),
)


#: Products in the cloud keep one issuer for everybody and show courses under hosts of their customers.
CLOUDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "canvas.instructure.com": ("https://*.instructure.com",),
        "canvas.beta.instructure.com": ("https://*.instructure.com",),
        "canvas.test.instructure.com": ("https://*.instructure.com",),
        "blackboard.com": ("https://*.blackboard.com",),
    }
)


def frames_of(issuer: str) -> tuple[str, ...]:
    """What may frame us on behalf of that issuer besides its own address, as sources of ``frame-ancestors``."""
    parts = split_url(issuer)
    return CLOUDS.get(parts.hostname or "", ()) if parts else ()


def dialect_of(family: str) -> Dialect | None:
    """The product behind a ``product_family_code`` or ``tool_consumer_info_product_family_code``, in any case."""
    lowered = family.strip().lower()
    return next((dialect for dialect in DIALECTS if lowered in dialect.families), None)


def switch_for(need: Need, family: str = "") -> str:
    """Where the other admin makes their LMS send it: one line for a known product, else what to look for."""
    dialect = dialect_of(family)
    return f"{dialect.name}: {dialect.switches[need]}" if dialect else "switch it on in the other LMS's tool settings"
