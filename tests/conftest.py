"""One house per worker and database: a migrated database, the real application on it, as many academies as tests want.

Tests commit for real. They do not disturb each other because each makes its own academy, which is the product's own
promise. Tests that look at the whole installation (relay, migrations, processes) make a database of their own.
"""

import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from argon2 import PasswordHasher
from xdist.scheduler import LoadScopeScheduling

from tenants.accounts import passwords
from tests import second_try
from tests.house import BACKENDS, House, databases_of
from tests.services import Services, missing

# A slow machine is no failure.
hypothesis.settings.register_profile("lyceum", deadline=None)
hypothesis.settings.load_profile("lyceum")

REQUIRE_ALL = os.environ.get("LYCEUM_TEST_REQUIRE_ALL") == "1"
_services = pytest.StashKey[Services]()
#: What a test needs and this machine lacks.
_missing = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "case(*ids): the conformance cases a test proves (docs/conformance.md)")
    config.addinivalue_line("markers", "postgresql: needs PostgreSQL")
    config.addinivalue_line("markers", "redis: needs Redis")
    config.addinivalue_line("markers", "chromium: needs Chromium")
    config.addinivalue_line("markers", "nginx: needs nginx")
    config.addinivalue_line("markers", "node: needs Node.js and npm")
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    services = config.stash[_services] = Services.start()
    os.environ["LYCEUM_TEST_POSTGRES"], os.environ["LYCEUM_TEST_REDIS"] = services.postgres, services.redis


def pytest_unconfigure(config: pytest.Config) -> None:
    services = config.stash.get(_services, None)
    if services is not None:
        services.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)
    lacking = set(missing())
    for item in items:
        needs = {mark.name for mark in item.iter_markers()} & lacking
        call = getattr(item, "callspec", None)
        if call and "postgresql" in call.params.values() and "postgresql" in lacking:
            needs.add("postgresql")
        if needs:
            item.stash[_missing] = ", ".join(sorted(needs))


def _turn(item: pytest.Item) -> int:
    """The longest first, or one worker ends alone."""
    return next((turn for turn, part in enumerate(("browser", "interop")) if part in item.path.parts), 2)


class Scheduling(LoadScopeScheduling):
    """What one worker does in order: a file, whose fixtures are then made once; or all of Chromium, since the academies
    that its tests look at are the dearest fixture and go on living while they are looked at.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "tests/browser" if file.startswith("tests/browser/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture of the test could stumble over what is missing."""
    lacking = item.stash.get(_missing, "")
    if lacking and REQUIRE_ALL:
        pytest.fail(f"missing: {lacking}", pytrace=False)
    elif lacking:
        pytest.skip(f"missing: {lacking}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A second try only where many processes wait for each other."""
    if not {"browser", "interop"} & set(item.path.parts):
        return None
    second_try.run(item, nextitem)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    second_try.summarise(terminalreporter)
    lacking = missing()
    if lacking:
        terminalreporter.section("NOT TESTED", red=True, bold=True)
        terminalreporter.line(
            f"Missing on this machine, so their tests {'failed' if REQUIRE_ALL else 'were left out'}: {', '.join(lacking)}",
            red=True,
        )


@pytest.fixture(scope="session", autouse=True)
def _light_passwords() -> None:
    """The same hashing at a hundredth of the work: hundreds of sign-ins would otherwise be a tenth of all testing."""
    passwords.hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture(scope="session")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, House]]:
    """The houses of this worker, built when first asked for."""
    built: dict[str, House] = {}
    yield built
    for house in built.values():
        house.close()


@pytest.fixture(params=BACKENDS)
def house(request: pytest.FixtureRequest, houses: dict[str, House], tmp_path_factory: pytest.TempPathFactory) -> House:
    """The application on SQLite and again on PostgreSQL, as the role that row-level security binds."""
    backend = request.param
    if backend not in houses:
        houses[backend] = House.build(backend, tmp_path_factory.mktemp(backend))
    return houses[backend]


@pytest.fixture(params=BACKENDS)
def fresh_house(request: pytest.FixtureRequest, tmp_path: object) -> Iterator[House]:
    """A database of its own, for tests that look at all of it."""
    built = House.build(request.param, tmp_path)  # type: ignore[arg-type]  # -- pytest's tmp_path is a Path
    yield built
    built.close()
    databases_of(request.param).drop(built.database_url)
