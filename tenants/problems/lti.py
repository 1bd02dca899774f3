"""Everything LTI can refuse, in words for a screen. Codes are shown too: people search for them and read them out."""

from saas.problems import Problem
from tenants.problems.lti11 import LTI11_PROBLEMS
from tenants.problems.lti_people import PEOPLE_PROBLEMS
from tenants.problems.lti_scores import SCORE_PROBLEMS
from tenants.problems.lti_services import SERVICE_PROBLEMS
from tenants.problems.owners import ACADEMY_ADMIN, BOTH_ADMINS, LEARNER, OPERATOR, PLATFORM_ADMIN, PLATFORM_TEACHER

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

_LOGIN = (
    Problem(
        "LTI13_LOGIN_PARAM",
        400,
        "The start of the launch is incomplete",
        "The other LMS left out something it must send, or sent it twice or too long.",
        PLATFORM_ADMIN,
        "Enter our “OIDC login URL” there as initiate login URL, and open the activity from a course, not by address.",
    ),
    Problem(
        "LTI13_NO_REGISTRATION",
        403,
        "This LMS is not registered here",
        "No LTI 1.3 platform of this academy has this issuer and client ID.",
        ACADEMY_ADMIN,
        "Compare issuer and client ID letter by letter with those in the other LMS; a slash at the end counts.",
    ),
    Problem(
        "LTI13_AMBIGUOUS_CLIENT",
        400,
        "More than one registration fits",
        "The other LMS named no client ID, and several platforms here have its issuer.",
        PLATFORM_ADMIN,
        "Use the login URL shown with your platform's registration here: it says which one is meant.",
    ),
    Problem(
        "LTI13_INACTIVE",
        403,
        "This LMS is switched off here",
        "The platform is registered in this academy but not activated.",
        ACADEMY_ADMIN,
        "Open the platform under Integrations, LTI 1.3, and activate it.",
    ),
    Problem(
        "LTI13_DEPLOYMENT",
        403,
        "The deployment is not known",
        "The other LMS launches under a deployment ID that is not listed for it, or names a different one than before.",
        ACADEMY_ADMIN,
        "Open Integrations, LTI 1.3, the platform: if the deployment is yours, accept it there with one click.",
    ),
    Problem(
        "LTI13_TARGET",
        404,
        "There is no such activity here",
        "The link in the other LMS points to an address that is no published activity of this academy.",
        PLATFORM_TEACHER,
        "Copy the activity's “LTI 1.3 Resource URL” again into the link, or choose the activity anew.",
    ),
    Problem(
        "LTI_OFF",
        403,
        "LTI is not enabled in your environment",
        "The operator has not switched LTI on for this academy.",
        OPERATOR,
        "Ask the operator of this installation to switch LTI on; your settings are kept.",
    ),
    Problem(
        "LTI_NOT_AVAILABLE",
        403,
        "The activity is not open to other LMSs",
        "It is unpublished, not available for LTI, out of its dates, or full.",
        ACADEMY_ADMIN,
        "Publish the activity, switch on “Available for LTI”, and check its dates and seats.",
    ),
)

_LAUNCH = (
    Problem(
        "LTI13_PLATFORM_ERROR",
        400,
        "The other LMS stopped the launch",
        "It answered with an error of its own, shown with this message.",
        LEARNER,
        "Open the activity in a new window; if that does not help, sign in to your LMS again and click the link there.",
    ),
    Problem(
        "LTI13_PARAM",
        400,
        "The launch is incomplete",
        "The other LMS sent no token or no state, or sent one twice.",
        PLATFORM_ADMIN,
        "Check that our redirect URL is registered exactly and that the LMS answers by form post.",
    ),
    Problem(
        "LTI13_STATE",
        400,
        "This launch is over",
        "It was used already, took longer than ten minutes, or was not started here.",
        LEARNER,
        "Go back to your course and open the activity once more.",
    ),
    Problem(
        "LTI13_COOKIE",
        400,
        "Your browser kept the launch from us",
        "The browser blocked our cookie inside the other LMS's page.",
        LEARNER,
        "Open the activity in a new window with the button below.",
    ),
    Problem(
        "LTI_ENTRANCE",
        410,
        "This way in is over",
        "The button works once, for ten minutes.",
        LEARNER,
        "Go back to your course and open the activity once more.",
    ),
    Problem(
        "LTI13_JWT_FORMAT",
        400,
        "The token cannot be read",
        "What the other LMS sent is no signed token of the usual form.",
        PLATFORM_ADMIN,
        "Check that the tool is set up there as LTI 1.3 and that nothing between the two systems changes requests.",
    ),
    Problem(
        "LTI13_ALG",
        401,
        "The token is signed in a way we do not take",
        "Its signature algorithm is not among those allowed for this platform; unsigned tokens never are.",
        BOTH_ADMINS,
        "Let the LMS sign with RS256, or allow its algorithm in the platform's settings here.",
    ),
    Problem(
        "LTI13_KID",
        401,
        "The token does not name its key",
        "The header of the token has no key ID (kid), so we cannot tell which key to check it with.",
        BOTH_ADMINS,
        "Let the LMS name its key, or paste its public key into the platform's settings here.",
    ),
    Problem(
        "LTI13_REGISTRATION_MISMATCH",
        401,
        "The token comes from another registration",
        "The launch was started for one registered platform and answered by another.",
        BOTH_ADMINS,
        "Compare issuer and client ID here and in the other LMS; the difference is shown with the failed check.",
    ),
    Problem(
        "LTI13_KEY_NOT_FOUND",
        401,
        "The platform's key was not found",
        "The key that signed the token is not among the usable keys the platform publishes.",
        BOTH_ADMINS,
        "Check the platform's JWKS URL here; it must list the key shown, RSA with at least 2048 bits.",
    ),
    Problem(
        "LTI13_JWKS_UNREACHABLE",
        424,
        "The platform's keys cannot be read",
        "Its JWKS URL did not answer with a key set, and no earlier copy may be used any longer.",
        PLATFORM_ADMIN,
        "Open the JWKS URL in a browser: it must show JSON without signing in. Then fetch the keys again here.",
    ),
    Problem(
        "LTI13_KEY_FORMAT",
        422,
        "This is no public key",
        "The pasted text is neither a public key or certificate (PEM) nor a JWK or key set (JSON) we can use.",
        ACADEMY_ADMIN,
        "Copy the whole public key, from BEGIN to END, or enter the platform's JWKS URL instead.",
    ),
    Problem(
        "LTI13_SIGNATURE",
        401,
        "The signature is not genuine",
        "The token was not signed with the platform's key, or was changed on the way.",
        PLATFORM_ADMIN,
        "If keys were just exchanged, fetch them again; else check that the JWKS URL belongs to this very LMS.",
    ),
    Problem(
        "LTI13_EXPIRED",
        401,
        "The token has expired",
        "It was no longer valid when it arrived; either the launch took too long or the two clocks differ.",
        PLATFORM_ADMIN,
        "Open the activity once more; if it happens again, set the clock of the LMS's server (both are shown).",
    ),
    Problem(
        "LTI13_NOT_YET_VALID",
        401,
        "The token is from the future",
        "By our clock it is not valid yet, so the clock of the other LMS runs ahead.",
        PLATFORM_ADMIN,
        "Set the clock of the LMS's server (both are shown), or allow more difference in the platform's settings here.",
    ),
    Problem(
        "LTI13_TOO_OLD",
        401,
        "The token is too old",
        "It was made longer ago than we accept, though it has not expired.",
        LEARNER,
        "Go back to your course and open the activity once more.",
    ),
    Problem(
        "LTI13_AUD",
        401,
        "The token is meant for another tool",
        "Our client ID is not in the token's audience.",
        BOTH_ADMINS,
        "Enter the client ID shown in the token into the platform's settings here, if it is ours in the other LMS.",
    ),
    Problem(
        "LTI13_AZP",
        401,
        "The token was issued to another tool",
        "Its authorized party (azp) is not our client ID, or is missing although there are several audiences.",
        PLATFORM_ADMIN,
        "Let the LMS issue tokens with our client ID alone as audience, or as azp.",
    ),
    Problem(
        "LTI13_NONCE",
        401,
        "The token answers another launch",
        "Its nonce is not the one we sent for this launch.",
        LEARNER,
        "Go back to your course and open the activity once more.",
    ),
    Problem(
        "LTI13_VERSION",
        400,
        "It is not LTI 1.3",
        "The token names another version of LTI, or none.",
        PLATFORM_ADMIN,
        "Set the tool up in the other LMS as LTI 1.3.",
    ),
    Problem(
        "LTI13_MESSAGE_TYPE",
        400,
        "We do not know this kind of launch",
        "The other LMS asks for something this tool does not offer.",
        PLATFORM_ADMIN,
        "Add the tool as an activity or resource link, and leave other placements off.",
    ),
    Problem(
        "LTI13_ROLES",
        400,
        "The roles are missing",
        "The other LMS does not say whether a teacher or a learner is coming.",
        PLATFORM_ADMIN,
        "Let the LMS send the roles claim; an empty list is enough.",
    ),
    Problem(
        "LTI13_ANONYMOUS",
        403,
        "The launch does not say who is coming",
        "The other LMS sent no user ID, and we open nothing to people without one.",
        PLATFORM_ADMIN,
        "Sign in to the LMS and launch as a member of the course; guests and previews often have no ID.",
    ),
    Problem(
        "LTI13_CLAIM",
        400,
        "Something is missing in the launch",
        "A needed part of the launch is absent or of the wrong form; which one is shown with the failed check.",
        PLATFORM_ADMIN,
        "Check the link in the course there, above all its address, and update the LMS if it is old.",
    ),
)

_PEOPLE = (
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
)

LTI_PROBLEMS: tuple[Problem, ...] = (
    *_LOGIN,
    *_LAUNCH,
    *LTI11_PROBLEMS,
    *_PEOPLE,
    *PEOPLE_PROBLEMS,
    *SCORE_PROBLEMS,
    *SERVICE_PROBLEMS,
)
