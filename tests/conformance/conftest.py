"""A site of platforms per test process, and a scene per house for cases that leave nothing behind but rows."""

from collections.abc import Iterator

import pytest

from tests.conformance.consumer import Services
from tests.conformance.platform import Site
from tests.conformance.visits import Scene
from tests.conformance.visits11 import FormScene
from tests.house import House, Kit


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture(scope="session")
def scenes() -> dict[str, Scene]:
    return {}


@pytest.fixture
def scene(house: House, site: Site, scenes: dict[str, Scene]) -> Scene:
    """Shared by the cases of one process: whoever changes registration, keys or clock takes `own_scene`."""
    if house.backend not in scenes:
        scenes[house.backend] = Scene.set(house.academy(), site.open())
    return scenes[house.backend]


@pytest.fixture
def own_scene(house: House, site: Site) -> Scene:
    """An academy and a platform of this case's own."""
    return Scene.set(house.academy(), site.open())


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    services = Services()
    yield services
    services.close()


@pytest.fixture(scope="session")
def form_kits() -> dict[str, Kit]:
    return {}


@pytest.fixture
def form_scene(house: House, services: Services, form_kits: dict[str, Kit]) -> FormScene:
    """LTI 1.2: an activity, a key and an LMS of this case's own, in an academy that the cases of one process share."""
    if house.backend not in form_kits:
        form_kits[house.backend] = house.academy()
    return FormScene(form_kits[house.backend], services.open())


@pytest.fixture
def own_form_scene(house: House, services: Services) -> FormScene:
    """In an academy of this case's own: for who changes it or the clock, or counts what it has."""
    return FormScene(house.academy(), services.open())
