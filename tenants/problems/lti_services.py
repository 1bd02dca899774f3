"""What deep linking, dynamic registration and rosters can be refused with."""

from saas.problems import Problem
from tenants.problems.owners import ACADEMY_ADMIN, PLATFORM_ADMIN, PLATFORM_TEACHER

_PICKING = (
    Problem(
        "LTI_PICK_STAFF",
        403,
        "Choosing activities is for teachers",
        "The other LMS sent someone to choose activities who has no teacher's or admin's role there.",
        PLATFORM_TEACHER,
        "Sign in to the LMS as a teacher of the course and choose again.",
    ),
    Problem(
        "LTI_PICK_RETURN",
        400,
        "The choice has nowhere to go",
        "The address to send the choice to is missing, is no address of the web, or is less safe than the LMS itself.",
        PLATFORM_ADMIN,
        "Check the LMS's own public address in its settings: it must begin with https:// as the LMS does.",
    ),
    Problem(
        "LTI_PICK_TYPES",
        400,
        "The LMS takes no links to activities here",
        "It asks for other content, such as files or texts, and this academy offers activities.",
        PLATFORM_TEACHER,
        "Choose from “add activity” or “external tool” in the course, not from an editor or a file dialogue.",
    ),
    Problem(
        "LTI_PICK_SINGLE",
        400,
        "Only one can be chosen",
        "The other LMS takes one activity at a time, and several were chosen.",
        PLATFORM_TEACHER,
        "Choose one, then choose again; a playlist counts as one.",
    ),
    Problem(
        "LTI_PICK_OVER",
        410,
        "This choice is finished",
        "It was answered already, or begun more than an hour ago.",
        PLATFORM_TEACHER,
        "Close this page and choose again from the course in the LMS.",
    ),
)

_REVIEW = (
    Problem(
        "LTI_REVIEW_STAFF",
        403,
        "Looking at attempts is for teachers",
        "The other LMS sent someone to see a learner's attempt who has no teacher's or admin's role there.",
        PLATFORM_TEACHER,
        "Sign in to the LMS as a teacher of the course and open the attempt again from the gradebook.",
    ),
    Problem(
        "LTI_REVIEW_NOBODY",
        404,
        "This learner has not been here",
        "Nobody with the user ID that the LMS named has opened the activity over that link or grade column.",
        PLATFORM_TEACHER,
        "Ask the learner to open the activity from the course first; then open the attempt again from the gradebook.",
    ),
    Problem(
        "LTI_REVIEW_OVER",
        410,
        "This view has ended",
        "A learner's attempt is shown for an hour; then the address is good for nothing.",
        PLATFORM_TEACHER,
        "Open the attempt again from the gradebook in the LMS.",
    ),
)

_REGISTRATION = (
    Problem(
        "LTI13_REG_LINK",
        403,
        "The registration link is used up",
        "It works once, for 24 hours, and not for another academy.",
        ACADEMY_ADMIN,
        "Make a new link under Integrations, LTI 1.3, “Invite the other admin”.",
    ),
    Problem(
        "LTI13_NOT_APPROVED",
        409,
        "The platform waits for approval",
        "It registered itself by a link, and nobody of this academy has said yes to it.",
        ACADEMY_ADMIN,
        "Approve it under Integrations, LTI 1.3.",
    ),
    Problem(
        "LTI13_REG_PARAM",
        400,
        "This link is for the other LMS",
        "It was opened without the address at which an LMS describes itself (openid_configuration), or with a wrong one.",
        PLATFORM_ADMIN,
        "Paste the link into the LMS where tools are added by registration URL; do not open it yourself.",
    ),
    Problem(
        "LTI13_REG_CONFIGURATION",
        424,
        "The LMS's description cannot be read",
        "The address it gave did not answer with an OpenID configuration.",
        PLATFORM_ADMIN,
        "See that the address shown can be reached from the internet without signing in, and register once more.",
    ),
    Problem(
        "LTI13_REG_ISSUER",
        400,
        "The LMS speaks for another one",
        "The issuer in its description lies on another host than the description itself, or is that of an LMS here "
        "already whose keys come from another site.",
        PLATFORM_ADMIN,
        "Set the LMS's own public address right in its settings, or register this academy there by hand.",
    ),
    Problem(
        "LTI13_REG_ENDPOINT",
        400,
        "The LMS's description is incomplete",
        "An address we need is missing from it or does not begin with https://; which one is shown.",
        PLATFORM_ADMIN,
        "Update the LMS or mend its public address, or register this academy there by hand.",
    ),
    Problem(
        "LTI13_REG_ALG",
        400,
        "No common way of signing",
        "The LMS signs its tokens only in ways we do not take.",
        PLATFORM_ADMIN,
        "Let the LMS sign with RS256.",
    ),
    Problem(
        "LTI13_REG_CONFLICT",
        409,
        "This LMS is registered already",
        "A platform with this issuer and client ID is in this academy.",
        ACADEMY_ADMIN,
        "Open it under Integrations, LTI 1.3; to start afresh, remove it first and the tool over there, too.",
    ),
    Problem(
        "LTI13_REG_REFUSED",
        424,
        "The LMS did not register us",
        "It refused our registration or answered without a client ID; its words are shown.",
        PLATFORM_ADMIN,
        "Mend what the LMS complains of, ask for a new registration link here, and register once more.",
    ),
)

_ROSTERS = (
    Problem(
        "NRPS_FORBIDDEN",
        403,
        "We may not read the roster",
        "The LMS did not give this tool the right to read who is in the course.",
        PLATFORM_ADMIN,
        "Switch on “Names and Role Provisioning” for the tool there, then read the roster again.",
    ),
    Problem(
        "NRPS_NO_ROSTER",
        409,
        "There is no roster to read",
        "The LMS did not say where the roster of this link's course is.",
        PLATFORM_ADMIN,
        "Switch on “Names and Role Provisioning” for the tool there, then open the activity once more from the course.",
    ),
    Problem(
        "NRPS_REFUSED",
        502,
        "The roster was not given",
        "The LMS answered our request for the roster with an error; its words are shown. Nobody was changed.",
        PLATFORM_ADMIN,
        "Open the activity once more from the course, so that the LMS tells us its new address; then try again.",
    ),
    Problem(
        "NRPS_ODD_ANSWER",
        502,
        "The answer is no roster",
        "The LMS answered with something that is no list of members. Nobody was changed.",
        PLATFORM_ADMIN,
        "Check whether the LMS is in maintenance or asks for a sign-in before its services.",
    ),
)

_INSPECTION = (
    Problem(
        "LTI_SHARE_OVER",
        410,
        "This link shows nothing any more",
        "Links to a launch work for seven days, unless the academy revokes them or forgets the launch.",
        ACADEMY_ADMIN,
        "Ask the academy's admin for a new link, from the launch log.",
    ),
    Problem(
        "LTI_KEY_UNKNOWN_YET",
        409,
        "The next key is not known everywhere yet",
        "A key is published for 24 hours before it signs, so that every LMS that reads our JWKS URL has it by then.",
        ACADEMY_ADMIN,
        "Wait until then; if a key may have got into wrong hands, replace all keys at once, which is an emergency.",
    ),
)

SERVICE_PROBLEMS: tuple[Problem, ...] = (*_PICKING, *_REVIEW, *_REGISTRATION, *_ROSTERS, *_INSPECTION)
