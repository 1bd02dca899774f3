"""What a launch is judged against: one platform as registered in one academy."""

from collections.abc import Iterable
from dataclasses import dataclass

DEFAULT_ALGORITHMS = frozenset({"RS256"})


@dataclass(frozen=True, slots=True)
class Registration:
    """A platform as this academy knows it (LTI 1.3 Core §3.1.3: issuer and client id together name it).

    ``sibling_clients`` are the other client ids this academy has at the same issuer; they only make the refusal
    clearer. ``leeway`` is how far the clocks may differ, ``max_age`` how old a token may be; both in seconds.
    """

    issuer: str
    client_id: str
    deployments: frozenset[str] = frozenset()
    accept_new_deployments: bool = False
    leeway: int = 60
    max_age: int = 600
    algorithms: frozenset[str] = DEFAULT_ALGORITHMS
    sibling_clients: frozenset[str] = frozenset()

    def allows(self, deployment_id: str) -> bool:
        return self.accept_new_deployments or deployment_id in self.deployments

    def known_deployments(self) -> str:
        """For the log: what is listed, and whether new ones are taken."""
        listed = ", ".join(sorted(self.deployments)[:5]) or "none listed"
        return f"{listed}, or a new one" if self.accept_new_deployments else listed


def near_miss(seen: str, known: Iterable[str]) -> str:
    """The exact mend when ``seen`` is almost one of the ``known`` issuers; empty when none comes near.

    Issuers are compared byte for byte (OpenID Connect Core §3.1.3.7), so a slash or a capital is enough to part them.
    """
    for issuer in known:
        difference = _difference(seen, issuer)
        if difference:
            return f"{issuer} is registered and differs only by {difference}: set the issuer here to exactly {seen}"
    return ""


def _difference(seen: str, issuer: str) -> str:
    if seen == issuer:
        return ""
    for name, fold in _FOLDS:
        if fold(seen) == fold(issuer):
            return name
    return "more than one of slash, case, spaces and http or https" if _fold_all(seen) == _fold_all(issuer) else ""


def _without_scheme(url: str) -> str:
    return url.partition("://")[2] or url


def _fold_all(url: str) -> str:
    return _without_scheme(url.strip().casefold()).rstrip("/")


_FOLDS = (
    ("a slash at the end", lambda url: url.rstrip("/")),
    ("capital letters", str.casefold),
    ("spaces around it", str.strip),
    ("http or https", _without_scheme),
)
