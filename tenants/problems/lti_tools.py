"""What an outside tool's registration with us can be refused with."""

from saas.problems import Problem
from tenants.problems.owners import ACADEMY_ADMIN, TOOL_ADMIN

TOOL_PROBLEMS = (
    Problem(
        "LTI13_TOOL_NOT_APPROVED",
        409,
        "The tool waits for approval",
        "It registered itself by an invitation, and nobody of this academy has said yes to it.",
        ACADEMY_ADMIN,
        "Open the tool under Integrations, LTI 1.3, look at what it asks for, and approve it there.",
    ),
    Problem(
        "LTI13_TOOL_REG_TOKEN",
        401,
        "The registration token is no good",
        "It is missing, used up, older than an hour, of another academy, or the tool it registered is decided on.",
        ACADEMY_ADMIN,
        "Begin again under Integrations, LTI 1.3, “Add new Tool”, “Add tool by URL”.",
    ),
    Problem(
        "LTI13_TOOL_REG_DOCUMENT",
        400,
        "This is no registration",
        "The tool sent something that is no JSON object, or a very large one.",
        TOOL_ADMIN,
        "Let the tool post its registration as JSON, or enter the tool here by hand.",
    ),
    Problem(
        "LTI13_TOOL_REG_MEMBER",
        400,
        "The registration is incomplete",
        "A member it must have is missing or cannot be used; which one is shown.",
        TOOL_ADMIN,
        "Mend the member that is named, or enter the tool here by hand.",
    ),
    Problem(
        "LTI13_TOOL_REG_RESPONSE_TYPE",
        400,
        "The tool takes no launches of LTI 1.3",
        "Its response types do not contain id_token, without which there is no launch.",
        TOOL_ADMIN,
        'Let the tool register with response_types ["id_token"].',
    ),
    Problem(
        "LTI13_TOOL_REG_AUTH_METHOD",
        400,
        "The tool wants to sign in some other way",
        "Tools prove who they are to our services with a signed token (private_key_jwt), and this one names another way.",
        TOOL_ADMIN,
        "Let the tool register with token_endpoint_auth_method private_key_jwt.",
    ),
    Problem(
        "LTI13_TOOL_REG_REDIRECT",
        400,
        "The redirect URIs cannot be used",
        "They are no list, none or too many, or one of them is no https address without a fragment.",
        TOOL_ADMIN,
        "Let the tool register 1 to 20 exact https addresses.",
    ),
    Problem(
        "LTI13_TOOL_REG_DOMAIN",
        400,
        "The tool points outside its own domain",
        "An address to be opened does not lie on the domain the tool says it has.",
        TOOL_ADMIN,
        "Let the tool name the domain its target address lies on.",
    ),
)
