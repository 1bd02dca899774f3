"""Practice Zoom's own pages; every one of them says what it is not."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pyramid.response import Response

FOLDER = Path(__file__).resolve().parent / "templates"
PAGES = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def page(template: str, *, status: int = 200, **values: Any) -> Response:
    return Response(PAGES.get_template(template).render(**values), status=status, content_type="text/html")


def refusal(words: str, status: int = 400) -> Response:
    """What is wrong, in words for whoever connects the two sides."""
    return page("refused.html", status=status, words=words)
