"""Which field of a connection a refusal is about, and what that field is called in the other product."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from tenants.lti.wire.dialects import Need, dialect_of
from tenants.lti.wire.setup_sheets import GENERIC, SHEETS, Ours, Sheet, Theirs


class Ours11(StrEnum):
    """What we give to the other side for LTI 1.2."""

    KEY = "key"
    SECRET = "secret"  # noqa: S105 -- the name of a field
    LAUNCH_URL = "launch_url"


AnyField = Ours | Theirs | Ours11

#: By code; what is not here is about no field of the connection: clocks, browsers, people.
FIELDS: Mapping[str, tuple[AnyField, ...]] = MappingProxyType(
    {
        "LTI13_LOGIN_PARAM": (Ours.LOGIN_URL,),
        "LTI13_AMBIGUOUS_CLIENT": (Ours.LOGIN_URL,),
        "LTI13_NO_REGISTRATION": (Theirs.ISSUER, Theirs.CLIENT_ID),
        "LTI13_REGISTRATION_MISMATCH": (Theirs.ISSUER, Theirs.CLIENT_ID),
        "LTI13_AUD": (Theirs.CLIENT_ID,),
        "LTI13_AZP": (Theirs.CLIENT_ID,),
        "LTI13_DEPLOYMENT": (Theirs.DEPLOYMENT_ID,),
        "LTI13_TARGET": (Ours.TARGET_URL,),
        "LTI13_STATE": (Ours.LOGIN_URL,),
        "LTI13_PLATFORM_ERROR": (Ours.REDIRECT_URL,),
        "LTI13_KID": (Theirs.JWKS_URL,),
        "LTI13_KEY_NOT_FOUND": (Theirs.JWKS_URL,),
        "LTI13_JWKS_UNREACHABLE": (Theirs.JWKS_URL,),
        "LTI13_SIGNATURE": (Theirs.JWKS_URL,),
        "LTI11_METHOD": (Ours11.LAUNCH_URL,),
        "LTI11_UNKNOWN_KEY": (Ours11.KEY,),
        "LTI11_KEY_ACTIVITY": (Ours11.KEY, Ours11.LAUNCH_URL),
        "LTI11_SIGNATURE": (Ours11.SECRET, Ours11.LAUNCH_URL),
    }
)
#: Refusals for want of something about the person.
NEEDS: Mapping[str, Need] = MappingProxyType(
    {
        "LTI_PERSON_EMAIL": Need.EMAIL,
        "LTI_PERSON_NAME": Need.GIVEN_NAME,
        "LTI13_ANONYMOUS": Need.USER_ID,
        "LTI11_EMAIL": Need.EMAIL,
        "LTI11_NAME": Need.GIVEN_NAME,
        "LTI11_USER_ID": Need.USER_ID,
    }
)
_OTHER_FAMILIES = {"openedx": "openedx", "edx": "openedx", "open edx": "openedx", "openolat": "openolat"}
_GENERIC11 = {Ours11.KEY: "Consumer key", Ours11.SECRET: "Shared secret", Ours11.LAUNCH_URL: "Launch URL"}
_LABELS11: Mapping[str, Mapping[Ours11, str]] = {
    "moodle": {Ours11.KEY: "Consumer key", Ours11.SECRET: "Shared secret", Ours11.LAUNCH_URL: "Tool URL"},
    "canvas": {Ours11.KEY: "Consumer Key", Ours11.SECRET: "Shared Secret", Ours11.LAUNCH_URL: "Launch URL"},
    "blackboard": {Ours11.KEY: "Tool Provider Key", Ours11.SECRET: "Tool Provider Secret", Ours11.LAUNCH_URL: "URL"},
    "brightspace": {Ours11.KEY: "Key", Ours11.SECRET: "Secret", Ours11.LAUNCH_URL: "URL"},
    "sakai": {Ours11.KEY: "Launch Key", Ours11.SECRET: "Launch Secret", Ours11.LAUNCH_URL: "Launch URL"},
    "openedx": {Ours11.KEY: "LTI Passports", Ours11.SECRET: "LTI Passports", Ours11.LAUNCH_URL: "LTI URL"},
    "openolat": {Ours11.KEY: "Key", Ours11.SECRET: "Password", Ours11.LAUNCH_URL: "URL"},
}


def product_of(family: str) -> str:
    """The key of `SHEETS` for a product family code as LMSs send it; ``generic`` when we do not know it."""
    dialect, lowered = dialect_of(family), family.strip().lower()
    known = next((key for key, sheet in SHEETS.items() if dialect and sheet.name == dialect.name), "")
    return known or _OTHER_FAMILIES.get(lowered, "generic")


def sheet_of(product: str) -> Sheet:
    return SHEETS.get(product, GENERIC)


def label_of(field: AnyField, product: str) -> str:
    """What their form calls it."""
    if isinstance(field, Ours11):
        return _LABELS11.get(product, _GENERIC11)[field]
    sheet = sheet_of(product)
    return sheet.ours[field] if isinstance(field, Ours) else sheet.theirs[field]
