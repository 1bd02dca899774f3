"""Our addresses as a platform. They come from the academy's configured host only."""

from uuid import UUID

from saas.tenancy.resolve import Academy

AUTHORIZE_PATH = "/lti/authorize"
TOKEN_PATH = "/lti/token"  # noqa: S105 -- an address
SERVICES_PATH = "/lti/services"
OUTCOMES_PATH = "/lti/outcomes"
CONTENT_PATH = "/lti/content"
REGISTRATION_PATH = "/lti/registrations"
CONFIGURATION_PATH = "/.well-known/openid-configuration"


def issuer(academy: Academy) -> str:
    """Who we are in a token: the academy's address, without a slash at the end."""
    return academy.url


def authorize_url(academy: Academy) -> str:
    """The “OIDC URL” of vendors, also called authentication URL."""
    return f"{academy.url}{AUTHORIZE_PATH}"


def token_url(academy: Academy) -> str:
    return f"{academy.url}{TOKEN_PATH}"


def lineitems_url(academy: Academy, course_id: UUID) -> str:
    return f"{academy.url}{SERVICES_PATH}/{course_id}/lineitems"


def lineitem_url(academy: Academy, course_id: UUID, line_item_id: UUID) -> str:
    """A line item's ``id``; ``/scores`` and ``/results`` stand behind it (AGS 2.0 §3.2)."""
    return f"{lineitems_url(academy, course_id)}/{line_item_id}"


def memberships_url(academy: Academy, course_id: UUID) -> str:
    return f"{academy.url}{SERVICES_PATH}/{course_id}/memberships"


def outcomes_url(academy: Academy) -> str:
    """``lis_outcome_service_url`` of LTI 1.2."""
    return f"{academy.url}{OUTCOMES_PATH}"


def content_url(academy: Academy, token: str) -> str:
    """``deep_link_return_url`` of one request."""
    return f"{academy.url}{CONTENT_PATH}/{token}"


def registration_url(academy: Academy) -> str:
    return f"{academy.url}{REGISTRATION_PATH}"


def configuration_url(academy: Academy) -> str:
    return f"{academy.url}{CONFIGURATION_PATH}"
