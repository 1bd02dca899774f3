"""What tests of sharing begin with: other LMSs, and an academy of the test's own that knows one."""

import pytest

from tests.conformance.conftest import services, site
from tests.conformance.consumer import Services
from tests.conformance.platform import Site
from tests.conformance.visits import Scene
from tests.conformance.visits11 import FormScene
from tests.house import House

__all__ = ["services", "site"]


@pytest.fixture
def scene(house: House, site: Site) -> Scene:
    """With a platform of LTI 1.3."""
    return Scene.set(house.academy(), site.open())


@pytest.fixture
def form_scene(house: House, services: Services) -> FormScene:
    """With a key of LTI 1.2."""
    return FormScene(house.academy(), services.open())
