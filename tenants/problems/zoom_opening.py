"""Why Zoom does not open."""

from saas.problems import Problem
from tenants.problems.owners import ACADEMY_ADMIN, AUTHOR, LEARNER

ZOOM_OPENING_PROBLEMS: tuple[Problem, ...] = (
    Problem(
        "ZOOM_OFF",
        403,
        "Zoom is not switched on here",
        "The operator has not enabled Zoom for this academy, or the academy's admin has switched it off.",
        ACADEMY_ADMIN,
        "Open Integrations, External tools, Zoom: ask the operator there, or switch Zoom on. Your settings are kept.",
    ),
    Problem(
        "ZOOM_KIND_OFF",
        403,
        "Zoom is not switched on for this place",
        "The academy uses Zoom, but not here: course elements, course tools and group tools are switched each on its own.",
        ACADEMY_ADMIN,
        "Open Integrations, External tools, Zoom, and enable Zoom for it.",
    ),
    Problem(
        "ZOOM_PROFILE_OFF",
        403,
        "This Zoom profile is switched off",
        "The connection to Zoom that this place uses is there, but not active.",
        ACADEMY_ADMIN,
        "Open the profile under Integrations, External tools, Zoom, and activate it; or let the author choose another one.",
    ),
    Problem(
        "ZOOM_PROFILE_NONE",
        409,
        "There is no Zoom profile yet",
        "Zoom is switched on, but this academy has no connection to a Zoom account that is active.",
        ACADEMY_ADMIN,
        "Open Integrations, External tools, Zoom, and choose Add Zoom LTI Pro configuration.",
    ),
    Problem(
        "ZOOM_PROFILE_CHOICE",
        409,
        "It is not decided which Zoom profile to use",
        "There are several, none is the default, and none of them is alone in having the mail domain of the author.",
        AUTHOR,
        "Choose the Zoom profile in the settings.",
    ),
    Problem(
        "ZOOM_PLACE_MISSING",
        409,
        "Zoom is not set up here",
        "A meeting needs a Zoom profile, and none was chosen.",
        AUTHOR,
        "Choose the Zoom profile in the settings, and save.",
    ),
    Problem(
        "ZOOM_PLACE_OFF",
        403,
        "Zoom is switched off here",
        "Zoom was used at this place and is switched off; its meetings are kept.",
        AUTHOR,
        "Switch Zoom on in the settings of the course or of the group.",
    ),
    Problem(
        "ZOOM_CLOSED",
        403,
        "This is not open to you",
        "It was withdrawn, or you do not take part in it any more.",
        LEARNER,
        "Look at the course; if it should be there, ask the academy.",
    ),
    Problem(
        "ZOOM_GUEST",
        403,
        "Zoom is for people with a sign-in of this academy",
        "You came from another learning system. Zoom knows people by their e-mail address, and yours is that system's word.",
        LEARNER,
        "Ask the academy for a sign-in of your own, and open Zoom with it.",
    ),
    Problem(
        "ZOOM_EMAIL",
        403,
        "Zoom needs your e-mail address",
        "Zoom knows people by their e-mail address; your account has none, or you have not agreed that it is sent.",
        ACADEMY_ADMIN,
        "Enter the address on the person's page; it must be the one of their Zoom account.",
    ),
)
