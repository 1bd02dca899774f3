"""``page("courses/index.html#list")``: a whole page for a navigation, only the block ``list`` for an htmx request.

Every address answers with a full page when opened directly; htmx only makes the same address quicker.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.renderers import RendererHelper
from pyramid.request import Request
from pyramid.threadlocal import get_current_request
from translationstring import TranslationString

from saas.web.flash import take_flash
from saas.web.i18n import DOMAIN, exact, time_element, time_of_day


def is_htmx(request: Request) -> bool:
    """A request for a fragment; boosted navigations and history restores want the whole page."""
    headers = request.headers
    return "HX-Request" in headers and "HX-Boosted" not in headers and "HX-History-Restore-Request" not in headers


class Page(RendererHelper):
    """A renderer object for ``@view_config(renderer=…)``."""

    def __init__(self, name: str, package: Any = None, registry: Any = None) -> None:
        self.name = name
        self.package = package
        self.registry = registry
        self.type = ".html"

    def clone(self, name: str | None = None, package: Any = None, registry: Any = None) -> "Page":
        return Page(name or self.name, package or self.package, registry or self.registry)

    def render(self, value: Any, _system_values: Any, request: Any = None) -> str:
        return render(request, self.name, value)


def page(name: str) -> Page:
    return Page(name)


def render(request: Request, name: str, values: dict[str, Any]) -> str:
    """The page, or its block when ``name`` has one and htmx asks."""
    template_name, _, block = name.partition("#")
    if block and is_htmx(request):
        return render_block(request, name, values)
    around = {"flash": []} if values.get("plain") else {**request.registry.frame(request), "flash": take_flash(request)}
    context = {**around, **values}
    return request.registry.jinja.get_template(template_name).render(request=request, **context)


def render_block(request: Request, name: str, values: dict[str, Any]) -> str:
    """Always the block alone (fragments, parts of streams and out-of-band swaps)."""
    template_name, _, block = name.partition("#")
    template = request.registry.jinja.get_template(template_name)
    return "".join(template.blocks[block](template.new_context({"request": request, **values})))


def render_page(request: Request, name: str, values: dict[str, Any], status: int = 200) -> Any:
    """The same as an answer, for views that choose their template or status."""
    request.response.text = render(request, name, values)
    request.response.status_int = status
    request.response.vary = ("HX-Request",)
    return request.response


def vary_on_htmx(view: Any, info: Any) -> Any:
    if not isinstance(info.options.get("renderer"), Page):
        return view

    def varied(context: Any, request: Request) -> Any:
        response = view(context, request)
        response.vary = ("HX-Request",)
        return response

    return varied


vary_on_htmx.options = ("renderer",)  # type: ignore[attr-defined]  # -- how Pyramid learns of view options


def translate(message: str) -> str:
    text = message if isinstance(message, TranslationString) else TranslationString(message, domain=DOMAIN)
    return get_current_request().localizer.translate(text)


def translate_plural(singular: str, plural: str, number: int) -> str:
    return get_current_request().localizer.pluralize(singular, plural, number, domain=DOMAIN)


def percent(number: Decimal | float | None) -> str:
    """Two decimals at most, none when whole."""
    if number is None:
        return "–"
    return f"{Decimal(str(number)).quantize(Decimal('0.01')).normalize():f} %"


def _when(moment: datetime | None) -> Markup:
    return time_element(get_current_request(), moment)


def _exact(moment: datetime | None) -> str:
    return exact(get_current_request(), moment) if moment else ""


def _clock(moment: datetime | None) -> str:
    return time_of_day(get_current_request(), moment) if moment else ""


class Macros:
    """The macros of one file, loaded when used, so that blocks rendered alone have them too."""

    def __init__(self, environment: Environment, name: str) -> None:
        self._environment = environment
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._environment.get_template(self._name).module, name)


def make_environment(folder: Path, *, live: bool) -> Environment:
    """Every file of ``_macros/`` is a global of its name: ``{{ ui.button(…) }}`` works in pages and fragments alike."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=live,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(translate, translate_plural, newstyle=True)  # type: ignore[attr-defined]  # -- added by the i18n extension
    for file in sorted((folder / "_macros").glob("*.html")):
        environment.globals[file.stem] = Macros(environment, f"_macros/{file.name}")
    environment.globals["asset"] = lambda path: get_current_request().asset(path)
    environment.filters.update({"when": _when, "exact": _exact, "clock": _clock, "percent": percent})
    environment.globals.update({"when": _when, "exact": _exact})
    return environment


def set_frame(config: Configurator, frame: Callable[[Request], dict[str, Any]]) -> None:
    """``frame(request)`` is what the layout shows around a page: ``nav`` (objects with label, url and current) and the
    optional addresses that ``templates/_layout.html`` names.
    """
    config.registry.frame = frame


def includeme(config: Configurator) -> None:
    web = config.registry.runtime.settings.web
    config.registry.frame = lambda _request: {}
    config.registry.jinja = make_environment(web.templates.resolve(), live=web.reload_templates)
    config.add_directive("set_frame", set_frame)
    config.add_request_method(is_htmx, "htmx", reify=True)
    config.add_view_deriver(vary_on_htmx)
