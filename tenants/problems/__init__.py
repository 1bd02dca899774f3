"""The closed list of everything a person or a partner system can be refused with, a module per area.

Codes are stable: pages, the launch log, the command line and docs/errors.md all quote them.
"""

from saas.problems import Problem
from tenants.problems.academy import ACADEMY_PROBLEMS
from tenants.problems.calendar import CALENDAR_PROBLEMS
from tenants.problems.groups import GROUPS_PROBLEMS
from tenants.problems.lti import LTI_PROBLEMS
from tenants.problems.zoom import ZOOM_PROBLEMS

PROBLEMS: tuple[Problem, ...] = (
    *ACADEMY_PROBLEMS,
    *GROUPS_PROBLEMS,
    *CALENDAR_PROBLEMS,
    *LTI_PROBLEMS,
    *ZOOM_PROBLEMS,
)
