"""Every answer a platform can give to a score, through the whole delivery (product.md §4, 77)."""

import gzip
import time
from datetime import timedelta
from email.utils import formatdate

import pytest

from saas import clock
from tenants.grades.models import DeliveryState
from tenants.lti.tool.models import ResourceLink
from tests.house import House
from tests.jobs.scripted import Reply, ScriptedPlatform, reach

WAITING, SENT, DEAD = DeliveryState.WAITING, DeliveryState.SENT, DeliveryState.DEAD
GZIP = {"content-encoding": "gzip"}

ANSWERS = {
    "200": (Reply(200), SENT, ""),
    "200 with a result": (Reply.of({"resultUrl": "https://lms.example/results/1"}), SENT, ""),
    "202": (Reply(202), SENT, ""),
    "204": (Reply(204), SENT, ""),
    "200 with an error": (Reply.of({"error": "maintenance tonight"}), WAITING, "AGS_ODD_ANSWER"),
    "200 with a page": (Reply(200, b"<html>Sign in</html>"), WAITING, "AGS_ODD_ANSWER"),
    "301": (Reply(301, headers={"location": "/elsewhere"}), DEAD, "AGS_MOVED"),
    "307": (Reply(307, headers={"location": "/elsewhere"}), DEAD, "AGS_MOVED"),
    "401": (Reply(401), WAITING, "AGS_UNAUTHORIZED"),
    "403": (Reply(403), DEAD, "AGS_FORBIDDEN"),
    "404": (Reply(404), DEAD, "AGS_LINE_ITEM_GONE"),
    "409": (Reply(409), DeliveryState.SUPERSEDED, "AGS_SUPERSEDED"),
    "413": (Reply(413), DEAD, "AGS_REFUSED"),
    "422": (Reply.of({"errors": [{"message": "scoreMaximum is odd"}]}, 422), DEAD, "AGS_REFUSED"),
    "429": (Reply(429), WAITING, "AGS_BUSY"),
    "500": (Reply(500), WAITING, "AGS_PLATFORM_DOWN"),
    "502": (Reply(502, b"<h1>Bad gateway</h1>"), WAITING, "AGS_PLATFORM_DOWN"),
    "503": (Reply(503), WAITING, "AGS_PLATFORM_DOWN"),
    "hang": (Reply(204, delay=3.2), WAITING, "AGS_NO_ANSWER"),
    "cut connection": (Reply(200, b'{"half": ', cut=True), WAITING, "AGS_NO_ANSWER"),
    "endless body": (Reply(200, b" " * 600_000), WAITING, "AGS_NO_ANSWER"),
    "compressed": (Reply(200, gzip.compress(b"{}"), GZIP), WAITING, "AGS_NO_ANSWER"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_each_answer_has_its_consequence(house: House, case: str) -> None:
    reply, state, code = ANSWERS[case]
    kit = house.academy()
    with ScriptedPlatform() as platform:
        person_id, activity_id, _link = platform.route(kit)
        platform.on("/item/scores", reply)
        told = reach(kit, person_id, activity_id, once=True).last()
        assert (told.state, told.code) == (state, code)
        assert told.cause
        assert (told.next_try_at is not None) == (state is WAITING)
        assert [each.step for each in told.tries if each.outcome != "delivered"] == [
            "score" for each in told.tries if each.step == "score" and state is not SENT
        ]
        posts = len(platform.seen("/item/scores"))
        assert posts == {"401": 2, "409": 2}.get(case, 1)
        assert len(platform.seen("/token")) == (2 if case == "401" else 1)
        assert platform.seen("/elsewhere") == []
        if state is not WAITING:
            assert reach(kit, person_id, activity_id).last().state is state
            assert len(platform.seen("/item/scores")) == posts


def test_what_the_platform_says_is_shown(house: House) -> None:
    kit = house.academy()
    with ScriptedPlatform() as platform:
        person_id, activity_id, _link = platform.route(kit)
        platform.on("/item/scores", Reply.of({"errors": [{"message": "scoreMaximum <b>is</b> odd"}]}, 422))
        told = reach(kit, person_id, activity_id).last()
    assert told.cause == "The platform does not accept what we sent. It says: “scoreMaximum is odd”"
    assert told.tries[-1].cause == told.cause
    assert told.tries[-1].status == 422


@pytest.mark.parametrize("form", ["seconds", "date", "zero"])
def test_a_wish_to_wait_is_heeded(house: House, form: str) -> None:
    wish, seconds = {
        "seconds": ("600", 600),
        "date": (formatdate(time.time() + 600, usegmt=True), 598),
        "zero": ("0", 0),
    }[form]
    kit = house.academy()
    with ScriptedPlatform() as platform:
        person_id, activity_id, _link = platform.route(kit)
        platform.on("/item/scores", Reply(429, headers={"retry-after": wish}))
        began = clock.now()
        academy = reach(kit, person_id, activity_id, once=True)
        told = academy.last()
        assert told.next_try_at is not None
        assert timedelta(seconds=seconds) < told.next_try_at - began < timedelta(seconds=seconds * 1.1 + 5)
        if seconds:
            assert academy.work(ahead=2) == 0


@pytest.mark.parametrize(
    ("reply", "code", "state"),
    [
        (Reply.of({"error": "invalid_client"}, 400), "AGS_TOKEN_REFUSED", WAITING),
        (Reply(401), "AGS_TOKEN_REFUSED", WAITING),
        (Reply(200, b"<html>Sign in</html>"), "AGS_TOKEN_ANSWER", WAITING),
        (Reply.of({"access_token": ""}), "AGS_TOKEN_ANSWER", WAITING),
        (Reply.of({"access_token": "a\r\nHost: x", "token_type": "Bearer"}), "AGS_TOKEN_ANSWER", WAITING),
        (Reply(503), "AGS_TOKEN_REFUSED", WAITING),
        (Reply(200, cut=True), "AGS_NO_ANSWER", WAITING),
    ],
)
def test_without_a_token_the_score_waits(house: House, reply: Reply, code: str, state: DeliveryState) -> None:
    """Whoever has to mend it may take a while; nothing is lost meanwhile."""
    kit = house.academy()
    with ScriptedPlatform() as platform:
        person_id, activity_id, _link = platform.route(kit)
        platform.on("/token", reply)
        told = reach(kit, person_id, activity_id, once=True).last()
    assert (told.state, told.code) == (state, code)
    assert [(each.step, each.outcome) for each in told.tries] == [("token", "retry")]


def test_an_address_that_may_not_be_called_is_final(house: House) -> None:
    kit = house.academy()
    with ScriptedPlatform() as platform:
        person_id, activity_id, link_id = platform.route(kit)
        with kit.session() as session:
            session.get_one(ResourceLink, link_id).line_item = "https://10.0.0.1/item"
        told = reach(kit, person_id, activity_id).last()
    assert (told.state, told.code) == (DEAD, "AGS_ADDRESS")
    assert "never called" in told.cause
