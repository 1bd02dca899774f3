"""What can be wrong with a Zoom profile."""

from saas.problems import Problem

ZOOM_PROFILES_PROBLEMS: tuple[Problem, ...] = ()
