"""Why Zoom does not open."""

from saas.problems import Problem
from tenants.problems.owners import ACADEMY_ADMIN

ZOOM_OPENING_PROBLEMS: tuple[Problem, ...] = (
    Problem(
        "ZOOM_OFF",
        403,
        "Zoom is not switched on here",
        "The operator has not enabled Zoom for this academy, or the academy's admin has switched it off.",
        ACADEMY_ADMIN,
        "Open Integrations, External tools, Zoom: ask the operator there, or switch Zoom on. Your settings are kept.",
    ),
    Problem(
        "ZOOM_KIND_OFF",
        403,
        "Zoom is not switched on for this place",
        "The academy uses Zoom, but not here: course elements, course tools and group tools are switched each on its own.",
        ACADEMY_ADMIN,
        "Open Integrations, External tools, Zoom, and enable Zoom for it.",
    ),
)
