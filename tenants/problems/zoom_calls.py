"""What Zoom is answered at Moodle's addresses."""

from saas.problems import Problem

ZOOM_CALLS_PROBLEMS: tuple[Problem, ...] = ()
