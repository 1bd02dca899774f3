"""LTI 1.3 as ``lti_consumer`` (Open edX) speaks it: its classes make the claims, the tokens and the key set.

Added here is only what that package leaves to its surroundings or leaves out: a second published key, the checks of
RFC 7523 §3 on client assertions (aud, iss = sub, jti), and odd tokens ordered by tests.
"""

import secrets
import time
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from forged import forge
from lti_consumer.data import Lti1p3LaunchData
from lti_consumer.lti_1p3.ags import LtiAgs
from lti_consumer.lti_1p3.constants import LTI_1P3_CONTEXT_TYPE
from lti_consumer.lti_1p3.consumer import LtiAdvantageConsumer
from lti_consumer.lti_1p3.exceptions import Lti1p3Exception, MissingRequiredClaim, UnsupportedGrantType
from lti_consumer.lti_1p3.key_handlers import PlatformKeyHandler
from lti_consumer.utils import get_data_from_cache
from school import SCHOOL, SCOPES, Course, Link, Person, Refused, Registration

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_ASSERTION = 3600
"""Seconds from iat to exp this platform accepts."""
SKEW = 60
"""Seconds an assertion's iat may lie ahead of this platform's clock."""


class TokenRefused(Exception):
    """RFC 6749 §5.2: ``error`` is the code, the text its description."""

    def __init__(self, error: str, description: str) -> None:
        """Keep the code beside the description."""
        super().__init__(description)
        self.error = error


@dataclass(frozen=True)
class SigningKey:
    """A private key and the package's handler of it, made once: loading a key takes the package a tenth of a second."""

    pem: str
    kid: str
    handler: PlatformKeyHandler

    @classmethod
    def generate(cls) -> Self:
        """A fresh RSA key of 2048 bits."""
        pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        kid = secrets.token_urlsafe(12)
        return cls(pem.decode(), kid, PlatformKeyHandler(pem.decode(), kid))


class Keys:
    """The platform's signing keys: the active one, those published, and one whose public half nobody ever sees."""

    def __init__(self) -> None:
        """Make the first key and the unpublished one."""
        self.active = SigningKey.generate()
        self.published = [self.active]
        self.unpublished = SigningKey.generate()

    def rotate(self, *, keep_previous: bool = True) -> str:
        """Sign with a new key from now on; return its kid."""
        self.active = SigningKey.generate()
        self.published = [self.active, *(self.published if keep_previous else [])]
        return self.active.kid

    def document(self) -> dict[str, Any]:
        """The key set as published, each key as the package exports it (no ``alg``, no ``use``)."""
        return {"keys": [key for one in self.published for key in one.handler.get_public_jwk()["keys"]]}


KEYS = Keys()


def consumer_for(registration: Registration, link: Link | None = None) -> LtiAdvantageConsumer:
    """The package's platform side for one tool.

    Its login URL stays empty: the package appends ``?`` and parameters even to a URL that has a query already, so the
    caller joins the two.
    """
    consumer = LtiAdvantageConsumer(
        iss=SCHOOL.issuer,
        lti_oidc_url="",
        lti_launch_url=link.url if link else None,
        client_id=registration.client_id,
        deployment_id=link.deployment_id if link else None,
        rsa_key=None,
        rsa_key_id=None,
        redirect_uris=redirect_uris(registration, link),
        tool_key=registration.public_key,
        tool_keyset_url=registration.jwks_url,
    )
    consumer.key_handler = KEYS.active.handler
    return consumer


def redirect_uris(registration: Registration, link: Link | None) -> list[str]:
    """The registered ones, or the target link alone where none was registered."""
    return registration.redirect_uris or ([link.url] if link else [])


def login_parameters(
    registration: Registration, link: Link, person: Person, target: str, message: str = "LtiResourceLinkRequest"
) -> dict[str, str]:
    """OIDC third-party initiated login, LTI 1.3 §5.1.1; ``target`` is ``window`` or ``iframe``."""
    launch = Lti1p3LaunchData(
        user_id=person.sub,
        user_role=person.role,
        config_id=registration.client_id,
        resource_link_id=link.id,
        name=person.name,
        email=person.email,
        launch_presentation_document_target=target,
        message_type=message,
    )
    parameters = dict(parse_qsl(consumer_for(registration, link).prepare_preflight_url(launch).lstrip("?")))
    if registration.quirks.omit_client_id:
        del parameters["client_id"], parameters["lti_deployment_id"]
    if registration.storage:
        parameters["lti_storage_target"] = "_parent"
    return parameters


def remembered_launch(hint: str) -> Lti1p3LaunchData | None:
    """What ``lti_message_hint`` stands for; None after ten minutes or for a made-up hint."""
    return get_data_from_cache(hint)


def launch_answer(
    link: Link, person: Person, preflight: dict[str, str], target: str = "window", order: dict[str, Any] | None = None
) -> dict[str, str]:
    """Make ``id_token`` and ``state`` for the form post; ``order`` may hold overrides, headers, sign_with (README)."""
    registration = SCHOOL.registration(link.client_id)
    consumer = consumer_for(registration, link)
    _describe(consumer, registration, link, person, target)
    if link.id in SCHOOL.choosers:
        consumer.enable_deep_linking(link.url, f"{SCHOOL.issuer}/chosen/{link.id}?as={person.key}")
    answer = consumer.generate_launch_request(preflight)
    order = order or {}
    changes = {**registration.claims, **order.get("overrides", {})}
    headers, sign_with = order.get("headers", {}), order.get("sign_with", "active")
    if not changes and not headers and sign_with == "active" and not SCHOOL.clock_offset:
        return answer
    claims = jwt.decode(answer["id_token"], options={"verify_signature": False})
    shifted = {name: claims[name] + SCHOOL.clock_offset for name in ("iat", "exp")}
    claims = {name: value for name, value in {**claims, **shifted, **changes}.items() if value is not None}
    if headers or sign_with != "active":
        key = KEYS.unpublished if sign_with == "other" else KEYS.active
        token = forge(claims, headers, KEYS.active.kid, key.pem, sign_with)
    else:
        token = consumer.key_handler.encode_and_sign(claims)
    return {**answer, "id_token": token}


def chosen_items(chooser: Link, token: str) -> list[dict[str, Any]]:
    """What a deep-linking response brings, verified by the package; raise Refused."""
    consumer = consumer_for(SCHOOL.registration(chooser.client_id), chooser)
    consumer.enable_deep_linking(chooser.url, "")
    try:
        return list(consumer.check_and_decode_deep_linking_token(token))
    except (Lti1p3Exception, jwt.InvalidTokenError) as error:
        raise Refused(f"{type(error).__name__}: {error}") from error


def _describe(
    consumer: LtiAdvantageConsumer, registration: Registration, link: Link, person: Person, target: str
) -> None:
    course = SCHOOL.course(link.course_id)
    consumer.set_user_data(person.sub, person.role, person.name, person.email, person.key)
    consumer.set_resource_link_claim(link.id, link.description, link.title)
    consumer.set_launch_presentation_claim(target, f"{SCHOOL.issuer}/courses/{course.id}?as={person.key}")
    consumer.set_context_claim(course.id, [LTI_1P3_CONTEXT_TYPE.course_section], course.title, course.label)
    if link.custom:
        consumer.set_custom_parameters(link.custom)
    if registration.ags != "none":
        consumer.set_extra_claim(_ags_claim(registration, link, course))


def _ags_claim(registration: Registration, link: Link, course: Course) -> dict[str, Any]:
    granted = registration.scopes
    service = LtiAgs(
        lineitems_url=lineitems_url(registration, course.id),
        lineitem_url=lineitem_url(registration, course.id, link.line_item_id) if link.line_item_id else None,
        allow_creating_lineitems=SCOPES[0] in granted,
    )
    claim = service.get_lti_ags_launch_claim()
    endpoint = next(iter(claim.values()))
    endpoint["scope"] = [*(scope for scope in endpoint["scope"] if scope in granted)]
    endpoint["scope"] += [scope for scope in granted if scope not in endpoint["scope"]]
    if registration.ags == "lineitem":
        del endpoint["lineitems"]
    if registration.ags == "lineitems":
        endpoint.pop("lineitem", None)
    return claim


def lineitems_url(registration: Registration, course_id: str) -> str:
    """Address of the container, AGS 2.0 §3.2."""
    return f"{SCHOOL.services}/ags/{course_id}/lineitems" + ("?type_id=1" if registration.quirks.moodle_urls else "")


def lineitem_url(registration: Registration, course_id: str, number: int) -> str:
    """Address, and so the id, of one line item."""
    tail = "?type_id=1" if registration.quirks.moodle_urls else ""
    return f"{SCHOOL.services}/ags/{course_id}/lineitems/{number}{tail}"


def grant(form: dict[str, str]) -> tuple[Registration, dict[str, Any]]:
    """Whose client-credentials request it is, and the answer (1EdTech Security Framework §4.1); raise TokenRefused."""
    try:
        unverified = jwt.decode(form.get("client_assertion", ""), options={"verify_signature": False})
        registration = SCHOOL.registrations[unverified["iss"]]
    except (jwt.InvalidTokenError, KeyError, TypeError) as error:
        code = "invalid_client" if form.get("client_assertion") else "invalid_request"
        raise TokenRefused(code, f"client_assertion names no client known here: {error}") from error
    scopes = form.get("scope", "").split()
    allowed = " ".join(scope for scope in scopes if scope in registration.scopes)
    try:
        answer = consumer_for(registration).access_token({**form, "scope": allowed} if "scope" in form else form)
    except MissingRequiredClaim as error:
        raise TokenRefused("invalid_request", str(error)) from error
    except UnsupportedGrantType as error:
        raise TokenRefused("unsupported_grant_type", str(error)) from error
    except (Lti1p3Exception, jwt.InvalidTokenError) as error:
        raise TokenRefused("invalid_client", f"{type(error).__name__}: {error}") from error
    _check_assertion(form, unverified, registration)
    if not answer["scope"]:
        raise TokenRefused("invalid_scope", f"granted to this tool: {' '.join(registration.scopes)}")
    return registration, answer


def _check_assertion(form: dict[str, str], claims: dict[str, Any], registration: Registration) -> None:
    now = time.time() + SCHOOL.clock_offset
    audience = claims.get("aud", [])
    audiences = [audience] if isinstance(audience, str) else audience
    issued, expires, identity = claims.get("iat", now), claims.get("exp"), str(claims.get("jti", ""))
    checks = [
        (form.get("client_assertion_type") == ASSERTION_TYPE, f"client_assertion_type is not {ASSERTION_TYPE}"),
        (claims.get("sub") == registration.client_id, "sub is not the client id"),
        ({SCHOOL.issuer, f"{SCHOOL.services}/lti/token"} & set(audiences), f"aud {audiences} is not the token URL"),
        (expires is not None and expires > now, f"exp {expires} is not after {now:.0f}"),
        (issued <= now + SKEW, f"iat {issued} is after {now:.0f}"),
        (expires is not None and expires - issued <= LONGEST_ASSERTION, "exp is more than an hour after iat"),
        (bool(identity), "jti is missing"),
    ]
    for passed, text in checks:
        if not passed:
            raise TokenRefused("invalid_client", text)
    with SCHOOL.lock:
        if identity in SCHOOL.seen_assertions:
            raise TokenRefused("invalid_client", "this jti was used before")
        SCHOOL.seen_assertions[identity] = float(expires or now)


def bearer(token: str) -> tuple[Registration, set[str]]:
    """Which tool an access token belongs to and its scopes; raise jwt.InvalidTokenError. Keys still published count."""
    for key in KEYS.published:
        try:
            content = key.handler.validate_and_decode(token, iss=SCHOOL.issuer)
        except jwt.InvalidTokenError:
            continue
        if content.get("sub") in SCHOOL.registrations and "scopes" in content:
            return SCHOOL.registrations[content["sub"]], set(content["scopes"].split())
    raise jwt.InvalidTokenError
