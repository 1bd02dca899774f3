"""The demonstration's academies know each other, in both versions of LTI, and are left alone afterwards."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from saas.runtime import Runtime
from saas.tenancy.lifecycle import Lifecycle
from saas.tenancy.resolve import Academy, academy
from tenants.catalog.models import Activity, ActivityType, Content, Course, Status
from tenants.demo.connections import MINIMUM
from tenants.demo.services import doors, make_demo
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.addresses import authorize_url, issuer, token_url
from tenants.lti.platform.models import Tool, ToolLink
from tenants.lti.tool.addresses import jwks_url, launch12_url, launch_url, login_url, resource_url
from tenants.lti.tool.models import Deployment, Platform
from tenants.lti.tool.models11 import ConsumerKey
from tests.house import BACKENDS, House

KINDS = (Tool, Platform, ConsumerKey, ToolLink, Course, Activity)


@pytest.fixture(scope="module", params=BACKENDS)
def runtime(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    house = House.build(request.param, tmp_path_factory.mktemp("demo"))
    assert make_demo(house.runtime) is True
    yield house.runtime
    house.close()


def academies(runtime: Runtime) -> tuple[Academy, Academy]:
    """North, and south."""
    with runtime.database.shell(write=False) as session:
        tenants = Lifecycle(session, runtime.settings.web).all()
        by_slug = {tenant.slug: academy(tenant, runtime.settings.web) for tenant in tenants}
    return by_slug["north"], by_slug["south"]


def rows(runtime: Runtime, at: Academy, kind: type[Any]) -> list[Any]:
    with runtime.database.transaction(at.id, write=False) as session:
        found = list(session.scalars(sa.select(kind).order_by(kind.id)))
        session.expunge_all()
        return found


def everything(runtime: Runtime) -> dict[tuple[str, str], list[Any]]:
    """Ids and addresses of what connects the two."""
    said: dict[tuple[str, str], list[Any]] = {}
    for each in academies(runtime):
        for kind in KINDS:
            columns: list[Any] = [column for column in kind.__table__.columns if column.name != "version"]
            found = rows(runtime, each, kind)
            said[each.slug, kind.__name__] = [
                [getattr(row, column.name) for column in columns if not column.name.endswith("_at")] for row in found
            ]
    return said


@pytest.mark.parametrize("turned", [False, True])
def test_each_is_the_others_tool_and_platform(runtime: Runtime, turned: bool) -> None:
    here, there = academies(runtime)[:: -1 if turned else 1]
    (tool,), (platform,) = rows(runtime, here, Tool), rows(runtime, there, Platform)
    (deployment,) = rows(runtime, there, Deployment)
    assert tool.is_active
    assert platform.is_active
    assert (tool.name, tool.login_url, tool.jwks_url) == (there.name, login_url(there), jwks_url(there))
    assert tool.redirect_urls == [launch_url(there)]
    assert (platform.name, platform.issuer, platform.client_id) == (here.name, issuer(here), tool.client_id)
    assert (platform.auth_url, platform.token_url) == (authorize_url(here), token_url(here))
    assert deployment.deployment_id == tool.deployment_id


def test_the_last_lines_of_run_name_the_courses_of_both_directions(runtime: Runtime) -> None:
    named = [(door.name, door.visits) for door in doors(runtime)]
    assert named[:2] == [
        ("North Academy", ("Visiting the South Academy",)),
        ("South Academy", ("Visiting the North Academy",)),
    ]


@pytest.mark.parametrize(("turned", "kinds"), [(False, 4), (True, 2)])
def test_activities_of_both_versions_open_what_is_shared_there(runtime: Runtime, turned: bool, kinds: int) -> None:
    here, there = academies(runtime)[:: -1 if turned else 1]
    links = rows(runtime, here, ToolLink)
    keys = {row.key: row.activity_id for row in rows(runtime, there, ConsumerKey)}
    shared = {row.id for row in rows(runtime, there, Activity) if row.lti_available and row.status is Status.PUBLISHED}
    opened = {resource_url(there, each): each for each in shared} | {launch12_url(there, each): each for each in shared}
    activities = {row.id: row for row in rows(runtime, here, Activity) if row.content is Content.LTI}
    assert {link.activity_id for link in links} == set(activities)
    assert {row.status for row in activities.values()} == {Status.PUBLISHED}
    made = {(link.lti_version, activities[link.activity_id].type) for link in links}
    assert len(made) == kinds
    assert {version for version, _type in made} == {Protocol.LTI_12, Protocol.LTI_13}
    assert len({opened[link.url] for link in links}) == len(links), "each opens one of its own"
    for link in links:
        activity = activities[link.activity_id]
        assert activity.minimum_score == (MINIMUM if activity.type is ActivityType.EXAM else None)
        if link.lti_version is Protocol.LTI_12:
            assert keys[link.key] == opened[link.url]


def test_another_start_keeps_everything(runtime: Runtime) -> None:
    before = everything(runtime)
    assert make_demo(runtime) is False
    assert everything(runtime) == before


def test_an_older_demonstration_gains_them(runtime: Runtime) -> None:
    """As it was before there were tools; what people made of it stays."""
    north, south = academies(runtime)
    for each in (north, south):
        with runtime.database.transaction(each.id) as session:
            for kind in (ToolLink, Tool, Platform, ConsumerKey):
                session.execute(sa.delete(kind))
            newer = Activity.title.in_(["Sourdough", "At the oven", "Baker's arithmetic"])
            for activity in session.scalars(sa.select(Activity).where((Activity.content == Content.LTI) | newer)):
                session.delete(activity)
            for course in session.scalars(sa.select(Course).where(Course.title.startswith("Visiting"))):
                session.delete(course)
            session.scalars(sa.select(Activity).limit(1)).one().duration_minutes = 99
    assert make_demo(runtime) is True
    for each, links in ((north, 4), (south, 2)):
        assert len(rows(runtime, each, ToolLink)) == links
        assert len(rows(runtime, each, Tool)) == len(rows(runtime, each, Platform)) == 1
    assert make_demo(runtime) is False


def test_one_that_moved_to_another_port_is_told_so(runtime: Runtime) -> None:
    before = everything(runtime)
    for each in academies(runtime):
        with runtime.database.transaction(each.id) as session:
            for row in session.scalars(sa.select(Tool)):
                row.login_url = _elsewhere(row.login_url)
                row.redirect_urls = [_elsewhere(url) for url in row.redirect_urls]
            for platform in session.scalars(sa.select(Platform)):
                platform.issuer, platform.token_url = _elsewhere(platform.issuer), _elsewhere(platform.token_url)
            for link in session.scalars(sa.select(ToolLink)):
                link.url = _elsewhere(link.url)
    assert everything(runtime) != before
    assert make_demo(runtime) is False
    assert everything(runtime) == before


def _elsewhere(url: str) -> str:
    scheme, rest = url.split("://")
    host, *path = rest.split("/")
    return "/".join([f"{scheme}://{host.split(':')[0]}:7654", *path])
