"""Somebody opens an activity of an outside tool: may they, and with what. The start of a launch in either version."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from saas import clock
from saas.addresses import add_query
from saas.db.base import uuid7
from saas.db.scope import ScopedSession
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.lti.launches.models import Direction, Launch, Outcome
from tenants.lti.platform.consent import Consent
from tenants.lti.platform.links import ToolLinks, is_complete
from tenants.lti.platform.messages import Seat, occasion_of
from tenants.lti.platform.models import ToolLink
from tenants.lti.platform.users import ToolUsers, audience_of
from tenants.lti.tool.addresses import origin_of
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.login_initiation import OPENING_STEPS
from tenants.lti.wire.occasion import Occasion

RETURN_PATH = "/learn/{}/tool/return"


@dataclass(frozen=True, slots=True)
class Sitting:
    """Who sits there and how. ``session_id`` is of the browser's session, ``browser`` what the log keeps of it."""

    person: Person
    session_id: UUID
    seat: Seat
    browser: dict[str, Any]


class Opening:
    """``session`` is the academy's; ``checks`` are what the log will show as the launch's beginning."""

    def __init__(self, session: ScopedSession, runtime: Runtime, academy: Academy, activity: Activity) -> None:
        self.session = session
        self.academy = academy
        self.activity = activity
        self.links = ToolLinks(session, runtime.secrets, runtime.outbound)
        self.checks = Checklist(OPENING_STEPS)

    def link(self) -> ToolLink:
        """Steps "lti" to "tool". Raises `Refused` LTI_OFF, LTI_LINK_INCOMPLETE or TOOL_INACTIVE."""
        self.checks.require("lti", self.academy.has("lti"), "LTI_OFF", seen=self.academy.name)
        link = self.links.of(self.activity)
        if link is None or not is_complete(link):
            self.checks.refuse("link", "LTI_LINK_INCOMPLETE", seen=self.activity.title)
        self.checks.note("link", f"LTI {link.lti_version}, {link.tool_name}")
        self.checks.require("tool", link.tool is None or link.tool.is_active, "TOOL_INACTIVE", seen=link.tool_name)
        return link

    def consented(self, link: ToolLink, person: Person) -> bool:
        """Step "consent"; False while the person has to be asked."""
        consent = Consent(self.session, link, person)
        if consent.is_needed:
            return False
        self.checks.note("consent", ", ".join(share.value for share in consent.shares))
        return True

    def occasion(self, link: ToolLink, person: Person, seat: Seat) -> Occasion:
        """Step "user"."""
        user = ToolUsers(self.session).known_as(person.id, audience_of(link))
        self.checks.note("user", user.sub)
        return occasion_of(self.academy, link, self.activity, person, seat, sub=user.sub)

    def log(self, link: ToolLink, sitting: Sitting, **more: Any) -> Launch:
        """The launch's row, waiting for the tool unless told otherwise."""
        row = Launch(
            id=more.pop("id"),
            started_at=clock.now(),
            outcome=more.pop("outcome", Outcome.WAITING),
            direction=Direction.OUT,
            protocol=link.lti_version.value,
            tool_id=link.tool_id,
            tool_link_id=link.id,
            platform_name=link.tool_name,
            person_id=sitting.person.id,
            person_name=sitting.person.name,
            activity_id=self.activity.id,
            target=link.url,
            checks={"login": self.checks.as_json(), "launch": []},
            browser=sitting.browser,
            **more,
        )
        self.session.add(row)
        self.session.flush()
        return row


def origins_of(link: ToolLink) -> list[str]:
    """Where the tool's pages may be: those that its registration or link names."""
    tool = link.tool
    named = [link.url] if tool is None else [link.url, tool.login_url, tool.target_url, *tool.redirect_urls]
    return sorted(set(filter(None, map(origin_of, named))))


def returning(academy: Academy, activity: Activity, launch_id: UUID | None = None) -> str:
    """``launch_presentation_return_url``: it names the launch, so that what the tool says is kept with it."""
    url = academy.url + RETURN_PATH.format(activity.id)
    return add_query(url, {"launch": str(launch_id)}) if launch_id else url


def seated(sitting: Sitting, academy: Academy, activity: Activity) -> tuple[UUID, Seat]:
    """A fresh id for the launch, and the seat with the way back to it."""
    launch_id = uuid7()
    return launch_id, replace(sitting.seat, return_url=returning(academy, activity, launch_id))
