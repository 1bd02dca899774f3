"""Our addresses as a tool, and which addresses are ours. They come from the tenant's configured hosts only."""

import re
from urllib.parse import urlsplit
from uuid import UUID

from saas.settings import WebSettings
from saas.tenancy.resolve import Academy, public_url

LOGIN_PATH = "/lti/login"
LAUNCH_PATH = "/lti/launch"
JWKS_PATH = "/lti/jwks"
_RESOURCE = re.compile(r"/lti/activities/([0-9a-fA-F-]{36})/?")


def login_url(academy: Academy, platform_id: UUID | None = None) -> str:
    """With the platform's id for those that send no client id (Moodle's habit, too)."""
    return f"{academy.url}{LOGIN_PATH}/{platform_id}" if platform_id else f"{academy.url}{LOGIN_PATH}"


def launch_url(academy: Academy) -> str:
    return f"{academy.url}{LAUNCH_PATH}"


def jwks_url(academy: Academy) -> str:
    return f"{academy.url}{JWKS_PATH}"


def resource_url(academy: Academy, activity_id: UUID) -> str:
    """The activity's "LTI 1.3 Resource URL"."""
    return f"{academy.url}/lti/activities/{activity_id}"


def is_ours(academy: Academy, web: WebSettings, url: str) -> bool:
    """Whether the address lies on one of this academy's hosts: its own or an alias, never another academy's."""
    origin = origin_of(url)
    return bool(origin) and any(origin == origin_of(public_url(host, web)) for host in academy.hosts)


def origin_of(url: str) -> str:
    """Scheme, host and port as browsers compare them (RFC 6454 §4); empty for what is no web address."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}:{port}" if parts.scheme in ("http", "https") and parts.hostname else ""


def activity_in(url: str) -> UUID | None:
    """The activity a resource URL names."""
    found = _RESOURCE.fullmatch(urlsplit(url).path)
    try:
        return UUID(found[1]) if found else None
    except ValueError:
        return None
