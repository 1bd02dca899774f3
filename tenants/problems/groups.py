"""What can be refused with groups."""

from saas.problems import Problem

GROUPS_PROBLEMS: tuple[Problem, ...] = ()
