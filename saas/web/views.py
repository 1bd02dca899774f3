"""Small things every view needs: a base class, redirects, ids from addresses, and safe ways back."""

from typing import Any
from uuid import UUID

from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response


class View:
    """Base of view classes. Pyramid calls it with the context (what the route's factory loaded) and the request."""

    def __init__(self, context: Any, request: Request) -> None:
        self.context = context
        self.request = request

    def go(self, route: str, **values: Any) -> Response:
        return see_other(self.request.route_path(route, **values))


def see_other(address: str) -> Response:
    """After a POST: the browser fetches ``address``; reloading repeats nothing.

    A plain response: Pyramid's redirect exception would write a page for it that nobody reads.
    """
    return Response(status=303, location=address)


def uuid_in(request: Request, name: str) -> UUID:
    """The id in the address; anything else does not exist."""
    try:
        return UUID(request.matchdict[name])
    except ValueError:
        raise HTTPNotFound from None


def own_path(address: str | None, fallback: str = "/") -> str:
    """``address`` when it is a path of ours, else ``fallback``: never a redirect to another site."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")) or not address.isprintable():
        return fallback
    return address
