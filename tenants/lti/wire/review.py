"""Submission Review 1.0 as the tool: who asks to see whose attempt (§3 and §4).

`launch13.check_claims` comes first, with `SUBMISSION_REVIEW_REQUEST` among the message types: it has seen to it that
the message names a learner and a grade column.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tenants.lti.wire.checks import LAUNCH_STEPS, Checklist
from tenants.lti.wire.claims import CLAIM, LaunchClaims, Person, mapping, read_person
from tenants.lti.wire.text import identifier

FOR_USER = CLAIM + "for_user"

_OF_A_LAUNCH = frozenset({"target", "available", "person", "enrolment", "scores"})
REVIEW_STEPS: Mapping[str, str] = MappingProxyType(
    {name: title for name, title in LAUNCH_STEPS.items() if name not in _OF_A_LAUNCH}
    | {
        "available": LAUNCH_STEPS["available"],
        "reviewer": "Someone who teaches the course, or the learner, asks",
        "submission": "We know whose attempt is meant",
    }
)


@dataclass(frozen=True, slots=True)
class ForUser:
    """Whose attempt is asked for, as the platform knows them."""

    sub: str
    person: Person


def check_reviewer(checks: Checklist, launch: LaunchClaims) -> ForUser:
    """Step "reviewer" on a proven request. Raises `Refused` LTI_REVIEW_STAFF."""
    claim = mapping(launch.raw, FOR_USER)
    asked = ForUser(identifier(claim.get("user_id")), read_person(claim))
    own = asked.sub == launch.sub
    checks.require(
        "reviewer",
        launch.is_staff_there or own,
        "LTI_REVIEW_STAFF",
        seen="their own attempt" if own else ", ".join(launch.roles.known) or "no role",
        wanted="a teacher's or admin's role, or the learner",
    )
    return asked
