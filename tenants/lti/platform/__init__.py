"""We are the platform: outside tools that our learners open as e-learnings and exams, and what those tools tell us."""

from pyramid.config import Configurator

from tenants.lti.platform import grants as grants
from tenants.lti.platform import models as models


def includeme(config: Configurator) -> None:
    """The pages and doors of this side, a module each."""
    config.include("tenants.lti.platform.authorize_views")
    config.include("tenants.lti.platform.player_views")
    config.include("tenants.lti.platform.content_views")
    config.include("tenants.lti.platform.review_views")
    config.include("tenants.lti.platform.preview_views")
    config.include("tenants.lti.platform.link_views")
    config.include("tenants.lti.platform.tool_views")
    config.include("tenants.lti.platform.registration_views")
    for module in ("token_views", "ags_views", "nrps_views", "outcome_views", "call_views"):
        config.include(f"tenants.lti.platform.{module}")
    config.scan("tenants.lti.platform.jobs", categories=["lyceum"])
