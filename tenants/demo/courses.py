"""The demonstration's own courses, made out of `tenants.demo.content`."""

from typing import Any

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from tenants.catalog.models import Activity, ActivityType, BlockKind, Content, Course, Opens
from tenants.catalog.playlists import Playlists
from tenants.catalog.services import Catalog
from tenants.demo.content import ACADEMIES


def make_course(catalog: Catalog, wanted: dict[str, Any]) -> Course:
    course = catalog.create_course(wanted["title"], wanted["summary"])
    for each in wanted["activities"]:
        _make_activity(catalog, course, each)
    catalog.publish(course, on=True)
    return course


def demo_activity(session: ScopedSession, title: str) -> Activity:
    """Written here under that title; made in its course where an older demonstration has none."""
    own = sa.select(Activity).where(Activity.title == title, Activity.content == Content.OWN).limit(1)
    found = session.scalar(own)
    if found is not None:
        return found
    course, activity = next(
        (course, activity)
        for academy in ACADEMIES
        for course in academy["courses"]
        for activity in course["activities"]
        if activity["title"] == title
    )
    catalog = Catalog(session)
    known = session.scalar(sa.select(Course).where(Course.title == course["title"]).limit(1))
    return _make_activity(catalog, known or make_course(catalog, {**course, "activities": []}), activity)


def _make_activity(catalog: Catalog, course: Course, wanted: dict[str, Any]) -> Activity:
    kind = ActivityType(wanted.get("type", ActivityType.E_LEARNING))
    activity = catalog.create_activity(course, wanted["title"], wanted["description"], wanted["minutes"], kind)
    for title, mandatory, opens in wanted.get("items", ()):
        item = next(one for one in course.activities if one.title == title)
        Playlists(catalog.session).add(activity, item, mandatory=mandatory, opens=Opens(opens))
    for title, blocks in wanted.get("chapters", ()):
        chapter = catalog.create_chapter(activity, title)
        for block in blocks:
            body = {name: value for name, value in block.items() if name != "block"}
            catalog.create_block(chapter, BlockKind(block["block"]), body)
    catalog.publish(activity, on=True)
    catalog.share(activity, on=wanted["shared"])
    return activity
