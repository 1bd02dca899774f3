"""Groups of a course: made by authors, led by coaches, seen by their people and by nobody else."""

import threading
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from webtest import TestResponse

from saas.problems import Refused
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import People
from tenants.catalog.groups import FOUND_LIMIT, Groups
from tenants.catalog.models import Course, CourseGroup, GroupMember
from tenants.catalog.services import TEXT_LENGTH, TITLE_LENGTH, Catalog
from tenants.learning.models import EnrolledBy, Enrolment
from tests.cost import counted
from tests.features.pages import faults, words
from tests.house import House, Kit


def make(kit: Kit, *people: Person, coach: Person | None = None, title: str = "Tuesday") -> CourseGroup:
    """In a published course of its own."""
    course_id = kit.activity().course_id
    with kit.session() as session:
        groups = Groups(session)
        group = groups.create(session.get_one(Course, course_id), title, "We meet in the evening")
        for each in people:
            groups.put(group, session.get_one(Person, each.id))
        if coach:
            groups.put(group, session.get_one(Person, coach.id), is_coach=True)
        session.flush()
        session.refresh(group)
        session.expunge_all()
        return group


def members(kit: Kit, group: CourseGroup) -> dict[UUID, bool]:
    """Person → whether a coach."""
    with kit.session() as session:
        query = sa.select(GroupMember).where(GroupMember.group_id == group.id)
        return {each.person_id: each.is_coach for each in session.scalars(query)}


def take_part(kit: Kit, group: CourseGroup, *people: Person) -> None:
    with kit.session() as session:
        activity = session.get_one(Course, group.course_id).activities[0]
        session.add_all(
            Enrolment(person_id=each.id, activity_id=activity.id, enrolled_by=EnrolledBy.SELF) for each in people
        )


def named(kit: Kit, name: str) -> Person:
    person = kit.person()
    with kit.session() as session:
        session.get_one(Person, person.id).family_name = name
    return person


def ticks(page: TestResponse) -> dict[str, bool]:
    """Who is offered, by id, and whether they can be ticked."""
    boxes = page.html.select('input[name="person"]')
    return {box["value"]: not box.has_attr("disabled") for box in boxes}


def test_a_group_from_nothing_to_its_people(house: House) -> None:
    kit = house.academy()
    anna, course = kit.person(), kit.activity().course_id
    author, learner, other = kit.signed_in(Role.AUTHOR), kit.signed_in(person=anna), kit.signed_in()
    assert f"/courses/{course}/groups/new" in author.get(f"/courses/{course}")
    made = author.post(
        f"/courses/{course}/groups/new", {"title": " Tuesday \u200b ", "description": "Come"}, status=303
    )
    address = urlsplit(made.headers["Location"]).path.removesuffix("/people/add")
    assert address.startswith("/groups/")
    author.post(f"{address}/people/add", {"person": str(anna.id)}, status=303)
    page = learner.get(address)
    assert "Tuesday" in words(page)
    assert "Come" in words(page)
    assert "Test Learner" in words(page)
    assert anna.email not in page.text
    for place in ("/", f"/courses/{course}"):
        assert address in learner.get(place), place
        assert address not in other.get(place), place
    assert "1 person" in words(author.get(f"/courses/{course}"))
    author.post(f"{address}/edit", {"title": "Wednesday", "description": ""}, status=303)
    assert "Wednesday" in learner.get("/")
    author.post(f"{address}/people/{anna.id}/out", status=303)
    learner.get(address, status=404)
    assert address not in learner.get("/")


def test_who_may_open_what(house: House) -> None:
    kit, foreign = house.academy(), house.academy()
    anna, carl = kit.person(), kit.person()
    group, others = make(kit, anna, coach=carl), make(kit, kit.person())
    base = f"/groups/{group.id}"
    pages = [base, f"{base}/people", f"{base}/people/add", f"{base}/edit", f"{base}/delete"]
    allowed = {
        "member": (kit.signed_in(person=anna), [200, 403, 403, 403, 403]),
        "coach": (kit.signed_in(person=carl), [200, 200, 200, 200, 403]),
        "learner": (kit.signed_in(), [404, 404, 404, 404, 403]),
        "author": (kit.signed_in(Role.AUTHOR), [200] * 5),
        "admin": (kit.signed_in(Role.ADMIN), [200] * 5),
        "stranger": (kit.browser(), [303] * 5),
        "admin elsewhere": (foreign.signed_in(Role.ADMIN), [404] * 5),
    }
    for who, (browser, wanted) in allowed.items():
        assert [browser.get(each, expect_errors=True).status_int for each in pages] == wanted, who
    for browser, _wanted in (allowed["member"], allowed["coach"]):
        browser.get(f"/groups/{others.id}", status=404)
        browser.post(f"/courses/{group.course_id}/groups/new", {"title": "Own"}, status=403)
        browser.post(f"{base}/delete", status=403)


def test_a_draft_course_hides_its_groups(house: House) -> None:
    kit = house.academy()
    anna = kit.person()
    group = make(kit, anna)
    learner, author = kit.signed_in(person=anna), kit.signed_in(Role.AUTHOR)
    learner.get(f"/groups/{group.id}", status=200)
    author.post(f"/courses/{group.course_id}/publish", {}, status=303)
    learner.get(f"/groups/{group.id}", status=404)
    assert str(group.id) not in learner.get("/")
    author.get(f"/groups/{group.id}", status=200)
    with kit.session() as session:
        groups = Groups(session)
        assert groups.groups_of(anna.id) == []
        assert not groups.may_see(groups.get(group.id), session.get_one(Person, anna.id))
        groups.put(groups.get(group.id), staff := People(session).create("s@x.example", "S", "T", Role.AUTHOR))
        assert [each.id for each in groups.groups_of(staff.id)] == [group.id]


def test_a_coach_manages_learners_of_the_course_and_sees_no_addresses(house: House) -> None:
    kit = house.academy()
    carl, anna, second, stranger = kit.person(), named(kit, "Abel"), kit.person(), named(kit, "Abelson")
    group = make(kit, second, coach=carl)
    with kit.session() as session:
        Groups(session).put(Groups(session).get(group.id), session.get_one(Person, second.id), is_coach=True)
    take_part(kit, group, anna, second)
    coach, add = kit.signed_in(person=carl), f"/groups/{group.id}/people/add"
    found = coach.get(add)
    assert ticks(found) == {str(anna.id): True, str(second.id): False}
    assert "@people.example" not in found.text
    assert ticks(coach.get(f"{add}?q={anna.email}")) == {}, "an address is no way to find out whose it is"
    assert set(ticks(coach.get(f"{add}?q=ABEL"))) == {str(anna.id)}
    coach.post(add, {"person": str(stranger.id)}, status=404)
    coach.post(add, {"person": str(anna.id)}, status=303)
    assert members(kit, group) == {carl.id: True, second.id: True, anna.id: False}
    assert "@people.example" not in coach.get(f"/groups/{group.id}/people").text
    coach.post(f"/groups/{group.id}/people/{anna.id}/coach", {"on": "1"}, status=403)
    coach.post(f"/groups/{group.id}/people/{second.id}/out", status=403)
    coach.post(f"/groups/{group.id}/people/{anna.id}/out", status=303)
    coach.post(f"/groups/{group.id}/edit", {"title": "Carl's", "description": ""}, status=303)
    assert members(kit, group) == {carl.id: True, second.id: True}
    assert "Carl's" in words(coach.get(f"/groups/{group.id}"))


def test_authors_find_anybody_and_say_who_coaches(house: House) -> None:
    kit = house.academy()
    anna, bert, gone = named(kit, "Abel"), kit.person(), kit.person()
    group, author = make(kit), kit.signed_in(Role.AUTHOR)
    with kit.session() as session:
        People(session).suspend(session.get_one(Person, gone.id))
    add = f"/groups/{group.id}/people/add"
    assert set(ticks(author.get(f"{add}?q=aBEL"))) == {str(anna.id)}
    assert set(ticks(author.get(f"{add}?q={bert.email}"))) == {str(bert.id)}
    assert str(gone.id) not in ticks(author.get(add))
    author.app.post(add, {"person": [str(anna.id), str(bert.id)], "csrf_token": _token(author.get(add))}, status=303)
    author.post(f"/groups/{group.id}/people/{anna.id}/coach", {"on": "1"}, status=303)
    assert members(kit, group) == {anna.id: True, bert.id: False}
    author.post(add, {"person": str(anna.id)}, status=303)
    assert members(kit, group)[anna.id], "added once more a coach stays one"
    people = words(author.get(f"/groups/{group.id}/people"))
    assert people.index("Abel") < people.index("Make coach"), "coaches come first"
    author.post(f"/groups/{group.id}/people/{anna.id}/coach", {}, status=303)
    assert members(kit, group)[anna.id] is False
    author.post(f"/groups/{group.id}/people/{gone.id}/coach", {"on": "1"}, status=404)
    assert gone.id not in members(kit, group)


def _token(page: TestResponse) -> str:
    return str(page.html.select_one('input[name="csrf_token"]')["value"])


def test_features_above_have_places_on_these_pages(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = house.academy()
    anna, carl = kit.person(), kit.person()
    group = make(kit, anna, coach=carl)
    for place in ("home.calendar", "course.tools", "course.settings", "group", "group.settings"):
        shown = [lambda _request, subject, place=place: f"[{place} {subject.id if subject else ''}]"]
        monkeypatch.setitem(house.application.registry.panels, place, shown)
    member, coach, author = kit.signed_in(person=anna), kit.signed_in(person=carl), kit.signed_in(Role.AUTHOR)
    course = f"/courses/{group.course_id}"
    assert "[home.calendar ]" in member.get("/")
    for browser in (member, author):
        assert f"[course.tools {group.course_id}]" in browser.get(course)
        assert f"[group {group.id}]" in browser.get(f"/groups/{group.id}")
    assert "[course.settings" not in member.get(course)
    assert f"[course.settings {group.course_id}]" in author.get(course)
    for browser in (coach, author):
        assert f"[group.settings {group.id}]" in browser.get(f"/groups/{group.id}/edit")


def test_all_who_take_part_come_at_once(house: House) -> None:
    kit = house.academy()
    people, outsider = [kit.person() for _ in range(3)], kit.person()
    group, author = make(kit, people[0]), kit.signed_in(Role.AUTHOR)
    take_part(kit, group, *people)
    author.post(f"/groups/{group.id}/people/add", {"everybody": "1"}, status=303)
    assert set(members(kit, group)) == {each.id for each in people}
    assert outsider.id not in members(kit, group)
    assert "Added: 2" in words(author.get(f"/groups/{group.id}/people/add"))
    author.post(f"/groups/{group.id}/people/add", {"everybody": "1"}, status=303)
    assert "Nobody was added" in words(author.get(f"/groups/{group.id}/people/add"))


def test_a_large_group_has_pages(house: House) -> None:
    kit = house.academy()
    group, author = make(kit), kit.signed_in(Role.AUTHOR)
    with kit.session() as session:
        people = [People(session).create(f"p{place}@x.example", "P", f"N{place:03}") for place in range(60)]
        for each in people:
            Groups(session).put(Groups(session).get(group.id), each)
    first, last = (words(author.get(f"/groups/{group.id}?page={page}")) for page in ("1", "99"))
    assert ("P N000" in first, "P N059" in first) == (True, False)
    assert ("P N000" in last, "P N059" in last) == (False, True)
    for odd in ("0", "-1", "x", "9" * 400, "%00"):
        author.get(f"/groups/{group.id}?page={odd}", expect_errors=True)
    assert f"first {FOUND_LIMIT}" in words(author.get(f"/groups/{group.id}/people/add"))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "\u200b \ufeff"}, "title"),
        ({"title": "x" * (TITLE_LENGTH + 1)}, "title"),
        ({"title": "Tuesday"}, "title"),
        ({"title": " Tues\u200bday "}, "title"),
        ({"title": "T", "description": "x" * (TEXT_LENGTH + 1)}, "description"),
    ],
    ids=["empty", "invisible", "long", "taken", "taken in disguise", "long description"],
)
def test_a_faulty_form_is_marked_and_writes_nothing(house: House, fields: dict[str, str], field: str) -> None:
    kit = house.academy()
    group, author = make(kit), kit.signed_in(Role.AUTHOR)
    with kit.session() as session:
        Groups(session).create(session.get_one(Course, group.course_id), "Friday")
    assert faults(author.post(f"/courses/{group.course_id}/groups/new", fields, status=422)) == {field}
    assert author.post(f"/groups/{group.id}/edit", {"title": "Friday"}, status=422)
    author.post(f"/groups/{group.id}/edit", {"title": "Tuesday"}, status=303)
    with kit.session() as session:
        titles = [each.title for each in Groups(session).of_course(session.get_one(Course, group.course_id))]
    assert titles == ["Friday", "Tuesday"]


ODD = ["", "x", "0" * 36, "\x00", "\ud83d", "x" * 1_000_000, "' or 1=1 --"]


@pytest.mark.parametrize("odd", ODD, ids=["empty", "word", "zeros", "nul", "surrogate", "a megabyte", "sql"])
def test_odd_input_is_refused_and_never_a_fault(house: House, odd: str) -> None:
    kit = house.academy()
    anna = kit.person()
    group, author = make(kit, anna), kit.signed_in(Role.AUTHOR)
    base = f"/groups/{group.id}"
    sent = odd.encode("utf-8", "surrogatepass")
    for path, name in (
        (f"/courses/{group.course_id}/groups/new", "title"),
        (f"{base}/edit", "title"),
        (f"{base}/edit", "description"),
        (f"{base}/people/add", "person"),
        (f"{base}/people/add", "everybody"),
        (f"{base}/people/add", "q"),
        (f"{base}/people/{anna.id}/coach", "on"),
    ):
        body = {name: sent}
        if name != "title":
            body["title"] = b"Fine"
        answer = author.post(path, body, expect_errors=True)
        assert answer.status_int < 500, f"{path} {name}: {answer.status}"
    for query in ("q=%00", "q=%ED%A0%BD", "q=" + "x" * 5000, "q=%25_", "page=%00"):
        assert author.get(f"{base}/people/add?{query}", expect_errors=True).status_int < 500, query
    assert set(members(kit, group)) == {anna.id}


def test_nobody_unknown_foreign_or_in_thousands_is_added(house: House) -> None:
    kit, foreign = house.academy(), house.academy()
    anna = kit.person()
    group, author, stranger = make(kit), kit.signed_in(Role.AUTHOR), foreign.person()
    add = f"/groups/{group.id}/people/add"
    for wrong in (str(uuid4()), str(stranger.id), "nobody"):
        author.post(add, {"person": wrong}, status=404)
    token = _token(author.get(add))
    both = {"person": [str(anna.id), str(stranger.id)], "csrf_token": token}
    author.app.post(add, both, status=404)
    many = {"person": [str(uuid4()) for _ in range(FOUND_LIMIT + 1)], "csrf_token": token}
    author.app.post(add, many, status=400)
    author.post(f"/groups/{group.id}/people/{stranger.id}/coach", {"on": "1"}, status=404)
    author.post(f"/groups/{group.id}/people/{stranger.id}/out", status=404)
    author.post(f"/groups/{group.id}/people/{anna.id}/out", status=303)
    assert members(kit, group) == {}
    assert "Nobody was added" in words(author.post(add, {}, status=303).follow())


def test_two_admins_add_the_same_person_at_once(house: House) -> None:
    kit = house.academy()
    anna, group = kit.person(), make(kit)
    gate, outcomes = threading.Barrier(3), []
    browsers = [kit.signed_in(Role.ADMIN) for _ in range(3)]

    def add(place: int) -> None:
        gate.wait(10)
        path = f"/groups/{group.id}/people/add"
        outcomes.append(browsers[place].post(path, {"person": str(anna.id)}, expect_errors=True).status_int)

    threads = [threading.Thread(target=add, args=(place,)) for place in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert outcomes == [303, 303, 303]
    assert members(kit, group) == {anna.id: False}


def test_people_are_found_whatever_the_case_of_their_letters(house: House) -> None:
    kit = house.academy()
    group = make(kit)
    umlaut = named(kit, "Özil-Ångström")
    with kit.session() as session:
        for said in ("özil", "ÖZIL", "ång"):
            found = Groups(session).candidates(session.get_one(CourseGroup, group.id), said)
            assert [each.person.id for each in found] == [umlaut.id]


def test_two_authors_give_one_title_at_once(house: House) -> None:
    kit = house.academy()
    course_id = kit.activity().course_id
    gate, outcomes = threading.Barrier(3), []

    def create() -> None:
        try:
            with kit.session() as session:
                gate.wait(10)
                Groups(session).create(session.get_one(Course, course_id), "Tuesday")
            outcomes.append("made")
        except Refused as refusal:
            outcomes.append(refusal.code)

    threads = [threading.Thread(target=create) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sorted(outcomes) == ["GROUP_TITLE_TAKEN", "GROUP_TITLE_TAKEN", "made"]


def counts(kit: Kit) -> tuple[int, int]:
    with kit.session() as session:
        groups, people = (
            session.scalar(sa.select(sa.func.count()).select_from(kind)) or 0 for kind in (CourseGroup, GroupMember)
        )
        return groups, people


def test_what_goes_with_what(house: House) -> None:
    kit = house.academy()
    anna, bert = kit.person(), kit.person()
    first, second, third = (make(kit, anna, bert) for _ in range(3))
    admin = kit.signed_in(Role.ADMIN)
    asked = words(admin.get(f"/groups/{first.id}/delete"))
    assert "calendar" in asked
    assert "cannot be undone" in asked
    admin.post(f"/groups/{first.id}/delete", status=303)
    admin.get(f"/groups/{first.id}", status=404)
    assert counts(kit) == (2, 4)
    admin.post(f"/courses/{second.course_id}/delete", status=303)
    assert counts(kit) == (1, 2)
    admin.post(f"/people/{anna.id}/erase", status=303)
    assert members(kit, third) == {bert.id: False}
    with kit.session() as session:
        catalog = Catalog(session)
        catalog.delete(catalog.course(third.course_id))
    assert counts(kit) == (0, 0)


def test_a_group_deleted_meanwhile_takes_nobody(house: House) -> None:
    kit = house.academy()
    group, anna = make(kit), kit.person()
    with kit.session() as session:
        groups, person = Groups(session), session.get_one(Person, anna.id)
        held = groups.get(group.id)
        groups.delete(held)
        with pytest.raises(Refused) as refused:
            groups.put(held, person)
    assert refused.value.code == "WEB_NOT_FOUND"


@pytest.mark.parametrize("path", ["/", "/courses/{course}", "/groups/{group}", "/groups/{group}/people/add"])
def test_pages_ask_the_database_as_often_for_many_as_for_one(house: House, path: str) -> None:
    kit = house.academy()
    author = kit.person(Role.AUTHOR)
    group, browser = make(kit, author), kit.signed_in(person=author)
    address = path.format(course=group.course_id, group=group.id)

    def statements() -> int:
        browser.get(address, status=200)
        kit.runtime.tenants.forget()
        with counted(kit.runtime.database) as cost:
            browser.get(address, status=200)
        return len(cost.statements)

    few = statements()
    for place in range(5):
        make(kit, author)
        with kit.session() as session:
            groups = Groups(session)
            more = groups.create(session.get_one(Course, group.course_id), f"More {place}")
            groups.put(more, session.get_one(Person, author.id))
            groups.put(groups.get(group.id), People(session).create(f"{place}@x.example", "P", "Q"))
    assert statements() == few
