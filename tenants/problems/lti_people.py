"""What may keep somebody from coming in who is not known yet, and what decisions about people can run into."""

from saas.problems import Problem
from tenants.problems.owners import ACADEMY_ADMIN, BOTH_ADMINS, LEARNER, PLATFORM_ADMIN

_SHARE_NAME = (
    "Moodle: in the tool's privacy settings, set “Share launcher's name with tool” to Always. "
    "Canvas: set the developer key's privacy level to Public. "
    "Blackboard: tick Name under “User Fields to Send” of the tool provider. "
    "Brightspace: tick first and last name in the deployment's security settings. "
    "Sakai: tick “Send User Names to External Tool”."
)
_SHARE_EMAIL = (
    "Moodle: in the tool's privacy settings, set “Share launcher's email with tool” to Always. "
    "Canvas: set the developer key's privacy level to Public. "
    "Blackboard: tick Email Address under “User Fields to Send” of the tool provider. "
    "Brightspace: tick Email in the deployment's security settings. "
    "Sakai: tick “Send Email Addresses to External Tool”. "
    "And see that the person has a valid address there."
)

PEOPLE_PROBLEMS = (
    Problem(
        "LTI_PERSON_EMAIL",
        403,
        "Your e-mail address did not come along",
        "The other LMS sent no e-mail address, or one that is not valid.",
        PLATFORM_ADMIN,
        _SHARE_EMAIL,
    ),
    Problem(
        "LTI_PERSON_NAME",
        403,
        "Your name did not come along",
        "The other LMS sent no given name and family name.",
        PLATFORM_ADMIN,
        _SHARE_NAME,
    ),
    Problem(
        "LTI_PERSON_STAFF",
        403,
        "This account belongs to staff",
        "Someone of this academy's staff has the e-mail address, or the person became staff since; staff accounts are "
        "never opened from another LMS.",
        ACADEMY_ADMIN,
        "Sign in here directly, or, if the address is somebody else's, use another one in the other LMS.",
    ),
    Problem(
        "LTI_PERSON_CONFLICT",
        403,
        "This e-mail address is taken",
        "The address belongs to a person already linked to another user ID of the same LMS.",
        BOTH_ADMINS,
        "Give each person an address of their own there; if it is the same person, say so under Integrations, People "
        "cases.",
    ),
    Problem(
        "LTI_PERSON_SUSPENDED",
        403,
        "This account is suspended",
        "The person's account in this academy is suspended.",
        ACADEMY_ADMIN,
        "Lift the suspension on the person's page.",
    ),
    Problem(
        "LTI_PERSON_SIGN_IN",
        403,
        "Sign in here once",
        "This academy does not take the other LMS's word for who you are: whoever comes from there for the first time "
        "signs in with the account they have here.",
        LEARNER,
        "Sign in on the page the launch ends on; after that you come straight in. Without an account here, ask the "
        "academy for one.",
    ),
    Problem(
        "LTI_PERSON_UNKNOWN",
        403,
        "You have no account here yet",
        "From this LMS the academy takes only people who have an account here already, with the e-mail address the LMS "
        "names.",
        ACADEMY_ADMIN,
        "Make an account with that address under People, or let the connection make accounts: Integrations, the "
        "connection, People.",
    ),
    Problem(
        "LTI_PERSON_PLACEHOLDER",
        403,
        "This e-mail address is not a person's",
        "Several people come from the other LMS with one and the same e-mail address, so it says nothing about who they "
        "are. Nobody new is let in with it.",
        BOTH_ADMINS,
        "Have the other LMS send each person's own address. Or decide under Integrations, People cases, that all of "
        "them get an account of their own without it.",
    ),
    Problem(
        "LTI_PERSON_DOUBT",
        403,
        "Your academy checks this first",
        "You signed in with an account whose e-mail address is not the one the other LMS names, and this browser could "
        "not show that it is the one you came with.",
        ACADEMY_ADMIN,
        "Decide under Integrations, People cases, whether the two are one person; then open the activity there again.",
    ),
    Problem(
        "LTI_INTRODUCTION",
        410,
        "This page is over",
        "It asked once who you are here; it was answered already, or more than half an hour has passed.",
        LEARNER,
        "Open the activity in the other LMS again.",
    ),
    Problem(
        "PERSON_CASE_DECIDED",
        409,
        "This is decided already, or cannot be decided so",
        "Somebody else decided the case in the meantime, or the decision does not fit it.",
        ACADEMY_ADMIN,
        "Look at the case again; a decision can be taken back for 30 days.",
    ),
    Problem(
        "PERSON_CASE_UNDO",
        409,
        "This cannot be taken back any more",
        "The decision is more than 30 days old, or was taken back already.",
        ACADEMY_ADMIN,
        "Look at the case again; people and results can still be changed on their own pages.",
    ),
)
