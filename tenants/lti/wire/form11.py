"""A launch of LTI 1.x as the browser posts it: read once, from the bytes, because the signature is over them.

LTI 1.1.1 §4.2; RFC 5849 §3.4.1.3.1: parameters of the address count like those of the form.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tenants.lti.wire import oauth1
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.text import shown

MAX_FORM = 256 * 1024
_ONCE = frozenset({"user_id", "resource_link_id", "roles"})
_ONCE_BEGINNINGS = ("oauth_", "lti_", "lis_")


@dataclass(frozen=True, slots=True)
class Form:
    """A launch as posted, nothing proven. ``pairs`` from the body, ``query`` from the address."""

    pairs: oauth1.Pairs = field(repr=False)
    query: oauth1.Pairs = field(repr=False)
    values: Mapping[str, str] = field(repr=False)

    @property
    def key(self) -> str:
        return self.values.get("oauth_consumer_key", "")

    @property
    def nonce(self) -> str:
        return self.values.get("oauth_nonce", "")

    @property
    def signed(self) -> oauth1.Signed:
        return oauth1.Signed(
            tuple(pair for pair in self.pairs if pair[0] != "oauth_signature"),
            self.values.get("oauth_signature", ""),
            tuple(pair for pair in self.query if pair[0] != "oauth_signature"),
            self.values.get("oauth_signature_method", ""),
        )


def read_form(checks: Checklist, method: str, content_type: str, body: bytes, query: str = "") -> Form:
    """Steps "method" and "parameters"; ``body`` is as received, for a signature holds for nothing else.

    Raises `Refused` LTI11_METHOD or LTI11_DUPLICATE_PARAM.
    """
    form_type = content_type.partition(";")[0].strip().lower()
    checks.require(
        "method",
        method == "POST" and form_type == "application/x-www-form-urlencoded",
        "LTI11_METHOD",
        seen=f"{shown(method, 20)} {shown(form_type, 80)}".strip(),
        wanted="POST application/x-www-form-urlencoded",
    )
    wanted = f"a form in UTF-8 of at most 256 kB and {oauth1.MAX_FIELDS} parameters, each of OAuth and LTI once"
    if len(body) > MAX_FORM:
        checks.refuse("parameters", "LTI11_DUPLICATE_PARAM", seen=f"{len(body)} bytes", wanted=wanted)
    try:
        pairs, others = oauth1.read_pairs(body.decode()), oauth1.read_pairs(query)
    except UnicodeDecodeError:
        checks.refuse("parameters", "LTI11_DUPLICATE_PARAM", seen="not readable text", wanted=wanted)
    except ValueError:
        checks.refuse("parameters", "LTI11_DUPLICATE_PARAM", seen=f"more than {oauth1.MAX_FIELDS}", wanted=wanted)
    values = first_values(pairs + others)
    fault = _repeated(pairs + others) or ("a NUL character" if any("\0" in n + v for n, v in pairs + others) else "")
    checks.require(
        "parameters", not fault, "LTI11_DUPLICATE_PARAM", seen=fault or f"{len(values)} parameters", wanted=wanted
    )
    return Form(pairs, others, MappingProxyType(values))


def first_values(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By name; of a repeated one the first counts."""
    values: dict[str, str] = {}
    for name, value in pairs:
        values.setdefault(name, value)
    return values


def _repeated(pairs: oauth1.Pairs) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen and (name in _ONCE or name.startswith(_ONCE_BEGINNINGS)):
            return f"{shown(name, 80)}: given twice"
        seen.add(name)
    return ""
