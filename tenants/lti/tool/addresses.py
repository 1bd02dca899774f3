"""Our addresses as a tool, and which addresses are ours. They come from the tenant's configured hosts only."""

import re
from functools import lru_cache
from urllib.parse import urlsplit
from uuid import UUID

from saas.settings import WebSettings
from saas.tenancy.resolve import Academy, public_url, public_urls

LOGIN_PATH = "/lti/login"
LAUNCH_PATH = "/lti/launch"
JWKS_PATH = "/lti/jwks"
PICK_PATH = "/lti/pick"
ACTIVITIES_PATH = "/lti/activities"
REGISTER_PATH = "/lti/register"
ENTER_PATH = "/lti/enter"
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
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


def launch12_url(academy: Academy, activity_id: UUID) -> str:
    """The activity's "LTI 1.2 Launch URL"."""
    return f"{academy.url}{LAUNCH_PATH}/{activity_id}"


def launch12_urls(academy: Academy, web: WebSettings, activity_id: UUID) -> list[str]:
    """What may have been signed: the address we give out, then the same on the academy's other hosts."""
    return [f"{url}{LAUNCH_PATH}/{activity_id}" for url in public_urls(academy, web)]


def picker_url(academy: Academy) -> str:
    """What a platform names as the target of a deep-linking message."""
    return f"{academy.url}{PICK_PATH}"


def activities_url(academy: Academy) -> str:
    """The target of an LMS that wants one for the whole tool; each activity has its own."""
    return f"{academy.url}{ACTIVITIES_PATH}"


def invitation_url(academy: Academy, token: str) -> str:
    """To be pasted into the other LMS, or opened by its admin."""
    return f"{academy.url}{REGISTER_PATH}/{token}"


def is_ours(academy: Academy, web: WebSettings, url: str) -> bool:
    """Whether the address lies on one of this academy's hosts: its own or an alias, never another academy's."""
    origin = origin_of(url)
    return bool(origin) and any(origin == origin_of(public_url(host, web)) for host in academy.hosts)


@lru_cache(maxsize=1024)
def origin_of(url: str) -> str:
    """Scheme, host and port as browsers compare them (RFC 6454 §4); empty for what is no web address.

    Origins stand in our headers, where a stranger's ``*`` or ``;`` would mean something: only letters, digits, dots
    and hyphens make a host (colons: an IPv6 address). Remembered: a launch asks for the same few several times.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return ""
    is_web = parts.scheme in ("http", "https") and _HOST.fullmatch(parts.hostname or "")
    return f"{parts.scheme}://{parts.hostname}:{port}" if is_web else ""


def is_for_all(url: str) -> bool:
    """Whether it is the address of all activities, which names none."""
    return urlsplit(url).path.rstrip("/") == ACTIVITIES_PATH


def activity_in(url: str) -> UUID | None:
    """The activity a resource URL names."""
    found = _RESOURCE.fullmatch(urlsplit(url).path)
    try:
        return UUID(found[1]) if found else None
    except ValueError:
        return None
