"""Houses for tests of jobs: one per module and database, its outbox emptied for each test. And one LMS for all."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.house import BACKENDS, House, databases_of
from tests.jobs.school import School
from tests.jobs.yard import Yard
from tests.peers.lms.client import LMS, RunningLMS

MakeSchool = Callable[..., School]


@pytest.fixture(params=BACKENDS, scope="module")
def yard_house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    built = House.build(request.param, tmp_path_factory.mktemp("yard"))
    yield built
    built.close()
    databases_of(request.param).drop(built.database_url)


@pytest.fixture
def yard(yard_house: House) -> Yard:
    return Yard(yard_house)


@pytest.fixture(scope="session")
def running_lms() -> Iterator[LMS]:
    with RunningLMS() as lms:
        yield lms


@pytest.fixture
def lms(running_lms: LMS) -> LMS:
    running_lms.reset()
    return running_lms


@pytest.fixture
def school_with(house: House, lms: LMS) -> MakeSchool:
    """``school_with(ags="lineitems", quirks={…})``: a new academy, registered with the LMS in that way."""

    def make(*, audience: str = "", **registration: Any) -> School:
        return School(house.academy(), lms, registration, audience)

    return make


@pytest.fixture
def school(school_with: MakeSchool) -> School:
    return school_with()
