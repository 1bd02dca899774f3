"""CSRF tokens bound to the session: no second secret to store, and they work inside partitioned frames too.

Somebody signed in gets ``HMAC(session token)``; a stranger (sign-in form) gets a random cookie to match.
"""

import hashlib
import hmac
import secrets
from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import ICSRFStoragePolicy
from pyramid.request import Request
from zope.interface import implementer

from saas.web.sessions import cookie_name, set_cookie

COOKIE = "csrf"
FIELD = "csrf_token"
HEADER = "X-CSRF-Token"


@implementer(ICSRFStoragePolicy)
class SessionBoundTokens:
    def new_csrf_token(self, request: Request) -> str:
        token = secrets.token_urlsafe(24)
        request.stranger_csrf = token

        def remember(_request: Request, response: Any) -> None:
            set_cookie(request, response, COOKIE, token)

        request.add_response_callback(remember)
        return token

    def get_csrf_token(self, request: Request) -> str:
        if request.session_token:
            return hmac.new(request.session_token.encode(), b"lyceum csrf", hashlib.sha256).hexdigest()
        known = getattr(request, "stranger_csrf", None) or request.cookies.get(cookie_name(request, COOKIE))
        return known if known and len(known) == 32 and known.isascii() else self.new_csrf_token(request)

    def check_csrf_token(self, request: Request, supplied: object) -> bool:
        if not isinstance(supplied, str):
            return False
        expected = self.get_csrf_token(request)
        return hmac.compare_digest(expected.encode(), supplied.encode("utf-8", "replace"))


def csrf_token(request: Request) -> str:
    return request.registry.getUtility(ICSRFStoragePolicy).get_csrf_token(request)


def includeme(config: Configurator) -> None:
    config.set_csrf_storage_policy(SessionBoundTokens())
    config.set_default_csrf_options(require_csrf=True, token=FIELD, header=HEADER, check_origin=False)
    config.add_request_method(csrf_token, "csrf_token", property=True)
