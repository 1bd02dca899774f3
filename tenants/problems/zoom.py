"""Everything Zoom can refuse, in words for a screen, a module per area."""

from saas.problems import Problem
from tenants.problems.zoom_calls import ZOOM_CALLS_PROBLEMS
from tenants.problems.zoom_check import ZOOM_CHECK_PROBLEMS
from tenants.problems.zoom_opening import ZOOM_OPENING_PROBLEMS
from tenants.problems.zoom_profiles import ZOOM_PROFILES_PROBLEMS

ZOOM_PROBLEMS: tuple[Problem, ...] = (
    *ZOOM_PROFILES_PROBLEMS,
    *ZOOM_OPENING_PROBLEMS,
    *ZOOM_CALLS_PROBLEMS,
    *ZOOM_CHECK_PROBLEMS,
)
