"""What was just done, said once on the next page: a short signed cookie, so that nothing is written for it."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from webob.cookies import SignedSerializer

from saas.web.sessions import cookie_name, set_cookie

COOKIE = "flash"
#: Cookies are capped at 4 kB by browsers; a notice is a sentence.
MAX_LENGTH = 400


def _serializer(request: Request) -> SignedSerializer:
    return request.registry.flash_serializer


def flash(request: Request, text: str, kind: str = "good") -> None:
    """``kind``: good, attention, bad or information. Shown by the next page this browser opens here."""
    value = _serializer(request).dumps([request.tenant.id, kind, str(text)[:MAX_LENGTH]]).decode()

    def send(_request: Request, response: Any) -> None:
        if response.status_int < 400:  # what was said to be done may have failed at the commit
            set_cookie(request, response, COOKIE, value)

    request.add_response_callback(send)


def take_flash(request: Request) -> list[tuple[str, str]]:
    """The waiting notice; it is deleted with this answer."""
    value = request.cookies.get(cookie_name(request, COOKIE))
    if not value or request.tenant is None:
        return []

    def clear(_request: Request, response: Any) -> None:
        set_cookie(request, response, COOKIE, "")

    request.add_response_callback(clear)
    try:
        tenant_id, kind, text = _serializer(request).loads(value.encode())
    except ValueError:
        return []
    return [(kind, text)] if tenant_id == request.tenant.id else []


def includeme(config: Configurator) -> None:
    key = config.registry.runtime.secrets.mac_key("flash")
    config.registry.flash_serializer = SignedSerializer(key, "lyceum.flash", hashalg="sha256")
    config.add_request_method(flash, "flash")
