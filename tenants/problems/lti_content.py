"""Why content chosen in an outside tool (Deep Linking, we are the platform) is not taken."""

from saas.problems import Problem
from tenants.problems.owners import ACADEMY_ADMIN, AUTHOR, TOOL_ADMIN

_VENDOR = "Report what was seen to the tool's vendor; nothing was created here."

_REQUEST = (
    Problem(
        "CONTENT_NO_TOOL",
        409,
        "Nothing can be chosen in this tool",
        "The tool has no deep linking URL here, or it is switched off.",
        ACADEMY_ADMIN,
        "Open the tool under Integrations, LTI 1.3: enter the deep linking URL its vendor names, and activate it.",
    ),
    Problem(
        "CONTENT_PARAM",
        400,
        "The tool's answer could not be read",
        "The answer has no token, or more than one, or one that is too long.",
        TOOL_ADMIN,
        _VENDOR,
    ),
    Problem(
        "CONTENT_REQUEST",
        403,
        "Nobody is waiting for this choice",
        "The choice was answered already, is more than an hour old, or never began here.",
        AUTHOR,
        "Press “Pick content” in the course again.",
    ),
    Problem(
        "CONTENT_PERSON",
        403,
        "Somebody else began this choice",
        "The answer came back in another person's browser, or without anybody signed in.",
        AUTHOR,
        "Sign in, and press “Pick content” in the course again.",
    ),
)
_TOKEN = (
    Problem(
        "CONTENT_ISSUER",
        403,
        "The answer comes from another tool",
        "The issuer of the token is not the client ID that the tool has here.",
        TOOL_ADMIN,
        "Compare the client ID entered in the tool with the one on the tool's page here, letter by letter.",
    ),
    Problem(
        "CONTENT_AUD",
        403,
        "The answer is meant for somebody else",
        "The audience of the token does not contain our issuer.",
        TOOL_ADMIN,
        "Compare the issuer entered in the tool with the one on the tool's page here, letter by letter.",
    ),
    Problem(
        "CONTENT_DEPLOYMENT",
        403,
        "The answer names another deployment",
        "The deployment ID in the token is missing or not the one we sent.",
        TOOL_ADMIN,
        "Compare the deployment ID entered in the tool with the one on the tool's page here, letter by letter.",
    ),
    Problem(
        "CONTENT_KIND",
        400,
        "This is no answer to a choice of content",
        "The version or the message type of the token is not the one of Deep Linking 2.0.",
        TOOL_ADMIN,
        _VENDOR,
    ),
    Problem(
        "CONTENT_DATA",
        403,
        "The answer belongs to another choice",
        "The tool did not bring back the data we sent along, or brought other data.",
        AUTHOR,
        "Press “Pick content” in the course again; if that does not help, report this to the tool's vendor.",
    ),
    Problem(
        "CONTENT_NONCE",
        403,
        "This answer has come before",
        "The token has no nonce, or one that was used already.",
        AUTHOR,
        "Press “Pick content” in the course again; if that does not help, report this to the tool's vendor.",
    ),
)
_ITEMS = (
    Problem(
        "CONTENT_ITEMS",
        400,
        "What was chosen could not be read",
        "The list of items, or one of them, is not as Deep Linking 2.0 wants it.",
        TOOL_ADMIN,
        _VENDOR,
    ),
    Problem(
        "CONTENT_TYPE",
        400,
        "This kind of content is not taken",
        "The tool sent something else than a link to an activity of its own.",
        AUTHOR,
        "Choose an activity in the tool, not a file, picture or piece of text.",
    ),
    Problem(
        "CONTENT_SINGLE",
        400,
        "Only one can be chosen",
        "The tool sent several items for one exam.",
        AUTHOR,
        "Choose one activity in the tool; press “Pick content” again for the next.",
    ),
    Problem(
        "CONTENT_URL",
        400,
        "A link leads away from the tool",
        "The address of an item is none of the web, or at a host that is not the tool's.",
        ACADEMY_ADMIN,
        "Ask the vendor whether the address is theirs; if so, add one at that host to the tool's Redirect URIs.",
    ),
)

CONTENT_PROBLEMS = (*_REQUEST, *_TOKEN, *_ITEMS)
