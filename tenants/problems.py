"""The closed list of everything a person or a partner system can be refused with, area by area."""

from saas.problems import Problem

PROBLEMS: tuple[Problem, ...] = ()
