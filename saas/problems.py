"""Refusals people can meet: each has a code, a cause, an owner and a remedy.

Services raise `Refused`; whoever speaks to a person (page, command line, launch log) looks the code up in the catalogue
the features registered, so the words stand in one place.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One way to be refused: HTTP ``status``, what happened, who can mend it (``owner``) and how."""

    code: str
    status: int
    title: str
    cause: str
    owner: str
    remedy: str


class Refused(Exception):
    """A service says no. ``seen`` and ``wanted`` are safe to show to staff; they never carry a secret."""

    def __init__(self, code: str, *, seen: str = "", wanted: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.seen = seen
        self.wanted = wanted

    def __str__(self) -> str:
        return f"{self.code} (seen {self.seen!r}, wanted {self.wanted!r})" if self.seen or self.wanted else self.code


class Catalogue:
    """Every `Problem` by code; a code is declared once."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._by_code: dict[str, Problem] = {}
        self.add(problems)

    def add(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            if problem.code in self._by_code:
                raise ValueError(f"problem {problem.code} is declared twice")
            self._by_code[problem.code] = problem

    def __getitem__(self, code: str) -> Problem:
        return self._by_code[code]

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._by_code.values())
