"""What a check of a Zoom connection looks at, line by line, and how a line can end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from saas.outbound import OutboundError
from tenants.zoom.ltipro.health import Health


class Outcome(StrEnum):
    """``warning``: not wrong for certain. ``skipped``: it could not be asked, or cannot be known yet."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the report: the number of its step, its name in the database, and its title in English."""

    number: int
    name: str
    title: str


LINES: tuple[Line, ...] = (
    Line(1, "values", "The values are well formed"),
    Line(2, "self_certs", "From outside, our public keys can be read"),
    Line(2, "self_token", "From outside, access tokens can be asked for"),
    Line(2, "self_auth", "From outside, browsers come back to us"),
    Line(2, "self_rest", "From outside, meetings can be told"),
    Line(3, "zoom", "Zoom can be reached, and its public keys can be read"),
    Line(4, "clock", "Our clock and Zoom's agree"),
    Line(5, "login", "Zoom takes a login with this LTI Key"),
    Line(6, "answer", "Zoom sends browsers back to this academy"),
    Line(7, "request", "Zoom asks with our Client ID, and to be answered where we may answer"),
    Line(8, "keys", "Zoom has read our public keys"),
    Line(8, "launches", "Somebody has opened Zoom"),
    Line(8, "calendar", "Zoom has told of a meeting"),
    Line(9, "launch", "Zoom is opened while we watch"),
)
#: Lines whose finding is a moment, in ISO 8601: the report shows it in the reader's zone.
EVIDENCE = ("keys", "launches", "calendar")
POSITIONS: Mapping[str, int] = MappingProxyType({line.name: position for position, line in enumerate(LINES)})


@dataclass(frozen=True, slots=True)
class Finding:
    """How a line ended. ``code`` names a problem with its remedy; ``seen`` is redacted and fit to be shown."""

    name: str
    outcome: Outcome
    code: str = ""
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: the values of a form, saved or not, and what is known of the profile if there is one.

    ``client_id`` and ``deployment_id`` are made up where ``is_saved`` is false: Zoom cannot know them. ``is_on``:
    Zoom is switched on in the academy; ``is_active``: the profile is; ``has_place``: it can be opened somewhere.
    """

    lti_key: str
    client_id: str
    deployment_id: str
    issuer: str
    redirect_urls: tuple[str, ...]
    is_saved: bool
    tool_id: UUID | None = None
    health: Health = field(default_factory=Health)
    is_on: bool = True
    is_active: bool = True
    has_place: bool = False


def kind_of(error: OutboundError) -> str:
    """``dns``, ``address`` (refused by the guard), ``tls``, ``connect``, ``timeout`` or ``network``."""
    if error.kind == "connect" and "TLS" in error.reason:
        return "tls"
    return error.kind if error.kind in ("dns", "address", "connect", "timeout") else "network"
