"""Roles of either generation of LTI, read into one short form (LTI 1.3 Core appendix A; LTI 1.1 appendix A).

A role is written ``context/Instructor``, ``institution/Student``, ``system/TestUser``; a sub-role follows a ``#``. What
no vocabulary knows gives no rights and is kept aside for the log.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from tenants.lti.wire.text import clean

MAX_ROLES = 100

_CONTEXT = frozenset(
    {
        "Administrator",
        "ContentDeveloper",
        "Instructor",
        "Learner",
        "Mentor",
        "Manager",
        "Member",
        "Officer",
        "TeachingAssistant",
    }
)
_INSTITUTION = frozenset(
    {
        "Administrator",
        "Faculty",
        "Guest",
        "None",
        "Other",
        "Staff",
        "Student",
        "Alumni",
        "Instructor",
        "Learner",
        "Member",
        "Mentor",
        "Observer",
        "ProspectiveStudent",
    }
)
_SYSTEM = frozenset(
    {
        "Administrator",
        "None",
        "AccountAdmin",
        "Creator",
        "SysAdmin",
        "SysSupport",
        "User",
        "TestUser",
    }
)
_CANONICAL = {
    scope: {name.lower(): name for name in names}
    for scope, names in (("context", _CONTEXT), ("institution", _INSTITUTION), ("system", _SYSTEM))
}
_PREFIXES = (
    ("http://purl.imsglobal.org/vocab/lis/v2/membership", "context"),
    ("http://purl.imsglobal.org/vocab/lis/v2/institution/person", "institution"),
    ("http://purl.imsglobal.org/vocab/lis/v2/system/person", "system"),
    ("http://purl.imsglobal.org/vocab/lti/system/person", "system"),
    ("http://purl.imsglobal.org/vocab/lis/v2/person", "institution"),
    ("http://purl.imsglobal.org/vocab/lis/v2/person", "system"),
    ("urn:lti:role:ims/lis", "context"),
    ("urn:lti:instrole:ims/lis", "institution"),
    ("urn:lti:sysrole:ims/lis", "system"),
)


class Standing(StrEnum):
    """What somebody is over there, the most first: nothing here by itself, though a connection's policy may map it."""

    ADMINISTRATOR = "administrator"
    TEACHER = "teacher"
    ASSISTANT = "assistant"
    LEARNER = "learner"


#: By role in the short form, without sub-role; what is not here is a learner.
_STANDINGS = {
    "context/Administrator": Standing.ADMINISTRATOR,
    "context/Instructor": Standing.TEACHER,
    "context/ContentDeveloper": Standing.TEACHER,
    "context/TeachingAssistant": Standing.ASSISTANT,
    "institution/Administrator": Standing.ADMINISTRATOR,
    "institution/Instructor": Standing.TEACHER,
    "institution/Faculty": Standing.TEACHER,
    "institution/Staff": Standing.ASSISTANT,
    "system/Administrator": Standing.ADMINISTRATOR,
    "system/SysAdmin": Standing.ADMINISTRATOR,
    "system/AccountAdmin": Standing.ADMINISTRATOR,
    "system/Creator": Standing.ADMINISTRATOR,
    "system/SysSupport": Standing.ADMINISTRATOR,
}
#: LIS 2.0 writes assistants as instructors of a kind.
_ASSISTING = frozenset({"TeachingAssistant", "TeachingAssistantGroup", "TeachingAssistantSection", "Grader"})


@dataclass(frozen=True, slots=True)
class Roles:
    """Known roles in the short form, in the order sent, and the others as they came."""

    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def staff(self) -> bool:
        """Whether the platform calls this person staff *there*: it earns no rights here.

        Roles in the course decide; only without any do those in the institution or the system count.
        """
        return self.standing is not Standing.LEARNER

    @property
    def standing(self) -> Standing:
        """The most that any role makes of them; the rule of `staff` says which roles count."""
        here = [role for role in self.known if role.startswith("context/")]
        found = {_standing(role) for role in here or self.known}
        return next((standing for standing in Standing if standing in found), Standing.LEARNER)

    @property
    def test_user(self) -> bool:
        """A preview account of the platform ("student view"): its scores are often refused."""
        return "system/TestUser" in self.known


def read_roles(values: Iterable[object]) -> Roles:
    """Whatever stands in a roles claim; blank entries count for nothing, case does not matter."""
    known: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for value in list(values)[:MAX_ROLES]:
        text = clean(value)
        if text:
            role = _short(text)
            (known if role else unknown).setdefault(role or text)
    return Roles(tuple(known), tuple(unknown))


def split_roles(text: str) -> Roles:
    """The comma list of LTI 1.1."""
    return read_roles(text.split(","))


def _standing(role: str) -> Standing:
    name, _, sub_role = role.partition("#")
    standing = _STANDINGS.get(name, Standing.LEARNER)
    assisting = standing is Standing.TEACHER and sub_role in _ASSISTING
    return Standing.ASSISTANT if assisting else standing


@lru_cache(maxsize=512)
def _short(text: str) -> str:
    text = f"http:{text[6:]}" if text[:6].lower() == "https:" else text
    lowered = text.lower()
    for prefix, scope in _PREFIXES:
        separated = lowered.startswith(prefix) and text[len(prefix) : len(prefix) + 1] in {"#", "/"}
        if separated and (role := _named(scope, text[len(prefix) + 1 :])):
            return role
    return _named("context", text) if ":" not in text else ""


def _named(scope: str, rest: str) -> str:
    """``rest`` is ``Name``, ``Name#SubRole`` (1.3) or ``Name/SubRole`` (1.1)."""
    name, _, sub_role = rest.replace("#", "/").partition("/")
    canonical = _CANONICAL[scope].get(name.lower())
    if not canonical:
        return ""
    return f"{scope}/{canonical}#{sub_role}" if sub_role else f"{scope}/{canonical}"
