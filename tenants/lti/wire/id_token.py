"""The claims of a message we send as the platform (LTI 1.3 Core §5 and §6; AGS 2.0 §3.1; NRPS 2.0 §3.6.1.1).

Text only inside claim objects, nothing empty, ``context.type`` always: tools break on anything else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tenants.lti.wire.ags import SCOPES as AGS_SCOPES
from tenants.lti.wire.claims import AGS_CLAIM, CLAIM, NRPS_CLAIM
from tenants.lti.wire.launch13 import RESOURCE_LINK_REQUEST
from tenants.lti.wire.occasion import MEMBERSHIP, PRODUCT, PRODUCT_VERSION, Occasion
from tenants.lti.wire.shares import Share
from tenants.lti.wire.substitution import substituted

VERSION = "1.3.0"
LIFETIME = 300
"""Seconds a token is good for."""
COURSE = "http://purl.imsglobal.org/vocab/lis/v2/course#"


@dataclass(frozen=True, slots=True)
class Addressee:
    """Which tool is meant, and what this message is about."""

    issuer: str
    client_id: str
    deployment_id: str
    target_link_uri: str
    scopes: tuple[str, ...] = ()
    message_type: str = RESOURCE_LINK_REQUEST


def message(occasion: Occasion, addressee: Addressee, shares: Iterable[Share]) -> dict[str, object]:
    """Everything but what a single answer adds (`answered`)."""
    shares = tuple(shares)
    claims = {
        "iss": addressee.issuer,
        "aud": addressee.client_id,
        "azp": addressee.client_id,
        "sub": occasion.sub,
        **_person(occasion, shares),
        CLAIM + "version": VERSION,
        CLAIM + "message_type": addressee.message_type,
        CLAIM + "deployment_id": addressee.deployment_id,
        CLAIM + "target_link_uri": addressee.target_link_uri,
        CLAIM + "roles": list(occasion.roles) or [MEMBERSHIP + occasion.role],
        CLAIM + "resource_link": _said(
            {"id": occasion.link_id, "title": occasion.link_title, "description": occasion.link_description}
        ),
        CLAIM + "context": {
            **_said({"id": occasion.course_id, "label": occasion.course_title, "title": occasion.course_title}),
            "type": [COURSE + occasion.context_type],
        },
        CLAIM + "tool_platform": _said(
            {
                "guid": occasion.platform_guid,
                "name": occasion.platform_name,
                "url": occasion.platform_url,
                "product_family_code": PRODUCT,
                "version": PRODUCT_VERSION,
            }
        ),
        CLAIM + "launch_presentation": _said(
            {
                "document_target": occasion.document_target,
                "locale": occasion.locale,
                "return_url": occasion.return_url,
            }
        ),
        CLAIM + "lis": _said({"course_section_sourcedid": occasion.course_id}),
        CLAIM + "custom": substituted(occasion, shares),
        AGS_CLAIM: _ags(occasion, addressee.scopes),
        NRPS_CLAIM: _nrps(occasion),
    }
    return {name: value for name, value in claims.items() if value}


def answered(claims: Mapping[str, object], *, nonce: str, token_id: str, at: int) -> dict[str, object]:
    """The token for one authentication request, minted when it is answered: some tools take it for ten seconds."""
    return {**claims, "nonce": nonce, "jti": token_id, "iat": at, "exp": at + LIFETIME}


def _person(occasion: Occasion, shares: tuple[Share, ...]) -> dict[str, str]:
    named = {"name": occasion.full_name, "given_name": occasion.given_name, "family_name": occasion.family_name}
    return _said(
        {
            **(named if Share.NAME in shares else {}),
            "email": occasion.email if Share.EMAIL in shares else "",
            "locale": occasion.locale,
        }
    )


def _ags(occasion: Occasion, scopes: Iterable[str]) -> dict[str, object]:
    """Only with a scope of AGS; the column only if the link has one."""
    granted = [scope for scope in scopes if scope in AGS_SCOPES]
    if not granted or not occasion.line_items:
        return {}
    return {"scope": granted, **_said({"lineitems": occasion.line_items, "lineitem": occasion.line_item})}


def _nrps(occasion: Occasion) -> dict[str, object]:
    if not occasion.memberships:
        return {}
    return {"context_memberships_url": occasion.memberships, "service_versions": ["2.0"]}


def _said(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value.strip()}
