"""The demonstration meets in practice Zoom where there is one; it is told again at every start, and moves along."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from saas.runtime import Runtime
from saas.tenancy.lifecycle import Lifecycle
from saas.tenancy.resolve import Academy, academy
from tenants.catalog.models import Activity, Course, CourseGroup, GroupMember, Status
from tenants.demo.services import doors, make_demo
from tenants.demo.zoom import COURSE, GROUP, LTI_KEY, MEETING, PROFILE, meet
from tenants.zoom.ltipro import tokens
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace, ZoomProfile, ZoomUse
from tests.house import BACKENDS, House
from tests.peers.zoom.client import RunningZoom

KINDS = (ZoomUse, ZoomProfile, ZoomPlace, Course, Activity, CourseGroup, GroupMember)


@dataclass
class Demo:
    house: House
    zoom: RunningZoom

    @property
    def runtime(self) -> Runtime:
        return self.house.runtime

    def academies(self) -> dict[str, Academy]:
        with self.runtime.database.shell(write=False) as session:
            tenants = Lifecycle(session, self.runtime.settings.web).all()
            return {tenant.slug: academy(tenant, self.runtime.settings.web) for tenant in tenants}

    @property
    def north(self) -> Academy:
        return self.academies()["north"]

    def rows(self, kind: type[Any]) -> list[Any]:
        with self.runtime.database.transaction(self.north.id, write=False) as session:
            found = list(session.scalars(sa.select(kind).order_by(kind.id)))
            session.expunge_all()
            return found

    def counts(self) -> list[int]:
        return [len(self.rows(kind)) for kind in KINDS]


@pytest.fixture(scope="module", params=BACKENDS)
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with RunningZoom() as zoom:
        house = House.build(request.param, tmp_path_factory.mktemp("demo"), zoom__ltipro_url=zoom.url)
        assert make_demo(house.runtime) is True
        yield Demo(house, zoom)
        house.close()


def test_a_profile_is_connected_with_what_an_admin_would_copy(demo: Demo) -> None:
    (profile,) = demo.rows(ZoomProfile)
    (use,) = demo.rows(ZoomUse)
    assert demo.north.has("zoom")
    assert (use.is_on, use.in_elements, use.in_courses, use.in_groups, use.with_calendar) == (True,) * 5
    assert (profile.name, profile.lti_key, profile.is_active) == (PROFILE, LTI_KEY, True)
    (credential,) = demo.zoom.state()["credentials"]
    assert (credential["key"], credential["calendar"]) == (LTI_KEY, True)
    (instance,) = credential["instances"]
    token = tokens.reveal(profile, demo.runtime.secrets)
    assert instance == {"url": demo.north.url, "client_id": profile.tool.client_id, "token": f"…{token[-4:]}"}


def test_a_course_has_a_meeting_the_course_tool_and_a_group_with_its_own(demo: Demo) -> None:
    course = next(each for each in demo.rows(Course) if each.title == COURSE)
    meeting = next(each for each in demo.rows(Activity) if each.title == MEETING)
    (group,) = demo.rows(CourseGroup)
    assert (course.status, meeting.status, meeting.is_meeting) == (Status.PUBLISHED, Status.PUBLISHED, True)
    assert (group.title, group.course_id, meeting.course_id) == (GROUP, course.id, course.id)
    assert sorted(member.is_coach for member in demo.rows(GroupMember)) == [False, True]
    places = {place.kind: place for place in demo.rows(ZoomPlace)}
    assert set(places) == set(PlaceKind)
    assert {place.course_id for place in places.values()} == {course.id}
    assert places[PlaceKind.ELEMENT].activity_id == meeting.id
    assert places[PlaceKind.GROUP].group_id == group.id


def test_the_last_lines_lead_to_it_and_let_the_coach_in(demo: Demo) -> None:
    north, south = doors(demo.runtime)[:2]
    assert (north.zoom, south.zoom) == (demo.zoom.url, "")
    assert (sorted(north.links), sorted(south.links)) == (["admin", "coach", "learner"], ["admin", "learner"])


def test_another_start_keeps_everything_and_tells_practice_zoom_again(demo: Demo) -> None:
    before, (profile,) = demo.counts(), demo.rows(ZoomProfile)
    with demo.runtime.database.transaction(demo.north.id) as session:
        session.execute(sa.update(ZoomUse).values(in_groups=False))
        session.execute(sa.update(ZoomProfile).values(issuer="http://north.localhost:7654"))
    demo.zoom.add_instance(LTI_KEY, demo.north.url, "forgotten", "forgotten", calendar=False)
    assert make_demo(demo.runtime) is False
    assert demo.counts() == before
    (use,) = demo.rows(ZoomUse)
    assert use.in_groups is False, "what people made of it stays"
    assert demo.rows(ZoomProfile)[0].issuer == demo.north.url
    (credential,) = demo.zoom.state()["credentials"]
    known = [(each["url"], each["client_id"]) for each in credential["instances"]]
    assert (credential["calendar"], known) == (True, [(demo.north.url, profile.tool.client_id)])


def test_a_deleted_profile_comes_back_without_a_second_course(demo: Demo) -> None:
    """Its places have gone with it; whoever deletes it has emptied the course of Zoom."""
    before = demo.counts()
    with demo.runtime.database.transaction(demo.north.id) as session:
        session.execute(sa.delete(ZoomPlace))
        session.execute(sa.delete(ZoomProfile))
    assert make_demo(demo.runtime) is True
    assert [after - earlier for after, earlier in zip(demo.counts(), before, strict=True)] == [0, 0, -3, 0, 0, 0, 0]


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:9", "http://10.0.0.1:9"])
def test_without_a_practice_zoom_there_is_no_zoom(tmp_path: Path, address: str) -> None:
    """None, one that does not answer, and one that may not be called; nor is real Zoom ever asked."""
    house = House.build("sqlite", tmp_path, **({"zoom__ltipro_url": address} if address else {}))
    try:
        assert make_demo(house.runtime) is True
        demo = Demo(house, None)  # type: ignore[arg-type]  # -- there is none
        assert meet(house.runtime, demo.academies(), patience=0) is False
        assert demo.rows(ZoomProfile) == demo.rows(ZoomUse) == []
        assert not demo.north.has("zoom")
        assert [door.zoom for door in doors(house.runtime)] == ["", "", ""]
    finally:
        house.close()
