"""We are the platform: outside tools that our learners open as e-learnings and exams, and what those tools tell us."""

from pyramid.config import Configurator

from tenants.lti.platform import grants as grants
from tenants.lti.platform import models as models


def includeme(config: Configurator) -> None:
    """The pages and doors of this side, a module each."""
