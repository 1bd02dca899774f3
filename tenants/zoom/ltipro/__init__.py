"""Zoom LTI Pro: Zoom as an LTI 1.3 tool that takes its platform for Moodle (docs/zoom.md)."""

from pyramid.config import Configurator

from tenants.zoom.ltipro import models as models
from tenants.zoom.ltipro.addresses import ZoomAddresses
from tenants.zoom.settings import ZoomSettings


def includeme(config: Configurator) -> None:
    runtime = config.registry.runtime
    settings = runtime.source.section("zoom", ZoomSettings)
    runtime.parts[ZoomAddresses] = ZoomAddresses(settings.ltipro_url.rstrip("/"))
    config.include("tenants.zoom.ltipro.moodle_views")
    config.include("tenants.zoom.ltipro.calendar_views")
    config.include("tenants.zoom.ltipro.profile_views")
    config.include("tenants.zoom.ltipro.check_views")
    config.include("tenants.zoom.ltipro.trace_views")
    for module in ("place_views", "player_views", "roster_views"):
        config.include(f"tenants.zoom.ltipro.{module}")
