"""Where Zoom is used: who sets it up, which profile a place gets, and that Zoom knows it by the same ids for ever."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from webtest import TestResponse

from saas import clock
from saas.problems import Refused
from saas.tenancy.lifecycle import Lifecycle
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.calendar import writing
from tenants.calendar.models import CalendarEvent
from tenants.catalog.models import Activity, Course, CourseGroup, Status
from tenants.catalog.services import Catalog
from tenants.lti.platform.models import OpensIn
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace
from tenants.zoom.ltipro.places import Places, Why
from tests.features.test_web_property import NASTY
from tests.features.zoom_places import ZoomDesk, make_profile, place_page
from tests.house import Browser, House, Kit, forms_of

KINDS = list(PlaceKind)
SETTINGS = {
    PlaceKind.ELEMENT: "/activities/{}/zoom",
    PlaceKind.COURSE: "/courses/{}/zoom/settings",
    PlaceKind.GROUP: "/groups/{}/zoom/settings",
}
HOMES = {
    PlaceKind.ELEMENT: "/activities/{}/settings",
    PlaceKind.COURSE: "/courses/{}",
    PlaceKind.GROUP: "/groups/{}/edit",
}
ON = {"is_on": "y", "opens_in": "profile"}


@pytest.fixture
def bare(house: House) -> ZoomDesk:
    """With a profile, and no place."""
    return ZoomDesk.set(house.academy(), with_places=False)


@pytest.fixture
def desk(house: House) -> ZoomDesk:
    return ZoomDesk.set(house.academy())


def settings_of(desk: ZoomDesk, kind: PlaceKind) -> str:
    return SETTINGS[kind].format(desk.ids[kind])


def save(browser: Browser, desk: ZoomDesk, kind: PlaceKind, status: int = 303, **fields: Any) -> TestResponse:
    return browser.post(settings_of(desk, kind), {**ON, "profile_id": "", **fields}, status=status)


def count(kit: Kit) -> int:
    with kit.session() as session:
        return session.scalar(sa.select(sa.func.count(ZoomPlace.id))) or 0


def ids_of(place: ZoomPlace) -> tuple[UUID, str, str]:
    return place.id, place.context_id, place.resource_link_id


@pytest.mark.parametrize("kind", KINDS)
def test_an_author_sets_it_up_on_the_page_where_it_belongs(bare: ZoomDesk, kind: PlaceKind) -> None:
    author = bare.kit.signed_in(Role.AUTHOR)
    home = HOMES[kind].format(bare.ids[kind])
    form = next(form for form in forms_of(author.get(home, status=200)) if "profile_id" in form.fields)
    assert form.action == settings_of(bare, kind)
    assert bare.place(kind) is None
    if kind is not PlaceKind.ELEMENT:
        form["is_on"] = True
    saved = form.submit(status=303)
    assert saved.location.partition("//")[2].partition("/")[2] == f"{home[1:]}#zoom"
    page = author.get(home, status=200)
    place = bare.there(kind)
    assert "it is the only one" in page, "why this profile"
    assert place.context_id in page
    assert str(UUID(place.context_id)) == place.context_id
    assert str(UUID(place.resource_link_id)) == place.resource_link_id
    assert place.context_id != place.resource_link_id
    assert (place.kind, place.is_on, place.course_id) == (kind, True, bare.ids[PlaceKind.COURSE])
    opened = author.get(place_page(place), status=200)
    assert "Agree and open" in opened


@pytest.mark.case("ZL-107")
def test_what_stays_off_or_is_only_looked_at_makes_no_place(bare: ZoomDesk) -> None:
    author, learner = bare.kit.signed_in(Role.AUTHOR), bare.visitor(in_group=False)
    for kind in (PlaceKind.COURSE, PlaceKind.GROUP):
        author.post(settings_of(bare, kind), {"opens_in": "profile", "profile_id": ""}, status=303)
    bare.publish(on=False)
    for kind in KINDS:
        author.get(HOMES[kind].format(bare.ids[kind]), status=200)
        assert "ZOOM_PLACE_MISSING" in author.get(bare.path(kind), status=409)
        author.post(bare.path(kind), {"share": "email"}, status=409)
        author.post(f"{bare.path(kind)}/launch", {"in": "iframe"}, status=409)
    with bare.kit.session() as session:
        session.get_one(Activity, bare.ids[PlaceKind.ELEMENT]).status = Status.PUBLISHED
    for kind in KINDS:
        assert "ZOOM_PLACE_MISSING" in learner.page(kind, status=409)
        learner.browser.post(f"{bare.path(kind)}/launch", {"in": "iframe"}, status=409)
    assert count(bare.kit) == 0


@pytest.mark.case("ZL-106")
@pytest.mark.parametrize("kind", KINDS)
def test_learners_make_no_place_but_a_groups_coach_does(bare: ZoomDesk, kind: PlaceKind) -> None:
    learner, coach = bare.visitor(in_group=False), bare.visitor(in_group=True)
    assert "WEB_FORBIDDEN" in save(learner.browser, bare, kind, status=403)
    assert count(bare.kit) == 0
    is_group = kind is PlaceKind.GROUP
    save(coach.browser, bare, kind, status=303 if is_group else 403)
    assert count(bare.kit) == is_group
    if is_group:
        assert coach.browser.get(HOMES[kind].format(bare.ids[kind]), status=200).html.find(id="zoom")


def test_the_order_in_which_a_profile_is_chosen(bare: ZoomDesk) -> None:
    """Explicit, default, the author's mail domain, the only one; never one that is switched off."""
    kit = bare.kit
    author = kit.person(Role.AUTHOR, email="ada@School.Example")

    def chosen() -> tuple[Why, UUID] | None:
        with kit.session() as session:
            found = bare.places(session).choose(session.get_one(Person, author.id))
            return (found.why, found.profile.id) if found else None

    assert chosen() == (Why.ONLY, bare.profile_id)
    with kit.session() as session:
        plain = make_profile(kit, session).id
        domain = make_profile(kit, session, mail_domains=("school.example", "other.example")).id
    assert chosen() == (Why.DOMAIN, domain)
    with kit.session() as session:
        default = make_profile(kit, session, is_default=True).id
    assert chosen() == (Why.DEFAULT, default)
    browser = kit.signed_in(person=author)
    save(browser, bare, PlaceKind.ELEMENT, profile_id=str(plain))
    assert bare.there(PlaceKind.ELEMENT).profile_id == plain
    save(browser, bare, PlaceKind.COURSE)
    assert bare.there(PlaceKind.COURSE).profile_id == default
    with kit.session() as session:
        profiles = bare.profiles(session)
        profiles.switch(profiles.get(default), on=False)
        profiles.switch(profiles.get(domain), on=False)
    assert chosen() is None
    refused = save(browser, bare, PlaceKind.GROUP, status=422)
    assert "It is not decided which Zoom profile to use" in refused
    assert bare.place(PlaceKind.GROUP) is None
    with kit.session() as session:
        for each in bare.profiles(session).active():
            bare.profiles(session).switch(each, on=False)
    assert "There is no Zoom profile yet" in save(browser, bare, PlaceKind.GROUP, status=422)
    save(browser, bare, PlaceKind.GROUP, profile_id=str(plain))
    assert bare.there(PlaceKind.GROUP).profile_id == plain, "named, it is taken even while it is switched off"


@pytest.mark.case("ZL-022")
def test_ids_are_made_once_and_stay_over_everything(desk: ZoomDesk) -> None:
    kit, author = desk.kit, desk.kit.signed_in(Role.AUTHOR)
    before = {kind: ids_of(desk.there(kind)) for kind in KINDS}
    assert len({each for ids in before.values() for each in ids}) == 9

    def same() -> bool:
        return {kind: ids_of(desk.there(kind)) for kind in KINDS} == before

    for kind in KINDS:
        save(author, desk, kind)
        save(author, desk, kind, opens_in="window")
    assert same()
    with kit.session() as session:
        session.get_one(Course, desk.ids[PlaceKind.COURSE]).title = "Another title"
        session.get_one(Activity, desk.ids[PlaceKind.ELEMENT]).title = "Another hour"
        session.get_one(CourseGroup, desk.ids[PlaceKind.GROUP]).title = "Group South"
        other = make_profile(kit, session).id
    assert same()
    for kind in (PlaceKind.COURSE, PlaceKind.GROUP):
        author.post(settings_of(desk, kind), {"opens_in": "profile", "profile_id": ""}, status=303)
        assert not desk.there(kind).is_on
        save(author, desk, kind)
        assert desk.there(kind).is_on
    assert same()
    for kind in KINDS:
        save(author, desk, kind, profile_id=str(other), confirmed="1")
        assert desk.there(kind).profile_id == other
    assert same()
    with kit.session() as session:
        profiles = desk.profiles(session)
        profiles.reassign(profiles.get(other), profiles.get(desk.profile_id))
    desk.use(is_on=False)
    desk.use(*KINDS)
    desk.publish(on=False)
    desk.publish()
    assert same()
    assert count(kit) == 3


def test_another_profile_is_asked_about_first(desk: ZoomDesk) -> None:
    author = desk.kit.signed_in(Role.AUTHOR)
    with desk.kit.session() as session:
        other = make_profile(desk.kit, session, name="Zoom of the <i>south</i>").id
    for kind in KINDS:
        asked = save(author, desk, kind, status=200, profile_id=str(other), opens_in="window")
        assert "stay in its Zoom account" in asked
        assert "It is not moved any more when it moves in Zoom" in asked
        assert "Zoom of the &lt;i&gt;south" in asked
        assert desk.there(kind).profile_id == desk.profile_id
        form = next(form for form in forms_of(asked) if "confirmed" in form.fields)
        form.submit(status=303)
        place = desk.there(kind)
        assert (place.profile_id, place.opens_in, place.is_on) == (other, OpensIn.WINDOW, True)
    save(author, desk, PlaceKind.COURSE, profile_id=str(other))


def test_publishing_needs_a_place(bare: ZoomDesk) -> None:
    author, activity = bare.kit.signed_in(Role.AUTHOR), bare.ids[PlaceKind.ELEMENT]
    refused = author.post(f"/activities/{activity}/publish", {"on": "1"}, status=409)
    assert "ZOOM_PLACE_MISSING" in refused
    assert "Nothing to open yet" in author.get(f"/activities/{activity}/content", status=200)
    save(author, bare, PlaceKind.ELEMENT)
    assert "Complete" in author.get(f"/activities/{activity}/content", status=200)
    author.post(f"/activities/{activity}/publish", {"on": "1"}, status=303)
    page = bare.visitor().browser.get(f"/activities/{activity}", status=200)
    assert page.click("Open Zoom").request.path == bare.path(PlaceKind.ELEMENT)


def test_a_copied_activity_is_another_place(desk: ZoomDesk) -> None:
    author, activity = desk.kit.signed_in(Role.AUTHOR), desk.ids[PlaceKind.ELEMENT]
    save(author, desk, PlaceKind.ELEMENT, opens_in="window")
    answer = author.post(f"/activities/{activity}/zoom/copy", {}, status=303)
    made = UUID(answer.location.split("/")[-2])
    with desk.kit.session() as session:
        copy = desk.places(session).of_activity(session.get_one(Activity, made))
        first = desk.places(session).of_activity(session.get_one(Activity, activity))
        assert copy is not None
        assert first is not None
        assert not set(ids_of(copy)) & set(ids_of(first))
        assert (copy.profile_id, copy.opens_in) == (first.profile_id, OpensIn.WINDOW)
        assert session.get_one(Activity, made).status is Status.DRAFT
    own = desk.kit.activity()
    author.post(f"/activities/{own.id}/zoom/copy", {}, status=404)
    author.post(f"/activities/{own.id}/zoom", {"profile_id": "", "opens_in": "profile"}, status=404)


def test_two_at_once_make_one_place(bare: ZoomDesk) -> None:
    made = [bare.put(PlaceKind.COURSE), bare.put(PlaceKind.COURSE)]
    assert ids_of(made[0]) == ids_of(made[1])
    with bare.kit.session() as session:
        course = session.get_one(Course, bare.ids[PlaceKind.COURSE])
        twin = bare.places(session)._made(PlaceKind.COURSE, course, bare.profiles(session).get(bare.profile_id))
        assert ids_of(twin) == ids_of(made[0])
    assert count(bare.kit) == 1


def test_what_a_place_is_of_takes_it_along(desk: ZoomDesk) -> None:
    with desk.kit.session() as session:
        Catalog(session).delete(session.get_one(Activity, desk.ids[PlaceKind.ELEMENT]))
    assert count(desk.kit) == 2
    with desk.kit.session() as session:
        Catalog(session).delete(session.get_one(Course, desk.ids[PlaceKind.COURSE]))
    assert count(desk.kit) == 0


@pytest.mark.case("ZL-107")
@pytest.mark.parametrize("kind", KINDS)
def test_off_by_operator_by_admin_by_kind_by_place_by_profile(desk: ZoomDesk, kind: PlaceKind) -> None:
    """Each says who can do what; nothing is lost; and nothing is offered where it leads nowhere."""
    learner, kit = desk.visitor(in_group=False), desk.kit
    author = kit.signed_in(Role.AUTHOR)

    def refused(code: str) -> TestResponse:
        page = learner.page(kind, status=403)
        assert code in page
        assert code in learner.browser.post(f"{desk.path(kind)}/launch", {"in": "iframe"}, status=403)
        assert "Who can fix it" in page
        assert page.html.find("a", string="Back") or "Back" in page
        return page

    desk.switch(on=False)
    refused("ZOOM_PROFILE_OFF")
    desk.switch(on=True)
    if kind is not PlaceKind.ELEMENT:
        author.post(settings_of(desk, kind), {"opens_in": "profile", "profile_id": ""}, status=303)
        refused("ZOOM_PLACE_OFF")
        save(author, desk, kind)
    desk.use(*(each for each in KINDS if each is not kind))
    refused("ZOOM_KIND_OFF")
    assert "ZOOM_KIND_OFF" in save(author, desk, kind, status=403)
    author.get(HOMES[kind].format(desk.ids[kind]), status=200)
    desk.use(*KINDS, is_on=False)
    refused("ZOOM_OFF")
    desk.use(*KINDS)
    operator_switches(kit, on=False)
    refused("ZOOM_OFF")
    author.get(HOMES[kind].format(desk.ids[kind]), status=200)
    operator_switches(kit, on=True)
    assert "Agree and open" in learner.page(kind, status=200)


def operator_switches(kit: Kit, *, on: bool) -> None:
    with kit.runtime.database.shell() as session:
        Lifecycle(session, kit.runtime.settings.web).switch(kit.academy.slug, "zoom", on=on, reason="test")
    kit.runtime.tenants.forget()


def test_the_tools_stand_on_the_pages_of_course_and_group(desk: ZoomDesk) -> None:
    member, other = desk.visitor(in_group=False), desk.visitor()
    course, group = f"/courses/{desk.ids[PlaceKind.COURSE]}", f"/groups/{desk.ids[PlaceKind.GROUP]}"
    for browser, path, way in (
        (member.browser, course, f"{course}/zoom"),
        (other.browser, course, f"{course}/zoom"),
        (member.browser, group, f"{group}/zoom"),
    ):
        assert browser.get(path, status=200).html.find("a", href=way)
    other.browser.get(group, status=404)
    other.browser.get(f"{group}/zoom", status=404)
    other.browser.post(f"{group}/zoom/launch", {"in": "iframe"}, status=404)
    desk.use(PlaceKind.ELEMENT)
    assert not member.browser.get(course, status=200).html.find("a", href=f"{course}/zoom")
    assert not member.browser.get(group, status=200).html.find("a", href=f"{group}/zoom")
    assert "Zoom meeting" in desk.kit.signed_in(Role.AUTHOR).get(f"{course}/activities/new", status=200)
    desk.use(PlaceKind.COURSE)
    assert "Zoom meeting" not in desk.kit.signed_in(Role.AUTHOR).get(f"{course}/activities/new", status=200)


def test_another_academys_place_does_not_exist(house: House, desk: ZoomDesk) -> None:
    south = ZoomDesk.set(house.academy())
    stranger = south.kit.signed_in(Role.ADMIN)
    for kind in KINDS:
        for path in (desk.path(kind), f"{desk.path(kind)}/launch", settings_of(desk, kind)):
            stranger.post(path, {"in": "iframe", **ON, "profile_id": ""}, status=404)
        stranger.get(desk.path(kind), status=404)
        stranger.get(f"/zoom/places/{desk.there(kind).id}/return", status=404)
        foreign = save(stranger, south, kind, status=422, profile_id=str(desk.profile_id))
        assert "profile_id" in foreign
        assert south.there(kind).profile_id == south.profile_id
    with south.kit.session() as session:
        places = Places(session, south.kit.academy, south.kit.runtime)
        with pytest.raises(Refused, match="WEB_NOT_FOUND"):
            places.get(desk.there(PlaceKind.COURSE).id)


@pytest.mark.case("ZL-106")
def test_strangers_are_asked_to_sign_in(desk: ZoomDesk) -> None:
    for kind in KINDS:
        answer = desk.kit.browser().get(desk.path(kind), status=303)
        assert "/sign-in" in answer.location


def test_nothing_sent_to_these_addresses_ends_in_a_5xx(desk: ZoomDesk) -> None:
    author, wrong = desk.kit.signed_in(Role.AUTHOR), []
    author.get(f"/zoom/places/{desk.there(PlaceKind.COURSE).id}/return", status=303)
    for place, nasty in enumerate(NASTY):
        kind = KINDS[place % 3]
        answers = [
            author.post(settings_of(desk, kind), {"profile_id": nasty, "opens_in": nasty, "is_on": nasty}, status="*"),
            author.post(f"{desk.path(kind)}/launch", {"in": nasty}, status="*"),
            author.post(desk.path(kind), {"share": nasty}, status="*"),
            author.app.get(desk.path(kind), {"in": nasty}, status="*"),
        ]
        wrong += [(nasty, answer.request.path) for answer in answers if answer.status_int >= 500]
    assert wrong == []
    assert count(desk.kit) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_the_calendar_leads_to_the_place(desk: ZoomDesk, kind: PlaceKind) -> None:
    """And going there is noted with the meeting."""
    learner, place = desk.visitor(in_group=False), desk.there(kind)
    with desk.kit.session() as session:
        origin = writing.Origin(place.id, place.course_id, place.activity_id, place.group_id)
        said = writing.EventValues("Hour one", "", "https://us05web.zoom.us/j/1", clock.now(), 3600)
        event = writing.make(session, origin, "1", "", said, writing.next_numbers(session, 1))
        assert event is not None
    calendar = f"/groups/{place.group_id}" if place.group_id else f"/courses/{place.course_id}"
    page = learner.browser.get(f"{calendar}/calendar", status=200)
    assert page.html.find("a", href=desk.path(kind))
    learner.launch(kind)
    with desk.kit.session() as session:
        assert session.get_one(CalendarEvent, event.id).opened_at is not None
