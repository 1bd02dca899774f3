"""One request class for the whole application.

Pyramid gives every single request a class of its own for what ``add_request_method`` added, which costs as much as a
database statement and defeats the interpreter's caches. Here the additions become part of one class, made once.
"""

from collections.abc import Mapping
from io import IOBase
from typing import Any
from urllib.parse import parse_qsl

from pyramid.config import Configurator
from pyramid.decorator import reify
from pyramid.interfaces import IRequestExtensions, IRequestFactory
from pyramid.request import Request
from webob.multidict import MultiDict

FILES = "lyceum.body_files"
#: Where WebOb keeps the form once read: its fields, and the body they came from.
PARSED = "webob._parsed_post_vars"
PLAIN_FORM = "application/x-www-form-urlencoded"
UTF8 = ("utf-8", "utf8")
#: What may stand around the value of a cookie.
QUOTED = ' \t"'


class TidyRequest(Request):
    """Knows the temporary files of its body, which would stay open until the garbage is collected."""

    @reify
    def cookies(self) -> Mapping[str, str]:
        """Read in one pass. WebOb's expression takes time with the square of the header's length: minutes for 60 kB.

        Quotes around a value are no part of it (RFC 6265 §4.1.1); of two with one name the last counts.
        """
        pairs = (each.partition("=") for each in self.environ.get("HTTP_COOKIE", "").split(";"))
        return {name.strip(): value.strip(QUOTED) for name, equals, value in pairs if equals and name.strip()}

    @property
    def POST(self) -> Any:  # noqa: N802 -- WebOb's name
        """Once, and plainly: WebOb reads every form as if it held files, which takes as long as a statement."""
        held = self.environ.get(PARSED)
        if held is not None and held[1] is self.body_file_raw and self.method == "POST":
            return held[0]
        if held is None and self.content_type == PLAIN_FORM and self.charset.lower() in UTF8:
            pairs = parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True)
            self.environ[PARSED] = (MultiDict(pairs), self.body_file_raw)
        return super().POST

    def make_body_seekable(self) -> None:
        """Without a copy where the server has received the whole body before it calls us, as waitress does."""
        body = self.body_file_raw
        if self.content_length is not None and isinstance(body, IOBase) and body.seekable():
            self.is_body_seekable = True
        super().make_body_seekable()

    def make_tempfile(self) -> Any:
        """WebOb asks for one when a body exceeds 10 kB, pyramid_retry before the first attempt."""
        file = super().make_tempfile()
        self.environ.setdefault(FILES, []).append(file)
        return file

    def close_files(self) -> None:
        """The body's, and those of uploaded fields; to be called when nobody will try again."""
        for file in self.environ.pop(FILES, ()):
            file.close()
        for field in self.environ.get(PARSED, ({},))[0].values():
            if file := getattr(field, "file", None):
                file.close()


def _make_class(config: Configurator) -> None:
    added = config.registry.getUtility(IRequestExtensions)
    made = type("Request", (TidyRequest,), {**added.methods, **added.descriptors})
    config.registry.registerUtility(made, IRequestFactory)
    added.methods.clear()
    added.descriptors.clear()


def includeme(config: Configurator) -> None:
    """After everybody's additions."""
    config.action("lyceum.request_class", lambda: _make_class(config), order=10_000)
