"""Fixtures of the isolation tests."""

import pytest

from tests.house import House
from tests.isolation.pairs import Pair, make_pair


@pytest.fixture(scope="module")
def pairs() -> dict[str, Pair]:
    return {}


@pytest.fixture
def pair(house: House, pairs: dict[str, Pair]) -> Pair:
    """One pair per module and database; tests that change rows make their own."""
    if house.backend not in pairs:
        pairs[house.backend] = make_pair(house)
    return pairs[house.backend]
