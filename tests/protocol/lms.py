"""The other LMS as the protocol sees it: it signs with PyJWT, so that another hand writes what we read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from saas.problems import Refused
from tenants.lti.wire import jws
from tenants.lti.wire.checks import LAUNCH_STEPS, Checklist
from tenants.lti.wire.claims import AGS_CLAIM, CLAIM, NRPS_CLAIM, LaunchClaims
from tenants.lti.wire.jwks import KeySet, check_key, check_signature
from tenants.lti.wire.jws import SigningKey
from tenants.lti.wire.keys import public_jwk
from tenants.lti.wire.launch13 import check_claims, check_registration
from tenants.lti.wire.registration import Registration

ISSUER = "https://lms.school.example"
CLIENT = "academy-client"
NONCE = "nonce-we-sent"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"

FULL: Mapping[str, Any] = {
    "iss": ISSUER,
    "aud": CLIENT,
    "sub": "4711",
    "iat": SECONDS - 2,
    "exp": SECONDS + 58,
    "nonce": NONCE,
    "given_name": "Ada",
    "family_name": "Lovelace",
    "name": "Ada Lovelace",
    "email": "ada@school.example",
    "locale": "en",
    CLAIM + "version": "1.3.0",
    CLAIM + "message_type": "LtiResourceLinkRequest",
    CLAIM + "deployment_id": "1",
    CLAIM + "target_link_uri": "https://academy.example/lti/activities/7",
    CLAIM + "roles": [MEMBERSHIP + "Learner"],
    CLAIM + "context": {"id": "3", "label": "C1", "title": "Course one", "type": [MEMBERSHIP + "CourseSection"]},
    CLAIM + "resource_link": {"id": "17", "title": "Week 1", "description": "Read this"},
    CLAIM + "tool_platform": {
        "name": "School",
        "product_family_code": "moodle",
        "version": "2024100706",
        "guid": "g-1",
    },
    CLAIM + "launch_presentation": {"document_target": "iframe", "return_url": ISSUER + "/return?course=3"},
    CLAIM + "custom": {"chapter": "2"},
    AGS_CLAIM: {
        "scope": ["a-scope"],
        "lineitems": ISSUER + "/items?type_id=1",
        "lineitem": ISSUER + "/items/2?type_id=1",
    },
    NRPS_CLAIM: {"context_memberships_url": ISSUER + "/members"},
}


@dataclass(frozen=True)
class Platform:
    """The other LMS: it signs, and `launch` is our side judging what it sent."""

    key: SigningKey
    registration: Registration = field(
        default_factory=lambda: Registration(ISSUER, CLIENT, deployments=frozenset({"1"}))
    )
    now: datetime = NOW
    seconds: int = SECONDS
    nonce: str = NONCE

    @property
    def keys(self) -> KeySet:
        return KeySet.parse({"keys": [public_jwk(self.key.private.public_key(), self.key.kid)]})

    def claims(self, *left_out: str, **changes: object) -> dict[str, Any]:
        """The full set without some; a change named like a claim of LTI (``roles``) is meant for that one."""
        claims = {**FULL, **{_full_name(name): value for name, value in changes.items()}}
        return {name: value for name, value in claims.items() if name not in {_full_name(one) for one in left_out}}

    def sign(self, claims: Mapping[str, Any], *, algorithm: str = "RS256", key: Any = None, **header: Any) -> str:
        """A signed token of any claims, even those no sane platform sends; a header of None is left out."""
        headers = {name: value for name, value in {"kid": self.key.kid, **header}.items() if value is not None}
        return jwt.PyJWS().encode(json.dumps(claims).encode(), key or self.key.private, algorithm, headers=headers)

    def launch(
        self,
        token: str | Mapping[str, Any],
        *,
        keys: KeySet | None = None,
        registration: Registration | None = None,
        checks: Checklist | None = None,
        **how: Any,
    ) -> LaunchClaims:
        """Every check of the wire, in the order a server makes them."""
        registration = registration or self.registration
        keys = keys or self.keys
        checks = checks or Checklist(LAUNCH_STEPS)
        read = jws.read(checks, token if isinstance(token, str) else self.sign(token))
        jws.check_header(checks, read, registration.algorithms, kid_required=keys.kid_required)
        check_registration(checks, read.claims, registration)
        check_signature(checks, read, check_key(checks, read, keys))
        return check_claims(checks, read.claims, registration, **{"nonce": self.nonce, "now": self.now, **how})

    def refusal(self, token: str | Mapping[str, Any], **how: Any) -> Refused:
        """The refusal this launch meets; it must meet one, and the checklist must end with it."""
        checks = Checklist(LAUNCH_STEPS)
        with pytest.raises(Refused) as caught:
            self.launch(token, checks=checks, **how)
        assert checks.failed is not None
        assert (checks.failed.code, checks.checks[-1]) == (caught.value.code, checks.failed)
        return caught.value


def _full_name(name: str) -> str:
    return CLAIM + name if CLAIM + name in FULL or name in {"for_user", "lti1p1"} else name
