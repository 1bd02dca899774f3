"""Every command of the operators' scripts: the JSON they read, the one line they log, and what is left behind.

Most commands run in this process on one configured application, because making one costs half a second; the last test
starts real processes.
"""

import contextlib
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import pytest
import sqlalchemy as sa

import saas.cli
from saas import clock
from saas.cli.context import Shell
from saas.jobs.models import Heartbeat, JobState, Outbox
from saas.jobs.outbox import later
from saas.runtime import Runtime
from saas.secrets import generate_key
from tenants.accounts.services import People
from tenants.catalog.models import ActivityType
from tenants.catalog.services import Catalog
from tenants.grades.models import DeliveryState, DeliveryTry, Progress, Result, ScoreDelivery
from tenants.lti.launches.models import Launch, Outcome
from tenants.lti.tool.landing13 import CHANNEL
from tests.house import BACKENDS
from tests.installation import Installation


class Desk:
    """An operator's shell on one installation."""

    def __init__(self, installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        self.installation = installation
        self.shell = Shell(str(installation.ini))
        monkeypatch.setattr(saas.cli, "Shell", lambda _config: self.shell)

    @property
    def runtime(self) -> Runtime:
        return self.shell.runtime

    def run(self, *arguments: str, code: int = 0) -> str:
        """Stdout; when the command fails, its one line on stderr."""
        out, err = io.StringIO(), io.StringIO()
        self.runtime.tenants.forget()  # as a new process
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
            saas.cli.main(["-c", str(self.installation.ini), *arguments])
        assert (ended.value.code or 0) == code, err.getvalue()
        if code:
            assert re.fullmatch(r"error: [^\n]+\n", err.getvalue())
            return err.getvalue()
        return out.getvalue()

    def json(self, *arguments: str) -> Any:
        """The one document, and nothing else, that stdout has."""
        return json.loads(self.run(*arguments, "--json"))

    def academy(self, *, lti: bool = True) -> str:
        slug = f"a{uuid4().hex[:8]}"
        self.run("tenant", "create", slug, "--name", "School", "--admin-email", f"admin@{slug}.example")
        if lti:
            self.run("tenant", "feature", slug, "lti", "on")
        return slug

    def session(self, slug: str) -> Any:
        return self.shell.session(slug)


@pytest.fixture(scope="module", params=BACKENDS)
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    more = {"app__demo": "true", "log__level": "error"}
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = Installation(tmp_path_factory.mktemp("cli"), request.param, more)
        desk = Desk(made, monkeypatch)
        assert desk.run("migrate") == ""
        yield desk
        desk.runtime.close()
        made.close()


PLATFORM = {
    "--name": "School LMS", "--issuer": "https://lms.example", "--client-id": "client", "--auth-url": "https://lms.example/auth",
    "--token-url": "https://lms.example/token", "--jwks-url": "https://lms.example/jwks",
}  # fmt: skip


def platform(**changed: str) -> list[str]:
    values = {**PLATFORM, **{f"--{name.replace('_', '-')}": value for name, value in changed.items()}}
    return [part for pair in values.items() for part in pair]


def test_migrate_says_whether_the_models_agree(desk: Desk) -> None:
    assert desk.run("migrate", "--check").count("\n") <= 1


def test_the_demonstration_is_made_once_and_again_after_a_reset(desk: Desk) -> None:
    first = desk.json("demo")
    assert first["made"] is True
    assert [door["url"] for door in first["doors"]] == [
        desk.installation.url("north"), desk.installation.url("south"), f"http://localhost:{desk.installation.port}",
    ]  # fmt: skip
    assert [set(door["sign_in_urls"]) for door in first["doors"]] == [
        {"admin", "learner"},
        {"admin", "learner"},
        {"operator"},
    ]
    assert {
        slug: [(tool["name"], tool["activated"]) for tool in desk.json("lti", "tool", "list", slug)]
        for slug in ("north", "south")
    } == {"north": [("South Academy", True)], "south": [("North Academy", True)]}
    courses = desk.json("course", "list", "north")
    again = desk.json("demo")
    assert again["made"] is False
    assert desk.json("course", "list", "north") == courses, "a second time keeps the data"
    mine = desk.academy()
    assert desk.json("demo", "--reset")["made"] is True
    assert {row["slug"] for row in desk.json("tenant", "list")} == {"north", "south"}
    assert mine not in desk.run("tenant", "list")
    assert "sign in once as admin: http" in desk.run("demo")


def test_an_academy_is_created_listed_closed_and_opened(desk: Desk) -> None:
    slug, host = f"b{uuid4().hex[:8]}", f"{uuid4().hex[:8]}.example.org"
    made = desk.json(
        "tenant",
        "create",
        slug,
        "--name",
        "School",
        "--admin-email",
        "a@b.example",
        "--domain",
        host,
        "--domain",
        f"x.{host}",
    )
    assert set(made) == {"slug", "url", "sign_in_url"}
    assert (made["slug"], made["url"]) == (slug, f"http://{host}:{desk.installation.port}")
    assert made["sign_in_url"].startswith(f"{made['url']}/sign-in/")
    row = next(row for row in desk.json("tenant", "list") if row["slug"] == slug)
    assert set(row["domains"]) == {host, f"x.{host}", f"{slug}.localhost"}
    assert row["status"] == "active"
    assert desk.json("tenant", "suspend", slug)["status"] == "suspended"
    assert desk.json("tenant", "resume", slug)["status"] == "active"
    assert desk.json("tenant", "feature", slug, "lti", "on")["features"]["lti"] is True
    assert desk.json("tenant", "feature", slug, "lti", "off")["features"]["lti"] is False


def test_an_academy_leaves_with_all_it_has(desk: Desk, tmp_path: Path) -> None:
    slug, file = desk.academy(), tmp_path / "all.zip"
    counts = desk.json("tenant", "export", slug, str(file))
    assert counts["person"] == 1
    assert {name.removesuffix(".jsonl") for name in ZipFile(file).namelist()} == set(counts)
    assert "cannot write" in desk.run("tenant", "export", slug, str(file), code=2), "nothing is written over"
    assert "say so with --yes" in desk.run("tenant", "erase", slug, code=2)
    assert "TENANT_NOT_SUSPENDED" in desk.run("tenant", "erase", slug, "--yes", code=2)
    assert slug in desk.run("tenant", "list")
    desk.run("tenant", "suspend", slug)
    assert re.fullmatch(r"\d+ rows deleted\n", desk.run("tenant", "erase", slug, "--yes"))
    assert slug not in desk.run("tenant", "list")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "Missing command"),
        ("tenant", "Missing command"),
        ("dance", "No such command 'dance'"),
        ("tenant create --name N --admin-email a@b.example", "Missing argument 'SLUG'"),
        ("tenant create ok --name N", "--admin-email"),
        ("tenant create Bad_Slug --name N --admin-email a@b.example", "TENANT_SLUG"),
        ("tenant create {slug} --name N --admin-email a@b.example", "TENANT_EXISTS"),
        ("tenant create fresh --name N --admin-email nobody", "PERSON_EMAIL"),
        ("tenant create fresh --name N --admin-email a@b.example --domain http://x/", "TENANT_HOST"),
        ("tenant create fresh --name N --admin-email a@b.example --domain {slug}.localhost", "TENANT_HOST_TAKEN"),
        ("tenant suspend nowhere", "TENANT_UNKNOWN"),
        ("tenant suspend operator", "TENANT_UNKNOWN"),
        ("tenant feature {slug} telepathy on", "telepathy"),
        ("tenant feature {slug} lti maybe", "maybe"),
        ("course list nowhere --json", "TENANT_UNKNOWN"),
        ("activity share {slug} nonsense on", "is an id"),
        ("activity share {slug} 018f0000-0000-7000-8000-000000000000 on", "WEB_NOT_FOUND"),
        ("lti platform list nowhere --json", "TENANT_UNKNOWN"),
        ("launches nowhere --json", "TENANT_UNKNOWN"),
        ("scores nowhere --json", "TENANT_UNKNOWN"),
        ("jobs nowhere --json", "TENANT_UNKNOWN"),
        ("jobs {slug} --state asleep", "asleep"),
        ("jobs retry {slug} nonsense", "a job's id is a UUID"),
        ("tenant list --config", "--config"),
    ],
)  # fmt: skip
def test_an_error_is_one_line_and_exit_2_and_changes_nothing(desk: Desk, arguments: str, said: str) -> None:
    slug = next((row["slug"] for row in desk.json("tenant", "list") if row["features"]["lti"]), "")
    slug = slug or desk.academy()
    before = desk.json("tenant", "list")
    assert said in desk.run(*arguments.format(slug=slug).split(), code=2)
    assert desk.json("tenant", "list") == before


def test_a_platform_is_added_cleaned_and_listed(desk: Desk) -> None:
    slug = desk.academy()
    pasted = platform(issuer=" https://lms.example\u200b", client_id="client\n")
    row = desk.json(
        "lti", "platform", "add", slug, *pasted, "--deployment-id", " 1 ", "--deployment-id", "2", "--activate"
    )
    assert row["issuer"] == "https://lms.example"
    assert row["client_id"] == "client"
    assert row["deployment_ids"] == ["1", "2"]
    assert row["activated"] is True
    url = desk.installation.url(slug)
    ours = row.pop("ours")
    assert ours["public_key"].startswith("-----BEGIN PUBLIC KEY-----")
    assert {**ours, "public_key": ""} == {
        "login_url": f"{url}/lti/login", "redirect_uri": f"{url}/lti/launch", "jwks_url": ours["jwks_url"],
        "tool_url": f"{url}/lti/activities", "deep_linking_url": f"{url}/lti/pick", "public_key": "", "domain": f"{slug}.localhost",
    }  # fmt: skip
    assert ours["jwks_url"].startswith(url)
    assert desk.json("lti", "platform", "list", slug) == [{**row, "ours": ours}]
    assert "School LMS" in desk.run("lti", "platform", "list", slug)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"auth_url": "lms.example/auth"}, "auth_url: This is not a web address"),
        ({"jwks_url": "http://lms.example/jwks"}, "jwks_url: "),
        ({"token_url": "https://192.168.0.1/token"}, "token_url: "),
        ({"token_url": "https://lms.example/to ken\u200b"}, ""),
        ({"issuer": " \u200b"}, "issuer: This field is needed"),
        ({"client_id": "x" * 300}, "client_id: "),
    ],
    ids=str,
)
def test_faulty_values_register_no_platform(desk: Desk, changed: dict[str, str], said: str) -> None:
    slug = desk.academy()
    command = ("lti", "platform", "add", slug, *platform(**changed), "--deployment-id", "1")
    if said:
        assert said in desk.run(*command, code=2)
        assert desk.json("lti", "platform", "list", slug) == []
    else:
        assert desk.json(*command)["token_url"] == "https://lms.example/token"


def test_a_platform_is_registered_once_and_only_with_lti_on(desk: Desk) -> None:
    slug = desk.academy(lti=False)
    command = ("lti", "platform", "add", slug, *platform(), "--deployment-id", "1")
    assert "LTI_OFF" in desk.run(*command, code=2)
    desk.run("tenant", "feature", slug, "lti", "on")
    desk.run(*command)
    assert "has this issuer and client ID already" in desk.run(*command, code=2)
    assert len(desk.json("lti", "platform", "list", slug)) == 1


def test_courses_are_listed_and_an_activity_shared(desk: Desk) -> None:
    desk.run("demo")
    courses = desk.json("course", "list", "north")
    assert all(set(course) >= {"id", "title", "activities"} for course in courses)
    activity = next(one for course in courses for one in course["activities"])
    assert set(activity) >= {"id", "type", "title", "lti_available", "resource_url"}
    assert activity["resource_url"].startswith(desk.installation.url("north"))
    assert activity["type"] == ActivityType.E_LEARNING.value
    types = {one["type"] for course in courses for one in course["activities"]}
    assert types == {each.value for each in ActivityType if each is not ActivityType.MEETING}, "no Zoom, no meeting"
    for state, on in (("off", False), ("on", True)):
        shared = desk.json("activity", "share", "north", activity["id"], state)
        keys = shared.pop("lti_1_2")
        assert shared == {**activity, "lti_available": on}
    (key,) = keys
    assert key["launch_url"].endswith(f"/lti/launch/{activity['id']}")
    assert "secret" not in key
    assert activity["title"] in desk.run("course", "list", "north")
    assert "WEB_NOT_FOUND" in desk.run("activity", "share", "south", activity["id"], "on", code=2)


def test_launches_and_scores_are_told_as_the_pages_tell_them(desk: Desk) -> None:
    desk.run("demo")
    with desk.session("north") as session:
        person = People(session).all()[0]
        activity = Catalog(session).courses()[0].activities[0]
        title = activity.title
        checks = {"login": [["issuer", True, "https://lms.example", "", ""]], "launch": []}
        session.add(Launch(outcome=Outcome.REFUSED, code="LTI_PLATFORM_UNKNOWN", platform_name="LMS", checks=checks))
        result = Result(
            person_id=person.id, activity_id=activity.id, progress=Progress.COMPLETED, achieved_at=clock.now()
        )
        session.add(result)
        session.flush()
        delivery = ScoreDelivery(
            result_id=result.id, channel=CHANNEL, route_id=uuid4(), progress=Progress.COMPLETED, achieved_at=clock.now()
        )
        session.add(delivery)
        session.flush()
        session.add(DeliveryTry(delivery_id=delivery.id, at=clock.now(), step="score", outcome="sent", cause="said"))
    (launch,) = desk.json("launches", "north")
    assert launch["outcome"] == "refused"
    assert launch["checks"] == [
        {"part": "login", "name": "issuer", "passed": True, "seen": "https://lms.example", "wanted": "", "code": ""}
    ]
    (score,) = desk.json("scores", "north")
    assert (score["activity"], score["progress"], score["maximum"]) == (title, "Completed", 100)
    assert [one["step"] for one in score["tries"]] == ["score"]
    assert desk.json("launches", "south") == desk.json("scores", "south") == []
    assert desk.run("launches", "north").count("\n") == 1
    assert desk.run("scores", "north").count("\n") == 1


def test_a_result_that_was_refused_for_good_is_sent_again(desk: Desk) -> None:
    """Its job has done what it could, so that `jobs retry` does not know of it."""
    slug = desk.academy()
    with desk.session(slug) as session:
        catalog = Catalog(session)
        activity = catalog.create_activity(catalog.create_course("A course"), "An e-learning")
        person = People(session).all()[0]
        now = clock.now()
        result = Result(
            person_id=person.id,
            activity_id=activity.id,
            progress=Progress.COMPLETED,
            score=Decimal(50),
            achieved_at=now,
        )
        session.add(result)
        session.flush()
        delivery = ScoreDelivery(
            result_id=result.id, channel=CHANNEL, route_id=uuid4(), progress=Progress.COMPLETED, score=Decimal(50),
            achieved_at=now, state=DeliveryState.DEAD, code="AGS_NOT_ENROLLED", cause="not enrolled",
        )  # fmt: skip
        session.add(delivery)
    (dead,) = desk.json("scores", slug)
    assert (dead["state"], dead["cause"], desk.json("jobs", "retry", slug)) == ("dead", "not enrolled", {"retried": []})
    for wrong, said in ((str(uuid4()), "WEB_NOT_FOUND"), ("all", "ID is a result's")):
        assert said in desk.run("scores", slug, "--send-again", wrong, code=2)
    assert "WEB_NOT_FOUND" in desk.run("scores", desk.academy(), "--send-again", dead["id"], code=2)
    assert desk.json("scores", slug) == [dead]
    (again,) = desk.json("scores", slug, "--send-again", dead["id"])
    assert (again["id"], again["state"], again["cause"]) == (dead["id"], "waiting", "")
    assert [(row["job"], row["args"]) for row in desk.json("jobs", slug, "--state", "due")] == [
        ("grades.deliver", {"delivery_id": dead["id"]})
    ]


def test_jobs_are_listed_and_dead_letters_sent_again(desk: Desk) -> None:
    slug = desk.academy()
    with desk.session(slug) as session:
        for _ in range(2):
            later(session, "grades.deliver", delivery_id=uuid4())
    with desk.runtime.database.shell() as shell:
        shell.execute(sa.update(Outbox).values(state=JobState.DEAD, error="given up"))
    rows = desk.json("jobs", slug)
    assert [(row["job"], row["state"], row["error"]) for row in rows] == [("grades.deliver", "dead", "given up")] * 2
    assert desk.json("jobs", slug, "--state", "due") == []
    first, _second = (row["id"] for row in rows)
    assert desk.json("jobs", "retry", slug, first) == {"retried": [first]}
    assert desk.json("jobs", "retry", slug, first) == {"retried": []}
    assert desk.run("jobs", "retry", slug) == "1 sent again\n"
    assert {row["state"] for row in desk.json("jobs", slug)} == {"due"}


def checks_of(desk: Desk, code: int) -> dict[str, dict[str, Any]]:
    """`doctor`'s findings by name; failing, it prints them and one line besides."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
        saas.cli.main(["-c", str(desk.installation.ini), "doctor", "--json"])
    assert (ended.value.code or 0) == code, out.getvalue() + err.getvalue()
    assert err.getvalue() == ("error: something needs attention\n" if code else "")
    document = json.loads(out.getvalue())
    assert document["ok"] is (code == 0)
    assert all(set(each) == {"check", "ok", "found", "remedy"} for each in document["checks"])
    return {each["check"]: each for each in document["checks"]}


def test_the_doctor_finds_a_missing_worker_and_then_nothing(desk: Desk) -> None:
    with desk.runtime.database.shell() as session:
        session.execute(sa.delete(Heartbeat))
        session.add(Heartbeat(worker="old", seen_at=clock.now() - timedelta(minutes=5)))
    found = checks_of(desk, 2)
    assert {name for name, each in found.items() if not each["ok"]} == {"worker"}
    assert "lyceum worker" in found["worker"]["remedy"]
    with desk.runtime.database.shell() as session:
        session.add(Heartbeat(worker="new", seen_at=clock.now()))
    assert checks_of(desk, 0)["worker"]["found"] == "new"
    assert "FAIL" not in desk.run("doctor")


def ailing(folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: str) -> Desk:
    return Desk(Installation(folder, "sqlite", {"log__level": "error", **settings}), monkeypatch)


@pytest.mark.parametrize(
    ("check", "settings", "remedy"),
    [
        ("settings", {"web__nonsense": "1"}, "correct the key"),
        ("settings", {"web__port": "many"}, "correct the key"),
        ("settings", {"secrets__keys": "short"}, "correct the key"),
        ("database", {"database__url": "postgresql+psycopg://nobody@127.0.0.1:1/none"}, "lyceum.database.url"),
        ("migrations", {}, "lyceum migrate"),
    ],
    ids=str,
)
def test_the_doctor_stops_at_what_everything_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: str, settings: dict[str, str], remedy: str
) -> None:
    desk = ailing(tmp_path, monkeypatch, **settings)
    found = checks_of(desk, 2)
    assert list(found)[-1] == check
    assert found[check]["ok"] is False
    assert remedy in found[check]["remedy"]


def test_the_doctor_finds_redis_away_and_a_lost_master_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = ailing(tmp_path, monkeypatch)
    desk.run("migrate")
    desk.academy()
    desk.runtime.close()
    again = ailing(tmp_path, monkeypatch, secrets__keys=generate_key(), jobs__broker="redis://127.0.0.1:1/0")
    found = checks_of(again, 2)
    assert "lyceum.jobs.broker" in found["redis"]["remedy"]
    again.runtime.close()


def test_a_settings_file_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saas.cli, "Shell", Shell)
    for name, content in (("a.ini", "not an ini"), ("b.ini", "[app:other]\nuse = egg:lyceum\n"), ("c.toml", "x = 1")):
        (tmp_path / name).write_text(content)
        err = io.StringIO()
        with contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
            saas.cli.main([f"--config={tmp_path / name}", "tenant", "list"])
        assert ended.value.code == 2
        assert err.getvalue().count("\n") == 1


def test_real_processes_keep_the_same_manners(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    try:
        assert "lyceum doctor" in made.attempt("tenant", "list").stderr
        made.cli("migrate")
        slug = made.json("tenant", "create", "north", "--name", "N", "--admin-email", "a@b.example")["slug"]
        failed = made.attempt("tenant", "create", slug, "--name", "N", "--admin-email", "a@b.example", "--json")
        assert (failed.returncode, failed.stdout, failed.stderr.count("\n")) == (2, "", 1)
        assert failed.stderr.startswith("error: TENANT_EXISTS: ")
    finally:
        made.close()


def test_keys_of_lti_1_2(desk: Desk) -> None:
    slug = desk.academy()
    with desk.session(slug) as session:
        catalog = Catalog(session)
        activity = str(catalog.create_activity(catalog.create_course("A course"), "An e-learning").id)
    made = desk.json("lti", "consumer", "add", slug, activity, "--name", "School X")
    assert len(made["secret"]) == 40
    (listed,) = desk.json("lti", "consumer", "list", slug)
    assert listed == {name: value for name, value in made.items() if name != "secret"}
    assert made["secret"] not in desk.run("lti", "consumer", "list", slug)
    rotated = desk.json("lti", "consumer", "rotate", slug, made["id"])
    assert (rotated["key"], rotated["secret"] == made["secret"]) == (made["key"], False)
    assert rotated["previous_secret_until"]
    assert desk.json("lti", "consumer", "rotate", slug, made["id"], "--now")["previous_secret_until"] is None
    assert "is an id" in desk.run("lti", "consumer", "rotate", slug, "nonsense", code=2)
    assert "WEB_NOT_FOUND" in desk.run("lti", "consumer", "rotate", slug, activity, code=2)
    assert "LTI_OFF" in desk.run("lti", "consumer", "add", desk.academy(lti=False), activity, code=2)
