"""The launch of LTI 1.0 and 1.1, which vendors sell as 1.2: what decides whether it is believed, in this order.

LTI 1.1.1 §3, §4 and appendix B; RFC 5849 §3.2. The caller looks up key and nonce; in between it calls, on one
checklist: `form11.read_form`, `check_message`, `check_key`, `check_signature`, then, once the nonce is kept,
`check_nonce`, `check_launch` and, when it knows whether the person is new, `check_person`.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from saas.addresses import add_query
from tenants.lti.wire import oauth1
from tenants.lti.wire.checks import LAUNCH_STEPS, Checklist
from tenants.lti.wire.claims import Context, Person, PlatformInstance, ResourceLink
from tenants.lti.wire.dialects import Need, switch_for
from tenants.lti.wire.form11 import Form, first_values
from tenants.lti.wire.params11 import (
    OutcomeRoute,
    read_context,
    read_custom,
    read_outcome,
    read_person,
    read_platform,
    read_resource_link,
)
from tenants.lti.wire.roles import Roles, split_roles
from tenants.lti.wire.text import IDENTIFIER_LIMIT, clean, clock, identifier_fault, shown, web_url

BASIC_LAUNCH = "basic-lti-launch-request"
CONTENT_ITEM_SELECTION = "ContentItemSelectionRequest"
VERSION = "LTI-1p0"
WINDOW = 300
"""Seconds a timestamp may differ from our clock; an admin may allow up to `LONGEST_WINDOW`."""
LONGEST_WINDOW = 600

LAUNCH11_STEPS: Mapping[str, str] = MappingProxyType(
    {
        "method": "The browser posts a form",
        "parameters": "The form is whole, and nothing is said twice",
        "message_type": "We know this kind of launch",
        "version": "It is LTI 1.0 or 1.1, sold as 1.2",
        "oauth": "The launch carries a signature",
        "signature_method": "The way of signing is allowed",
        "timestamp": "The launch is fresh",
        "key": "The key is known",
        "activity": "The key opens this activity",
        "signature": "The signature is genuine",
        "nonce": "The launch is used once",
        "resource_link": "The link in the course has an id",
        "user": "The person has an id",
        "roles": "The roles are read",
        "email": "The e-mail address came along",
        "name": "The name came along",
    }
    | {name: LAUNCH_STEPS[name] for name in ("available", "person", "enrolment", "scores")}
)

_TAKEN_TOO = frozenset({"LTI-1p1", "LTI-1p2"})
_PROTOCOL = ("oauth_consumer_key", "oauth_nonce", "oauth_timestamp", "oauth_signature", "oauth_signature_method")
_MUST_BE_SIGNED = (
    "lti_message_type",
    "lti_version",
    *(name for name in _PROTOCOL if name != "oauth_signature"),
)
_SECONDS = re.compile(r"[0-9]{1,12}")
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\".]+(?:\.[^@\s,;<>\".]+)+")


@dataclass(frozen=True, slots=True)
class Consumer:
    """A key as this academy gave it out. ``secrets``: the current one, then the previous while both are good.

    ``activities`` empty: the key opens every activity shared here. ``tolerate_query``: see `oauth1.verify`.
    """

    key: str
    secrets: tuple[str, ...] = field(repr=False)
    activities: frozenset[str] = frozenset()
    tolerate_query: bool = False

    def opens(self, activity: str) -> bool:
        return not self.activities or activity in self.activities


@dataclass(frozen=True, slots=True)
class Proven:
    """Parameters whose signature is genuine; ``secret`` 0 is the current one, 1 the previous. No other may be read."""

    consumer: Consumer
    values: Mapping[str, str] = field(repr=False)
    secret: int = 0

    @property
    def return_url(self) -> str:
        """Where people may be sent with an error; there is none before the signature is proven."""
        return web_url(self.values.get("launch_presentation_return_url"))


@dataclass(frozen=True, slots=True)
class Launch11:
    """A launch every check has passed; members are named as in `LaunchClaims`. ``sub`` is the ``user_id`` as sent."""

    message_type: str
    version: str
    key: str
    sub: str
    roles: Roles
    person: Person
    context: Context | None
    resource_link: ResourceLink | None
    platform: PlatformInstance
    outcome: OutcomeRoute | None
    custom: Mapping[str, str]
    locale: str
    return_url: str
    document_target: str
    person_sourcedid: str
    raw: Mapping[str, str] = field(repr=False)

    @property
    def issuer(self) -> str:
        """In whose name ``sub`` is spoken: there is no issuer in 1.x, so it is the key."""
        return issuer_of(self.key)

    @property
    def is_staff_there(self) -> bool:
        return self.roles.staff


def issuer_of(key: str) -> str:
    """The namespace of the people a key brings; no web address, so that no issuer of 1.3 can be the same."""
    return f"lti11:{key}"


def check_message(
    checks: Checklist,
    form: Form,
    *,
    now: datetime,
    message_types: Collection[str] = frozenset({BASIC_LAUNCH}),
    signature_methods: Collection[str] = oauth1.DEFAULT_METHODS,
    window: int = WINDOW,
) -> None:
    """Steps "message_type" to "timestamp": all that needs neither key nor secret."""
    values = form.values
    message_type = values.get("lti_message_type")
    checks.require(
        "message_type",
        message_type in message_types,
        "LTI11_MESSAGE_TYPE",
        seen=shown(message_type),
        wanted=", ".join(sorted(message_types)),
    )
    version = values.get("lti_version")
    if version in _TAKEN_TOO:
        checks.note("version", f"{version}, taken as {VERSION}", VERSION)
    else:
        code = "LTI11_VERSION_2" if version == "LTI-2p0" else "LTI11_VERSION"
        checks.require("version", version == VERSION, code, seen=shown(version), wanted=VERSION)
    fault = _protocol_fault(values)
    checks.require(
        "oauth", not fault, "LTI11_OAUTH_PARAM", seen=fault or "OAuth 1.0", wanted="the parameters of OAuth 1.0"
    )
    method = values["oauth_signature_method"]
    checks.require(
        "signature_method",
        method in oauth1.SUPPORTED.intersection(signature_methods),
        "LTI11_SIGNATURE_METHOD",
        seen=shown(method, 80),
        wanted=", ".join(sorted(signature_methods)),
    )
    _check_timestamp(checks, int(values["oauth_timestamp"]), now.timestamp(), min(window, LONGEST_WINDOW))


def check_key(checks: Checklist, form: Form, consumer: Consumer | None, *, activity: str, url: str) -> Consumer:
    """Steps "key" and "activity"; ``consumer`` is what this academy has, active, under `Form.key`.

    A key nobody has costs the same time as one somebody has.
    """
    if consumer is None:
        oauth1.spend_like_a_check(form.signed, url)
        checks.refuse("key", "LTI11_UNKNOWN_KEY", seen=shown(form.key), wanted="a key of this academy")
    checks.note("key", consumer.key)
    checks.require(
        "activity",
        consumer.opens(activity),
        "LTI11_KEY_ACTIVITY",
        seen=consumer.key,
        wanted="the key shown with this very activity",
    )
    return consumer


def check_signature(checks: Checklist, form: Form, consumer: Consumer, urls: Sequence[str]) -> Proven:
    """Step "signature", over the public address and its aliases; the log learns which other would have matched."""
    match = oauth1.verify(form.signed, urls, consumer.secrets, tolerate_query=consumer.tolerate_query)
    if match is None:
        hint = oauth1.diagnose(form.signed, urls, consumer.secrets)
        seen = f"matches {hint}" if hint else "matches neither this address nor one like it, or the secret differs"
        checks.refuse("signature", "LTI11_SIGNATURE", seen=seen, wanted=f"POST {urls[0]}, signed with our secret")
    unsigned = [name for name in _MUST_BE_SIGNED if (name, form.values.get(name)) not in match.pairs]
    if unsigned:
        seen = f"{', '.join(unsigned)} came outside of what was signed"
        checks.refuse("signature", "LTI11_SIGNATURE", seen=seen, wanted="in the form, signed")
    which = "the current secret" if match.secret == 0 else "the previous secret, still good"
    checks.note("signature", f"{form.signed.signature_method}, {which}", match.url)
    values = {name: value for name, value in first_values(match.pairs).items() if not name.startswith("oauth_")}
    return Proven(consumer, MappingProxyType(values), match.secret)


def nonce_lifetime(window: int = WINDOW) -> int:
    """Seconds a nonce must be kept: as long as its timestamp could come again, and a minute."""
    return 2 * min(window, LONGEST_WINDOW) + 60


def check_nonce(checks: Checklist, *, fresh: bool) -> None:
    """Step "nonce": ``fresh`` if the caller could keep it for this key, which only a proven launch may do."""
    checks.require("nonce", fresh, "LTI11_NONCE", seen="new" if fresh else "used before", wanted="a new one")


def check_launch(checks: Checklist, proven: Proven) -> Launch11:
    """Steps "resource_link", "user" and "roles"; content selection has no link yet."""
    values = proven.values
    message_type = values["lti_message_type"]
    link = read_resource_link(values)
    checks.require(
        "resource_link",
        link or message_type == CONTENT_ITEM_SELECTION,
        "LTI11_RESOURCE_LINK",
        seen=link.id if link else f"resource_link_id: {identifier_fault(values.get('resource_link_id'))}",
        wanted="resource_link_id, text of 1 to 255 characters",
    )
    platform = read_platform(values)
    sub, fault = values.get("user_id"), identifier_fault(values.get("user_id"))
    if sub is None or fault:
        checks.refuse("user", "LTI11_USER_ID", seen=f"user_id: {fault}", wanted=_wanted(Need.USER_ID, platform))
    checks.note("user", sub)
    roles = split_roles(values.get("roles", ""))
    checks.note("roles", ", ".join(roles.known + roles.unknown) or "none: a learner")
    return Launch11(
        message_type=message_type,
        version=values["lti_version"],
        key=proven.consumer.key,
        sub=sub,
        roles=roles,
        person=read_person(values),
        context=read_context(values),
        resource_link=link,
        platform=platform,
        outcome=read_outcome(values),
        custom=read_custom(values),
        locale=clean(values.get("launch_presentation_locale"), 35),
        return_url=proven.return_url,
        document_target=clean(values.get("launch_presentation_document_target"), 20).lower(),
        person_sourcedid=clean(values.get("lis_person_sourcedid")),
        raw=values,
    )


def check_person(checks: Checklist, launch: Launch11, *, known: bool) -> None:
    """Steps "email" and "name": what a new person needs; a ``known`` one has both here already.

    A missing parameter is named together with the switch of that LMS which sends it.
    """
    person, wanted = launch.person, _wanted(Need.EMAIL, launch.platform)
    sent = bool(_EMAIL.fullmatch(person.email))
    seen = shown(person.email) or f"{Need.EMAIL}: missing"
    checks.require("email", sent or known, "LTI11_EMAIL", seen=seen, wanted=wanted)
    needs = ((Need.GIVEN_NAME, person.given_name), (Need.FAMILY_NAME, person.family_name))
    missing = [need for need, value in needs if not value]
    checks.require(
        "name",
        known or not missing,
        "LTI11_NAME",
        seen=", ".join(f"{need}: missing" for need in missing) or person.full_name,
        wanted=_wanted(missing[0], launch.platform) if missing else "",
    )


def return_address(url: str, *, error: str = "", log: str = "", message: str = "") -> str:
    """The LMS's return address with what to tell: the first and the last to the person, ``log`` to its admin."""
    words = {"lti_errormsg": error, "lti_errorlog": log, "lti_msg": message}
    return add_query(url, {name: clean(text, IDENTIFIER_LIMIT) for name, text in words.items() if text})


def _wanted(need: Need, platform: PlatformInstance) -> str:
    return f"{need}; {switch_for(need, platform.product_family_code)}"


def _protocol_fault(values: Mapping[str, str]) -> str:
    for name in _PROTOCOL:
        fault = identifier_fault(values.get(name))
        if fault:
            return f"{name}: {fault}"
    if not _SECONDS.fullmatch(values["oauth_timestamp"]):
        return f"oauth_timestamp: {shown(values['oauth_timestamp'], 40)}, not seconds since 1970"
    version = values.get("oauth_version", "1.0")
    return "" if version == "1.0" else f"oauth_version: {shown(version, 40)}"


def _check_timestamp(checks: Checklist, signed_at: int, now: float, window: int) -> None:
    ahead = signed_at - now
    difference = f"{abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}"
    checks.require(
        "timestamp",
        abs(ahead) <= window,
        "LTI11_TIMESTAMP",
        seen=f"signed {clock(signed_at)}, {difference}",
        wanted=f"our clock says {clock(now)}; {window} s of difference are allowed",
    )
