"""What an admin enters about a Zoom profile: cleaned, and what is wrong with it in words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from saas.tenancy.models import HOST
from tenants.lti.platform.models import OpensIn

NAME_LIMIT = KEY_LIMIT = 255
DOMAINS_LIMIT = 1024
#: What people copy along with a value.
QUOTES = "\"'`“”„‟‘’‚‛«»‹›"
#: One segment of a path, never ``.`` or ``..``.
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._~-]*")
_NO_HOST = "this is no mail domain; one looks like school.example"


@dataclass(frozen=True, slots=True)
class ProfileValues:
    """``mail_domains`` as entered, a line each. ``with_roster``: Zoom may read who takes part (NRPS)."""

    name: str
    lti_key: str
    mail_domains: tuple[str, ...] = ()
    students_can_host: bool = False
    with_roster: bool = False
    send_name: bool = True
    opens_in: OpensIn = OpensIn.FRAME
    is_default: bool = False


def unquoted(text: str) -> str:
    """Without the white space and quotes around it; what is inside stays and is judged."""
    return text.strip(QUOTES + " \t\r\n")


def name_fault(name: str) -> str:
    return "" if 0 < len(name) <= NAME_LIMIT else f"A name has 1 to {NAME_LIMIT} characters"


def key_fault(key: str) -> str:
    """Zoom's keys are case-sensitive and stand in an address (login/<LTI Key>); empty when it can be one."""
    if not key:
        return "Copy the LTI Key from Zoom"
    if len(key) > KEY_LIMIT:
        return f"An LTI Key has at most {KEY_LIMIT} characters, this has {len(key)}"
    if "/" in key:
        return "This is an address; copy only the field “LTI Key” in Zoom"
    if any(char.isspace() for char in key):
        return "An LTI Key has no spaces; copy it again with “Copy” in Zoom"
    if not _KEY.fullmatch(key):
        return "An LTI Key has letters, digits, hyphens, underscores, dots and tildes only"
    return ""


def mail_domain(text: str) -> str:
    """As it is compared: lower case, in ASCII (RFC 5891), without a dot at the end. `ValueError` says what is wrong."""
    if "@" in text:
        raise ValueError("enter only what stands after the @")
    try:
        host = text.strip().removesuffix(".").encode("idna").decode().lower() if len(text) <= DOMAINS_LIMIT else ""
    except UnicodeError:
        raise ValueError(_NO_HOST) from None
    if not HOST.fullmatch(host) or "." not in host or host.rpartition(".")[2].isdecimal():
        raise ValueError(_NO_HOST)
    return host


def mail_domains(lines: Iterable[str]) -> list[str]:
    """Each once, in the order entered. `ValueError` names every faulty line."""
    found, faults = [], []
    for number, line in enumerate(lines, 1):
        try:
            found.append(mail_domain(line))
        except ValueError as error:
            faults.append(f"Line {number}, “{line[:60]}”: {error}")
    if faults:
        raise ValueError("; ".join(faults[:5]))
    return list(dict.fromkeys(found))


def domains_fault(lines: Iterable[str]) -> str:
    lines = tuple(lines)
    if sum(map(len, lines)) > DOMAINS_LIMIT:
        return f"All mail domains together have at most {DOMAINS_LIMIT} characters"
    try:
        mail_domains(lines)
    except ValueError as error:
        return str(error)
    return ""


def domain_of(email: str | None) -> str:
    """The mail domain of an address as profiles keep theirs; empty where there is none."""
    try:
        return mail_domain((email or "").rpartition("@")[2])
    except ValueError:
        return ""
