"""What a session that another LMS opened may not do, what a new password asks for and ends, and who stays admin."""

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa

from saas.problems import Refused
from saas.sessions import open_session
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import People
from tests.features.test_sign_in import PASSWORD, is_in, sign_in, with_password
from tests.house import Browser, House, Kit, forms_of

OTHER = "another long password"


def launched(kit: Kit, person: Person) -> Browser:
    """A browser as a launch leaves it behind."""
    browser = kit.browser()
    with kit.session() as session:
        fresh = open_session(session, person.id, "lti", timedelta(hours=12), {"platform": "School", "return_url": ""})
    browser.app.set_cookie("__Host-session", fresh.token)
    return browser


def names(password: str) -> dict[str, str]:
    return {"given_name": "Test", "family_name": "Learner", "password": password}


@pytest.mark.parametrize("had_one", [False, True])
def test_a_launch_never_leaves_a_password_behind(house: House, had_one: bool) -> None:
    """Else an LMS keeps its way in when it is switched off, and gains one into an account that becomes staff."""
    kit = house.academy()
    person = with_password(kit) if had_one else kit.person()
    browser = launched(kit, person)
    answer = browser.post("/profile", names(OTHER), expect_errors=True)
    assert answer.status_int == 422
    assert "You came from another LMS" in answer
    assert not sign_in(kit.browser(), person.email, OTHER)
    assert bool(sign_in(kit.browser(), person.email, PASSWORD)) is had_one


def test_a_launched_person_still_changes_their_name(house: House) -> None:
    kit = house.academy()
    person = kit.person()
    browser = launched(kit, person)
    page = browser.get("/profile")
    form = next(each for each in forms_of(page) if "given_name" in each.fields)
    form["given_name"] = "Ada"
    assert form.submit().status_int == 303
    assert "Ada" in browser.get("/profile")


def test_a_new_password_ends_the_other_sessions(house: House) -> None:
    """Whoever changes it because somebody else is in gets them out (ASVS 7.4.3)."""
    kit = house.academy()
    person = with_password(kit, Role.ADMIN)
    mine, theirs, lms = kit.signed_in(person=person), kit.signed_in(person=person), launched(kit, person)
    mine.post("/profile", names(""), status=303)
    assert is_in(theirs)
    mine.post("/profile", names(OTHER), status=303)
    assert is_in(mine)
    assert not is_in(theirs)
    assert not is_in(lms)


def test_a_launched_person_is_shown_no_password(house: House) -> None:
    kit = house.academy()
    person = with_password(kit)
    assert "assword" not in launched(kit, person).get("/profile").html.find("main").get_text()
    assert "New password" in kit.signed_in(person=person).get("/profile")


def test_a_new_password_asks_for_the_current_one(house: House) -> None:
    """A browser left open must not be enough to keep the account (ASVS 6.2.3)."""
    kit = house.academy()
    person, browser = with_password(kit), kit.browser()
    assert sign_in(browser, person.email)
    for current in ("", "something else"):
        page = browser.post("/profile", {**names(OTHER), "current": current}, status=422)
        assert "This is not your current password" in page
        assert not sign_in(kit.browser(), person.email, OTHER)
    browser.post("/profile", {**names(OTHER), "current": PASSWORD}, status=303)
    assert sign_in(kit.browser(), person.email, OTHER)


def test_the_current_password_cannot_be_guessed_there_either(house: House) -> None:
    kit = house.academy()
    person, browser = with_password(kit), kit.browser()
    assert sign_in(browser, person.email)
    for number in range(19):
        browser.post("/profile", {**names(OTHER), "current": f"guess {number}"}, status=422)
    assert "SIGN_IN_RATE" in browser.post("/profile", {**names(OTHER), "current": PASSWORD}, status=429)


@pytest.mark.parametrize("had_one", [False, True])
def test_whoever_forgot_it_chooses_a_new_one_by_a_link(house: House, had_one: bool) -> None:
    kit = house.academy()
    person = with_password(kit) if had_one else kit.person()
    browser = kit.signed_in(person=person)
    assert "Current password" not in browser.get("/profile")
    browser.post("/profile", names(OTHER), status=303)
    assert sign_in(kit.browser(), person.email, OTHER)


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
@pytest.mark.parametrize("end", ["set_role", "suspend", "erase"])
def test_two_admins_never_end_each_others_role(house: House, end: str) -> None:
    """Two connections, each with the other's change not yet committed."""
    kit = house.academy()
    with kit.session() as session:
        first = session.scalars(sa.select(Person.id).where(Person.role == Role.ADMIN)).one()
    second = kit.person(Role.ADMIN).id

    def let_go() -> None:
        with suppress(Refused), kit.session() as session:
            people = People(session)
            person = people.get(first)
            people.set_role(person, Role.LEARNER) if end == "set_role" else getattr(people, end)(person)

    other = threading.Thread(target=let_go)
    with kit.session() as session:
        People(session).set_role(session.get_one(Person, second), Role.LEARNER)
        session.flush()
        other.start()
        other.join(1)
    other.join()
    with kit.session() as session:
        left = session.scalars(sa.select(Person.id).where(Person.role == Role.ADMIN, Person.status == "active")).all()
    assert list(left) == [first]
