"""The messages we send as the platform, made by one function for launch, preview and self-test.

Other kinds of messages (Deep Linking, Submission Review, and whatever features send to tools of their own) are told of
by `MessageKinds`: the authentication endpoint asks by the type its launch was begun with and the kind of the tool.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from saas.db.scope import ScopedSession
from saas.tenancy.resolve import Academy
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.lti.launches.models import Launch
from tenants.lti.platform import addresses
from tenants.lti.platform.columns import MAXIMUM
from tenants.lti.platform.models import LineItem, OpensIn, Tool, ToolKind, ToolLink
from tenants.lti.wire.id_token import Addressee, message
from tenants.lti.wire.nrps import SCOPE as ROSTER_SCOPE
from tenants.lti.wire.occasion import Occasion
from tenants.lti.wire.shares import Share


@dataclass(frozen=True, slots=True)
class Seat:
    """How somebody sits in front of the tool: what the page knows, not the database."""

    opens_in: OpensIn
    locale: str
    return_url: str

    @classmethod
    def of(cls, launch: Launch) -> Self:
        """As it was when the launch began (`tenants.lti.platform.launch13`)."""
        kept = launch.login
        return cls(OpensIn(kept["opens_in"]), kept["locale"], kept["return_url"])


def occasion_of(
    academy: Academy, link: ToolLink, activity: Activity, person: Person, seat: Seat, *, sub: str
) -> Occasion:
    """Without addresses of services, which only LTI 1.3 has."""
    return Occasion(
        sub=sub,
        course_id=str(activity.course_id),
        course_title=activity.course.title,
        link_id=link.resource_link_id,
        link_title=activity.title,
        link_description=activity.description,
        given_name=person.given_name,
        family_name=person.family_name,
        email=person.email or "",
        is_staff=person.is_staff,
        locale=seat.locale,
        document_target=seat.opens_in.value,
        return_url=seat.return_url,
        platform_guid=academy.host,
        platform_name=academy.name,
        platform_url=academy.url,
        ends_at=_moment(link.results_until),
        custom=tuple((name, value) for name, value in (*_tools_custom(link), *link.custom)),
    )


def with_services(
    occasion: Occasion, academy: Academy, tool: Tool, activity: Activity, column: LineItem | None
) -> Occasion:
    """The addresses of AGS and NRPS as far as the tool was granted them; ``column`` None where there is none yet."""
    course, graded = activity.course_id, tool.is_graded
    maximum = (column.maximum if column else MAXIMUM).normalize()
    return replace(
        occasion,
        line_items=addresses.lineitems_url(academy, course) if graded else "",
        line_item=addresses.lineitem_url(academy, course, column.id) if graded and column else "",
        line_item_maximum=f"{maximum:f}" if graded else "",
        memberships=addresses.memberships_url(academy, course) if ROSTER_SCOPE in tool.scopes else "",
    )


def addressee_of(academy: Academy, tool: Tool, target: str, *, issuer: str = "") -> Addressee:
    """``issuer``: of a tool that knows us by another address than the academy has now."""
    return Addressee(
        issuer=issuer or addresses.issuer(academy),
        client_id=tool.client_id,
        deployment_id=tool.deployment_id,
        target_link_uri=target,
        scopes=tuple(tool.scopes),
    )


def resource_link_message(
    occasion: Occasion, academy: Academy, tool: Tool, target: str, shares: tuple[Share, ...]
) -> dict[str, object]:
    return message(occasion, addressee_of(academy, tool, target), shares)


@dataclass(frozen=True, slots=True)
class Asked:
    """An authentication request that passed every check but those of its own kind of message."""

    session: ScopedSession
    academy: Academy
    tool: Tool
    launch: Launch
    person: Person

    @property
    def about(self) -> Mapping[str, Any]:
        """What `launch13.begin_message` was given to remember."""
        about = self.launch.login.get("about")
        return about if isinstance(about, dict) else {}


#: The claims without what a single answer adds; `Refused` with a code of `tenants.lti.wire.authorize.ERRORS`.
Maker = Callable[[Asked], Mapping[str, object]]


class MessageKinds:
    """In ``runtime.parts``: who makes which type of message for which kind of tool."""

    def __init__(self) -> None:
        self._makers: dict[ToolKind, dict[str, Maker]] = {kind: {} for kind in ToolKind}

    def add(self, message_type: str, maker: Maker, kind: ToolKind = ToolKind.LTI) -> None:
        self._makers[kind][message_type] = maker

    def maker(self, message_type: str, kind: ToolKind = ToolKind.LTI) -> Maker | None:
        return self._makers[kind].get(message_type)


def _tools_custom(link: ToolLink) -> list[Any]:
    """Of every launch of the tool; those of the link come after and count."""
    return link.tool.custom if link.tool is not None else []


def _moment(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
