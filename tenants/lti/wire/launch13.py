"""The launch of LTI 1.3: what decides whether a token is believed, in this order and no other.

LTI 1.3 Core §5, Security Framework 1.0 §5.1.2 and §5.1.3, OpenID Connect Core §3.1.3.7. The caller holds the state and
fetches keys; in between it calls, on one checklist: `LaunchForm.read`, `jws.read`, `jws.check_header`,
`check_registration`, `jwks.check_key`, `jwks.check_signature`, `check_claims`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from typing import Self

from tenants.lti.wire import claims as reading
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.claims import AGS_CLAIM, CLAIM, LaunchClaims
from tenants.lti.wire.dates import check_dates
from tenants.lti.wire.params import read_once
from tenants.lti.wire.registration import Registration, near_miss
from tenants.lti.wire.roles import Roles, read_roles
from tenants.lti.wire.text import SHOWN_LIMIT, clean, identifier, identifier_fault, shown, web_url

VERSION = "1.3.0"
RESOURCE_LINK_REQUEST = "LtiResourceLinkRequest"
DEEP_LINKING_REQUEST = "LtiDeepLinkingRequest"
SUBMISSION_REVIEW_REQUEST = "LtiSubmissionReviewRequest"
DATA_PRIVACY_REQUEST = "DataPrivacyLaunchRequest"
MAX_AUDIENCES = 20
LIMITS = {"id_token": 64 * 1024, "state": 2048, "error": 255, "error_description": 2000, "lti_storage_target": 255}

_SETTINGS = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
_REQUIRED: Mapping[str, tuple[tuple[str, str, Callable[[object], object]], ...]] = {
    RESOURCE_LINK_REQUEST: ((CLAIM + "resource_link", "id", identifier), (CLAIM + "target_link_uri", "", web_url)),
    DEEP_LINKING_REQUEST: (
        (_SETTINGS, "deep_link_return_url", web_url),
        (_SETTINGS, "accept_types", lambda value: isinstance(value, list)),
        (_SETTINGS, "accept_presentation_document_targets", lambda value: isinstance(value, list)),
    ),
    SUBMISSION_REVIEW_REQUEST: ((AGS_CLAIM, "lineitem", web_url), (CLAIM + "for_user", "user_id", identifier)),
    DATA_PRIVACY_REQUEST: ((CLAIM + "for_user", "user_id", identifier),),
}
_FORBIDDEN = {DATA_PRIVACY_REQUEST: (CLAIM + "context", CLAIM + "resource_link")}


@dataclass(frozen=True, slots=True)
class LaunchForm:
    """What the browser posts back from the platform: a token, or an error, and our state."""

    state: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)
    error: str = ""
    error_description: str = ""
    lti_storage_target: str = ""

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]], checks: Checklist) -> Self:
        """Step "parameters": state, and a token unless an error came. Raises `Refused` LTI13_PARAM."""
        values, faults = read_once(pairs, LIMITS)
        required = ("state",) if values.get("error") else ("state", "id_token")
        faults += [f"{name}: missing" for name in required if not values.get(name)]
        checks.require(
            "parameters",
            not faults,
            "LTI13_PARAM",
            seen="; ".join(faults) or ", ".join(values),
            wanted=", ".join(required),
        )
        return cls(**values)


def check_answer(checks: Checklist, form: LaunchForm) -> None:
    """Step "answer": the platform's own error, in its own words. Only to be asked once the state is known."""
    words = ": ".join(filter(None, (shown(form.error, 80), shown(form.error_description, 200))))
    checks.require("answer", not form.error, "LTI13_PLATFORM_ERROR", seen=words or "no error")


def check_registration(checks: Checklist, claims: Mapping[str, object], registration: Registration) -> None:
    """Step "registration", before any key is fetched: the token is of the platform its state was made for."""
    issuer = claims.get("iss")
    seen = f"issuer {shown(issuer)}, audience {shown(claims.get('aud'))}"
    wanted = f"issuer {registration.issuer}, client {registration.client_id}"
    for_a_sibling = not registration.sibling_clients.isdisjoint(_audiences(claims) or ())
    if issuer != registration.issuer:
        hint = near_miss(clean(issuer, SHOWN_LIMIT), [registration.issuer])
        checks.refuse("registration", "LTI13_REGISTRATION_MISMATCH", seen=seen, wanted=hint or wanted)
    checks.require(
        "registration",
        not for_a_sibling or _for_us(claims, registration),
        "LTI13_REGISTRATION_MISMATCH",
        seen=seen,
        wanted=wanted,
    )


def check_claims(
    checks: Checklist,
    claims: Mapping[str, object],
    registration: Registration,
    *,
    nonce: str,
    now: datetime,
    login_deployment: str = "",
    message_types: frozenset[str] = frozenset({RESOURCE_LINK_REQUEST}),
) -> LaunchClaims:
    """Steps "dates" to "claims" on a token whose signature is proven; the launch, or `Refused`.

    ``nonce`` is the one sent with the state, ``login_deployment`` the deployment the platform named at login, if it
    did.
    """
    check_dates(checks, claims, now.timestamp(), leeway=registration.leeway, max_age=registration.max_age)
    _check_audience(checks, claims, registration)
    sent = claims.get("nonce")
    checks.require(
        "nonce",
        isinstance(sent, str) and nonce and compare_digest(sent.encode(), nonce.encode()),
        "LTI13_NONCE",
        seen="ours" if sent == nonce else "another one" if sent else "none",
        wanted="ours",
    )
    version, message_type = claims.get(CLAIM + "version"), claims.get(CLAIM + "message_type")
    checks.require("version", version == VERSION, "LTI13_VERSION", seen=shown(version), wanted=VERSION)
    checks.require(
        "message_type",
        isinstance(message_type, str) and message_type in message_types,
        "LTI13_MESSAGE_TYPE",
        seen=shown(message_type),
        wanted=", ".join(sorted(message_types)),
    )
    deployment = _check_deployment(checks, claims, registration, login_deployment)
    roles = _check_roles(checks, claims)
    sub = _check_subject(checks, claims)
    _check_required(checks, claims, str(message_type))
    return _launch(claims, registration, deployment, roles, sub)


def read_launch(claims: Mapping[str, object], registration: Registration) -> LaunchClaims:
    """A launch again that every check has passed before, from its claims."""
    deployment, sub = claims.get(CLAIM + "deployment_id"), claims.get("sub")
    given = claims.get(CLAIM + "roles")
    roles = read_roles(given if isinstance(given, list) else ())
    return _launch(claims, registration, str(deployment), roles, str(sub))


def _launch(
    claims: Mapping[str, object], registration: Registration, deployment: str, roles: Roles, sub: str
) -> LaunchClaims:
    locale, return_url, document_target = reading.read_presentation(claims)
    return LaunchClaims(
        message_type=str(claims.get(CLAIM + "message_type")),
        issuer=registration.issuer,
        client_id=registration.client_id,
        deployment_id=deployment,
        sub=sub,
        nonce=str(claims.get("nonce")),
        target_link_uri=web_url(claims.get(CLAIM + "target_link_uri")),
        roles=roles,
        new_deployment=deployment not in registration.deployments,
        person=reading.read_person(claims),
        context=reading.read_context(claims),
        resource_link=reading.read_resource_link(claims),
        platform=reading.read_platform(claims),
        ags=reading.read_ags(claims),
        nrps_url=reading.read_nrps_url(claims),
        custom=reading.read_custom(claims),
        locale=locale,
        return_url=return_url,
        document_target=document_target,
        raw=claims,
    )


def _audiences(claims: Mapping[str, object]) -> list[str] | None:
    """``aud`` as a list; None if it is neither text nor a list of texts."""
    aud = claims.get("aud")
    listed = [aud] if isinstance(aud, str) else aud
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_AUDIENCES:
        return None
    return listed if all(isinstance(one, str) for one in listed) else None


def _for_us(claims: Mapping[str, object], registration: Registration) -> bool:
    return registration.client_id in (_audiences(claims) or ())


def _check_audience(checks: Checklist, claims: Mapping[str, object], registration: Registration) -> None:
    """OpenID Connect Core §3.1.3.7 (3) to (5): several audiences need an ``azp``, and an ``azp`` must be ours."""
    checks.require(
        "audience",
        _for_us(claims, registration),
        "LTI13_AUD",
        seen=shown(claims.get("aud")),
        wanted=registration.client_id,
    )
    azp = claims.get("azp")
    several = len(_audiences(claims) or ()) > 1
    checks.require(
        "authorized_party",
        azp == registration.client_id or (azp is None and not several),
        "LTI13_AZP",
        seen=shown(azp),
        wanted=registration.client_id,
    )


def _check_deployment(
    checks: Checklist, claims: Mapping[str, object], registration: Registration, login_deployment: str
) -> str:
    deployment = claims.get(CLAIM + "deployment_id")
    fault = identifier_fault(deployment)
    if not isinstance(deployment, str) or fault:
        checks.refuse("deployment", "LTI13_DEPLOYMENT", seen=fault, wanted="text of 1 to 255 characters")
    if login_deployment and deployment != login_deployment:
        checks.refuse(
            "deployment",
            "LTI13_DEPLOYMENT",
            seen=shown(deployment),
            wanted=f"{shown(login_deployment)}, which the platform named at login",
        )
    checks.require(
        "deployment",
        registration.allows(deployment),
        "LTI13_DEPLOYMENT",
        seen=deployment,
        wanted=registration.known_deployments(),
    )
    return deployment


def _check_roles(checks: Checklist, claims: Mapping[str, object]) -> Roles:
    listed = claims.get(CLAIM + "roles")
    if not isinstance(listed, list):
        checks.refuse("roles", "LTI13_ROLES", seen=shown(listed), wanted="a list, which may be empty")
    roles = read_roles(listed)
    checks.note("roles", ", ".join(roles.known + roles.unknown) or "none: a learner")
    return roles


def _check_subject(checks: Checklist, claims: Mapping[str, object]) -> str:
    """``sub`` is kept byte for byte: two people may differ by a capital (OpenID Connect Core §2)."""
    sub = claims.get("sub")
    checks.require(
        "subject", sub not in (None, ""), "LTI13_ANONYMOUS", seen=shown(sub) if sub else "no id", wanted="a sub claim"
    )
    fault = identifier_fault(sub)
    if not isinstance(sub, str) or fault:
        checks.refuse("subject", "LTI13_CLAIM", seen=f"sub: {fault}", wanted="text of 1 to 255 characters")
    return sub


def _check_required(checks: Checklist, claims: Mapping[str, object], message_type: str) -> None:
    """What the kind of message needs (LTI 1.3 Core §5.3, Deep Linking 2.0 §4.4, Submission Review 1.0 §4)."""
    for claim, member, readable in _REQUIRED.get(message_type, ()):
        value = reading.mapping(claims, claim).get(member) if member else claims.get(claim)
        name = f"{claim.rpartition('/')[2]}.{member}".rstrip(".")
        if not readable(value):
            checks.refuse(
                "claims",
                "LTI13_CLAIM",
                seen=f"{name}: {'missing' if value is None else shown(value)}",
                wanted=f"a usable {name}",
            )
    for claim in _FORBIDDEN.get(message_type, ()):
        if claim in claims:
            checks.refuse("claims", "LTI13_CLAIM", seen=f"{claim.rpartition('/')[2]}: present", wanted="none")
    checks.note("claims", message_type)
