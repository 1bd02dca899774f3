"""What another LMS could send by LTI 1.3, good and bad, and what must become of each (lti.md §2, groups T3 and DT)."""

import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import orjson

from saas import clock
from saas.db.base import uuid7
from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.catalog.models import Activity, Course, Status
from tenants.lti.selftest.rehearsal import Asked, Outcome, Rehearsal, StandIn, undone
from tenants.lti.tool.addresses import resource_url
from tenants.lti.tool.people_models import Newcomers
from tenants.lti.tool.registrations import KnownPlatform
from tenants.lti.wire.claims import CLAIM
from tenants.lti.wire.deeplink import SETTINGS
from tenants.lti.wire.jws import SigningKey, base64url, sign
from tenants.lti.wire.keys import public_pem
from tenants.lti.wire.launch13 import DEEP_LINKING_REQUEST, RESOURCE_LINK_REQUEST, VERSION

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
LEARNER, INSTRUCTOR = [MEMBERSHIP + "Learner"], [MEMBERSHIP + "Instructor"]
#: Somebody who is nobody's: the domain can never exist (RFC 2606 §2).
DOMAIN = "self-test.invalid"
ELSEWHERE = "https://elsewhere.invalid/lti/activities/1"
#: What becomes of somebody unknown under each rule of a connection; empty: they come in.
OF_NEWCOMERS = {
    Newcomers.CREATE: "",
    Newcomers.MATCH: "",
    Newcomers.ASK: "LTI_PERSON_SIGN_IN",
    Newcomers.EXISTING: "LTI_PERSON_UNKNOWN",
}
Claims = dict[str, Any]


@dataclass(slots=True)
class Scene:
    """The academy as the messages find it: an activity that may be opened, and those that may not."""

    rehearsal: Rehearsal
    stand_in: StandIn
    platform: KnownPlatform
    targets: Mapping[str, str]
    staff_email: str

    def claims(self, nonce: str, target: str) -> Claims:
        now, sub = int(clock.now().timestamp()), uuid4().hex
        wire = self.platform.wire
        return {
            "iss": wire.issuer,
            "aud": wire.client_id,
            "sub": sub,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "given_name": "Self",
            "family_name": "Test",
            "email": f"{sub}@{DOMAIN}",
            CLAIM + "version": VERSION,
            CLAIM + "message_type": RESOURCE_LINK_REQUEST,
            CLAIM + "deployment_id": min(wire.deployments),
            CLAIM + "target_link_uri": target,
            CLAIM + "roles": LEARNER,
            CLAIM + "resource_link": {"id": "self-test"},
            CLAIM + "context": {"id": "self-test", "type": [MEMBERSHIP + "CourseSection"]},
        }


Tokens = Callable[[Scene, Claims], str]


def genuine(scene: Scene, claims: Claims) -> str:
    return sign(claims, scene.stand_in.key)


def _by_a_stranger(scene: Scene, claims: Claims) -> str:
    """Under the name of the published key."""
    return sign(claims, SigningKey(scene.stand_in.key.kid, scene.stand_in.stranger.private))


def _unknown_key(scene: Scene, claims: Claims) -> str:
    return sign(claims, scene.stand_in.stranger)


def _unsigned(_scene: Scene, claims: Claims) -> str:
    return f"{_encoded({'typ': 'JWT', 'alg': 'none'}, claims)}."


def _shared_secret(scene: Scene, claims: Claims) -> str:
    """Signed with the public key as if it were a secret (RFC 8725 §2.1)."""
    text = _encoded({"typ": "JWT", "alg": "HS256", "kid": scene.stand_in.key.kid}, claims)
    mac = hmac.new(public_pem(scene.stand_in.key).encode(), text.encode(), sha256).digest()
    return f"{text}.{base64url(mac).decode()}"


def _changed_on_the_way(scene: Scene, claims: Claims) -> str:
    header, _, signature = sign(claims, scene.stand_in.key).split(".")
    body = base64url(orjson.dumps({**claims, CLAIM + "roles": INSTRUCTOR})).decode()
    return f"{header}.{body}.{signature}"


def _encoded(header: Claims, claims: Claims) -> str:
    return ".".join(base64url(orjson.dumps(part)).decode() for part in (header, claims))


@dataclass(frozen=True, slots=True)
class Message:
    """``expected`` is a code, empty when the message must be accepted. Claims and login fields of None are left out.

    ``step``: it is enough that this step refuses. Where newcomers get an account of their own, an address of staff is
    left out of it, and nobody comes near the staff's account.
    """

    name: str
    expected: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict)
    login: Mapping[str, str | None] = field(default_factory=dict)
    token: Tokens = genuine
    target: str = "shared"
    form: Mapping[str, str] = field(default_factory=dict)
    with_cookie: bool = True
    twice: bool = False
    shift: int = 0
    lifetime: int = 300
    step: str = ""
    email_of_staff: bool = False


def _about(**changes: Any) -> Mapping[str, Any]:
    return {CLAIM + name: value for name, value in changes.items()}


def messages(platform: KnownPlatform) -> tuple[Message, ...]:
    """In the order of the report: what must work, then what must not."""
    settings = {
        "deep_link_return_url": f"https://{DOMAIN}/return",
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["iframe", "window"],
    }
    picking = {
        **_about(message_type=DEEP_LINKING_REQUEST, resource_link=None, target_link_uri=None),
        SETTINGS: settings,
    }
    client, foreign_deployment = platform.wire.client_id, f"not-{uuid4().hex[:8]}"
    newcomer = OF_NEWCOMERS[platform.policy.newcomers]
    unlisted = newcomer if platform.wire.accept_new_deployments else "LTI13_DEPLOYMENT"
    staff = "" if platform.policy.newcomers is Newcomers.CREATE else "LTI_PERSON_STAFF"
    return (
        Message("learner", newcomer),
        Message("teacher", newcomer, claims=_about(roles=INSTRUCTOR)),
        Message("audiences", newcomer, claims={"aud": [client], "azp": client}),
        Message("clock", newcomer, shift=30),
        Message("picking", claims={**picking, **_about(roles=INSTRUCTOR)}),
        Message("login_incomplete", "LTI13_LOGIN_PARAM", login={"login_hint": None}),
        Message("login_client", "LTI13_NO_REGISTRATION", login={"client_id": f"not-{client}"[:255]}),
        Message("login_target", "LTI13_TARGET", login={"target_link_uri": ELSEWHERE}),
        Message("state_unknown", "LTI13_STATE", form={"state": uuid4().hex}),
        Message("state_twice", "LTI13_STATE", twice=True),
        Message("platform_error", "LTI13_PLATFORM_ERROR", form={"error": "login_required"}),
        Message("other_browser", "LTI13_COOKIE", with_cookie=False),
        Message("no_token", "LTI13_JWT_FORMAT", token=lambda _scene, _claims: "self-test"),
        Message("unsigned", "LTI13_ALG", token=_unsigned),
        Message("shared_secret", "LTI13_ALG", token=_shared_secret),
        Message("unknown_key", "LTI13_KEY_NOT_FOUND", token=_unknown_key),
        Message("forged", "LTI13_SIGNATURE", token=_by_a_stranger),
        Message("changed", "LTI13_SIGNATURE", token=_changed_on_the_way),
        Message("issuer", "LTI13_REGISTRATION_MISMATCH", claims={"iss": f"{platform.wire.issuer}/self-test"}),
        Message("expired", "LTI13_EXPIRED", shift=-500),
        Message("future", "LTI13_NOT_YET_VALID", shift=600),
        Message("old", "LTI13_TOO_OLD", shift=-900, lifetime=1200),
        Message("audience", "LTI13_AUD", claims={"aud": f"not-{client}"[:255]}),
        Message("nonce", "LTI13_NONCE", claims={"nonce": uuid4().hex}),
        Message("version", "LTI13_VERSION", claims=_about(version="1.1.0")),
        Message("message_type", "LTI13_MESSAGE_TYPE", claims=_about(message_type="LtiSelfTestRequest")),
        Message("deployment", unlisted, claims=_about(deployment_id=foreign_deployment)),
        Message("no_roles", "LTI13_ROLES", claims=_about(roles=None)),
        Message("nobody", "LTI13_ANONYMOUS", claims={"sub": None}),
        Message("no_link", "LTI13_CLAIM", claims=_about(resource_link=None)),
        Message("foreign_target", "LTI13_TARGET", claims=_about(target_link_uri=ELSEWHERE)),
        Message("draft", "LTI_NOT_AVAILABLE", target="draft"),
        Message("unshared", "LTI_NOT_AVAILABLE", target="unshared"),
        Message("staff", staff, email_of_staff=True, step="person"),
        Message("student_picks", "LTI_PICK_STAFF", claims=picking),
    )


def play(runtime: Runtime, academy: Academy, stand_in: StandIn, platform_id: UUID) -> Iterator[tuple[Message, Outcome]]:
    """Each message with what became of it, each in a transaction of its own that is undone."""
    with undone(runtime.database, academy.id) as connection:
        platform = Rehearsal(runtime, academy, connection, stand_in, activated=True).platform(platform_id)
    for message in messages(platform):
        with undone(runtime.database, academy.id) as connection:
            rehearsal = Rehearsal(runtime, academy, connection, stand_in, activated=True)
            targets, email = _furnish(runtime, academy, connection)
            outcome = _send(message, Scene(rehearsal, stand_in, platform, targets, email))
        yield message, outcome


def _furnish(runtime: Runtime, academy: Academy, connection: HotConnection) -> tuple[Mapping[str, str], str]:
    """Addresses of activities by kind, and the e-mail address of somebody on our staff."""
    course = Course(id=uuid7(), title="Self-test", status=Status.PUBLISHED)
    staff = Person(id=uuid7(), given_name="Self", family_name="Test", role=Role.ADMIN)
    staff.email = staff.email_key = f"{staff.id.hex}@{DOMAIN}"
    kinds = {"shared": (Status.PUBLISHED, True), "draft": (Status.DRAFT, True), "unshared": (Status.PUBLISHED, False)}
    made = {
        name: Activity(id=uuid7(), course_id=course.id, title=name, position=1, status=status, lti_available=available)
        for name, (status, available) in kinds.items()
    }
    with ScopedSession(connection.core, academy.id, runtime.events) as session:
        session.add_all([course, staff])
        session.flush()
        session.add_all(made.values())
        targets = {name: resource_url(academy, activity.id) for name, activity in made.items()}
        email = staff.email
        session.flush()
    return targets, email


def _send(message: Message, scene: Scene) -> Outcome:
    """The whole conversation, as far as it gets."""
    target = scene.targets[message.target]
    wire = scene.platform.wire
    fields = {"iss": wire.issuer, "client_id": wire.client_id, "login_hint": "self-test", "target_link_uri": target}
    asked = scene.rehearsal.login({k: v for k, v in {**fields, **message.login}.items() if v is not None})
    if not isinstance(asked, Asked):
        return asked
    form = {"state": asked.state, "id_token": message.token(scene, _claims(message, scene, asked, target))}
    form = {**form, **message.form}
    cookies = (form["state"],) if message.with_cookie else ()
    outcome = scene.rehearsal.launch(form, cookies=cookies)
    return scene.rehearsal.launch(form, cookies=cookies) if message.twice else outcome


def _claims(message: Message, scene: Scene, asked: Asked, target: str) -> Claims:
    claims = {**scene.claims(asked.nonce, target), **message.claims}
    claims["iat"] += message.shift
    claims["exp"] = claims["iat"] + message.lifetime
    if message.email_of_staff:
        claims["email"] = scene.staff_email
    return {name: value for name, value in claims.items() if value is not None}
