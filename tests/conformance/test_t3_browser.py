"""T3-045 to T3-048, T3-055, T3-060, T3-088: the state, the cookie, and what one click mends."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
import time_machine

from saas import clock
from saas.sessions import WebSession
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.lti.launches.models import Outcome
from tests.conformance.platform import Site
from tests.conformance.visits import Scene, Visit, register


@pytest.mark.case("T3-045")
@pytest.mark.parametrize("left_out", ["state", "id_token"])
def test_a_launch_without_state_or_token(scene: Scene, left_out: str) -> None:
    visit = scene.visit()
    visit.begin()
    before = scene.written()
    fields = {"id_token": visit.platform.sign(visit.claims()), "state": visit.asked["state"]}
    del fields[left_out]
    row = scene.refused(visit.browser.app.post("/lti/launch", fields, status="*"), "LTI13_PARAM", "parameters", before)
    assert row.checks["launch"][0][2] == f"{left_out}: missing"


@pytest.mark.case("T3-045")
def test_a_state_we_never_gave(scene: Scene) -> None:
    visit = scene.visit()
    visit.begin()
    visit.asked["state"] = "of-somebody-elses-making"
    before = scene.written()
    response = visit.answer(visit.platform.sign(visit.claims()))
    row = scene.refused(response, "LTI13_STATE", "state", before)
    assert (row.checks["launch"][-1][2], row.platform_id) == ("a state we never gave here", None)
    assert "Try again" not in response


@pytest.mark.case("T3-045")
def test_an_expired_state_can_be_begun_again(own_scene: Scene) -> None:
    visit = own_scene.visit()
    visit.begin()
    with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1)):
        before = own_scene.written()
        response = visit.answer(visit.platform.sign(visit.claims()))
        row = own_scene.refused(response, "LTI13_STATE", "state", before)
        assert row.checks["launch"][-1][2].startswith("too old: given at")
        visit.accepted(visit.begin_again(response, "Try again"))


@pytest.mark.case("T3-045")
def test_a_state_just_before_it_expires(own_scene: Scene) -> None:
    visit = own_scene.visit()
    visit.begin()
    with time_machine.travel(clock.now() + timedelta(minutes=9, seconds=50)):
        assert visit.accepted(visit.answer(visit.platform.sign(visit.claims()))).outcome == "accepted"


@pytest.mark.case("T3-045", "T3-048")
def test_a_launch_posted_again(scene: Scene) -> None:
    """The browser's Back: the launch is over, but its person is signed in and may simply go on."""
    visit = scene.visit()
    visit.begin()
    state, token = visit.asked["state"], visit.platform.sign(visit.claims())
    visit.accepted(visit.answer(token))
    before = scene.written()
    response = visit.answer(token)
    row = scene.refused(response, "LTI13_STATE", "state", before)
    assert row.checks["launch"][-1][2].startswith("used already, at ")
    assert response.click("Go on").status_int == 200
    with_cookie = {"Cookie": f"{cookie_name(visit)}={state}"}
    stranger = scene.visit(asked=visit.asked)
    response = stranger.browser.app.post(
        "/lti/launch", {"id_token": token, "state": state}, headers=with_cookie, status="*"
    )
    scene.refused(response, "LTI13_STATE", "state", before)
    assert "Go on" not in response


def cookie_name(visit: Visit) -> str:
    """The state cookie of the visit's last login; after the launch it is gone from the browser."""
    answer = visit.begin()
    name: str = answer.headers["Set-Cookie"].partition("=")[0]
    return name


@pytest.mark.case("T3-046")
def test_another_browsers_state_signs_nobody_in(scene: Scene) -> None:
    """Login CSRF: an attacker's launch posted from the victim's browser. One click begins the victim's own."""
    attacker = scene.visit()
    attacker.begin()
    victim = scene.visit(asked=attacker.asked)
    before = scene.written()
    response = victim.answer(attacker.platform.sign(attacker.claims()))
    row = scene.refused(response, "LTI13_COOKIE", "browser", before)
    assert row.checks["launch"][-1][2] == "no cookie came back"
    assert not any("session=" in cookie for cookie in response.headers.getall("Set-Cookie"))
    assert victim.browser.get(f"/activities/{scene.activity_id}", status="*").status_int == 303
    assert 'target="_blank"' in response
    victim.accepted(victim.begin_again(response, "Open in a new window"))
    first = attacker.answer(attacker.platform.sign(attacker.claims()))
    assert "LTI13_STATE" in first


@pytest.mark.case("T3-046")
def test_the_new_window_finds_the_registration_of_a_login_without_client(own_scene: Scene) -> None:
    register(own_scene.kit, own_scene.platform.sibling())
    visit = own_scene.visit()
    visit.begin("client_id", path=f"/lti/login/{own_scene.platform_id}", lti_message_hint='{"a":"b c+&"}')
    visit.browser.app.reset()
    before = own_scene.written()
    response = visit.answer(visit.platform.sign(visit.claims()))
    own_scene.refused(response, "LTI13_COOKIE", "browser", before)
    visit.accepted(visit.begin_again(response, "Open in a new window"))
    assert visit.asked["lti_message_hint"] == '{"a":"b c+&"}'
    assert visit.asked["login_hint"] == visit.sub


@pytest.mark.case("T3-046")
def test_a_page_in_a_frame_may_be_shown_by_the_platform_only(own_scene: Scene) -> None:
    visit = own_scene.visit()
    visit.begin()
    visit.browser.app.reset()
    response = visit.browser.app.post(
        "/lti/launch",
        {"id_token": visit.platform.sign(visit.claims()), "state": visit.asked["state"]},
        headers={"Sec-Fetch-Dest": "iframe"},
        status=400,
    )
    ancestors = response.headers["Content-Security-Policy"].partition("frame-ancestors ")[2]
    assert ancestors.split() == ["'self'", f"{own_scene.platform.issuer}:443"]
    assert "X-Frame-Options" not in response.headers


@pytest.mark.case("T3-046")
def test_cookies_inside_a_frame_are_partitioned(scene: Scene) -> None:
    visit = scene.visit()
    visit.browser.app.extra_environ["HTTP_SEC_FETCH_DEST"] = "iframe"
    begun = visit.begin()
    assert begun.headers["Set-Cookie"].endswith("; HttpOnly; Secure; SameSite=None; Max-Age=600; Partitioned")
    landed = visit.answer(visit.platform.sign(visit.claims()))
    session = next(value for value in landed.headers.getall("Set-Cookie") if value.startswith("__Host-session="))
    assert session.endswith("; SameSite=None; Secure; Partitioned")
    visit.accepted(landed)


def test_two_tabs_do_not_disturb_each_other(scene: Scene) -> None:
    """Two launches in one browser, begun one after the other and ended crosswise."""
    first = scene.visit()
    first.begin()
    second = scene.visit(browser=first.browser)
    second.begin()
    first.accepted(first.answer(first.platform.sign(first.claims())))
    assert second.accepted(second.answer(second.platform.sign(second.claims()))).outcome == "accepted"


@pytest.mark.case("T3-048")
def test_of_twenty_posts_at_once_one_comes_in(own_scene: Scene) -> None:
    """The same launch in twenty threads: a double click, or a thief with a copy."""
    warm = own_scene.visit()
    warm.accepted(warm.launch())
    visit = own_scene.visit()
    answer = visit.begin()
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    body = {"id_token": visit.platform.sign(visit.claims()), "state": visit.asked["state"]}
    start = threading.Barrier(20)

    def post(_number: int) -> int:
        browser = own_scene.kit.browser()
        start.wait(30)
        return browser.app.post("/lti/launch", body, headers={"Cookie": cookie}, status="*").status_int

    with ThreadPoolExecutor(20) as pool:
        assert Counter(pool.map(post, range(20))) == {303: 1, 400: 19}
    rows = own_scene.rows()[:20]
    assert Counter(row.outcome for row in rows) == {Outcome.ACCEPTED: 1, Outcome.REFUSED: 19}
    assert {row.code for row in rows} == {"", "LTI13_STATE"}
    person_id = own_scene.person_of(visit.platform.issuer, visit.sub)
    with own_scene.kit.session() as session:
        opened = sa.select(sa.func.count()).select_from(WebSession).where(WebSession.subject_id == person_id)
        assert session.scalar(opened) == 1


@pytest.mark.case("T3-055")
def test_a_platform_that_lost_its_own_session(scene: Scene) -> None:
    visit = scene.visit()
    visit.begin()
    before = scene.written()
    fields = {"error": "login_required", "error_description": "No session", "state": visit.asked["state"]}
    response = visit.browser.app.post("/lti/launch", fields, status="*")
    row = scene.refused(response, "LTI13_PLATFORM_ERROR", "answer", before)
    assert row.checks["launch"][-1][2] == "login_required: No session"
    visit.accepted(visit.begin_again(response, "Open in a new window"))


@pytest.mark.case("T3-055")
@pytest.mark.parametrize("error", ["access_denied", "launch_no_longer_valid", "<script>alert(1)</script>"])
def test_another_error_is_told_in_the_platforms_words(scene: Scene, error: str) -> None:
    visit = scene.visit()
    visit.begin()
    before = scene.written()
    response = visit.browser.app.post("/lti/launch", {"error": error, "state": visit.asked["state"]}, status="*")
    row = scene.refused(response, "LTI13_PLATFORM_ERROR", "answer", before)
    assert row.checks["launch"][-1][2] == error
    assert "<script>alert" not in response
    assert "Open in a new window" not in response


@pytest.mark.case("T3-055")
def test_an_error_without_a_state_of_ours_is_not_repeated(scene: Scene) -> None:
    before = scene.written()
    fields = {"error": "login_required", "error_description": "Call 555-1234", "state": "unknown"}
    response = scene.visit().browser.app.post("/lti/launch", fields, status="*")
    scene.refused(response, "LTI13_STATE", "state", before)
    assert "555-1234" not in response


@pytest.mark.case("T3-088")
@pytest.mark.parametrize("role", [Role.LEARNER, Role.ADMIN])
def test_a_launch_replaces_the_session_of_somebody_else(scene: Scene, role: Role) -> None:
    before = scene.kit.person(role)
    visit = scene.visit(browser=scene.kit.signed_in(role, before))
    assert before.email in visit.browser.get("/profile").text
    row = visit.accepted(visit.launch())
    assert row.person_id != before.id
    assert before.email not in visit.browser.get("/profile").text


@pytest.mark.case("T3-088")
def test_a_refused_launch_leaves_the_session_alone(scene: Scene) -> None:
    person = scene.kit.person()
    visit = scene.visit(browser=scene.kit.signed_in(person=person))
    before = scene.written()
    scene.refused(visit.launch(version="1.0"), "LTI13_VERSION", "version", before)
    assert person.email in visit.browser.get("/profile").text


@pytest.mark.case("PR-004")
@pytest.mark.parametrize("warm", [False, True], ids=["keys not fetched yet", "keys at hand"])
def test_two_first_launches_of_one_person_at_once(own_scene: Scene, *, warm: bool) -> None:
    """Two tabs, two links, a double click: the same person comes for the first time, eight times at once."""
    if warm:
        assert "LTI13_VERSION" in own_scene.visit().launch(version="0")
    visits = [own_scene.visit(sub="newcomer") for _ in range(8)]
    assert people_after(own_scene, visits) == ["newcomer"]
    assert own_scene.written()["person"] == 2


@pytest.mark.case("PR-004")
def test_a_class_that_comes_for_the_first_time_at_once(own_scene: Scene) -> None:
    """Ten people, a link nobody has opened yet: ten accounts, one link."""
    visits = [own_scene.visit() for _ in range(10)]
    assert people_after(own_scene, visits) == sorted(visit.sub for visit in visits)
    written = own_scene.written()
    assert (written["lti_resource_link"], written["lti_participant"], written["enrolment"]) == (1, 10, 10)


@pytest.mark.case("PR-004")
def test_two_platforms_bring_one_person_at_once(own_scene: Scene, site: Site) -> None:
    """One e-mail address, two platforms: one account with two identities."""
    other = site.open()
    register(own_scene.kit, other)
    visits = [own_scene.visit(own_scene.platform, sub="a"), own_scene.visit(other, sub="b")]
    people_after(own_scene, visits, email="ada@school.example")
    with own_scene.kit.session() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Person.email_key == "ada@school.example")) == 1
    assert own_scene.written()["lti_identity"] == 2


def people_after(scene: Scene, visits: list[Visit], **claims: str) -> list[str]:
    """Every visit launches at the same moment and must come in; who is linked afterwards."""
    for visit in visits:
        visit.begin()
    tokens = [visit.platform.sign(visit.claims(**claims)) for visit in visits]
    start = threading.Barrier(len(visits))

    def post(visit: Visit, token: str) -> int:
        start.wait(30)
        return visit.answer(token).status_int

    with ThreadPoolExecutor(len(visits)) as pool:
        statuses = list(pool.map(post, visits, tokens))
    assert statuses == [303] * len(visits), [row.code for row in scene.rows()]
    return sorted({visit.sub for visit in visits if scene.person_of(visit.platform.issuer, visit.sub)})


def test_a_login_does_not_fall_for_its_own_query(scene: Scene) -> None:
    """A parameter in the address and again in the form is a fault, whichever would win."""
    visit = scene.visit()
    before = scene.written()
    response = visit.begin(path=f"/lti/login?{urlencode({'iss': visit.platform.issuer})}")
    row = scene.refused(response, "LTI13_LOGIN_PARAM", "parameters", before, part="login")
    assert row.checks["login"][0][2] == "iss: given twice"
