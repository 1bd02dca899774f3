"""Who can mend a refusal of LTI, in the words of the screen."""

PLATFORM_ADMIN = "the other LMS's admin"
PLATFORM_TEACHER = "the teacher in the other LMS"
ACADEMY_ADMIN = "the academy's admin"
BOTH_ADMINS = "the academy's admin, with the other LMS's admin"
LEARNER = "the learner"
OPERATOR = "the operator"
NOBODY = "nobody; try again"
