"""What people enter about another system, in either direction: faults in words, and versions of a registration."""

from datetime import UTC, datetime

from saas.outbound import AddressRefusedError, Outbound
from saas.problems import Refused
from tenants.lti.platform.models import Tool
from tenants.lti.tool.addresses import origin_of
from tenants.lti.tool.models import Platform
from tenants.lti.wire.jwks import KeySet
from tenants.lti.wire.text import web_url

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
NEEDED = "This field is needed"


class InvalidValues(Exception):
    """``fields``: what is wrong with which field, in words."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in fields.items()))
        self.fields = fields


def address_fault(outbound: Outbound, url: str) -> str:
    """Why an address cannot be used, without calling it; empty when it can."""
    if not url:
        return NEEDED
    if not web_url(url) or not origin_of(url):
        return "This is not a web address like https://lms.example.org/…"
    try:
        outbound.refuse_url(url)
    except AddressRefusedError as error:
        return error.reason[:1].upper() + error.reason[1:]
    return ""


def key_fault(text: str) -> str:
    """Why a pasted text is no public key; empty when it is one."""
    try:
        KeySet.pasted(text)
    except Refused as refusal:
        return f"This is not a usable key: {refusal.seen}"
    return ""


def new_version(registration: Platform | Tool) -> None:
    """Counted by the database: two changes at once must not share a number, or a process keeps the older for good."""
    registration.version = type(registration).version + 1
