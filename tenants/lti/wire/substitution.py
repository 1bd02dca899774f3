"""Substitution variables in custom parameters (LTI 1.3 Core appendix D; LTI 1.1.1 appendix C; AGS 2.0 §3.1.2).

A parameter whose whole value is a variable gets what it stands for; what we do not know, or may not tell, passes
unchanged, as the specification has it: the tool then sees that it was not resolved.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tenants.lti.wire.occasion import PRODUCT, PRODUCT_VERSION, Occasion
from tenants.lti.wire.shares import Share

MARK = "$"


@dataclass(frozen=True, slots=True)
class Variable:
    """``needs`` is what the tool must be allowed to know for it to be replaced."""

    name: str
    meaning: str
    value: Callable[[Occasion], str]
    needs: Share | None = None


#: In the order of the settings page, which shows this table.
VARIABLES: tuple[Variable, ...] = (
    Variable("User.id", "The person's pseudonym for this tool", lambda of: of.sub),
    Variable("Person.sourcedId", "The same", lambda of: of.sub),
    Variable("Person.name.full", "The person's full name", lambda of: of.full_name, Share.NAME),
    Variable("Person.name.given", "The person's given name", lambda of: of.given_name, Share.NAME),
    Variable("Person.name.family", "The person's family name", lambda of: of.family_name, Share.NAME),
    Variable("Person.email.primary", "The person's e-mail address", lambda of: of.email, Share.EMAIL),
    Variable("Membership.role", "The person's role in the course", lambda of: of.role),
    Variable("Context.id", "The course's id", lambda of: of.course_id),
    Variable("Context.title", "The course's title", lambda of: of.course_title),
    Variable("Context.label", "The same", lambda of: of.course_title),
    Variable("Context.type", "The kind of course", lambda of: of.context_type),
    Variable("CourseSection.sourcedId", "The course's id", lambda of: of.course_id),
    Variable("CourseSection.title", "The course's title", lambda of: of.course_title),
    Variable("CourseSection.label", "The same", lambda of: of.course_title),
    Variable("ResourceLink.id", "The Resource-link", lambda of: of.link_id),
    Variable("ResourceLink.title", "The activity's title", lambda of: of.link_title),
    Variable("ResourceLink.description", "The activity's description", lambda of: of.link_description),
    Variable("ResourceLink.submission.endDateTime", "Until when results are taken", lambda of: of.ends_at),
    Variable("LineItems.url", "The address of the tool's grade columns", lambda of: of.line_items),
    Variable("LineItem.url", "The address of the activity's grade column", lambda of: of.line_item),
    Variable("LineItem.resultValue.max", "The grade column's maximum", lambda of: of.line_item_maximum),
    Variable("ToolProxyBinding.memberships.url", "The address of the course's roster", lambda of: of.memberships),
    Variable("Message.documentTarget", "Frame or window", lambda of: of.document_target),
    Variable("Message.locale", "The person's language", lambda of: of.locale),
    Variable("Message.returnUrl", "The way back to the activity", lambda of: of.return_url),
    Variable("ToolPlatform.productFamilyCode", "This product", lambda _of: PRODUCT),
    Variable("ToolPlatform.version", "This product's version", lambda _of: PRODUCT_VERSION),
    Variable("ToolPlatformInstance.guid", "This academy's host", lambda of: of.platform_guid),
    Variable("ToolPlatformInstance.name", "This academy's name", lambda of: of.platform_name),
    Variable("ToolPlatformInstance.url", "This academy's address", lambda of: of.platform_url),
)
_BY_NAME: Mapping[str, Variable] = MappingProxyType({MARK + variable.name: variable for variable in VARIABLES})


def substituted(occasion: Occasion, shares: Iterable[Share]) -> dict[str, str]:
    """The custom parameters by name as they are sent: text, of a repeated name the last, blank ones left out."""
    allowed = frozenset(shares)
    values = {name: _value(occasion, text, allowed) for name, text in occasion.custom}
    return {name: text for name, text in values.items() if name.strip() and text.strip()}


def is_known(text: str) -> bool:
    """Whether the value is a variable we replace."""
    return text in _BY_NAME


def _value(occasion: Occasion, text: str, allowed: frozenset[Share]) -> str:
    variable = _BY_NAME.get(text)
    if variable is None or (variable.needs is not None and variable.needs not in allowed):
        return text
    return variable.value(occasion)
