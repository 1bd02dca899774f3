"""What tools' calls ask of the database: as much for many people, columns and links as for one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tenants.access import Role
from tests.conformance.openings import Desk
from tests.conformance.tools import Tool12, Tool13, envelope, query
from tests.cost import Cost, counted
from tests.features.zoom_rooms import CREATE, MORNING, Room, an_event, flat
from tests.house import House

MORE = 12


def cost_of(tool: Tool13 | Tool12 | Desk | Room, deed: Callable[[], Any], *wanted: int) -> Cost:
    """The host is always asked for, never remembered: a statement and a commit of its own."""
    tool.kit.runtime.tenants.forget()
    with counted(tool.kit.runtime.database) as cost:
        assert deed().status_int in wanted
    return cost


def test_a_token_request(house: House) -> None:
    """Three for the host; the tool; the assertion's id, the token, the log."""
    tool = Tool13.set(house.academy())
    cost_of(tool, lambda: tool.ask(tool.form()), 200)
    form = tool.form()
    few = cost_of(tool, lambda: tool.ask(form), 200)
    for _ in range(MORE):
        Tool13.set(tool.kit)
    more = tool.form()
    many = cost_of(tool, lambda: tool.ask(more), 200)
    assert len(few.statements) <= 7, few.statements
    assert few.commits == 2
    assert len(many.statements) == len(few.statements), many.statements


def test_an_authentication_request(house: House) -> None:
    """Three for the host; who asks; tool, launch, pseudonym, who and what, the launch's end; and who may frame us."""
    desk = Desk.set(house.academy())
    learner, activity = desk.learner(), desk.activity13()
    learner.launch(activity)
    learner.begin(activity)
    few = cost_of(desk, learner.authorize, 200)
    for _ in range(MORE):
        desk.activity13()
    learner.begin(activity)
    many = cost_of(desk, learner.authorize, 200)
    assert len(few.statements) <= 10, few.statements
    assert few.commits <= 4
    assert len(many.statements) == len(few.statements), many.statements


@pytest.mark.parametrize("minimum", [None, 70], ids=["e-learning", "exam"])
def test_a_score(house: House, minimum: int | None) -> None:
    """Three for the host; token, column, person, standing; score, result, attempt, ledger, its routes, the log."""
    tool = Tool13.set(house.academy(), minimum=minimum)
    token, seat = tool.token(), tool.sit()
    first = cost_of(tool, lambda: tool.score(seat, token=token), 204)
    again = cost_of(tool, lambda: tool.score(seat, token=token, scoreGiven=90), 204)
    others = [tool.sit() for _ in range(MORE)]
    for other in others[1:]:
        tool.score(other, token=token)
    many = cost_of(tool, lambda: tool.score(others[0], token=token), 204)
    assert len(first.statements) <= 13, first.statements
    assert len(again.statements) <= 13, again.statements
    assert first.commits == 2
    assert len(many.statements) == len(first.statements), many.statements


def test_an_outcome(house: House) -> None:
    """Three for the host; links, nonce, person, standing; result, attempt, ledger, its routes, the log."""
    tool = Tool12.set(house.academy())
    seat = tool.sit()
    bodies = [envelope("replaceResult", seat.sourcedid, score) for score in ("0.3", "0.4")]
    few = [cost_of(tool, partial(tool.send, body), 200) for body in bodies]
    for _ in range(MORE):
        Tool12.set(tool.kit, key=tool.key, secret=tool.secret)
    other, _more = tool.sit(), [tool.sit() for _ in range(MORE)]
    many = cost_of(tool, lambda: tool.send(envelope("replaceResult", other.sourcedid, "0.3")), 200)
    assert all(len(cost.statements) <= 12 for cost in few), few
    assert all(cost.commits == 2 for cost in few)
    assert len(many.statements) == len(few[0].statements), many.statements


def test_a_roster_and_results(house: House) -> None:
    tool = Tool13.set(house.academy())
    token = tool.token()
    for path in (tool.memberships, f"{tool.lineitem}/results", tool.lineitems, query(tool.memberships, role="Learner")):
        tool.score(tool.sit(), token=token)
        few = cost_of(tool, partial(tool.call, "GET", path, token=token), 200)
        for _ in range(MORE):
            tool.score(tool.sit(), token=token)
        many = cost_of(tool, partial(tool.call, "GET", path, token=token), 200)
        assert len(many.statements) == len(few.statements), many.statements
        assert many.commits == 2


def test_a_calendar_call(house: House) -> None:
    """Three for the host; token, use, place, meeting; numbers and event, or the change; the log."""
    room = Room.set(house.academy())
    place = room.place()
    keys = iter(range(100_000_000, 100_001_000))

    def new() -> dict[str, str]:
        return flat(an_event(place, description=f"https://zoom.us/j/{next(keys)}"))

    cost_of(room, lambda: room.call(CREATE, new()), 200)
    few = cost_of(room, lambda: room.call(CREATE, new()), 200)
    again = cost_of(
        room, lambda: room.call(CREATE, flat(an_event(place, description="https://zoom.us/j/100000001", name="x"))), 200
    )
    for turn in range(MORE):
        Room.set(room.kit).place()
        room.made(an_event(room.place(), timestart=MORNING + turn), an_event(place, name=f"{turn}", description=""))
    many = cost_of(room, lambda: room.call(CREATE, new()), 200)
    assert len(few.statements) <= 10, few.statements
    assert len(again.statements) <= 9, again.statements
    assert few.commits == 2
    assert len(many.statements) == len(few.statements), many.statements


def test_the_log_of_calls(house: House) -> None:
    tool = Tool13.set(house.academy())
    browser, token = tool.kit.signed_in(Role.ADMIN), tool.token()
    tool.score(tool.sit(), token=token)
    browser.get("/integrations/tool-calls")
    few = cost_of(tool, lambda: browser.get("/integrations/tool-calls"), 200)
    for _ in range(MORE):
        Tool13.set(tool.kit).score(None, userId="nobody")
        tool.score(tool.sit(), token=token)
    many = cost_of(tool, lambda: browser.get("/integrations/tool-calls"), 200)
    assert len(many.statements) == len(few.statements), many.statements
