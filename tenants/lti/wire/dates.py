"""The dates of a token against our clock, both shown: most "not valid" launches are two clocks that disagree.

RFC 7519 §4.1.4 to §4.1.6; all values are seconds since 1970, fractions allowed.
"""

from collections.abc import Mapping

from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.text import clock, shown

MAX_LIFETIME = 24 * 3600
"""Seconds between ``iat`` and ``exp``; platforms use 60 to 3600."""


def check_dates(checks: Checklist, claims: Mapping[str, object], now: float, *, leeway: int, max_age: int) -> None:
    """Steps "dates", "expiry", "start" and "age". A token may be ``max_age`` seconds old, whatever its own expiry."""
    exp, iat, nbf = (_seconds(claims.get(name)) for name in ("exp", "iat", "nbf"))
    fault = _fault(claims)
    if exp is None or iat is None or fault:
        checks.refuse("dates", "LTI13_CLAIM", seen=fault, wanted="exp and iat in seconds, exp at most a day after iat")
    checks.note("dates", f"issued {clock(iat)}, valid for {exp - iat:g} s", f"our clock says {clock(now)}")
    if now >= exp + leeway:
        checks.refuse(
            "expiry", "LTI13_EXPIRED", seen=f"expired {clock(exp)}, {now - exp:.0f} s ago", wanted=_ours(now, leeway)
        )
    checks.note("expiry", f"{exp - now:.0f} s left")
    start = iat if nbf is None else max(iat, nbf)
    if start > now + leeway:
        checks.refuse(
            "start",
            "LTI13_NOT_YET_VALID",
            seen=f"from {clock(start)}, {start - now:.1f} s ahead",
            wanted=_ours(now, leeway),
        )
    checks.note("start", f"{now - start:.1f} s ago")
    if now - iat > max_age:
        checks.refuse(
            "age",
            "LTI13_TOO_OLD",
            seen=f"issued {clock(iat)}, {now - iat:.0f} s ago",
            wanted=f"our clock says {clock(now)}; at most {max_age} s old",
        )
    checks.note("age", f"{now - iat:.0f} s")


def _ours(now: float, leeway: int) -> str:
    return f"our clock says {clock(now)}; {leeway} s of difference are allowed"


def _fault(claims: Mapping[str, object]) -> str:
    for name in ("exp", "iat", "nbf"):
        value = claims.get(name)
        if value is None and name != "nbf":
            return f"{name}: missing"
        if value is not None and _seconds(value) is None:
            return f"{name}: {shown(value, 40)}, not a number"
    lifetime = (_seconds(claims["exp"]) or 0) - (_seconds(claims["iat"]) or 0)
    if lifetime < 0:
        return "exp: before iat"
    return f"exp: {lifetime:.0f} s after iat" if lifetime > MAX_LIFETIME else ""


def _seconds(value: object) -> float | None:
    """A NumericDate; True is no number here."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
