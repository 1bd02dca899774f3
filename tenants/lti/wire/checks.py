"""The checks that decide a launch are its log: one list, written while deciding, stored and shown as it stands.

A step has a stable name (stored) and a title (shown). What was never reached is listed with ``passed=None``, so that
people see how far a launch came. LTI 1.3 Core §5, Security Framework 1.0 §5.1; the order is part of the promise.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple, NoReturn, Self

from saas.problems import Refused
from tenants.lti.wire.text import SHOWN_LIMIT, shown

LOGIN_STEPS: Mapping[str, str] = MappingProxyType(
    {
        "parameters": "The platform says who it is, who is coming and where to",
        "registration": "The platform is registered here",
        "active": "The platform is switched on",
        "deployment": "The deployment is allowed",
        "target": "The address asked for is one of ours",
        "sent": "The browser is sent to the platform to sign in",
    }
)
LAUNCH_STEPS: Mapping[str, str] = MappingProxyType(
    {
        "parameters": "The launch brings a token and a state",
        "state": "We asked for this launch, and it is used once",
        "answer": "The platform reports no error",
        "browser": "It is the browser that asked",
        "format": "The token is a signed JWT",
        "algorithm": "The signature algorithm is allowed",
        "kid": "The token names its key",
        "registration": "The token comes from the platform we asked",
        "key": "The platform has published that key",
        "signature": "The signature is genuine",
        "dates": "The token carries its dates",
        "expiry": "The token has not expired",
        "start": "The token is valid already",
        "age": "The token is fresh",
        "audience": "The token is meant for us",
        "authorized_party": "The token was issued to us",
        "nonce": "The token answers our question",
        "version": "It is LTI 1.3",
        "message_type": "We know this kind of launch",
        "deployment": "The deployment is allowed",
        "roles": "The roles are given",
        "subject": "The person has an id",
        "claims": "Nothing needed is missing",
        "target": "The activity exists",
        "available": "The activity is open to this platform",
        "person": "We know who it is",
        "enrolment": "The person is enrolled",
        "scores": "We know where scores go",
    }
)


class Check(NamedTuple):
    """One decision. ``passed`` is None for a step never reached; ``code`` names the refusal of a failed one."""

    name: str
    passed: bool | None
    seen: str = ""
    wanted: str = ""
    code: str = ""


class Checklist:
    """Decides and records in one move, in order; ``steps`` are the names allowed here, with their titles."""

    __slots__ = ("_rows", "steps")

    def __init__(self, steps: Mapping[str, str], checks: Iterable[Check] = ()) -> None:
        self.steps = steps
        self._rows: list[tuple[str, bool | None, str, str, str]] = list(checks)

    def require(self, name: str, condition: object, code: str, *, seen: str = "", wanted: str = "") -> None:
        """Record the step; raise `Refused` with ``code`` when ``condition`` is false."""
        if not condition:
            self.refuse(name, code, seen=seen, wanted=wanted)
        self.note(name, seen, wanted)

    def refuse(self, name: str, code: str, *, seen: str = "", wanted: str = "") -> NoReturn:
        """Record the step as failed and raise `Refused`."""
        self._add((name, False, seen, wanted, code))
        raise Refused(code, seen=_fit(seen), wanted=_fit(wanted))

    def note(self, name: str, seen: str = "", wanted: str = "") -> None:
        """Record a step as passed: what refuses nobody, or was decided on the way."""
        if name not in self.steps:
            raise ValueError(f"unknown step {name!r}")
        self._rows.append((name, True, seen, wanted, ""))

    def _add(self, row: tuple[str, bool | None, str, str, str]) -> None:
        if row[0] not in self.steps:
            raise ValueError(f"unknown step {row[0]!r}")
        self._rows.append(row)

    @property
    def checks(self) -> tuple[Check, ...]:
        return tuple(Check(name, passed, seen, wanted, code) for name, passed, seen, wanted, code in self.as_json())

    @property
    def failed(self) -> Check | None:
        """The check that refused, if one did; it is the last."""
        return next((check for check in reversed(self.checks) if check.passed is False), None)

    def every_step(self) -> tuple[Check, ...]:
        """What was checked, then each step never reached, all in the order of the steps."""
        position = {name: number for number, name in enumerate(self.steps)}
        reached = {row[0] for row in self._rows}
        missed = [Check(name, None) for name in self.steps if name not in reached]
        return tuple(sorted([*self.checks, *missed], key=lambda check: position[check.name]))

    def as_json(self) -> list[tuple[str, bool | None, str, str, str]]:
        """Rows of name, passed, seen, wanted, code, fit to show: what is stored with the launch."""
        return [(name, passed, _fit(seen), _fit(wanted), code) for name, passed, seen, wanted, code in self._rows]

    @classmethod
    def from_json(cls, steps: Mapping[str, str], rows: Iterable[Iterable[object]]) -> Self:
        """The list `as_json` made; rows of steps since dropped are left out, an unreadable row is a ValueError."""
        return cls(steps, (check for check in map(_check, rows) if check.name in steps))


def _fit(text: str) -> str:
    return text if len(text) <= SHOWN_LIMIT and text.isprintable() else shown(text)


def _check(row: Iterable[object]) -> Check:
    name, passed, seen, wanted, code = row
    if isinstance(name, str) and isinstance(seen, str) and isinstance(wanted, str) and isinstance(code, str):
        return Check(name, None if passed is None else bool(passed), seen, wanted, code)
    raise ValueError(f"not a check: {row!r}")
