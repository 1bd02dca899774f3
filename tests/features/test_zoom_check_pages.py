"""The pages of Check Zoom connection: begun from profile and form, watched, cancelled, run again; whose they are."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from webtest import TestResponse

from saas import clock
from tenants.access import Role
from tenants.lti.launches.models import Direction, Launch, Outcome
from tenants.zoom.ltipro.check import KEPT, LONGEST, Checks, Draft
from tenants.zoom.ltipro.models import ZoomCheck, ZoomProfile, ZoomUse
from tests.features.pages import words
from tests.features.zoom_double import KEY, LOGIN, Checked, Rig, page, served
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
    assert admin.get(report, headers=HTMX).status_int == 200
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


def launched(academy: Checked, outcome: Outcome, code: str = "", at: timedelta = timedelta(seconds=1)) -> UUID:
    with academy.kit.session() as session:
        launch = Launch(
            tool_id=session.get_one(ZoomProfile, academy.profile_id).tool_id,
            direction=Direction.OUT,
            outcome=outcome,
            code=code,
            person_name="Ada Teacher",
            started_at=clock.now() + at,
        )
        session.add(launch)
        session.flush()
        return launch.id


def test_a_launch_is_watched(academy: Checked, admin: Browser) -> None:
    check_id = academy.begin()
    watched = f"/integrations/zoom/checks/{check_id}/launch"
    launched(academy, Outcome.REFUSED, "TOOL_HINT", at=timedelta(minutes=-5))
    assert "Ada Teacher" not in words(admin.get(watched)), "that was before"
    launched(academy, Outcome.WAITING)
    first = admin.get(watched, headers=HTMX)
    assert (first.status_int, "Ada Teacher" in words(first), "hx-get" in first.text) == (200, True, True)
    refused = launched(academy, Outcome.REFUSED, "TOOL_HINT", at=timedelta(seconds=2))
    second = admin.get(watched)
    assert str(refused) in second.text
    launched(academy, Outcome.ACCEPTED, at=timedelta(seconds=3))
    with academy.kit.session() as session:
        session.scalars(sa.select(ZoomUse)).one().keys_fetched_at = clock.now() + timedelta(seconds=4)
    last = admin.get(watched, headers=HTMX)
    assert (last.status_int, "hx-get" in last.text) == (286, False)


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
