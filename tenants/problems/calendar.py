"""What can be refused with calendar."""

from saas.problems import Problem

CALENDAR_PROBLEMS: tuple[Problem, ...] = ()
