"""What can keep an activity of an outside tool from being set up, as authors meet it."""

from saas.problems import Problem
from tenants.problems.owners import AUTHOR

LINK_PROBLEMS = (
    Problem(
        "LTI_LINK_OWN",
        409,
        "The content of this activity is written here",
        "Only an activity made with LTI opens an outside tool.",
        AUTHOR,
        "Make a new activity: E-learning or Exam, then LTI.",
    ),
    Problem(
        "LTI_LINK_INCOMPLETE",
        409,
        "The LTI settings are not complete",
        "An activity of an outside tool can be published once it is known what it opens.",
        AUTHOR,
        "Complete the settings of the activity under LTI: for LTI 1.2 Key, Secret, Launch-URL and Resource-link, for "
        "LTI 1.3 Tool and Resource URL.",
    ),
    Problem(
        "EXAM_MINIMUM",
        422,
        "The minimum score is missing or out of range",
        "An exam has a minimum score: a whole number from 1 to 100, in percent.",
        AUTHOR,
        "Enter a minimum score between 1 and 100.",
    ),
)
