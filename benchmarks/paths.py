"""What is measured: for each path its contestants, all up at once."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property, partial

from benchmarks import cpu
from benchmarks.calendar import CALENDAR_PATHS, ZoomCalendar
from benchmarks.delivery import OUTCOMES, SCORES, Delivery
from benchmarks.load import Generator, Order
from benchmarks.measure import Contestant, Effort, Figures, Key, OverHttp, contest
from benchmarks.platform import PLATFORM_PATHS, OutsideTool, PlatformPath
from benchmarks.roster import RosterPreview
from benchmarks.school import DEPLOYMENT, get, post
from benchmarks.systems import FormPeer, Lyceum, Peer, Program, Stage
from tenants.access import Role
from tenants.lti.launches.models import Protocol
from tenants.lti.tool import selection
from tenants.lti.tool.selection import Asker
from tenants.lti.wire.selection import Offer

System = Lyceum | Peer
FormSystem = Lyceum | FormPeer
#: Share of people never seen before.
LAUNCHES = {"launch_lti13": 0.0, "launch_lti13_new": 1.0}
FORM_LAUNCHES = {"launch_lti12": 0.0, "launch_lti12_new": 1.0}
#: In the order they are measured: new people leave work for the worker, so its paths come before theirs.
PATHS = (
    "echo",
    "score_delivery",
    "outcome_delivery",
    "roster_preview",
    "login_lti13",
    *LAUNCHES,
    *FORM_LAUNCHES,
    "catalog",
    "picker",
    *PLATFORM_PATHS,
    *CALENDAR_PATHS,
)
UNIT: Key = ("waitress_echo", "")
ECHO_BODY = b"x" * 3400


class Arena:
    """Every system, running, and the generator that visits them."""

    def __init__(self, stage: Stage, generator: Generator, databases: Sequence[str]) -> None:
        self.stage = stage
        self.generator = generator
        self.sink = Program(stage, "benchmarks.sink", json.dumps(stage.school.key_set), port=stage.school.port)
        self.echo = Program(stage, "benchmarks.echo", processors=stage.processors)
        self.lyceums = [Lyceum(stage, database) for database in databases]
        self.peers = [Peer(stage, database) for database in databases]
        for system in self.systems:
            self._launch(system, 0).burst(stage.school.known)
            system.settle()

    @property
    def systems(self) -> list[System]:
        return [*self.lyceums, *self.peers]

    @cached_property
    def form_systems(self) -> list[FormSystem]:
        """Those of LTI 1.2, once they are asked for; the school's people have been there before."""
        systems: list[FormSystem] = [*self.lyceums, *(FormPeer(self.stage, each.database) for each in self.lyceums)]
        for system in systems:
            self._form_launch(system, 0).burst(self.stage.school.known)
            system.settle()
        return systems

    @cached_property
    def tools(self) -> list[OutsideTool]:
        return [OutsideTool(lyceum, self.stage.school) for lyceum in self.lyceums]

    @cached_property
    def calendars(self) -> list[ZoomCalendar]:
        return [ZoomCalendar(lyceum, self.stage.school) for lyceum in self.lyceums]

    def measure(self, path: str, effort: Effort) -> dict[Key, Figures]:
        """Raises `FailedError` when anybody gives a wrong answer."""
        with self._contestants(path) as contestants:
            return contest([*contestants, self._echo()], effort)

    @contextmanager
    def _contestants(self, path: str) -> Iterator[list[Contestant]]:
        with ExitStack() as ends:
            if path in LAUNCHES:
                yield [self._launch(system, LAUNCHES[path]) for system in self.systems]
            elif path == "login_lti13":
                yield [self._login(system) for system in self.systems]
            elif path in FORM_LAUNCHES:
                yield [self._form_launch(system, FORM_LAUNCHES[path]) for system in self.form_systems]
            elif path == "picker":
                yield [self._picker(lyceum) for lyceum in self.lyceums]
            elif path == "roster_preview":
                previews = (RosterPreview(lyceum, self.generator, self.sink.port) for lyceum in self.lyceums)
                yield [ends.enter_context(closing(preview)) for preview in previews]
            elif path in PLATFORM_PATHS:
                yield [self._platform(path, tool) for tool in self.tools]
            elif path in CALENDAR_PATHS:
                yield [self._platform(path, each) for each in self.calendars]
            elif path == "catalog":
                yield [self._catalog(lyceum) for lyceum in self.lyceums]
            elif path in ("score_delivery", "outcome_delivery"):
                by_form = path == "outcome_delivery"
                known: Sequence[FormSystem] = self.form_systems if by_form else self.lyceums
                routes = OUTCOMES if by_form else SCORES
                told = (Delivery(each, self.sink.port, routes) for each in known if isinstance(each, Lyceum))
                yield [ends.enter_context(closing(delivery)) for delivery in told]
            else:
                yield []

    def _echo(self) -> OverHttp:
        def prepare(count: int) -> list[bytes]:
            return [post("127.0.0.1", "/", ECHO_BODY)] * count

        return OverHttp(*UNIT, self.generator, self.echo.port, partial(cpu.family, self.echo.pid), prepare, 200)

    def _over_http(self, system: System | FormPeer, prepare: Callable[[int], list[bytes]], accepted: int) -> OverHttp:
        return OverHttp(system.name, system.database, self.generator, system.port, system.pids, prepare, accepted)

    def _login(self, system: System) -> OverHttp:
        school = self.stage.school

        def prepare(count: int) -> list[bytes]:
            return [school.login(system.tool, person) for person in school.people(count, 0)]

        return self._over_http(system, prepare, 302)

    def _launch(self, system: System, new_share: float) -> OverHttp:
        """Each launch answers a login of its own, made beforehand, with a token signed for it."""
        school = self.stage.school

        def prepare(count: int) -> list[bytes]:
            people = school.people(count, new_share)
            logins = [school.login(system.tool, person) for person in people]
            answers = self.generator.run(Order(system.port, logins, keep_heads=True)).heads
            return school.launches(system.tool, people, answers)

        return self._over_http(system, prepare, system.launched)

    def _form_launch(self, system: FormSystem, new_share: float) -> OverHttp:
        school = self.stage.school

        def prepare(count: int) -> list[bytes]:
            return school.form_launches(system.form_tool, school.people(count, new_share))

        return self._over_http(system, prepare, system.launched)

    def _catalog(self, lyceum: Lyceum) -> OverHttp:
        """A learner's page of fifty courses."""
        lyceum.add_courses()
        page = get(lyceum.tool.host, "/courses", lyceum.signed_in(Role.LEARNER))
        return self._over_http(lyceum, lambda count: [page] * count, 200)

    def _platform(self, path: str, tool: OutsideTool | ZoomCalendar) -> PlatformPath:
        lyceum, (accepted, log) = tool.lyceum, {**PLATFORM_PATHS, **CALENDAR_PATHS}[path]
        return PlatformPath(
            lyceum.name, lyceum.database, self.generator, lyceum.port, lyceum.pids, tool.requests(path), accepted,
            lyceum=lyceum, log=log,
        )  # fmt: skip

    def _picker(self, lyceum: Lyceum) -> OverHttp:
        """A teacher's first page of a hundred activities."""
        lyceum.add_courses()
        offer = Offer("https://lms.school.example/return", several=True, grade_columns=True, targets=("iframe",))
        asker = Asker(Protocol.LTI_13, "School", platform_id=lyceum.platform_id, deployment_id=DEPLOYMENT)
        with lyceum.kit.session() as session:
            token = selection.begin(session, offer, asker)
        page = get(lyceum.tool.host, f"/lti/pick/{token}")
        return self._over_http(lyceum, lambda count: [page] * count, 200)
