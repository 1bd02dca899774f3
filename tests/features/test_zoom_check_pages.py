"""The pages of Check Zoom connection: begun from profile and form, watched, cancelled, run again; whose they are."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from webtest import TestResponse

from saas import clock
from tenants.access import Role
from tenants.lti.launches.models import Direction, Launch, Outcome
from tenants.zoom.ltipro.check import KEPT, LONGEST, Checks, Draft, run_check
from tenants.zoom.ltipro.models import ZoomCheck, ZoomProfile
from tests.features.pages import words
from tests.features.zoom_double import KEY, LOGIN, Checked, Rig, page, served
from tests.features.zoom_rooms import Room, learner
from tests.house import BACKENDS, Browser, databases_of

HTMX = {"HX-Request": "true"}


@pytest.fixture(params=BACKENDS, scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with served(request.param, tmp_path_factory.mktemp("zoom")) as rig:
        yield rig
    databases_of(request.param).drop(rig.house.database_url)


@pytest.fixture
def academy(running: Rig) -> Checked:
    running.house.run_jobs()
    running.zoom.reset()
    return running.academy()


@pytest.fixture
def admin(academy: Checked) -> Browser:
    return academy.kit.signed_in(Role.ADMIN)


def base(academy: Checked) -> str:
    return f"/integrations/zoom/profiles/{academy.profile_id}"


def where(response: TestResponse) -> str:
    """The path an answer leads to."""
    return urlsplit(response.headers["Location"]).path


def checks(academy: Checked) -> list[ZoomCheck]:
    with academy.kit.session() as session:
        found = list(session.scalars(sa.select(ZoomCheck).order_by(ZoomCheck.started_at)))
        session.expunge_all()
        return found


def test_from_the_profile_to_the_report(academy: Checked, admin: Browser) -> None:
    assert "Check Zoom connection" in words(admin.get(base(academy)))
    report = where(admin.post(f"{base(academy)}/check", status=303))
    again = where(admin.post(f"{base(academy)}/check", status=303))
    assert again == report, "the second click finds it running"
    waiting = admin.get(report)
    assert ('hx-trigger="every 2s"' in waiting.text, "Cancel" in words(waiting)) == (True, True)
    part = admin.get(report, headers=HTMX, status=200)
    assert waiting.html.find(id="check-cancel").name == part.html.find(id="check-cancel").name == "button", (
        "the focus stays"
    )
    academy.kit.house.run_jobs()
    done = admin.get(report, headers=HTMX)
    assert (done.status_int, 'hx-trigger="every 2s"' in admin.get(report).text) == (286, False)
    said = words(admin.get(report))
    for text in (
        "Zoom and this academy understand each other.",
        "Zoom sends browsers back to this academy",
        "ZOOM_CHECK_NEVER_LAUNCHED",
        "Run again",
        KEY,
    ):
        assert text in said
    assert "Passed" in words(admin.get(base(academy)))
    assert where(admin.post(f"{report}/again", status=303)) != report


@pytest.mark.case("ZL-086")
def test_values_of_the_form_that_were_not_saved(academy: Checked, admin: Browser) -> None:
    assert f'formaction="{base(academy)}/check"' in admin.get(f"{base(academy)}/edit").text
    academy.zoom.answers(page("Gone", 404))
    report = where(admin.post(f"{base(academy)}/check", {"name": "Typed", "lti_key": " “other-Key” "}, status=303))
    academy.kit.house.run_jobs()
    said = words(admin.get(report))
    assert "other-Key" in said
    assert "ZOOM_CHECK_KEY_UNKNOWN" in said
    assert [request.target for request in academy.zoom.requests if "login" in request.target] == [
        LOGIN.replace(KEY, "other-Key")
    ]
    with academy.kit.session() as session:
        profile = session.get_one(ZoomProfile, academy.profile_id)
        assert (profile.name, profile.lti_key) == ("Main", KEY)


def test_of_a_profile_that_is_not_there_yet(academy: Checked, admin: Browser) -> None:
    assert 'formaction="/integrations/zoom/checks"' in admin.get("/integrations/zoom/profiles/new").text
    report = where(admin.post("/integrations/zoom/checks", {"name": "New", "lti_key": KEY}, status=303))
    academy.kit.house.run_jobs()
    said = words(admin.get(report))
    assert "Zoom and this academy understand each other." in said
    assert "Made when the profile is saved" in said
    again = where(admin.post(f"{report}/again", status=303))
    academy.kit.house.run_jobs()
    assert KEY in words(admin.get(again))
    assert [check.profile_id for check in checks(academy)] == [None, None]


@pytest.mark.case("ZL-086")
def test_no_secret_is_kept_or_shown(academy: Checked, admin: Browser) -> None:
    report = where(
        admin.post(
            f"{base(academy)}/check", {"lti_key": KEY, "access_token": "t0p-secret", "password": "pa55"}, status=303
        )
    )
    academy.kit.house.run_jobs()
    kept = checks(academy)[0]
    assert set(kept.values) == {"name", "lti_key", "client_id", "issuer"}
    shown = admin.get(report).text
    assert "t0p-secret" not in shown + str(kept.values)


def test_cancelled_before_it_ran(academy: Checked, admin: Browser) -> None:
    report = where(admin.post(f"{base(academy)}/check", status=303))
    admin.post(f"{report}/cancel", status=303)
    academy.kit.house.run_jobs()
    assert academy.zoom.requests == []
    assert "The check was cancelled" in words(admin.get(report))
    assert admin.get(report, headers=HTMX).status_int == 286
    admin.post(f"{report}/cancel", status=303)
    assert "Broken off" in words(admin.get(base(academy)))


def test_one_that_nobody_runs_is_shown_as_interrupted(academy: Checked, admin: Browser) -> None:
    check_id = academy.begin()
    with academy.kit.session() as session:
        session.get_one(ZoomCheck, check_id).started_at = clock.now() - LONGEST - timedelta(seconds=1)
    said = admin.get(f"/integrations/zoom/checks/{check_id}")
    assert "The check was interrupted" in words(said)
    assert "Run again" in words(said)


def test_the_newest_are_kept(academy: Checked) -> None:
    begun = [academy.begin() for _time in range(KEPT + 3)]
    new = [academy.begin(Draft("New", KEY)) for _time in range(2)]
    assert {check.id for check in checks(academy)} == {*begun[-KEPT:], *new}


def test_forgotten_after_a_while(academy: Checked) -> None:
    check_id = academy.begin()
    with academy.kit.session() as session:
        session.get_one(ZoomCheck, check_id).started_at = clock.now() - timedelta(days=61)
    kept = academy.begin()
    with academy.kit.session() as session:
        Checks(session, academy.kit.runtime, academy.kit.academy).forget(clock.now() - timedelta(days=60))
    assert [check.id for check in checks(academy)] == [kept]


def launched(
    academy: Checked, outcome: Outcome, code: str = "", at: timedelta = timedelta(seconds=1), **values: Any
) -> UUID:
    with academy.kit.session() as session:
        launch = Launch(
            tool_id=session.get_one(ZoomProfile, academy.profile_id).tool_id,
            direction=Direction.OUT,
            outcome=outcome,
            code=code,
            person_name="Ada Teacher",
            started_at=clock.now() + at,
            **values,
        )
        session.add(launch)
        session.flush()
        return launch.id


class Opened:
    """A check somebody runs, who then opens Zoom at a place of the profile."""

    def __init__(self, academy: Checked) -> None:
        self.academy, kit = academy, academy.kit
        with kit.session() as session:
            tool = session.get_one(ZoomProfile, academy.profile_id).tool
            self.room = Room(kit, academy.profile_id, tool.id, tool.client_id, "")
        self.place = self.room.place()
        self.person = kit.person(Role.ADMIN)
        self.browser = kit.signed_in(person=self.person)
        self.report = where(self.browser.post(f"{base(academy)}/check", status=303))
        kit.house.run_jobs()

    def row(self) -> tuple[str, str, str]:
        return self.academy.found(UUID(self.report.rpartition("/")[2]))["launch"]

    def watched(self) -> tuple[int, list[str], bool]:
        """What the page asks for again: status, marks, and whether the report is to be loaded anew."""
        part = self.browser.get(f"{self.report}/launch", headers=HTMX, status="*")
        marks = [item["data-state"] for item in part.html.find_all("li")]
        return part.status_int, marks, part.headers.get("HX-Refresh") == "true"

    def comes_back(self, begun: dict[str, str], browser: Browser, **changes: str) -> None:
        self.room.authorize(browser, self.room.request(begun, **changes))


@pytest.mark.case("ZL-087")
def test_a_launch_is_watched_and_its_end_is_in_the_report(academy: Checked) -> None:
    opened = Opened(academy)
    assert opened.row() == ("skipped", "ZOOM_CHECK_BY_HAND", "")
    assert f"/courses/{opened.place.course_id}/zoom" in opened.browser.get(opened.report).text
    stranger, theirs = learner(opened.room)
    opened.comes_back(opened.room.begin(opened.place, stranger, theirs), theirs)
    assert opened.watched() == (200, ["waiting", "todo", "todo", "todo", "todo"], False), "somebody else's"
    begun = opened.room.begin(opened.place, opened.person, opened.browser)
    assert opened.watched() == (200, ["done", "waiting", "todo", "todo", "todo"], False)
    opened.comes_back(begun, opened.browser, redirect_uri="https://elsewhere.example/")
    assert opened.watched() == (200, ["done", "done", "failed", "todo", "todo"], True)
    assert opened.watched()[2] is False, "written once"
    outcome, code, seen = opened.row()
    assert (outcome, code) == ("failed", "TOOL_REDIRECT")
    assert seen.startswith(f"{opened.person.name} · stopped at redirect: https://elsewhere.example/")
    assert "One line is red." in words(opened.browser.get(opened.report))
    opened.comes_back(opened.room.begin(opened.place, opened.person, opened.browser), opened.browser)
    assert opened.watched()[1] == ["done", "done", "done", "waiting", "todo"]
    theirs.get("/mod/lti/certs.php")
    assert opened.watched() == (286, ["done", "done", "done", "done", "todo"], True)
    assert opened.row() == ("ok", "", opened.person.name)
    said = words(opened.browser.get(opened.report))
    assert "Zoom and this academy understand each other." in said
    assert "Passed" in words(opened.browser.get(base(academy)))


@pytest.mark.case("ZL-087")
def test_the_report_itself_writes_how_a_launch_ended(academy: Checked) -> None:
    """Without JavaScript nothing is asked for again."""
    opened = Opened(academy)
    opened.room.begin(opened.place, opened.person, opened.browser)
    assert opened.row()[0] == "skipped"
    with academy.kit.session() as session:
        for row in (*session.scalars(sa.select(ZoomCheck)), *session.scalars(sa.select(Launch))):
            row.started_at -= timedelta(minutes=2)
    assert "Zoom did not send the browser back" in words(opened.browser.get(opened.report))
    assert opened.row()[:2] == ("failed", "ZOOM_CHECK_NOT_BACK")
    with academy.kit.session() as session:
        launch = session.scalars(sa.select(Launch)).one()
        launch.outcome = Outcome.ACCEPTED
    assert "ZOOM_CHECK_NEVER_KEYS" in words(opened.browser.get(opened.report))
    assert opened.row()[0] == "failed"
    assert opened.row()[2].endswith("stopped at keys")


def test_a_launch_long_after_is_of_no_check(academy: Checked) -> None:
    opened = Opened(academy)
    launched(academy, Outcome.REFUSED, "TOOL_REDIRECT", at=timedelta(minutes=21), person_id=opened.person.id)
    launched(academy, Outcome.REFUSED, "TOOL_REDIRECT", at=-timedelta(minutes=5), person_id=opened.person.id)
    assert opened.watched()[1][0] == "waiting"
    with academy.kit.session() as session:
        session.scalars(sa.select(ZoomCheck)).one().started_at -= timedelta(minutes=30)
    status, marks, _reload = opened.watched()
    assert (status, marks[0]) == (286, "todo")
    assert "Run it again to watch once more" in words(opened.browser.get(opened.report))


def test_a_check_of_the_command_line_watches_nobody(academy: Checked, admin: Browser) -> None:
    check = run_check(academy.kit.runtime, academy.kit.academy, academy.profile_id).check
    launched(academy, Outcome.REFUSED, "TOOL_REDIRECT", at=timedelta(0), person_id=None)
    page = admin.get(f"/integrations/zoom/checks/{check.id}")
    assert "Run it again to watch once more" in words(page)
    assert academy.found(check.id)["launch"][0] == "skipped"


@pytest.mark.case("ZL-087")
def test_without_a_place_the_report_says_what_to_do(academy: Checked, admin: Browser) -> None:
    report = where(admin.post(f"{base(academy)}/check", status=303))
    academy.kit.house.run_jobs()
    page = admin.get(report)
    assert "ZOOM_CHECK_NO_PLACE" in words(page)
    section = page.html.find("section", attrs={"aria-labelledby": "check-launch"})
    assert "publish it, or switch the course tool on" in section.text
    assert [link["href"] for link in section.find_all("a", class_="button")][:1] == ["/courses"]


def test_evidence_is_in_the_zone_of_whoever_reads(academy: Checked, admin: Browser) -> None:
    launched(academy, Outcome.ACCEPTED, at=-timedelta(minutes=5))
    report = where(admin.post(f"{base(academy)}/check", status=303))
    academy.kit.house.run_jobs()
    assert "UTC" not in words(admin.get(report))
    session, shown = admin.app.cookies["session"], {}
    admin.app.reset()
    for zone in ("Asia/Tokyo", "America/Lima"):
        page = admin.get(report, headers={"Cookie": f"session={session}; zone={zone}"})
        (row,) = [row for row in page.html.find_all("tr") if "Somebody has opened Zoom" in row.text]
        shown[zone] = row.find("span", class_="quiet").text
    assert shown["Asia/Tokyo"] != shown["America/Lima"]
    assert all("+00:00" not in text for text in shown.values())


def test_only_admins(academy: Checked) -> None:
    check_id = academy.begin()
    for role in (Role.LEARNER, Role.AUTHOR):
        browser = academy.kit.signed_in(role)
        for path in (f"/integrations/zoom/checks/{check_id}", f"{base(academy)}/trace"):
            assert "WEB_FORBIDDEN" in browser.get(path, status=403)
        for path in (
            f"{base(academy)}/check",
            "/integrations/zoom/checks",
            f"/integrations/zoom/checks/{check_id}/cancel",
        ):
            assert "WEB_FORBIDDEN" in browser.post(path, status=403)
    assert len(checks(academy)) == 1


def test_of_another_academy_nothing_exists(academy: Checked, running: Rig) -> None:
    other, check_id = running.academy(), academy.begin()
    theirs = other.kit.signed_in(Role.ADMIN)
    for path in (
        f"/integrations/zoom/checks/{check_id}",
        f"/integrations/zoom/checks/{check_id}/launch",
        f"{base(academy)}/trace",
    ):
        theirs.get(path, status=404)
    for path in (
        f"{base(academy)}/check",
        *(f"/integrations/zoom/checks/{check_id}/{end}" for end in ("again", "cancel")),
    ):
        theirs.post(path, status=404)
    theirs.get("/integrations/zoom/checks/nothing", status=404)
    assert checks(other) == []
    assert checks(academy)[0].finished_at is None


@pytest.mark.parametrize("key", ["\x00", "x" * 100_000, "../..//", "'\"><script>", "{{ 7 * 7 }}", "💥"])
def test_whatever_is_typed(academy: Checked, admin: Browser, key: str) -> None:
    answer = admin.post("/integrations/zoom/checks", {"name": key, "lti_key": key}, expect_errors=True)
    assert answer.status_int in (303, 400)
    if answer.status_int == 303:
        academy.kit.house.run_jobs()
        assert "<script>" not in admin.get(where(answer)).text
    assert [request.target for request in academy.zoom.requests if "/login/" in request.target] == []


def test_too_much_is_refused(admin: Browser) -> None:
    assert admin.post("/integrations/zoom/checks", {"lti_key": "x" * 10**6}, expect_errors=True).status_int == 413


def test_an_academy_without_zoom(running: Rig) -> None:
    kit = running.house.academy(zoom=False)
    admin = kit.signed_in(Role.ADMIN)
    assert admin.post("/integrations/zoom/checks", {"lti_key": KEY}, expect_errors=True).status_int == 403
    assert admin.get(f"/integrations/zoom/checks/{uuid4()}", expect_errors=True).status_int in (403, 404)
