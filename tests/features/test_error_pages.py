"""Failures as pages, fragments and JSON: the code, the cause, who mends it and how, and the request's id."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyramid.i18n import Localizer

from saas.problems import Problem
from tenants.access import Role
from tests.features.pages import words
from tests.house import BACKENDS, HOST, House, databases_of

ASKED = {
    "WEB_NOT_FOUND": ("GET", "/nothing-here", {}),
    "WEB_FORBIDDEN": ("GET", "/people", {}),
    "WEB_METHOD": ("POST", "/results", {}),
    "WEB_BAD_REQUEST": ("GET", "/courses?q=%ff", {}),
    "WEB_TOO_LARGE": ("POST", "/profile", {"given_name": "x" * 400_000}),
    "WEB_CSRF": ("POST", "/profile", {"csrf_token": "old"}),
}


def ask(house: House, code: str, **headers: str) -> Any:
    method, path, fields = ASKED[code]
    browser = house.academy().signed_in(Role.LEARNER)
    sent = browser.app.get if method == "GET" else browser.app.post
    return sent(path, *([fields] if method == "POST" else []), headers=headers, status=problem(house, code).status)


def problem(house: House, code: str) -> Problem:
    return house.runtime.problems[code]


@pytest.mark.parametrize("code", list(ASKED))
def test_a_page_a_fragment_and_json_say_the_same(house: House, code: str) -> None:
    wanted = problem(house, code)
    page = ask(house, code)
    for text in (wanted.title, wanted.cause, wanted.owner, wanted.remedy, code, page.headers["X-Request-Id"]):
        assert text in words(page)
    assert "<html" in page
    assert "HX-Request" in page.headers["Vary"]
    fragment = ask(house, code, **{"HX-Request": "true"})
    assert fragment.headers["HX-Retarget"] == "#problems"
    assert "<html" not in fragment
    assert wanted.cause in words(fragment)
    answer = ask(house, code, Accept="application/json")
    assert answer.content_type == "application/json"
    assert answer.json["code"] == code
    assert answer.json["remedy"] == wanted.remedy
    assert answer.json["request"] == answer.headers["X-Request-Id"]


def test_a_wrong_method_names_the_right_ones(house: House) -> None:
    assert ask(house, "WEB_METHOD").headers["Allow"] == "GET"


def test_an_unknown_host_has_a_page_too(house: House) -> None:
    page = house.browser("nobody.example").get("/", status=421)
    assert problem(house, "HOST_UNKNOWN").remedy in words(page)
    assert HOST not in words(page), "it names no academy and no operator"


def test_strangers_are_sent_to_sign_in(house: House) -> None:
    browser = house.academy().browser()
    assert "/sign-in" in browser.get("/people", status=303).location
    answer = browser.get("/people", headers={"HX-Request": "true"}, status=200)
    assert answer.headers["HX-Redirect"] == "/sign-in"


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_its_database_the_page_still_says_what_is_wrong(backend: str, tmp_path: Path) -> None:
    house = House.build(backend, tmp_path)
    browser = house.academy().signed_in()
    house.runtime.database.dispose()
    databases_of(backend).drop(house.database_url)
    shutil.rmtree(tmp_path)
    try:
        for known in (True, False):  # the academy still remembered, and not
            if not known:
                house.runtime.tenants.forget()
            page = browser.get("/courses", status=503)
            assert problem(house, "WEB_UNAVAILABLE").cause in words(page)
            assert page.headers["X-Request-Id"] in words(page)
            assert "<link" in page, "a page with its style"
            fragment = browser.get("/courses", headers={"HX-Request": "true"}, status=503)
            assert "WEB_UNAVAILABLE" in fragment
        assert (
            browser.get("/courses", headers={"Accept": "application/json"}, status=503).json["code"]
            == "WEB_UNAVAILABLE"
        )
    finally:
        house.close()


PAGES = ("/sign-in", "/", "/courses", "/courses/new", "/people", "/people/new", "/profile", "/results", "/integrations")


#: Words on these pages that are not ours to translate: names of people, examples of addresses, Babel's times.
DATA = {
    "Test",
    "Admin",
    "Learner",
    "example",
    "people",
    "admin",
    "https",
    "ago",
    "second",
    "seconds",
    "minute",
    "minutes",
}


def test_pages_and_problems_speak_the_language_of_the_catalogue(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is only English yet, so a stand-in catalogue writes every translated word in capitals."""
    kit = house.academy()
    admin, learner = kit.signed_in(Role.ADMIN), kit.signed_in()
    name = kit.academy.name
    real = Localizer.translate

    def shout(self: Localizer, text: Any, *arguments: Any, **options: Any) -> str:
        return loud(real(self, text, *arguments, **options))

    def shout_many(_self: Localizer, one: str, many: str, number: int, **_options: Any) -> str:
        return loud(one if number == 1 else many)

    def loud(said: str) -> str:
        return re.sub(r"(%\(\w+\)\w|\$\{\w+\})|(.)", lambda found: found[1] or found[2].upper(), said, flags=re.DOTALL)

    monkeypatch.setattr(Localizer, "translate", shout)
    monkeypatch.setattr(Localizer, "pluralize", shout_many)
    forbidden = words(learner.get("/people", status=403))
    for text in ("YOU MAY NOT DO THIS", "ASK FOR THE ROLE YOU NEED.", "YOUR ACADEMY'S ADMIN"):
        assert text in forbidden
    for address in PAGES:
        page = admin.get(address)
        shown = words(page).replace(name, "").replace(kit.host, "")
        quiet = set(re.findall(r"\b[A-Za-z]*[a-z]{3,}\b", shown)) - DATA
        assert quiet == set(), address
