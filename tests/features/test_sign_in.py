"""Ways in and out of an academy, and what a changed role or a closed account does to them."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from saas import clock
from saas.sessions import WebSession
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import People, SignIn
from tests.features.pages import faults, one_time_path
from tests.house import Browser, House, Kit

PASSWORD = "correct horse battery"


def with_password(kit: Kit, role: Role = Role.LEARNER) -> Person:
    person = kit.person(role)
    with kit.session() as session:
        SignIn(session).set_password(session.get_one(Person, person.id), PASSWORD)
    return person


def sign_in(browser: Browser, email: str | None, password: str = PASSWORD, **more: str) -> str:
    """The address the browser is sent to; empty when it is not let in."""
    answer = browser.post("/sign-in", {"email": email or "", "password": password, **more}, expect_errors=True)
    return answer.headers.get("Location", "")


def is_in(browser: Browser) -> bool:
    return browser.get("/profile", expect_errors=True).status_int == 200


def test_in_by_password_and_out_again(house: House) -> None:
    kit = house.academy()
    person, browser = with_password(kit), kit.browser()
    assert sign_in(browser, f"  {str(person.email).upper()} ").endswith("/")
    token = browser.app.cookies["__Host-session"]
    assert is_in(browser)
    answer = browser.post("/sign-out", status=303)
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    browser.app.set_cookie("__Host-session", token)
    assert not is_in(browser)


@pytest.mark.parametrize("case", ["wrong password", "unknown address", "no password set", "suspended"])
def test_every_refused_sign_in_reads_the_same(house: House, case: str) -> None:
    kit = house.academy()
    person = kit.person() if case == "no password set" else with_password(kit)
    if case == "suspended":
        with kit.session() as session:
            People(session).suspend(session.get_one(Person, person.id))
    email = "nobody@people.example" if case == "unknown address" else person.email
    browser = kit.browser()
    fields = {"email": email or "", "password": "something else" if case == "wrong password" else PASSWORD}
    page = browser.post("/sign-in", fields, status=422)
    assert "E-mail and password do not go together." in page
    assert f'value="{email}"' in page, "what was typed stays"
    assert fields["password"] not in page
    assert not is_in(browser)


def test_empty_fields_are_named(house: House) -> None:
    page = house.academy().browser().post("/sign-in", {"email": "", "password": ""}, status=422)
    assert "Enter your e-mail address" in page
    assert "Enter your password" in page


def test_a_new_sign_in_never_keeps_the_old_token(house: House) -> None:
    kit = house.academy()
    person, browser = with_password(kit), kit.signed_in()
    old = browser.app.cookies["__Host-session"]
    assert sign_in(browser, person.email)
    assert browser.app.cookies["__Host-session"] != old
    browser.app.set_cookie("__Host-session", old)
    assert not is_in(browser)


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/results", "/results"),
        ("//evil.example/x", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_signing_in_leads_to_pages_of_our_own_only(house: House, wanted: str, reached: str) -> None:
    kit = house.academy()
    person, browser = with_password(kit), kit.browser()
    assert sign_in(browser, person.email, next=wanted).removeprefix(f"https://{kit.host}") == reached


def test_a_stranger_comes_back_to_the_page_asked_for(house: House) -> None:
    kit = house.academy()
    sent = kit.browser().get("/courses?q=sea", status=303)
    assert sent.location.endswith("/sign-in?next=%2Fcourses%3Fq%3Dsea")
    assert 'value="/courses?q=sea"' in sent.follow()


def test_a_link_works_once_and_for_its_time(house: House) -> None:
    kit = house.academy()
    person = kit.person()
    with kit.session() as session:
        links = [SignIn(session).issue_link(session.get_one(Person, person.id)) for _ in range(2)]
        late = SignIn(session).issue_link(session.get_one(Person, person.id), timedelta(seconds=-1))
    assert kit.browser().get(links[0], status=303)
    assert "SIGN_IN_LINK" in kit.browser().get(links[0], status=410)
    assert "SIGN_IN_LINK" in kit.browser().get(late, status=410)
    with kit.session() as session:
        People(session).suspend(session.get_one(Person, person.id))
    assert "SIGN_IN_LINK" in kit.browser().get(links[1], status=410)


def test_too_many_tries_are_stopped_with_words(house: House) -> None:
    kit = house.academy()
    browser = kit.browser(REMOTE_ADDR="198.51.100.7")
    seen = [browser.post("/sign-in", {"email": "", "password": ""}, expect_errors=True) for _ in range(21)]
    assert [each.status_int for each in seen] == [422] * 20 + [429]
    assert seen[-1].headers["Retry-After"] == "60"
    assert "Wait a few minutes" in seen[-1]
    elsewhere = kit.browser(REMOTE_ADDR="198.51.100.8")
    assert elsewhere.post("/sign-in", {"email": "", "password": ""}, expect_errors=True).status_int == 422


def test_one_line_is_counted_once_however_many_ipv6_addresses_it_has(house: House) -> None:
    kit = house.academy()
    senders = [kit.browser(REMOTE_ADDR=f"2001:db8:7:9::{number:x}") for number in range(21)]
    seen = [each.post("/sign-in", {"email": "", "password": ""}, expect_errors=True).status_int for each in senders]
    assert seen == [422] * 20 + [429]
    neighbour = kit.browser(REMOTE_ADDR="2001:db8:7:a::1")
    assert neighbour.post("/sign-in", {"email": "", "password": ""}, expect_errors=True).status_int == 422


@pytest.mark.parametrize("known", [True, False])
def test_an_account_is_guarded_from_wherever_the_tries_come(house: House, known: bool) -> None:
    kit = house.academy()
    person = with_password(kit)
    email = str(person.email) if known else "nobody@people.example"
    for number in range(20):
        browser = kit.browser(REMOTE_ADDR=f"198.51.100.{number + 20}")
        browser.post("/sign-in", {"email": email.upper(), "password": "wrong"}, status=422)
    page = kit.browser(REMOTE_ADDR="198.51.100.60").post("/sign-in", {"email": email, "password": PASSWORD}, status=429)
    assert "SIGN_IN_RATE" in page
    assert "one-time sign-in link" in page
    assert is_in(kit.signed_in(person=person)), "a link still works"
    elsewhere = house.academy()
    assert sign_in(elsewhere.browser(), with_password(elsewhere).email)


def test_an_invitation_is_a_link_shown_once(house: House) -> None:
    kit = house.academy()
    admin = kit.signed_in(Role.ADMIN)
    fields = {"email": "new@people.example", "given_name": "New", "family_name": "Person", "role": "author"}
    page = admin.post("/people/new", fields, status=200)
    link = one_time_path(page)
    invited = kit.browser()
    invited.get(link, status=303)
    assert "New Person" in invited.get("/profile")
    invited.get("/courses/new", status=200)
    again = admin.post("/people/new", fields, status=422)
    assert "Each e-mail address belongs to one person" in again


def test_a_faulty_invitation_writes_nobody(house: House) -> None:
    kit = house.academy()
    admin = kit.signed_in(Role.ADMIN)
    good = {"email": "ada@people.example", "given_name": "Ada", "family_name": "King", "role": "learner"}
    for field, value, said in (
        ("email", "no address", "An address looks like"),
        ("email", "", "Enter an e-mail address"),
        ("email", "\u200b", "Enter an e-mail address"),
        ("given_name", " \u200b ", "Enter the first name"),
        ("family_name", "x" * 201, "200"),
        ("role", "operator", "Not a valid choice"),
    ):
        page = admin.post("/people/new", {**good, field: value}, status=422)
        assert said in page
        assert faults(page) == {field}
    with kit.session() as session:
        assert session.scalar(sa.select(Person.id).where(Person.email_key == good["email"])) is None


def test_a_new_role_ends_open_sessions_at_once(house: House) -> None:
    kit = house.academy()
    author = kit.person(Role.AUTHOR)
    open_session, admin = kit.signed_in(person=author), kit.signed_in(Role.ADMIN)
    open_session.get("/courses/new", status=200)
    admin.post(f"/people/{author.id}/role", {"role": "learner"}, status=303)
    assert not is_in(open_session)
    again = kit.signed_in(person=author)
    assert "WEB_FORBIDDEN" in again.get("/courses/new", status=403)


@pytest.mark.parametrize(("path", "fields"), [("role", {"role": "learner"}), ("status", {"active": ""}), ("erase", {})])
def test_the_last_admin_stays(house: House, path: str, fields: dict[str, str]) -> None:
    kit = house.academy()
    with kit.session() as session:
        admin = session.scalars(sa.select(Person).where(Person.role == Role.ADMIN)).one()
        session.expunge(admin)
    page = kit.signed_in(person=admin).post(f"/people/{admin.id}/{path}", fields, status=409)
    assert "PERSON_LAST_ADMIN" in page
    with kit.session() as session:
        assert session.get_one(Person, admin.id).role is Role.ADMIN


@pytest.mark.parametrize("role", ["operator", "", "admin\0", "Admin"])
def test_a_role_that_is_none_is_refused(house: House, role: str) -> None:
    kit = house.academy()
    person = kit.person()
    answer = kit.signed_in(Role.ADMIN).post(f"/people/{person.id}/role", {"role": role}, expect_errors=True)
    assert answer.status_int == (400 if "\0" in role else 422)
    with kit.session() as session:
        assert session.get_one(Person, person.id).role is Role.LEARNER


def test_the_own_password_is_changed_on_the_profile(house: House) -> None:
    kit = house.academy()
    person = kit.person()
    browser, names = kit.signed_in(person=person), {"given_name": "Ada", "family_name": ""}
    short = browser.post("/profile", {**names, "password": "short"}, status=422)
    assert "Use 10 to 200 characters" in short
    browser.post("/profile", {**names, "password": PASSWORD}, status=303)
    assert "Your profile is saved" in browser.get("/profile")
    assert sign_in(kit.browser(), person.email)


def test_a_session_ends_after_its_time(house: House) -> None:
    kit = house.academy()
    browser = kit.signed_in()
    with kit.session() as session:
        session.execute(sa.update(WebSession).values(expires_at=clock.now() - timedelta(seconds=1)))
    assert not is_in(browser)
