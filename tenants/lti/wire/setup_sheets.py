"""The set-up page's data: every value of a connection under the name it has in the other product's own forms.

Products are those admins meet; `GENERIC` speaks the words of the specification. Labels are the English ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

CANVAS = "https://sso.canvaslms.com"
BLACKBOARD = "https://developer.blackboard.com/api/v1"


class Ours(StrEnum):
    """What we give to the other side for LTI 1.3."""

    LOGIN_URL = "login_url"
    REDIRECT_URL = "redirect_url"
    TARGET_URL = "target_url"
    JWKS_URL = "jwks_url"
    PICKER_URL = "picker_url"


class Theirs(StrEnum):
    """What we need from the other side for LTI 1.3."""

    ISSUER = "issuer"
    CLIENT_ID = "client_id"
    DEPLOYMENT_ID = "deployment_id"
    AUTH_URL = "auth_url"
    TOKEN_URL = "token_url"  # noqa: S105 -- the name of an address
    JWKS_URL = "jwks_url"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One product. ``place`` is the way through its menus; ``fixed`` are values the same in every installation.

    ``by_link``: it takes a registration link, and then nothing else has to be copied.
    """

    name: str
    place: str
    ours: Mapping[Ours, str]
    theirs: Mapping[Theirs, str]
    by_link: str = ""
    fixed: Mapping[Theirs, str] = field(default_factory=dict)


def _sheet(
    name: str, place: str, *, ours: str, theirs: str, by_link: str = "", fixed: Mapping[Theirs, str] | None = None
) -> Sheet:
    """``ours`` and ``theirs``: labels in the order of the enumerations, set apart by bars."""
    given = MappingProxyType(dict(zip(Ours, ours.split(" | "), strict=True)))
    needed = MappingProxyType(dict(zip(Theirs, theirs.split(" | "), strict=True)))
    return Sheet(name, place, given, needed, by_link, MappingProxyType(fixed or {}))


GENERIC = _sheet(
    "another LMS",
    "where external tools are added as LTI 1.3",
    ours="Initiate login URL | Redirect URI | Target link URI | Public keyset URL | Deep linking URL",
    theirs="Issuer | Client ID | Deployment ID | Authentication request URL | Access token URL | Public keyset URL",
    by_link="Dynamic registration URL",
)
SHEETS: Mapping[str, Sheet] = MappingProxyType(
    {
        "moodle": _sheet(
            "Moodle",
            "Site administration, Plugins, External tool, Manage tools",
            ours="Initiate login URL | Redirection URI(s) | Tool URL | Public keyset | Content Selection URL",
            theirs="Platform ID | Client ID | Deployment ID | Authentication request URL | Access token URL"
            " | Public keyset URL",
            by_link="Tool URL…, then “Add LTI Advantage”",
        ),
        "canvas": _sheet(
            "Canvas",
            "Admin, Developer Keys, + Developer Key, + LTI Key",
            ours="OpenID Connect Initiation Url | Redirect URIs | Target Link URI | Public JWK URL"
            " | Target Link URI of the placement “Link Selection”",
            theirs="Issuer | the number above “Show Key” | Deployment Id, in the app's menu | Authorization URL"
            " | Token URL | JWKS URL",
            by_link="Enter the URL, with the method “Dynamic Registration”",
            fixed={
                Theirs.ISSUER: "https://canvas.instructure.com",
                Theirs.AUTH_URL: f"{CANVAS}/api/lti/authorize_redirect",
                Theirs.TOKEN_URL: f"{CANVAS}/login/oauth2/token",
                Theirs.JWKS_URL: f"{CANVAS}/api/lti/security/jwks",
            },
        ),
        "blackboard": _sheet(
            "Blackboard",
            "the developer portal, My Apps; then Administrator Panel, LTI Tool Providers, Register LTI 1.3 Tool",
            ours="Login Initiation URL | Tool Redirect URL(s) | Target Link URI of the placement | Tool JWKS URL"
            " | Target Link URI of the deep-linking placement",
            theirs="Issuer | Application ID, as Client ID | Deployment ID | OIDC auth request endpoint"
            " | Auth token endpoint | Public keyset URL",
            fixed={
                Theirs.ISSUER: "https://blackboard.com",
                Theirs.AUTH_URL: f"{BLACKBOARD}/gateway/oidcauth",
                Theirs.TOKEN_URL: f"{BLACKBOARD}/gateway/oauth2/jwttoken",
            },
        ),
        "brightspace": _sheet(
            "Brightspace",
            "Admin Tools, Manage Extensibility, LTI Advantage, Register Tool",
            ours="OpenID Connect Login URL | Redirect URLs | Target Link URI | Keyset URL | URL of the deep link",
            theirs="Issuer | Client Id | Deployment Id | OpenID Connect Authentication Endpoint"
            " | Brightspace OAuth2 Access Token URL | Brightspace Keyset URL",
            by_link="Tool initiation registration endpoint, with “Dynamic”",
        ),
        "sakai": _sheet(
            "Sakai",
            "Administration Workspace, External Tools, Install LTI 1.x Tool",
            ours="LTI 1.3 Tool OpenID Connect/Initialization Endpoint | LTI 1.3 Tool Redirect Endpoint(s) | Launch URL"
            " | LTI 1.3 Tool Keyset URL | Launch URL, with “Allow the tool to be a content item selector”",
            theirs="LTI 1.3 Platform Issuer | LTI 1.3 Client ID | LTI 1.3 Deployment ID"
            " | LTI 1.3 Platform OIDC Authentication URL | LTI 1.3 Platform OAuth2 Bearer Token Retrieval URL"
            " | LTI 1.3 Platform OAuth2 Well-Known/KeySet URL",
            by_link="Use LTI Advantage Auto Provision",
        ),
        "openedx": _sheet(
            "Open edX",
            "Studio, the unit's LTI Consumer component, Edit, LTI Version: LTI 1.3",
            ours="Tool Initiate Login URL | Registered Redirect URIs | Tool Launch URL"
            " | Tool Keyset URL, with Tool Public Key Mode “Keyset URL” | Deep Linking Launch URL",
            theirs="the address of your Open edX | Client ID | Deployment ID | OIDC Callback URL | Access Token URL"
            " | Keyset URL",
        ),
        "openolat": _sheet(
            "OpenOlat",
            "Administration, External tools, LTI, Add new tool",
            ours="Initiate login URI | Redirection URL(s) | Tool URL | Public key, as a URL | Tool URL",
            theirs="Platform ID | Client ID | Deployment ID | Authentication request URL | Access token URL"
            " | Public keyset URL",
        ),
        "generic": GENERIC,
    }
)
