"""Zoom: meetings in courses, course tools and groups."""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    config.include("tenants.zoom.ltipro")
