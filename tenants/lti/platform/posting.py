"""Pages whose one form goes to a tool by itself: signed fields, a login or a token. Nothing may be added to them."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pyramid.request import Request
from pyramid.response import Response

from saas.web.headers import CSP, content_policy
from saas.web.rendering import render_page
from tenants.lti.tool.addresses import origin_of


def post_to_tool(
    request: Request, url: str, fields: Iterable[tuple[str, str]], *, name: str, link: str = "", **more: Any
) -> Response:
    """``name`` is the tool's on screen; ``link`` says the same as the form, for tools that take no form."""
    values: Mapping[str, Any] = {"url": url, "fields": list(fields), "name": name, "link": link, **more}
    response = render_page(request, "lti/opening_send.html", dict(values))
    response.headers[CSP] = sending_policy(request, url)
    response.headers["Referrer-Policy"] = "strict-origin"  # else the browser says that the form comes from nowhere
    return response


def sending_policy(request: Request, url: str) -> str:
    """The form may go to the tool, and on from there: browsers hold redirects to the same list, and tools often send
    people over a second host of theirs. The page has no other form.
    """
    allowed = (origin_of(url), f"{urlsplit(url).scheme}:")
    return content_policy(ancestors(request), tuple(filter(None, allowed)))


def ancestors(request: Request) -> tuple[str, ...]:
    """Ourselves, for the frame of the learner's page, and who may frame that page."""
    return ("'self'", *request.registry.frame_origins(request))
