"""The systems under test as running processes: Lyceum and the peer on a database of their own, and the bare echo."""

import http.client
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from benchmarks import cpu
from benchmarks.school import CLIENT, DEPLOYMENT, ISSUER, FormTool, School, Tool, read_answer
from saas.app import configure
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import SignIn
from tenants.catalog.models import Activity, Status
from tenants.catalog.services import Catalog
from tenants.lti.tool.addresses import launch12_url
from tenants.lti.tool.consumers import Consumers
from tenants.lti.tool.models import Platform
from tests.house import ROOT, House, databases_of
from tests.installation import Installation
from tests.peers.environment import Process
from tests.services import answers, free_port, wait_for

PEERS = Path(__file__).resolve().parent / "peers"
THREADS = 8
COURSES = 50
KEY, SECRET = "key-of-week-1", "a-secret-of-the-school"


@dataclass
class Stage:
    """What is shared: the school, a folder, the processors that servers may use, and how to end everything."""

    folder: Path
    school: School
    processors: set[int]
    ends: ExitStack = field(default_factory=ExitStack)


def postmaster(database: str) -> int | None:
    """PostgreSQL's first process; None where it runs out of sight, and for SQLite, which runs in the system's own."""
    if database != "postgresql":
        return None
    with psycopg.connect(os.environ["LYCEUM_TEST_POSTGRES"]) as connection:
        try:
            return cpu.parent_of(connection.info.backend_pid)
        except OSError:
            return None


def _plain(url: str) -> str:
    """As psycopg itself reads it; empty stays empty."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False) if url else ""


class _System:
    """``process_id`` is the server's; ``owner_url`` (PostgreSQL only) may do anything in its database."""

    name: str
    database: str
    owner_url: str
    process_id: int
    port: int

    @cached_property
    def _postmaster(self) -> int | None:
        return postmaster(self.database)

    def settle(self) -> None:
        """What autovacuum does within a minute of the first rows: without statistics PostgreSQL plans for empty tables."""
        if self.database == "postgresql":
            with psycopg.connect(self.owner_url, autocommit=True) as connection:
                connection.execute("ANALYZE")

    def database_pids(self) -> list[int]:
        return cpu.family(self._postmaster) if self._postmaster else []

    def pids(self) -> list[int]:
        return [*cpu.family(self.process_id), *self.database_pids()]


class _Flask(_System):
    """Somebody else's tool on Flask and SQLAlchemy under waitress, with as many threads, on a database of its own."""

    launched = 302

    def _start(self, stage: Stage, *arguments: str) -> str:
        """Returns its address."""
        url = self._database_url(stage)
        with cpu.processors(stage.processors):
            process = stage.ends.enter_context(
                Process(PEERS / self.name, *arguments, "--database-url", url, "--threads", str(THREADS))
            )
        self.process_id = process.pid
        self.port = int(process.url.rpartition(":")[2])
        return process.url

    def _database_url(self, stage: Stage) -> str:
        if self.database == "sqlite":
            return f"sqlite:///{stage.folder / self.name}.sqlite"
        made = databases_of("postgresql").create(stage.folder)["lyceum.database.owner_url"]
        stage.ends.callback(databases_of("postgresql").drop, made)
        self.owner_url = _plain(made)
        return make_url(made).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


class Lyceum(_System):
    """``lyceum serve`` as an operator starts it, with one academy that the school's people open."""

    launched = 303
    has_courses = False

    def __init__(self, stage: Stage, database: str) -> None:
        self.name, self.database, self.school = "lyceum", database, stage.school
        folder = stage.folder / f"lyceum-{database}"
        folder.mkdir()
        more = {"log__format": "json", "jobs__poll_seconds": "1.0", "jobs__lease_seconds": "90"}
        more["limits__logins"] = "1000000/minute"  # the whole school comes from one address
        more["zoom__calls"] = more["limits__logins"]
        broker = os.environ.get("LYCEUM_TEST_REDIS") if database == "postgresql" else ""
        if broker:
            more["jobs__broker"] = broker
        self.installation = Installation(folder, database, {"web__threads": str(THREADS), **more})
        stage.ends.callback(self.installation.close)
        self.owner_url = _plain(self.installation.settings.get("lyceum.database.owner_url", ""))
        self.installation.cli("migrate")
        self._config = configure({**self.installation.settings, "lyceum.log.level": "warning"})
        self.runtime = self._config.registry.runtime
        stage.ends.callback(self.runtime.close)
        self.kit = House(database, self.installation.settings, self.runtime, None).academy()
        self.activity = self.kit.activity()
        self._register(stage.school)
        self.processors = stage.processors
        with cpu.processors(self.processors):
            self.process_id = self.installation.serve(embedded=False).process.pid
        self.port = self.installation.port
        self.tool = Tool(
            f"{self.kit.host}:{self.port}",
            "/lti/login",
            "/lti/launch",
            f"{self.kit.academy.url}/lti/activities/{self.activity.id}",
        )

    @cached_property
    def form_tool(self) -> FormTool:
        """A key of LTI 1.2 for the same activity."""
        with self.kit.session() as session:
            consumers = Consumers(session, self.runtime.secrets)
            key = consumers.create(session.get_one(Activity, self.activity.id), "School")
            return FormTool(
                self.tool.host, launch12_url(self.kit.academy, self.activity.id), key.key, consumers.reveal(key)
            )

    @cached_property
    def application(self) -> Any:
        """The same in this process, where its statements can be counted."""
        return self._config.make_wsgi_app()

    @property
    def platform_id(self) -> UUID:
        with self.kit.session() as session:
            return session.scalars(sa.select(Platform.id)).one()

    def signed_in(self, role: Role) -> str:
        """The cookie of somebody with that role."""
        person = self.kit.person(role)
        with self.kit.session() as session:
            link = SignIn(session).issue_link(session.get_one(Person, person.id))
        answer = http.client.HTTPConnection("127.0.0.1", self.port)
        answer.request("GET", link, headers={"Host": self.tool.host})
        head = answer.getresponse()
        return read_answer("\r\n".join(["", *(f"{name}: {value}" for name, value in head.getheaders())]).encode())[1]

    def _register(self, school: School) -> None:
        arguments = {
            "--name": "School", "--issuer": ISSUER, "--client-id": CLIENT, "--deployment-id": DEPLOYMENT,
            "--auth-url": f"{ISSUER}/auth", "--token-url": f"{school.services}/token", "--jwks-url": f"{school.services}/jwks",
        }  # fmt: skip
        flat = [part for pair in arguments.items() for part in pair]
        self.installation.cli("lti", "platform", "add", self.kit.academy.slug, *flat, "--activate")

    def add_courses(self) -> None:
        """Enough for a full page of the catalog, and of the picker; made once."""
        if self.has_courses:
            return
        self.has_courses = True
        with self.kit.session() as session:
            catalog = Catalog(session)
            for number in range(COURSES - 1):
                course = catalog.create_course(
                    f"Course {number}: working safely", "What to know before you enter the hall for the first time."
                )
                for part in (1, 2):
                    activity = catalog.create_activity(course, f"Part {part}")
                    activity.status, activity.lti_available = Status.PUBLISHED, True
                catalog.publish(course, on=True)


class Peer(_Flask):
    """PyLTI1p3, for LTI 1.3."""

    def __init__(self, stage: Stage, database: str) -> None:
        self.name, self.database = "pylti1p3_flask", database
        platform = {
            "issuer": ISSUER,
            "client_id": CLIENT,
            "deployment_id": DEPLOYMENT,
            "auth_url": f"{ISSUER}/auth",
            "token_url": f"{stage.school.services}/token",
            "jwks": stage.school.key_set,
        }
        described = stage.folder / f"peer-{database}.json"
        described.write_text(json.dumps(platform))
        url = self._start(stage, "--platform", str(described))
        self.tool = Tool(f"127.0.0.1:{self.port}", "/login", "/launch", f"{url}/launch")


class FormPeer(_Flask):
    """`lti` with oauthlib, for LTI 1.2."""

    def __init__(self, stage: Stage, database: str) -> None:
        self.name, self.database = "lti_flask", database
        url = self._start(stage, "--key", KEY, "--secret", SECRET)
        self.form_tool = FormTool(f"127.0.0.1:{self.port}", f"{url}/launch", KEY, SECRET)


class Program:
    """One of the benchmark's own programs (echo, sink)."""

    def __init__(
        self, stage: Stage, module: str, *arguments: str, port: int = 0, processors: set[int] | None = None
    ) -> None:
        self.port = port or free_port()
        with cpu.processors(processors or os.sched_getaffinity(0)):
            process = subprocess.Popen([sys.executable, "-m", module, str(self.port), *arguments], cwd=ROOT)
        stage.ends.callback(process.wait)
        stage.ends.callback(process.terminate)
        self.pid = process.pid
        wait_for(lambda: answers(self.port), module)
