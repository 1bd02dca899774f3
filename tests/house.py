"""A running application for tests, and short ways to what tests need of it."""

import contextlib
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from sqlalchemy.engine import make_url
from webtest import TestApp, TestResponse

from saas.app import configure
from saas.db import migrate
from saas.db.scope import ScopedSession
from saas.jobs.execution import Execution
from saas.jobs.relay import Relay
from saas.runtime import Runtime
from saas.secrets import generate_key
from saas.tenancy.founding import found
from saas.tenancy.lifecycle import Lifecycle
from saas.tenancy.models import OPERATOR
from saas.tenancy.resolve import Academy
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import People, SignIn
from tenants.catalog.models import Activity, ActivityType, BlockKind, Content, Opens, Status
from tenants.catalog.playlists import Playlists
from tenants.catalog.services import Catalog
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.models import Tool, ToolLink
from tenants.lti.wire import ags, nrps

ROOT = Path(__file__).resolve().parents[1]
BACKENDS = ("sqlite", "postgresql")
APP_ROLE, OWNER_ROLE = "lyceum_app", "lyceum_owner"
HOST = "lyceum.test"


class SqliteDatabases:
    def create(self, folder: Path) -> dict[str, str]:
        return {"lyceum.database.url": f"sqlite:///{folder / 'lyceum.sqlite'}"}

    def drop(self, url: str) -> None:
        """The folder is pytest's to remove."""


class PostgresDatabases:
    """Owner and application are two roles; neither is a superuser, and the application's owns nothing."""

    def __init__(self) -> None:
        self.server = os.environ["LYCEUM_TEST_POSTGRES"]
        with psycopg.connect(self.server, autocommit=True) as connection:
            for role in (OWNER_ROLE, APP_ROLE):
                with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                    connection.execute(f"CREATE ROLE {role} LOGIN")

    def create(self, _folder: Path) -> dict[str, str]:
        name = f"lyceum_{uuid4().hex[:12]}"
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" OWNER {OWNER_ROLE}')
        return {
            "lyceum.database.url": self._url(APP_ROLE, name),
            "lyceum.database.owner_url": self._url(OWNER_ROLE, name),
        }

    def drop(self, url: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def _url(self, role: str, name: str) -> str:
        return (
            make_url(self.server).set(username=role, password=None, database=name).render_as_string(hide_password=False)
        )


@cache
def databases_of(backend: str) -> SqliteDatabases | PostgresDatabases:
    return PostgresDatabases() if backend == "postgresql" else SqliteDatabases()


def settings_for(folder: Path, database: dict[str, str], **more: str) -> dict[str, str]:
    """The ini of a test installation: https, quick jobs, loopback allowed."""
    return {
        "lyceum.app.features": "tenants",
        "lyceum.app.data": str(folder),
        "lyceum.database.migrations": str(ROOT / "migrations"),
        "lyceum.web.host": HOST,
        "lyceum.web.scheme": "https",
        "lyceum.web.port": "0",
        "lyceum.web.templates": str(ROOT / "templates"),
        "lyceum.web.static": str(ROOT / "static"),
        "lyceum.secrets.keys": generate_key(),
        "lyceum.jobs.retry_base_seconds": "0.01",
        "lyceum.outbound.allow": "127.0.0.0/8 localhost",
        "lyceum.outbound.connect_seconds": "2",
        "lyceum.outbound.total_seconds": "3",
        "lyceum.log.level": "warning",
        "lyceum.limits.logins": "1000000/minute",
        **database,
        **{"lyceum." + name.replace("__", "."): value for name, value in more.items()},
    }


@dataclass
class House:
    """``runtime`` is the real one; `browser` sends requests through the whole application."""

    backend: str
    ini: dict[str, str]
    runtime: Runtime
    application: Any
    _count: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))

    @classmethod
    def build(cls, backend: str, folder: Path, **more: str) -> "House":
        ini = settings_for(folder, databases_of(backend).create(folder), **more)
        config = configure(ini)
        runtime: Runtime = config.registry.runtime
        migrate.upgrade(runtime.database, ROOT / "migrations", report=lambda _line: None)
        with runtime.database.shell() as session:
            Lifecycle(session, runtime.settings.web).ensure_operator()
        return cls(backend, ini, runtime, config.make_wsgi_app())

    @property
    def database_url(self) -> str:
        return self.ini["lyceum.database.url"]

    def close(self) -> None:
        self.runtime.close()

    def academy(self, *, lti: bool = True, zoom: bool = True) -> "Kit":
        """A new academy with its admin; ``lti``, ``zoom``: the operator's switches."""
        slug = f"a{next(self._count)}x{uuid4().hex[:6]}"
        academy, _link = found(self.runtime, slug, f"Academy {slug}", f"admin@{slug}.example")
        with self.runtime.database.shell() as session:
            for feature in [name for name, on in {"lti": lti, "zoom": zoom}.items() if on]:
                Lifecycle(session, self.runtime.settings.web).switch(slug, feature, on=True, reason="test")
        self.runtime.tenants.forget()
        fresh = self.runtime.tenants.by_id(academy.id)
        assert fresh is not None
        return Kit(self, fresh)

    def browser(self, host: str, **headers: str) -> "Browser":
        return Browser(self.application, host, headers)

    def operator(self) -> "Browser":
        """A new operator's, signed in on the bare host."""
        browser = self.browser(HOST)
        with self.runtime.database.transaction(OPERATOR) as session:
            person = People(session).create(f"{uuid4().hex[:8]}@{HOST}", "Olga", "Operator", Role.OPERATOR)
            path = SignIn(session).issue_link(person)
        browser.get(path, status=303)
        return browser

    def run_jobs(self, rounds: int = 20) -> int:
        """Leases and runs what is due, here and now, until nothing is; returns how many ran."""
        ran = 0
        sent: list[tuple[Any, ...]] = []
        relay = Relay(self.runtime, lambda *row: sent.append(row))
        while rounds and relay.cycle():
            rounds -= 1
            for row in sent:
                Execution(self.runtime, *row).perform()
            ran += len(sent)
            sent.clear()
        return ran


class Browser:
    """A person's browser on one academy: https, cookies, no JavaScript."""

    def __init__(self, application: Any, host: str, headers: dict[str, str] | None = None) -> None:
        environ = {
            "HTTP_HOST": host,
            "wsgi.url_scheme": "https",
            "SERVER_NAME": host,
            "SERVER_PORT": "443",
            "REMOTE_ADDR": "192.0.2.1",
        }
        self.app = TestApp(application, extra_environ={**environ, **(headers or {})})
        self.host = host

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.app.get(path, **options)

    def post(self, path: str, fields: Any = None, **options: Any) -> TestResponse:
        """A form as our own pages send it: with the token of this session."""
        page = self.app.get("/sign-in" if "/sign-in" in path else "/profile", expect_errors=True)
        token = next((form["csrf_token"].value for form in forms_of(page) if "csrf_token" in form.fields), "")
        return self.app.post(path, {**(fields or {}), "csrf_token": token}, **options)


def forms_of(page: TestResponse) -> list[Any]:
    """The page's forms in order."""
    return [form for name, form in page.forms.items() if isinstance(name, int)]


@dataclass
class Kit:
    """An academy and short ways to fill it."""

    house: House
    academy: Academy

    @property
    def runtime(self) -> Runtime:
        return self.house.runtime

    @property
    def host(self) -> str:
        return self.academy.host

    @contextmanager
    def session(self) -> Iterator[ScopedSession]:
        with self.runtime.database.transaction(self.academy.id) as session:
            yield session

    def person(self, role: Role = Role.LEARNER, email: str = "") -> Person:
        with self.session() as session:
            person = People(session).create(
                email or f"{uuid4().hex[:8]}@people.example", "Test", role.value.title(), role
            )
            session.flush()
            session.refresh(person)
            session.expunge(person)
            return person

    def browser(self, **headers: str) -> Browser:
        """A stranger's."""
        return self.house.browser(self.host, **headers)

    def signed_in(self, role: Role = Role.LEARNER, person: Person | None = None) -> Browser:
        browser, who = self.browser(), person or self.person(role)
        with self.session() as session:
            path = SignIn(session).issue_link(session.get_one(Person, who.id))
        browser.get(path, status=303)
        return browser

    def activity(
        self,
        title: str = "An e-learning",
        *,
        shared: bool = True,
        published: bool = True,
        questions: bool = True,
        type_: ActivityType = ActivityType.E_LEARNING,
    ) -> Activity:
        """Two chapters or cards, with one single-choice and one number question."""
        with self.session() as session:
            catalog = Catalog(session)
            course = catalog.create_course("A course")
            activity = catalog.create_activity(course, title, "What it is about", 10, type_)
            for place in (1, 2):
                chapter = catalog.create_chapter(activity, f"Chapter {place}")
                catalog.create_block(chapter, BlockKind.TEXT, {"markdown": f"Text **{place}**"})
                if questions and place == 1:
                    choices = [{"text": "right one", "correct": True}, {"text": "wrong one"}]
                    catalog.create_block(
                        chapter, BlockKind.QUESTION, {"kind": "single", "prompt": "Which?", "choices": choices}
                    )
                if questions and place == 2:
                    catalog.create_block(
                        chapter,
                        BlockKind.QUESTION,
                        {"kind": "number", "prompt": "How many?", "number": "4.2", "tolerance": "0.1"},
                    )
            catalog.publish(activity, on=published)
            catalog.publish(course, on=True)
            catalog.share(activity, on=shared)
            session.flush()
            session.refresh(activity)
            for chapter in activity.chapters:
                assert chapter.blocks
            session.expunge_all()
            return activity

    def playlist(
        self,
        *items: Activity,
        title: str = "A playlist",
        optional: Collection[Activity] = (),
        in_order: bool = False,
        published: bool = True,
    ) -> Activity:
        """Shared; of these activities, mandatory unless named as ``optional``."""
        with self.session() as session:
            catalog, playlists = Catalog(session), Playlists(session)
            course = catalog.create_course("A course of playlists")
            made = catalog.create_activity(course, title, type_=ActivityType.PLAYLIST)
            opens = Opens.AFTER_PREVIOUS if in_order else Opens.AT_ONCE
            for each in items:
                own = session.get_one(Activity, each.id)
                playlists.add(made, own, mandatory=each not in optional, opens=opens)
            catalog.publish(made, on=published)
            catalog.share(made, on=True)
            catalog.publish(course, on=True)
            session.flush()
            session.refresh(made)
            assert len(made.items) == len(items)
            session.expunge_all()
            return made

    def tool(self, **values: Any) -> Tool:
        """An outside tool of LTI 1.3, active; ``values`` are columns."""
        name = uuid4().hex[:8]
        defaults = {
            "name": f"Tool {name}",
            "client_id": f"client-{name}",
            "deployment_id": f"deployment-{name}",
            "login_url": "https://tool.example/login",
            "target_url": "https://tool.example/launch",
            "jwks_url": "https://tool.example/jwks",
            "redirect_urls": ["https://tool.example/launch"],
            "scopes": [*ags.SCOPES, nrps.SCOPE],
            "is_active": True,
        }
        with self.session() as session:
            tool = Tool(**{**defaults, **values})
            session.add(tool)
            session.flush()
            session.refresh(tool)
            session.expunge_all()
            return tool

    def outside(
        self,
        *,
        exam: bool = False,
        minimum: int = 70,
        version: Protocol = Protocol.LTI_13,
        tool: Tool | None = None,
        url: str = "https://tool.example/launch",
        key: str = "vendor-key",
        secret: str = "vendor-secret",
        custom: Collection[tuple[str, str]] = (),
    ) -> tuple[Activity, ToolLink]:
        """A published activity whose content is an outside tool's; with LTI 1.3 and no ``tool`` it gets a new one."""
        modern = version is Protocol.LTI_13
        tool = (tool or self.tool()) if modern else None
        with self.session() as session:
            course = Catalog(session).create_course("A course")
            course.status = Status.PUBLISHED
            activity = Activity(
                course_id=course.id,
                type=ActivityType.EXAM if exam else ActivityType.E_LEARNING,
                title="An outside exam" if exam else "An outside e-learning",
                description="What it is about",
                position=0,
                status=Status.PUBLISHED,
                content=Content.LTI,
                minimum_score=minimum if exam else None,
            )
            session.add(activity)
            session.flush()
            link = ToolLink(
                activity_id=activity.id,
                lti_version=version,
                tool_id=tool.id if tool else None,
                url=url,
                resource_link_id=uuid4().hex,
                key="" if modern else key,
                sealed_secret=""
                if modern
                else self.runtime.secrets.seal(self.academy.id, "lti.tool_secret", secret.encode()),
                custom=[list(pair) for pair in custom],
            )
            session.add(link)
            session.flush()
            for row in (activity, link):
                session.refresh(row)
            session.expunge_all()
            return activity, link
