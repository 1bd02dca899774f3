"""The move of people from LTI 1.x to 1.3: the ``lti1p1`` claim, believed only when the old secret signed it.

LTI Advantage Migration Guide 1.0 §3. A claim that proves nothing is no reason to refuse a launch: the person comes in
as someone new, and the log says why.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest, digest

from tenants.lti.wire.claims import CLAIM, LaunchClaims, mapping
from tenants.lti.wire.text import identifier

LTI1P1 = CLAIM + "lti1p1"


class Verdict(StrEnum):
    """What the claim is worth; only a proven one links anyone."""

    ABSENT = "absent"
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown_key"
    NOT_GENUINE = "not_genuine"
    PROVEN = "proven"


@dataclass(frozen=True, slots=True)
class Lti1p1:
    """The claim as sent. ``user_id`` is the one of 1.x; where it is left out it equals ``sub`` (§3.2)."""

    key: str
    user_id: str
    resource_link_id: str = ""
    context_id: str = ""
    consumer_guid: str = ""
    signature: str = field(default="", repr=False)


def read_lti1p1(launch: LaunchClaims) -> Lti1p1 | None:
    """None without the claim. What else was the same in 1.x may be left out, too, and is taken from the launch."""
    claim = mapping(launch.raw, LTI1P1)
    if not claim:
        return None
    link = launch.resource_link.id if launch.resource_link else ""
    context = launch.context.id if launch.context else ""
    signature = claim.get("oauth_consumer_key_sign")
    return Lti1p1(
        identifier(claim.get("oauth_consumer_key")),
        identifier(claim.get("user_id")) or launch.sub,
        identifier(claim.get("resource_link_id")) or link,
        identifier(claim.get("context_id")) or context,
        identifier(claim.get("tool_consumer_instance_guid")),
        signature if isinstance(signature, str) else "",
    )


def sign(key: str, secret: str, *, deployment_id: str, issuer: str, client_id: str, exp: int, nonce: str) -> str:
    """``oauth_consumer_key_sign`` (§3.3): HMAC-SHA256 over the parts joined by ampersands, in base64."""
    base = "&".join((key, deployment_id, issuer, client_id, str(exp), nonce))
    return b64encode(digest(secret.encode(), base.encode(), sha256)).decode()


def judge(launch: LaunchClaims, secrets: Sequence[str] | None) -> Verdict:
    """What the claim of this launch is worth. ``secrets`` of its key, current first; None if nobody here has the key.

    The nonce of the token is part of what is signed, and a nonce is taken once: a signature cannot be used again.
    """
    claim = read_lti1p1(launch)
    if claim is None:
        return Verdict.ABSENT
    exp = launch.raw.get("exp")
    if not claim.key or not claim.signature or not isinstance(exp, int | float):
        return Verdict.UNSIGNED
    if not secrets:
        return Verdict.UNKNOWN_KEY
    genuine = False
    for secret in secrets:
        ours = sign(
            claim.key,
            secret,
            deployment_id=launch.deployment_id,
            issuer=launch.issuer,
            client_id=launch.client_id,
            exp=int(exp),
            nonce=launch.nonce,
        )
        genuine |= compare_digest(ours.encode(), claim.signature.encode())
    return Verdict.PROVEN if genuine else Verdict.NOT_GENUINE
