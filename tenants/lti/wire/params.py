"""Form and query parameters as they arrive: known names only, each once, none too long."""

from collections.abc import Iterable, Mapping


def read_once(pairs: Iterable[tuple[str, str]], limits: Mapping[str, int]) -> tuple[dict[str, str], list[str]]:
    """The values of the names in ``limits`` (longest length each) and, in words, what is wrong with them.

    A name given twice is a fault even with equal values: which one counts would be a guess. Other names are ignored.
    """
    values: dict[str, str] = {}
    faults: list[str] = []
    for name, value in pairs:
        limit = limits.get(name)
        if limit is None:
            continue
        if name in values:
            faults.append(f"{name}: given twice")
        elif len(value) > limit:
            faults.append(f"{name}: {len(value)} characters, at most {limit}")
        elif "\0" in value or not _is_unicode(value):
            faults.append(f"{name}: not readable text")
        values[name] = value
    return values, faults


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
