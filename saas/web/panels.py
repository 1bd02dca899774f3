"""Places in a page that features above may fill: ``config.add_panel("activity.settings", panel)``.

A panel is ``(request, subject) -> Markup | str``; empty means nothing to show. So the catalog's settings page can show
"Available for LTI" without knowing of LTI.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request

Panel = Callable[[Request, Any], Markup | str]


def add_panel(config: Configurator, place: str, panel: Panel) -> None:
    config.registry.panels[place].append(panel)


def panels(request: Request, place: str, subject: Any) -> list[Markup]:
    shown = (panel(request, subject) for panel in request.registry.panels[place])
    return [Markup(each) for each in shown if each]  # noqa: S704 -- rendered by autoescaped templates


def includeme(config: Configurator) -> None:
    config.registry.panels = defaultdict(list)
    config.add_directive("add_panel", add_panel)
    config.add_request_method(panels, "panels")
