"""The closed list of everything a person or a partner system can be refused with, a module per area.

Codes are stable: pages, the launch log, the command line and docs/errors.md all quote them.
"""

from saas.problems import Problem
from tenants.problems.academy import ACADEMY_PROBLEMS
from tenants.problems.lti import LTI_PROBLEMS

PROBLEMS: tuple[Problem, ...] = (*ACADEMY_PROBLEMS, *LTI_PROBLEMS)
