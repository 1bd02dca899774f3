"""Courses, activities and what they are made of."""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    config.include("tenants.catalog.views")
