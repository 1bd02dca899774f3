"""Every address there is, asked by one academy's admin for another academy's things: as if they did not exist."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from webtest import TestResponse

from tenants.access import Role
from tests.addresses import Address, addresses
from tests.furnished import CANARY, Furnished, furnish
from tests.house import Browser, House, Kit

#: Addresses whose answer to an unknown id is not 404, with what it is; a foreign id must get the same.
NOT_404 = {
    "lti_login_platform": "a launch begins with what the platform sends; the id only helps to tell clients apart",
    "lti_launch12": "a launch is judged by its key, which belongs to one academy; the id is only compared with it",
    "lti_enter": "without the token of a launch it sends on to the activity's page, which answers 404",
    "lti_link_end": "of an activity that is no tool's everything is 404; the page itself: tests/features/test_lti_activities.py",
    "lti_lineitem": "without a tool's access token everything is 401; with one: AS-014",
    "lti_lineitems": "the same",
    "lti_scores": "the same",
    "lti_results": "the same",
    "lti_memberships": "the same; NS-005",
    "zoom_memberships": "the same",
    "lti_registration": "without the token that registered the tool everything is 401",
    "lti_resource": "sends everybody on to the activity's page, which answers 404",
}
#: What differs between two equal answers: ids of requests, tokens, times.
VARIES = re.compile(
    r"<code>[0-9a-f]{16}</code>|\"id\":\"[0-9a-f]{16}\"|[0-9a-f]{64}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|\d\d?:\d\d:\d\d|content=\"[^\"]*\""
)


@pytest.fixture(scope="module")
def furnished_houses() -> dict[str, tuple[Furnished, Kit]]:
    return {}


@pytest.fixture
def both(house: House, furnished_houses: dict[str, tuple[Furnished, Kit]]) -> tuple[Furnished, Kit]:
    """Academy A with something behind every address, and academy B."""
    if house.backend not in furnished_houses:
        furnished_houses[house.backend] = furnish(house), house.academy()
    return furnished_houses[house.backend]


def ask(browser: Browser, method: str, path: str, token: str) -> TestResponse:
    if method == "GET":
        return browser.get(path, expect_errors=True)
    return browser.app.post(
        path, {"title": "x", "role": "learner"}, headers={"X-CSRF-Token": token}, expect_errors=True
    )


def token_of(browser: Browser) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/profile").text)
    assert found
    return found[1]


def with_ids(house: House, which: str = "academy") -> list[Address]:
    found = [each for each in addresses(house.application) if each.id_places and each.house == which]
    assert len({each.route for each in found}) > 20 or which != "academy"
    return found


def each_method(address: Address) -> Iterator[str]:
    yield from (method for method in address.methods if method in ("GET", "POST"))


def test_the_ids_of_the_furnished_academy_are_right(house: House, both: tuple[Furnished, Kit]) -> None:
    """Its own admin gets every page of it, so that the 404s below mean something; and every placeholder is known."""
    furnished, _other = both
    browser = furnished.kit.signed_in(Role.ADMIN)
    browser.app.post(f"/activities/{furnished.ids['activity_id']}", {"csrf_token": token_of(browser)}, status=303)
    for address in with_ids(house):
        assert address.id_places <= set(furnished.ids), (
            f"{address.route}: tests/furnished.py makes no {address.id_places}"
        )
        if "GET" in address.methods and address.route not in NOT_404:
            answer = browser.get(address.path(furnished.ids), expect_errors=True)
            assert answer.status_int < 400, f"{address.route} {answer.status}"


def test_foreign_ids_do_not_exist(house: House, both: tuple[Furnished, Kit]) -> None:
    furnished, other = both
    browser = other.signed_in(Role.ADMIN)
    token = token_of(browser)
    wrong = []
    for address in with_ids(house):
        unknown = {name: str(uuid4()) for name in furnished.ids}
        for method in each_method(address):
            theirs = ask(browser, method, address.path(furnished.ids), token)
            nothing = ask(browser, method, address.path(unknown), token)
            if address.route not in NOT_404 and theirs.status_int != 404:
                wrong.append(f"{method} {address.pattern} answers {theirs.status}")
            if same(theirs) != same(nothing):
                wrong.append(f"{method} {address.pattern} tells a foreign id from an unknown one")
            if CANARY in theirs.text:
                wrong.append(f"{method} {address.pattern} shows the other academy's words")
    assert wrong == []


def same(answer: TestResponse) -> tuple[Any, ...]:
    location = VARIES.sub("…", answer.headers.get("Location", ""))
    return answer.status_int, location, VARIES.sub("…", answer.text)


def test_a_mixed_address_does_not_exist(house: House, both: tuple[Furnished, Kit]) -> None:
    """One id of ours, the rest of theirs: links between rows are no way across either."""
    furnished, other = both
    own = furnish(house)
    browser = own.kit.signed_in(Role.ADMIN)
    token = token_of(browser)
    several = [each for each in with_ids(house) if len(each.id_places) > 1 and each.route not in NOT_404]
    assert several
    for address in several:
        for place in address.id_places:
            mixed = {**own.ids, place: furnished.ids[place]}
            for method in each_method(address):
                if method == "GET" and address.route == "chapter":
                    browser.app.post(f"/activities/{own.ids['activity_id']}", {"csrf_token": token})
                answer = ask(browser, method, address.path(mixed), token)
                assert answer.status_int == 404, f"{method} {address.pattern} with a foreign {place}: {answer.status}"
    assert other.academy.id != own.kit.academy.id


def test_no_list_shows_the_other_academy(house: House, both: tuple[Furnished, Kit]) -> None:
    """Pages without an id: everything they list is the asker's own."""
    furnished, other = both
    browsers = [other.signed_in(Role.ADMIN), furnished.kit.signed_in(Role.ADMIN)]
    shown = 0
    for address in addresses(house.application):
        if address.house == "operator" or address.places or "GET" not in address.methods:
            continue
        for query in ("", f"?q={CANARY}", "?state=waiting", "?outcome=accepted"):
            theirs, own = (browser.get(address.path({}) + query, expect_errors=True) for browser in browsers)
            found = [id_ for id_ in furnished.ids.values() if id_ in theirs.text]
            assert not found, f"{address.pattern}{query} lists {found}"
            assert CANARY not in theirs.text.replace(f'value="{CANARY}"', "").replace(f"“{CANARY}”", ""), (
                address.pattern + query
            )
            shown += CANARY in own.text
    assert shown > 5, "its own admin sees those words on several pages"


def test_operator_and_academy_pages_keep_to_their_houses(house: House, both: tuple[Furnished, Kit]) -> None:
    furnished, _other = both
    admin = furnished.kit.signed_in(Role.ADMIN)
    operator = house.operator()
    every = addresses(house.application)
    shared = {each.pattern for each in every if each.house == "operator"} & {
        each.pattern for each in every if each.house == "academy"
    }
    assert shared == {"/"}
    for address in every:
        if not address.house or address.pattern in shared:
            continue
        wrong_house, right_house = (admin, operator) if address.house == "operator" else (operator, admin)
        for method in each_method(address):
            answer = ask(wrong_house, method, address.path(furnished.ids), token_of(wrong_house))
            assert answer.status_int == 404, f"{method} {address.pattern} on the wrong host: {answer.status}"
        if "GET" in address.methods and address.house == "operator" and not address.places:
            assert right_house.get(address.path({}), expect_errors=True).status_int == 200, address.pattern
    assert "Academies" not in admin.get("/").text
    assert "Academies" in operator.get("/").text


def test_the_operator_may_not_open_an_academy(house: House, both: tuple[Furnished, Kit]) -> None:
    """The operator's session is of the operator's tenant; on an academy's host it is nobody's."""
    furnished, _other = both
    operator = house.operator()
    token = operator.app.cookies["__Host-session"]
    stranger = furnished.kit.browser()
    stranger.app.set_cookie("__Host-session", token)
    answer = stranger.get("/people", expect_errors=True)
    assert answer.status_int == 303
    assert "/sign-in" in answer.headers["Location"]
