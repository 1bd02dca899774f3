"""What tests read from pages."""

import html
import re
from typing import Any

from webtest import TestResponse


def one_time_path(page: TestResponse) -> str:
    """The path of the sign-in link shown on the page."""
    found = re.search(r"/sign-in/[\w-]{20,}", page.text)
    assert found
    return found[0]


def words(page: TestResponse) -> str:
    """What a person reads: no tags, single spaces."""
    body = re.sub(r"<(script|style|template)\b.*?</\1>", " ", page.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def faults(page: TestResponse) -> set[str]:
    """Names of the fields that the page marks as faulty."""
    return set(re.findall(r'id="([\w-]+)-error"', page.text))


def rows_in(form: Any) -> list[tuple[str, str]]:
    """Name and value of each row of additional parameters that is filled in."""
    names, values = (form.fields.get(f"custom-{part}", ()) for part in ("name", "value"))
    rows = [(name.value, value.value) for name, value in zip(names, values, strict=True)]
    return [row for row in rows if any(row)]
