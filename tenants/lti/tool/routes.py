"""Where a person's scores go: the participant, the link and the platform, read at once and kept outside any session."""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from tenants.catalog.models import Activity
from tenants.lti.tool.models import Participant, Platform, ResourceLink


@dataclass(slots=True)
class Route:
    """A participant with what is needed to reach their grade."""

    participant_id: UUID
    link_id: UUID
    platform_id: UUID
    activity_id: UUID
    title: str
    sub: str
    resource_link_id: str
    line_item: str
    line_items: str
    scopes: frozenset[str]
    client_id: str
    token_url: str
    audience: str
    is_active: bool


def load_route(session: ScopedSession, route_id: UUID) -> Route | None:
    query = (
        sa.select(Participant, ResourceLink, Platform, Activity)
        .join(ResourceLink, ResourceLink.id == Participant.resource_link_id)
        .join(Platform, Platform.id == ResourceLink.platform_id)
        .join(Activity, Activity.id == ResourceLink.activity_id)
        .where(Participant.id == route_id)
    )
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    participant, link, platform, activity = row
    return Route(
        participant_id=participant.id,
        link_id=link.id,
        platform_id=platform.id,
        activity_id=activity.id,
        title=activity.title,
        sub=participant.sub,
        resource_link_id=link.resource_link_id,
        line_item=link.line_item,
        line_items=link.line_items,
        scopes=frozenset(link.scopes),
        client_id=platform.client_id,
        token_url=platform.token_url,
        audience=platform.token_audience,
        is_active=platform.is_active,
    )
