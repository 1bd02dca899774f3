"""Somebody opens a link of a course in a tool: what both generations of LTI say about it, from one frozen object.

Whoever makes it leaves out what the tool may not know; here nothing is withheld any more. Absent text is empty.
"""

from dataclasses import dataclass

PRODUCT = "lyceum"
PRODUCT_VERSION = "1"
CONTEXT_TYPE = "CourseSection"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"


@dataclass(frozen=True, slots=True)
class Occasion:
    """``sub`` is the tool's pseudonym for the person; dates are ISO 8601 with their zone.

    ``line_item`` and its siblings are addresses of our services, empty where the tool was granted none of them.
    ``custom`` are names and values as they were written, variables not yet replaced, a later name counting.
    ``roles`` are URIs of LTI 1.3; without any it is the one of `role`. ``context_type``: of the core context types.
    """

    sub: str
    course_id: str
    course_title: str
    link_id: str
    link_title: str
    link_description: str = ""
    given_name: str = ""
    family_name: str = ""
    email: str = ""
    is_staff: bool = False
    roles: tuple[str, ...] = ()
    context_type: str = CONTEXT_TYPE
    locale: str = ""
    document_target: str = ""
    return_url: str = ""
    platform_guid: str = ""
    platform_name: str = ""
    platform_url: str = ""
    line_item: str = ""
    line_items: str = ""
    line_item_maximum: str = ""
    memberships: str = ""
    ends_at: str = ""
    custom: tuple[tuple[str, str], ...] = ()

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def role(self) -> str:
        """Nobody of ours is an administrator outside."""
        return "Instructor" if self.is_staff else "Learner"
