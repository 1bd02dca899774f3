"""A form that comes from another site may come without our cookie: a page of ours posts the same fields from our own
site, once.
"""

from collections.abc import Container, Iterable

from pyramid.request import Request
from pyramid.response import Response

from saas.web.rendering import render_page
from tenants.lti.tool.frame_views import is_from_own_page

#: Posted by our own page only.
AGAIN = "again"


def may_return(request: Request, sent: Container[str], again: str = AGAIN) -> bool:
    """Whether the cookie may only have been kept back; ``sent``: the names of the fields."""
    came_again = again in sent or is_from_own_page(request)
    return not came_again and not request.session_token


def send_again(request: Request, fields: Iterable[tuple[str, str]], again: str = AGAIN) -> Response:
    return render_page(request, "lti/opening_again.html", {"fields": list(fields), "again": again})
