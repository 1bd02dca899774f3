"""North and south as each other's LMS: a tool and a platform of LTI 1.3, keys of LTI 1.2, activities that open them.

Whatever is missing is made, so that an older demonstration gains it; what is there stays. Only addresses are brought up
to date, for a demonstration that moved to another port.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit
from uuid import UUID

import sqlalchemy as sa

from saas.outbound import AddressRefusedError
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.catalog.models import Activity, ActivityType, Content, Course
from tenants.catalog.services import Catalog
from tenants.demo.courses import demo_activity
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.addresses import authorize_url, issuer, token_url
from tenants.lti.platform.links import LinkValues, ToolLinks, new_resource_link_id
from tenants.lti.platform.models import ToolLink
from tenants.lti.platform.tools import Tools, ToolValues, values_of
from tenants.lti.tool.addresses import (
    activities_url,
    jwks_url,
    launch12_url,
    launch_url,
    login_url,
    picker_url,
    resource_url,
)
from tenants.lti.tool.consumers import Consumers
from tenants.lti.tool.platforms import Platforms, PlatformValues

MINIMUM = 70


@dataclass(frozen=True, slots=True)
class Visit:
    """An activity that opens ``opens``, the title of a shared activity of the other academy.

    Each opens one of its own: whoever comes by both versions is one person there, and has done it for both.
    """

    title: str
    opens: str
    version: Protocol
    kind: ActivityType


@dataclass(frozen=True, slots=True)
class Connection:
    """Learners of the academy ``here`` visit ``there``, from ``course``; its key of LTI 1.2 there is ``key_name``'s."""

    here: str
    there: str
    course: str
    key_name: str
    visits: tuple[Visit, ...]


CONNECTIONS = (
    Connection("north", "south", "Visiting the South Academy", "North Academy", (
        Visit("A first loaf", "A first loaf", Protocol.LTI_13, ActivityType.E_LEARNING),
        Visit("Baker's examination", "Baker's arithmetic", Protocol.LTI_13, ActivityType.EXAM),
        Visit("Sourdough", "Sourdough", Protocol.LTI_12, ActivityType.E_LEARNING),
        Visit("Oven examination", "At the oven", Protocol.LTI_12, ActivityType.EXAM),
    )),
    Connection("south", "north", "Visiting the North Academy", "South Academy", (
        Visit("Tides", "Tides", Protocol.LTI_13, ActivityType.E_LEARNING),
        Visit("Storm examination", "Signs of a storm", Protocol.LTI_12, ActivityType.EXAM),
    )),
)  # fmt: skip


def connect(runtime: Runtime, academies: Mapping[str, Academy]) -> bool:
    """``academies`` by slug; False when everything was there. One that is gone or has no LTI is left alone, and so are
    all of them where this installation may not call its own addresses (``lyceum.outbound.allow``).
    """
    ready = [each for each in CONNECTIONS if all(map(_is_ready(runtime, academies), (each.here, each.there)))]
    made = [_connect(runtime, academies[each.here], academies[each.there], each) for each in ready]
    return any(made)


def _is_ready(runtime: Runtime, academies: Mapping[str, Academy]) -> Callable[[str], bool]:
    def is_ready(slug: str) -> bool:
        if slug not in academies or not academies[slug].has("lti"):
            return False
        try:
            runtime.outbound.refuse_url(jwks_url(academies[slug]))
        except AddressRefusedError:
            return False
        return True

    return is_ready


def _connect(runtime: Runtime, here: Academy, there: Academy, wanted: Connection) -> bool:
    made_tool, tool_id, platform = _tool(runtime, here, there)
    made_platform = _platform(runtime, there, here, platform)
    made = []
    for visit in wanted.visits:
        opened = _opened(runtime, there, visit, wanted.key_name)
        made.append(_visit(runtime, here, there, wanted.course, visit, opened, tool_id))
    return made_tool or made_platform or any(made)


@dataclass(frozen=True, slots=True)
class _Opened:
    """On the other side."""

    activity_id: UUID
    key: str = ""
    secret: str = ""


def _tool(runtime: Runtime, here: Academy, there: Academy) -> tuple[bool, UUID, PlatformValues]:
    """With what the other side enters of us."""
    wanted = ToolValues(
        name=there.name, login_url=login_url(there), jwks_url=jwks_url(there), redirect_urls=(launch_url(there),),
        target_url=activities_url(there), deep_link_url=picker_url(there), is_active=True,
    )  # fmt: skip
    with runtime.database.transaction(here.id) as session:
        tools = Tools(session, runtime.outbound)
        tool = next((each for each in tools.all() if _is_at(each.login_url, there)), None)
        is_new = tool is None
        if tool is None:
            tool = tools.create(wanted)
        elif tool.login_url != wanted.login_url:
            moved = ("login_url", "jwks_url", "redirect_urls", "target_url", "deep_link_url")
            tools.edit(tool, replace(values_of(tool), **{name: getattr(wanted, name) for name in moved}))
        ours = PlatformValues(
            name=here.name, issuer=issuer(here), client_id=tool.client_id, auth_url=authorize_url(here),
            token_url=token_url(here), jwks_url=jwks_url(here), deployment_ids=(tool.deployment_id,), is_active=True,
        )  # fmt: skip
        return is_new, tool.id, ours


def _platform(runtime: Runtime, there: Academy, here: Academy, wanted: PlatformValues) -> bool:
    with runtime.database.transaction(there.id) as session:
        platforms = Platforms(session, runtime.outbound)
        known = next((each for each in platforms.all() if _is_at(each.issuer, here)), None)
        if known is None:
            platforms.create(wanted)
        elif (known.issuer, known.client_id) != (wanted.issuer, wanted.client_id):
            platforms.edit(known, replace(wanted, name=known.name, is_active=known.is_active))
        return known is None


def _opened(runtime: Runtime, there: Academy, visit: Visit, key_name: str) -> _Opened:
    """What is opened, and for LTI 1.2 the key of this consumer."""
    with runtime.database.transaction(there.id) as session:
        activity = demo_activity(session, visit.opens)
        if visit.version is Protocol.LTI_13:
            return _Opened(activity.id)
        consumers = Consumers(session, runtime.secrets)
        key = next((each for each in consumers.of_activity(activity.id) if each.name == key_name), None)
        key = key or consumers.create(activity, key_name)
        return _Opened(activity.id, key.key, consumers.reveal(key))


def _visit(
    runtime: Runtime, here: Academy, there: Academy, course: str, visit: Visit, opened: _Opened, tool_id: UUID
) -> bool:
    legacy = visit.version is Protocol.LTI_12
    url = launch12_url(there, opened.activity_id) if legacy else resource_url(there, opened.activity_id)
    with runtime.database.transaction(here.id) as session:
        catalog, links = Catalog(session), ToolLinks(session, runtime.secrets, runtime.outbound)
        visiting = _course(catalog, course, there)
        known = next((each for each in visiting.activities if each.title == visit.title), None)
        if known is not None:
            _keep_up(links.of(known), there)
            return False
        activity = _activity(catalog, visiting, visit, there)
        connection = {"key": opened.key, "secret": opened.secret} if legacy else {"tool_id": tool_id}
        links.save(activity, LinkValues(visit.version, url=url, resource_link_id=new_resource_link_id(), **connection))
        catalog.publish(activity, on=True)
        return True


def _course(catalog: Catalog, title: str, there: Academy) -> Course:
    known = catalog.session.scalar(sa.select(Course).where(Course.title == title).limit(1))
    if known is not None:
        return known
    made = catalog.create_course(title, f"Opened from here: what the {there.name} teaches.")
    catalog.publish(made, on=True)
    return made


def _activity(catalog: Catalog, course: Course, visit: Visit, there: Academy) -> Activity:
    minimum = MINIMUM if visit.kind is ActivityType.EXAM else None
    says = f"“{visit.opens}” of the {there.name}, opened by LTI {visit.version.value}."
    return catalog.create_activity(course, visit.title, says, 15, visit.kind, content=Content.LTI, minimum=minimum)


def _keep_up(link: ToolLink | None, there: Academy) -> None:
    if link is not None and _is_at(link.url, there):
        link.url = urlsplit(link.url)._replace(netloc=urlsplit(there.url).netloc).geturl()


def _is_at(url: str, academy: Academy) -> bool:
    """Whatever the port."""
    return urlsplit(url).hostname == urlsplit(academy.url).hostname
