"""The line that every call of Zoom's leaves, done or refused, and how much a stranger may fill.

No token and no passcode is in it: of a wrong token its end, as a profile's page shows the right one's.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from saas.db.rows import Keeper
from tenants.lti.platform.log import Service, note_call
from tenants.lti.platform.models import Tool
from tenants.lti.wire.text import clean
from tenants.zoom.ltipro.tokens import HINT_LENGTH, LENGTH, hash_of_token

#: Different wrong tokens that one address may try in `WINDOW` seconds. The same one again is a setting gone stale.
TRIES = 20
WINDOW = 600
#: Addresses whose tries are remembered at once.
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    """``code`` is empty for what was done; ``is_proven``: the token was a profile's that may call."""

    code: str
    seen: str
    tool: Tool | None = None
    is_proven: bool = False


def keep(keeper: Keeper, line: Line, may_log: Callable[[], bool], status: int = 200) -> None:
    """Moodle answers everything with 200."""
    if line.is_proven or may_log():
        note_call(keeper, Service.CALENDAR, status=status, code=line.code, seen=line.seen, tool=line.tool)


def hint_of(token: str) -> str:
    """What may be said of a wrong token. Of one that could be somebody's password: nothing."""
    if not token:
        return "none"
    if len(token) != LENGTH or not token.isalnum():
        return f"{len(token)} characters"
    return f"one that ends with {clean(token[-HINT_LENGTH:])}"


class TriedTokens:
    """Which unknown tokens came from where lately, in this process. Guessing means many different ones, and is said to
    be that in the log. It keeps nobody out: Zoom's servers are everybody's, and a token is found by 238 random bits.
    """

    def __init__(self, tries: int = TRIES, now: Callable[[], float] = time.monotonic) -> None:
        self._tries = tries
        self._now = now
        self._lock = threading.Lock()
        self._window = 0
        self._tried: dict[tuple[str, str], set[str]] = {}

    def is_guessing(self, academy: str, address: str) -> bool:
        with self._lock:
            self._turn()
            return len(self._tried.get((academy, address), ())) >= self._tries

    def note(self, academy: str, address: str, token: str) -> None:
        with self._lock:
            self._turn()
            if len(self._tried) >= REMEMBERED:
                self._tried.clear()
            tried = self._tried.setdefault((academy, address), set())
            if len(tried) < self._tries:
                tried.add(hash_of_token(token))

    def _turn(self) -> None:
        window = int(self._now() // WINDOW)
        if window != self._window:
            self._window, self._tried = window, {}
