"""PS-006, PS-007, PS-010, PS-011 without a browser: who may frame us, and launches that come back without our cookie.

What scripts do with it is shown in tests/browser/test_frames_tls.py and test_frame_host.py.
"""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from webtest import TestResponse

from saas import clock
from saas.web.headers import CSP
from tenants.lti.wire.storage import NONCE_FIELD, STATE_FIELD
from tests.conformance.visits import Scene, Visit
from tests.conformance.visits11 import FormScene

FRAMED = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"}
OWN = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-origin"}


def talk_of(page: TestResponse) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(page.html.find(attrs={"data-storage": True})["data-storage"])
    return said


def begin(visit: Visit, target: str = "_parent") -> dict[str, Any]:
    """A login whose page lets platform storage keep state and nonce; the browser keeps nothing."""
    page = visit.begin(lti_storage_target=target)
    assert page.status_int == 200, page.text
    talk = talk_of(page)
    visit.asked = {name: values[0] for name, values in parse_qs(urlsplit(_way_on(page)).query).items()}
    visit.browser.app.reset()
    return {each["send"]["key"]: each["send"]["value"] for each in talk["messages"]}


def _way_on(page: TestResponse) -> str:
    return str(page.html.find("a", attrs={"data-storage": True})["href"])


def come_back(visit: Visit, token: str, headers: dict[str, str] = FRAMED, **fields: str) -> TestResponse:
    posted = {"id_token": token, "state": visit.asked["state"], **fields}
    return visit.browser.app.post("/lti/launch", posted, headers=headers, status="*")


def answers_of(page: TestResponse, stored: dict[str, Any]) -> dict[str, str]:
    """What the script puts into the form."""
    asked = [each for each in talk_of(page)["messages"] if each["field"]]
    return {each["field"]: stored.get(each["send"]["key"], "") for each in asked}


@pytest.mark.case("PS-006")
def test_storage_proves_the_browser_where_no_cookie_comes_back(scene: Scene) -> None:
    visit = scene.visit()
    stored = begin(visit)
    token = visit.platform.sign(visit.claims())
    page = come_back(visit, token)
    assert page.status_int == 200
    assert talk_of(page)["origin"] == visit.platform.auth_url.rpartition("/")[0]
    entrance = come_back(visit, token, OWN, **answers_of(page, stored))
    assert entrance.status_int == 303
    path = urlsplit(entrance.location).path
    assert path.startswith("/lti/enter/")

    row = scene.rows(1)[0]
    browser = next(check for check in row.checks["launch"] if check[0] == "browser")
    assert (browser[1], browser[2]) == (True, "no cookie came back; the LMS's storage answered our pair")

    visit.browser.app.reset()
    one_click = visit.browser.get(path, headers=OWN)
    button = one_click.html.find("a", string="Open in a new window") or one_click.html.find("a", target="_blank")
    assert (button["href"], button["target"]) == (path, "_blank")
    window = visit.browser.get(path, headers={"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-origin"})
    assert urlsplit(window.location).path == f"/activities/{scene.activity_id}"
    assert "An e-learning" in visit.browser.get(window.location, status=200)


@pytest.mark.case("PS-006")
def test_whoever_keeps_cookies_in_the_frame_after_all_stays_there(scene: Scene) -> None:
    visit = scene.visit()
    stored = begin(visit)
    token = visit.platform.sign(visit.claims())
    page = come_back(visit, token)
    entrance = come_back(visit, token, OWN, **answers_of(page, stored))
    inside = visit.browser.get(urlsplit(entrance.location).path, headers=FRAMED)
    assert urlsplit(inside.location).path == f"/activities/{scene.activity_id}"
    assert visit.browser.get(inside.location, headers=FRAMED).status_int == 200


@pytest.mark.parametrize(
    "headers",
    [FRAMED, {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-site"}, {}, {"Origin": "https://evil.example"}],
)
@pytest.mark.case("PS-007")
def test_answers_that_no_page_of_ours_posts_are_none(scene: Scene, headers: dict[str, str]) -> None:
    """An attacker has a login of his own, so he knows what storage would answer; his page posts it."""
    attacker = scene.visit()
    attacker.begin()
    victim = scene.visit(asked=attacker.asked)
    before = scene.written()
    known = {STATE_FIELD: attacker.asked["state"], NONCE_FIELD: attacker.asked["nonce"]}
    response = come_back(victim, attacker.platform.sign(attacker.claims()), headers, **known)
    scene.refused(response, "LTI13_COOKIE", "browser", before)
    assert not any("session=" in cookie for cookie in response.headers.getall("Set-Cookie"))


@pytest.mark.case("PS-007")
@pytest.mark.parametrize(
    "answered",
    [
        {STATE_FIELD: "", NONCE_FIELD: ""},
        {STATE_FIELD: "{state}", NONCE_FIELD: "another"},
        {STATE_FIELD: "another", NONCE_FIELD: "{nonce}"},
        {STATE_FIELD: "{state}"},
    ],
)
def test_another_pair_or_none_leads_to_a_new_window(scene: Scene, answered: dict[str, str]) -> None:
    visit = scene.visit()
    begin(visit)
    token = visit.platform.sign(visit.claims())
    come_back(visit, token)
    before = scene.written()
    response = come_back(visit, token, OWN, **{name: value.format(**visit.asked) for name, value in answered.items()})
    row = scene.refused(response, "LTI13_COOKIE", "browser", before)
    assert row.checks["launch"][-1][2].startswith("no cookie came back; the LMS's storage answered ")
    visit.accepted(visit.begin_again(response, "Open in a new window"))


def test_a_launch_that_only_asked_is_still_open_and_its_state_works_once(scene: Scene) -> None:
    visit = scene.visit()
    stored = begin(visit)
    token = visit.platform.sign(visit.claims())
    before = scene.written()
    pages = [come_back(visit, token) for _ in range(2)]
    assert [page.status_int for page in pages] == [200, 200]
    assert scene.written() == before
    answers = answers_of(pages[0], stored)
    assert come_back(visit, token, OWN, **answers).status_int == 303
    after = scene.written()
    scene.refused(come_back(visit, token, OWN, **answers), "LTI13_STATE", "state", after)


@pytest.mark.parametrize(
    ("cookie", "dest"), [("", "document"), ("some=cookie", "iframe")], ids=["a tab of its own", "a cookie came along"]
)
def test_nobody_is_kept_waiting_who_need_not_be(scene: Scene, cookie: str, dest: str) -> None:
    """In a tab of its own, and where a cookie of ours came along, the login goes straight on."""
    visit = scene.visit()
    fields = {"iss": visit.platform.issuer, "client_id": visit.platform.client_id, "login_hint": "x"}
    fields |= {"target_link_uri": scene.target, "lti_storage_target": "_parent"}
    headers = {"Sec-Fetch-Dest": dest, **({"Cookie": cookie} if cookie else {})}
    assert visit.browser.app.post("/lti/login", fields, headers=headers).status_int == 302


@pytest.mark.parametrize("target", ["_top", "a b", "_self"])
def test_a_target_no_script_may_look_for_is_as_good_as_none(scene: Scene, target: str) -> None:
    visit = scene.visit()
    assert visit.begin(lti_storage_target=target).status_int == 302


def test_a_tab_that_keeps_no_cookie_is_not_sent_into_another_one(scene: Scene) -> None:
    """No loop: the page says what to allow, and its button tries again here."""
    visit = scene.visit()
    visit.begin()
    visit.browser.app.reset()
    response = come_back(
        visit, visit.platform.sign(visit.claims()), {"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"}
    )
    assert "Allow cookies for" in response
    assert 'target="_blank"' not in response
    visit.accepted(visit.begin_again(response, "Try again"))


def handed_over(scene: Scene) -> tuple[Visit, str]:
    visit = scene.visit()
    stored = begin(visit)
    token = visit.platform.sign(visit.claims())
    entrance = come_back(visit, token, OWN, **answers_of(come_back(visit, token), stored))
    visit.browser.app.reset()
    return visit, urlsplit(entrance.location).path


def test_a_way_in_works_once_and_leads_its_person_on(scene: Scene) -> None:
    visit, path = handed_over(scene)
    assert visit.browser.app.head(path, status=204).status_int == 204
    assert visit.browser.get(path, headers={"Sec-Purpose": "prefetch;prerender"}).status_int == 204
    assert visit.browser.get(path).status_int == 303
    assert urlsplit(visit.browser.get(path).location).path == f"/activities/{scene.activity_id}"
    stranger = scene.kit.browser().get(path, status=410)
    assert "LTI_ENTRANCE" in stranger


def test_a_way_in_is_over_after_ten_minutes(own_scene: Scene) -> None:
    visit, path = handed_over(own_scene)
    with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1)):
        assert visit.browser.get(path, status=410).status_int == 410
        assert visit.browser.get(path, headers=FRAMED, status=410).status_int == 410


def test_a_way_in_sent_by_somebody_else_signs_nobody_in(scene: Scene) -> None:
    """A link in a mail or on another site: a page with a button, not a session."""
    visit, path = handed_over(scene)
    for site in ("cross-site", "none"):
        page = visit.browser.get(path, headers={"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": site})
        assert page.status_int == 200
        assert "Open the activity" in page
        assert not any("session=" in cookie for cookie in page.headers.getall("Set-Cookie"))


def test_the_token_of_a_way_in_is_no_session(scene: Scene) -> None:
    visit, path = handed_over(scene)
    token = path.rpartition("/")[2]
    name = next(
        cookie.partition("=")[0]
        for cookie in visit.browser.get(path).headers.getall("Set-Cookie")
        if "session=" in cookie
    )
    again, _ = handed_over(scene)
    answer = again.browser.app.get("/profile", headers={"Cookie": f"{name}={token}"}, status="*")
    assert answer.status_int == 303
    assert "/sign-in" in answer.location


@pytest.mark.case("PS-006")
def test_lti_1_2_in_a_frame_finds_out_whether_cookies_live_there(form_scene: FormScene) -> None:
    """It has no login that could have tried."""
    kept, lost = form_scene.visit(), form_scene.visit()
    for visit in (kept, lost):
        form = dict(visit.sign())
        entrance = visit.browser.app.post(urlsplit(form_scene.url).path, form, headers=FRAMED)
        path = urlsplit(entrance.location).path
        assert path.startswith("/lti/enter/")
        if visit is lost:
            visit.browser.app.reset()
            assert "Open in a new window" in visit.browser.get(path, headers=FRAMED)
            window = visit.browser.get(path, headers={"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-origin"})
        else:
            window = visit.browser.get(path, headers=FRAMED)
            again = visit.browser.app.post(urlsplit(form_scene.url).path, dict(visit.sign()), headers=FRAMED)
            assert urlsplit(again.location).path == f"/activities/{form_scene.activity_id}", "a cookie came along"
        assert urlsplit(window.location).path == f"/activities/{form_scene.activity_id}"


def ancestors_of(response: TestResponse) -> set[str]:
    directive = next(part for part in response.headers[CSP].split("; ") if part.startswith("frame-ancestors "))
    assert "X-Frame-Options" not in response.headers
    return set(directive.split()[1:])


@pytest.mark.case("PS-010")
def test_the_pages_of_a_launch_may_be_framed_by_the_platform(own_scene: Scene) -> None:
    visit = own_scene.visit()
    site = f"{visit.platform.issuer}:443"
    keeping = visit.begin(lti_storage_target="_parent")
    visit.browser.app.reset()
    begin(visit)
    asking = come_back(visit, visit.platform.sign(visit.claims()))
    refused = come_back(visit, "nonsense", OWN, **{STATE_FIELD: "", NONCE_FIELD: ""})
    for page in (keeping, asking, refused):
        assert ancestors_of(page) == {"'self'", site}
    back = own_scene.visit()
    launched = back.launch(launch_presentation={"return_url": "https://courses.example/7"})
    activity = back.browser.get(launched.location)
    assert ancestors_of(activity) == {"'self'", site, "https://courses.example:443"}
    assert 'data-frame-origin="https://courses.example:443"' in activity


@pytest.mark.case("PS-010")
def test_a_way_in_may_be_framed_where_its_launch_returns_to(own_scene: Scene) -> None:
    visit = own_scene.visit()
    stored = begin(visit)
    claims = visit.claims(launch_presentation={"return_url": "https://courses.example/7"})
    token = visit.platform.sign(claims)
    entrance = come_back(visit, token, OWN, **answers_of(come_back(visit, token), stored))
    visit.browser.app.reset()
    page = visit.browser.get(urlsplit(entrance.location).path, headers=OWN)
    assert "https://courses.example:443" in ancestors_of(page)
    assert page.html.find("a", class_="back")["href"] == "https://courses.example/7"


@pytest.mark.case("PS-011")
def test_other_pages_are_framed_by_nobody(own_scene: Scene) -> None:
    visit = own_scene.visit()
    visit.accepted(visit.launch())
    for path in ("/profile", "/courses", "/sign-in", "/nothing"):
        assert ancestors_of(visit.browser.get(path, status="*")) == {"'none'"}, path


@pytest.mark.case("PS-011")
def test_a_session_that_ended_in_a_frame_ends_on_a_page_with_one_button(own_scene: Scene) -> None:
    """The page that takes passwords is never framed, so it would stay white."""
    visit = own_scene.visit()
    activity = visit.launch().location
    visit.browser.app.reset()
    asked_in = visit.browser.get(activity, headers=FRAMED)
    page = visit.browser.get(asked_in.location, headers=FRAMED, status=403)
    assert f"{own_scene.platform.issuer}:443" in ancestors_of(page)
    assert page.html.find("input", type="password") is None
    assert [link.get_text(strip=True) for link in page.html.find("main").find_all("a")] == ["Open in a new window"]
