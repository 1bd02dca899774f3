"""The parameters of a proven LTI 1.x launch, read into the same frozen parts as the claims of 1.3; never raising.

LTI 1.1.1 §3 and §6. Absent text is empty.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tenants.lti.wire import claims
from tenants.lti.wire.claims import MAX_ENTRIES, TEXT_LIMIT, Context, Person, PlatformInstance, ResourceLink
from tenants.lti.wire.text import clean, identifier, web_url

CUSTOM = "custom_"
SOURCEDID_LIMIT = 4096
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class OutcomeRoute:
    """Where the score of this person and link goes; ``sourcedid`` is kept and sent back byte for byte."""

    url: str
    sourcedid: str


def read_person(values: Mapping[str, str]) -> Person:
    """As `claims.read_person`: a missing name part is taken from ``lis_person_name_full``."""
    return claims.read_person(
        {
            "given_name": values.get("lis_person_name_given"),
            "family_name": values.get("lis_person_name_family"),
            "name": values.get("lis_person_name_full"),
            "email": values.get("lis_person_contact_email_primary"),
        }
    )


def read_context(values: Mapping[str, str]) -> Context | None:
    """The course; without an id it is none."""
    context_id = identifier(values.get("context_id"))
    if not context_id:
        return None
    types = values.get("context_type", "").split(",")[:MAX_ENTRIES]
    return Context(
        context_id,
        clean(values.get("context_label")),
        clean(values.get("context_title"), TEXT_LIMIT),
        tuple(text for text in map(clean, types) if text),
    )


def read_resource_link(values: Mapping[str, str]) -> ResourceLink | None:
    link_id = identifier(values.get("resource_link_id"))
    if not link_id:
        return None
    return ResourceLink(
        link_id,
        clean(values.get("resource_link_title"), TEXT_LIMIT),
        clean(values.get("resource_link_description"), TEXT_LIMIT),
    )


def read_platform(values: Mapping[str, str]) -> PlatformInstance:
    return PlatformInstance(
        clean(values.get("tool_consumer_instance_name")),
        clean(values.get("tool_consumer_info_product_family_code")).lower(),
        clean(values.get("tool_consumer_info_version")),
        identifier(values.get("tool_consumer_instance_guid")),
    )


def read_outcome(values: Mapping[str, str]) -> OutcomeRoute | None:
    """None without an address or an id, or with an id XML cannot carry: then no score can be sent."""
    url, sourcedid = web_url(values.get("lis_outcome_service_url")), values.get("lis_result_sourcedid", "")
    usable = url and sourcedid.strip() and len(sourcedid) <= SOURCEDID_LIMIT and fits_xml(sourcedid)
    return OutcomeRoute(url, sourcedid) if usable else None


def read_custom(values: Mapping[str, str]) -> Mapping[str, str]:
    """Custom parameters without their prefix; of a repeated one the first counts."""
    custom = [(name, value) for name, value in values.items() if name.startswith(CUSTOM)][:MAX_ENTRIES]
    return MappingProxyType({clean(name[len(CUSTOM) :]): clean(value, TEXT_LIMIT) for name, value in custom})


def fits_xml(text: str) -> bool:
    """Whether every character may stand in XML 1.0 (§2.2)."""
    return not _NOT_IN_XML.search(text)
