"""Pages ask the database as often for many rows as for one; launches and logins: tests/conformance/test_cost.py."""

import pytest

from tenants.access import Role
from tenants.catalog.models import Activity, BlockKind
from tenants.catalog.services import Catalog
from tests.cost import counted
from tests.features.zoom_rooms import MORNING, Room, an_event
from tests.house import Browser, House, Kit, forms_of

MORE = 12


def statements(kit: Kit, browser: Browser, path: str) -> list[str]:
    """Of the second visit: the first may mark something as seen. The host is always asked for, never remembered."""
    browser.get(path, status=200)
    kit.runtime.tenants.forget()
    with counted(kit.runtime.database) as cost:
        browser.get(path, status=200)
    return cost.statements


@pytest.mark.parametrize("role", [Role.LEARNER, Role.AUTHOR])
@pytest.mark.parametrize("path", ["/", "/courses"])
def test_a_list_of_courses_costs_the_same_however_long(house: House, role: Role, path: str) -> None:
    kit = house.academy()
    begun(browser := kit.signed_in(role), kit.activity())
    few = statements(kit, browser, path)
    for _ in range(MORE):
        begun(browser, kit.activity())
    assert len(many := statements(kit, browser, path)) == len(few), many


def test_results_cost_the_same_however_many(house: House) -> None:
    kit = house.academy()
    begun(browser := kit.signed_in(), kit.activity())
    few = statements(kit, browser, "/results")
    for _ in range(MORE):
        begun(browser, kit.activity())
    assert len(many := statements(kit, browser, "/results")) == len(few), many


@pytest.mark.parametrize("page", ["activity", "chapter"])
def test_the_player_costs_the_same_however_long_the_e_learning(house: House, page: str) -> None:
    kit = house.academy()
    begun(browser := kit.signed_in(), activity := kit.activity())
    first = activity.chapters[0]
    path = f"/activities/{activity.id}" if page == "activity" else f"/learn/{activity.id}/{first.id}"
    few = statements(kit, browser, path)
    lengthen(kit, activity)
    assert len(many := statements(kit, browser, path)) == len(few), many


def test_a_course_calendar_costs_the_same_however_full(house: House) -> None:
    room = Room.set(house.academy())
    place, browser = room.place(), room.kit.signed_in(Role.AUTHOR)
    path = f"/courses/{place.course_id}/calendar"
    room.made(an_event(place))
    few = statements(room.kit, browser, path)
    for turn in range(MORE):
        room.made(an_event(place, name=f"Meeting {turn}", description="", timestart=MORNING + turn))
    assert len(many := statements(room.kit, browser, path)) == len(few), many


def begun(browser: Browser, activity: Activity) -> None:
    """The learner has started it, so that lists show progress."""
    forms_of(browser.get(f"/activities/{activity.id}"))[-1].submit(status=303)


def lengthen(kit: Kit, activity: Activity) -> None:
    with kit.session() as session:
        catalog = Catalog(session)
        mine = session.get_one(Activity, activity.id)
        for number in range(MORE):
            chapter = catalog.create_chapter(mine, f"More {number}")
            for block in range(3):
                catalog.create_block(chapter, BlockKind.TEXT, {"markdown": f"Text {block}"})
