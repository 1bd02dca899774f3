"""Static files under addresses that change with their content, so browsers may keep them for a year.

Third-party files come from installed packages, never from this repository; `VENDORED` is their one list.
"""

import hashlib
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.static import QueryStringCacheBuster

YEAR = 365 * 24 * 3600
#: Address below /vendor/ → package and folder that holds the files (docs/decisions/0002).
VENDORED = {"htmx": ("js_lib_htmx", "static/htmx")}


class ContentHash(QueryStringCacheBuster):
    """``?v=<hash of the file>``; a changed file gets a new address at the next start (or at once in development)."""

    def __init__(self, root: Path, *, live: bool) -> None:
        super().__init__(param="v")
        self._root = root
        self._hash = _hash.__wrapped__ if live else _hash

    def tokenize(self, _request: Request, subpath: str, _kw: Any) -> str:
        return self._hash(self._root / subpath)


@lru_cache(maxsize=1024)
def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    except OSError:
        return "missing"


def asset(request: Request, path: str) -> str:
    """The address of a static file: ``asset("css/base.css")``, ``asset("vendor/htmx/htmx.min.js")``."""
    for name, folder in request.registry.vendored.items():
        if path.startswith(f"vendor/{name}/"):
            return request.static_path(f"{folder}/{path.removeprefix(f'vendor/{name}/')}")
    return request.static_path(f"{request.registry.static_root}/{path}")


def includeme(config: Configurator) -> None:
    web = config.registry.runtime.settings.web
    roots = {"static": web.static.resolve()}
    for name, (package, folder) in VENDORED.items():
        roots[f"vendor/{name}"] = Path(str(files(package))) / folder
    for address, root in roots.items():
        config.add_static_view(address, f"{root}/", cache_max_age=YEAR)
        config.add_cache_buster(f"{root}/", ContentHash(root, live=web.reload_templates))
    config.registry.static_root = roots["static"]
    config.registry.vendored = {name: roots[f"vendor/{name}"] for name in VENDORED}
    config.add_request_method(asset, "asset")
