"""What Check Zoom connection finds, and what to do about it."""

from saas.problems import Problem

ZOOM_CHECK_PROBLEMS: tuple[Problem, ...] = ()
