"""What somebody searches for, as far as it is looked at."""

from collections.abc import Mapping

#: Characters. No name or address is longer, and SQLite refuses to compare with patterns of 50,000.
WORDS_LIMIT = 200


def words_in(given: Mapping[str, str], name: str = "q") -> str:
    return given.get(name, "").strip()[:WORDS_LIMIT]
