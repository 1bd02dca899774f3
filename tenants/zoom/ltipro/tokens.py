"""Access tokens that Zoom sends with calendar calls: found by their hash, sealed to be shown again, renewed."""

import hashlib
import hmac
import secrets as random
import string
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm.attributes import set_committed_value

from saas import clock
from saas.db.base import table_of
from saas.db.rows import Part, Runner, same
from saas.db.statement import ScopedStatement
from saas.problems import Refused
from saas.secrets import SealError, Secrets
from tenants.lti.platform.bearer import TOOL
from tenants.lti.platform.models import Tool
from tenants.zoom.ltipro.models import ZoomProfile

PURPOSE = "zoom.access_token"
#: The token before this one stays good as long, so that there is time to enter the new one in Zoom.
GRACE = timedelta(days=7)
#: Letters and digits only: nothing that a form would trim or a double click would leave out.
ALPHABET = string.ascii_letters + string.digits
LENGTH = 40
HINT_LENGTH = 4

PROFILE = Part(ZoomProfile)
_profile, _tool = table_of(ZoomProfile), table_of(Tool)

#: The profile whose token has ``the_hash``, or whose last one had, with its tool. An inactive one is found, too.
FIND_PROFILE = ScopedStatement(
    "zoom.find_profile_of_token",
    sa.select(*PROFILE.columns, *TOOL.columns)
    .select_from(_profile.join(_tool, same(_tool, id=_profile.c.tool_id)))
    .where(
        same(_profile),
        sa.or_(
            _profile.c.token_hash == sa.bindparam("the_hash"),
            _profile.c.previous_hash == sa.bindparam("the_hash"),
        ),
    )
    .limit(1),
)


def hash_of_token(text: str) -> str:
    """Of whatever was sent as a token."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose token it is. ``profile`` has its ``tool`` and is of no session; ``is_good``: it may still be used."""

    profile: ZoomProfile
    is_good: bool


def bearer_of(runner: Runner, token: str, now: datetime) -> Bearer | None:
    """None for an unknown token. One that was renewed is found when its grace period is over, too, and is not good:
    whoever looks for the reason finds the refused call in the profile's log.
    """
    wanted = hash_of_token(token)
    row = runner.run(FIND_PROFILE, the_hash=wanted).first()
    profile = PROFILE.read(row) if row is not None else None
    if row is None or profile is None:
        return None
    set_committed_value(profile, "tool", TOOL.read(row))
    is_current, was_current = (
        hmac.compare_digest(each, wanted) for each in (profile.token_hash, profile.previous_hash)
    )
    if not (is_current or was_current):
        return None
    return Bearer(profile, is_good=is_current or grace_ends(profile, now) is not None)


def issue(profile: ZoomProfile, secrets: Secrets, tenant_id: int) -> str:
    """The first token, or one that ends all before it; the answer is the only readable copy beside the sealed one."""
    token = "".join(random.choice(ALPHABET) for _ in range(LENGTH))
    profile.token_hash, profile.token_hint = hash_of_token(token), token[-HINT_LENGTH:]
    profile.sealed_token = secrets.seal(tenant_id, PURPOSE, token.encode())
    profile.token_made_at = clock.now()
    profile.previous_hash, profile.previous_until = "", None
    return token


def rotate(profile: ZoomProfile, secrets: Secrets, *, at_once: bool = False) -> str:
    """A new token; the one before it stays good for `GRACE`, unless ``at_once``. It stays known in any case."""
    before = profile.token_hash
    token = issue(profile, secrets, profile.tenant_id)
    profile.previous_hash, profile.previous_until = before, None if at_once else clock.now() + GRACE
    return token


def reveal(profile: ZoomProfile, secrets: Secrets) -> str:
    """`Refused` ZOOM_TOKEN_SEALED where the key it was sealed with is gone."""
    try:
        return secrets.open(profile.tenant_id, PURPOSE, profile.sealed_token).decode()
    except SealError:
        raise Refused("ZOOM_TOKEN_SEALED", seen=profile.name) from None


def grace_ends(profile: ZoomProfile, now: datetime) -> datetime | None:
    """Until when the token before this one is good; None where there is none any more."""
    return profile.previous_until if profile.previous_until and profile.previous_until > now else None
