"""What can be wrong with a Zoom profile."""

from saas.problems import Problem
from tenants.problems.owners import ACADEMY_ADMIN, OPERATOR

ZOOM_PROFILES_PROBLEMS: tuple[Problem, ...] = (
    Problem(
        "ZOOM_PATH_PREFIX",
        409,
        "Zoom cannot reach an academy below a path",
        "Zoom looks for its addresses at the root of the host (https://host/mod/lti/…), but this academy is served below a path.",
        OPERATOR,
        "Serve the academy at the root of a host name of its own, then set Zoom up there.",
    ),
    Problem(
        "ZOOM_PROFILE_IN_USE",
        409,
        "The Zoom profile is in use",
        "Course elements, course tools or group tools open Zoom with this profile.",
        ACADEMY_ADMIN,
        "Give all its places to another profile first, or deactivate it instead of deleting it.",
    ),
    Problem(
        "ZOOM_PROFILE_TARGET",
        422,
        "This profile cannot take the places",
        "Places can be given to another Zoom profile of this academy, not to the one that has them.",
        ACADEMY_ADMIN,
        "Choose another profile, or add one first.",
    ),
    Problem(
        "ZOOM_TOKEN_CHANGED",
        409,
        "The Access Token has changed meanwhile",
        "Somebody made a new token after you opened the page. Another one would end the token that Zoom may still use.",
        ACADEMY_ADMIN,
        "Open the profile again: the newest token can be shown there.",
    ),
    Problem(
        "ZOOM_TOKEN_SEALED",
        409,
        "The Access Token cannot be shown any more",
        "It was sealed with a key that this installation no longer has. Zoom's calls with it work on.",
        ACADEMY_ADMIN,
        "Rotate the token, and enter the new one in the LTI credential in Zoom, 3rd Party Credentials.",
    ),
)
