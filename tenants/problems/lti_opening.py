"""What may keep a learner from opening an outside tool, and a tool from being answered."""

from saas.problems import Problem
from tenants.problems.owners import ACADEMY_ADMIN, LEARNER, TOOL_ADMIN

_REQUEST = (
    Problem(
        "TOOL_AUTH_UNREADABLE",
        400,
        "The tool's request could not be read",
        "The tool sent a parameter twice, too long or not as text.",
        TOOL_ADMIN,
        "Report the parameter named in the launch log to the tool's vendor.",
    ),
    Problem(
        "TOOL_CLIENT",
        400,
        "This tool is not registered here",
        "No LTI 1.3 tool of this academy has the client ID that was sent.",
        TOOL_ADMIN,
        "Compare the client ID entered in the tool with the one on the tool's page here, letter by letter.",
    ),
    Problem(
        "TOOL_REDIRECT",
        400,
        "The tool wants to be answered at an unknown address",
        "The redirect URI that the tool sent is none of those entered for it here; every character counts.",
        ACADEMY_ADMIN,
        "Enter the address under Redirect URIs on the tool's page, if the vendor confirms that it is theirs.",
    ),
    Problem(
        "TOOL_RESPONSE_TYPE",
        400,
        "The tool asks for something else than a token",
        "LTI 1.3 knows the response type id_token only.",
        TOOL_ADMIN,
        "Report this to the tool's vendor.",
    ),
    Problem(
        "TOOL_RESPONSE_MODE",
        400,
        "The tool does not want the token posted",
        "LTI 1.3 knows the response mode form_post only.",
        TOOL_ADMIN,
        "Report this to the tool's vendor.",
    ),
    Problem(
        "TOOL_SCOPE",
        400,
        "The tool does not ask for OpenID",
        "The scope it sent does not contain openid.",
        TOOL_ADMIN,
        "Report this to the tool's vendor.",
    ),
    Problem(
        "TOOL_NONCE",
        400,
        "The tool sent no nonce",
        "Without a nonce the tool could not tell a new token from an old one.",
        TOOL_ADMIN,
        "Report this to the tool's vendor.",
    ),
    Problem(
        "TOOL_PROMPT",
        400,
        "The tool wants the person to be asked",
        "LTI 1.3 knows the prompt none only.",
        TOOL_ADMIN,
        "Report this to the tool's vendor.",
    ),
)
_LAUNCH = (
    Problem(
        "TOOL_HINT",
        400,
        "This launch did not begin here",
        "The tool answered no launch that was begun here for it in the last minutes.",
        LEARNER,
        "Open the activity again from its page.",
    ),
    Problem(
        "TOOL_LAUNCH_USED",
        400,
        "This launch is over",
        "It was answered already: each one works once.",
        LEARNER,
        "Open the activity again from its page.",
    ),
    Problem(
        "TOOL_SIGNED_OUT",
        401,
        "You are not signed in any more",
        "The tool came back without the session that began the launch.",
        LEARNER,
        "Sign in, and open the activity again from its page; if that does not help, allow cookies for this site.",
    ),
    Problem(
        "TOOL_OTHER_PERSON",
        403,
        "Somebody else began this launch",
        "It was begun by another person or in another browser.",
        LEARNER,
        "Open the activity again from its page.",
    ),
    Problem(
        "TOOL_INACTIVE",
        403,
        "This tool is switched off",
        "The tool is registered in this academy but not activated.",
        ACADEMY_ADMIN,
        "Open the tool under Integrations, LTI 1.3, and activate it.",
    ),
    Problem(
        "TOOL_CLOSED",
        403,
        "This activity is not open to you",
        "The activity was withdrawn, or you do not take part in it any more.",
        LEARNER,
        "Look at the course; if the activity should be there, ask the academy.",
    ),
)

OPENING_PROBLEMS = (*_REQUEST, *_LAUNCH)
