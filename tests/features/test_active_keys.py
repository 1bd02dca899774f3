"""Which key signs a message of ours is asked anew each time, whatever a process remembers."""

import jwt
import pytest

from tenants.lti.keys import Keys
from tests.conformance.openings import Desk, fields_of
from tests.house import House


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk.set(house.academy())


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def test_after_an_emergency_the_new_key_signs_at_once(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    kids = []
    for _ in range(3):
        learner.begin(activity)
        page = learner.authorize()
        assert learner.claims(page)["sub"] == learner.asked["login_hint"]
        kids.append(kid_of(fields_of(page)["id_token"]))
        with desk.kit.session() as session:
            new = Keys(session, desk.kit.runtime.secrets).replace_all().kid
        assert new not in kids
    assert len(set(kids)) == 3


def test_each_academy_signs_with_its_own(house: House, desk: Desk) -> None:
    other = Desk.set(house.academy())
    kids = set()
    for each in (desk, other, desk, other):
        learner = each.learner()
        learner.begin(each.activity13())
        page = learner.authorize()
        assert learner.claims(page)["aud"] == each.client_id
        kids.add(kid_of(fields_of(page)["id_token"]))
    assert len(kids) == 2
