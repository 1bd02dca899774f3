"""Only what is true is ever told: replaced, repeated, withdrawn and failed statements (grades)."""

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from saas import clock
from saas.jobs.execution import FATAL_RUNS
from saas.jobs.models import JobState, Outbox
from saas.jobs.outbox import Desk
from tenants.accounts.models import Person
from tenants.accounts.services import People
from tenants.audit.models import AuditEntry
from tenants.grades.models import DeliveryState, Progress, Result, ScoreDelivery
from tenants.grades.services import Channels, Ledger
from tenants.lti.models import SigningKey
from tests.house import House
from tests.jobs.school import Academy, School
from tests.jobs.scripted import Reply, ScriptedPlatform, reach
from tests.services import wait_for


def given(requests: list[Any]) -> list[float | None]:
    return [orjson.loads(request.body).get("scoreGiven") for request in requests]


def test_what_still_waits_is_replaced_by_the_newer_result(school: School) -> None:
    anna = school.arrive()
    school.begin(anna)
    school.reach(anna, 60)
    school.reach(anna, 80)
    school.work()
    assert school.states() == ["superseded", "superseded", "sent"]
    held = school.score()
    assert held is not None
    assert (held.given, held.accepted) == (80, 1)


def test_a_dead_letter_is_replaced_by_the_newer_result_and_cannot_be_revived(school: School) -> None:
    anna = school.arrive()
    school.lms.fail("scores", {"status": 403})
    school.reach(anna, 60)
    school.work()
    assert school.states() == ["dead"]
    school.reach(anna, 80)
    school.work()
    assert school.states() == ["superseded", "sent"]
    _ledger(school, "tell_route", "lti13", school.last().route_id)
    school.work()
    assert school.states() == ["superseded", "sent"]


@pytest.mark.parametrize("status", [409, 204], ids=["refused as older", "accepted"])
def test_a_slow_older_word_never_stands_over_the_newer_one(house: House, status: int) -> None:
    """The newer result is told while the older is under way; the older gets no newer time and is not repeated."""
    kit = house.academy()
    with ScriptedPlatform() as platform:
        person_id, activity_id, _link = platform.route(kit)
        platform.on("/item/scores", Reply(status, delay=0.6), Reply(204))
        slow = threading.Thread(target=reach, args=(kit, person_id, activity_id))
        slow.start()
        wait_for(lambda: bool(platform.seen("/item/scores")), "the first POST")
        with kit.session() as session:
            result = session.scalars(sa.select(Result)).one()
            result.score = Decimal(90)
            Ledger(session, kit.runtime.part(Channels)).tell(result, "lti13", _routes(session)[0])
        academy = Academy(kit)
        academy.work()
        slow.join()
        assert given(platform.seen("/item/scores")) == [80, 90]
        assert academy.states()[:2] == ["superseded", "sent"]
        assert len(academy.deliveries()[0].tries) >= 1, "what was tried is kept, also of what was replaced"


def _routes(session: Any) -> list[Any]:
    return list(session.scalars(sa.select(ScoreDelivery.route_id)))


def _ledger(school: Any, action: str, *arguments: Any) -> Any:
    with school.kit.session() as session:
        return getattr(Ledger(session, school.kit.runtime.part(Channels)), action)(*arguments)


def _send_again(school: Any, place: int) -> None:
    with school.kit.session() as session:
        delivery = session.get_one(ScoreDelivery, school.deliveries()[place].id)
        Ledger(session, school.kit.runtime.part(Channels)).send_again(delivery)


def test_sent_again_says_the_same_thing_once_more(school: School) -> None:
    anna = school.arrive()
    school.reach(anna, 60)
    school.work()
    _send_again(school, 0)
    assert school.last().state is DeliveryState.WAITING
    school.work()
    held = school.score()
    assert held is not None
    assert (school.states(), held.given, held.accepted) == (["sent"], 60, 2)
    repeated = school.lms.journal("scores")[-1].body
    assert '"new_submission":false' in repeated


def test_an_outdated_statement_sent_again_says_what_is_true_now(school: School) -> None:
    anna = school.arrive()
    school.begin(anna)
    school.work()
    school.reach(anna, 80)
    school.work()
    _send_again(school, 0)
    school.work()
    assert school.states() == ["sent", "sent", "sent"]
    held = school.score()
    assert held is not None
    assert (held.given, held.activity_progress) == (80, "Completed")
    assert school.last().progress is Progress.COMPLETED


def test_the_button_pressed_twice_sends_once(school: School) -> None:
    anna = school.arrive()
    school.reach(anna, 60)
    school.work()
    _send_again(school, 0)
    _send_again(school, 0)
    school.work()
    held = school.score()
    assert held is not None
    assert held.accepted == 2


def test_trying_now_does_not_double_the_tries_to_come(school: School) -> None:
    anna = school.arrive()
    school.lms.fail("scores", {"status": 429, "headers": {"Retry-After": "3600"}}, times=2)
    school.reach(anna, 60)
    school.work_once()
    _send_again(school, 0)
    school.work_once()
    told = school.last()
    assert told.state is DeliveryState.WAITING
    assert told.next_try_at is not None
    _make_all_due(school)
    school.work_once()
    assert len(school.lms.journal("scores")) == 2, "both promises know that the next try is in an hour"
    assert all(row.due_at > clock.now() + timedelta(minutes=59) for row in _rows(school))


def _rows(school: Any) -> list[Outbox]:
    with school.kit.runtime.database.shell() as session:
        rows = list(session.scalars(school._due().where(Outbox.job == "grades.deliver")))
        session.expunge_all()
        return rows


def _make_all_due(school: Any) -> None:
    with school.kit.runtime.database.shell() as session:
        mine = sa.update(Outbox).where(Outbox.tenant_id == school.kit.academy.id, Outbox.state == JobState.DUE)
        session.execute(mine.values(due_at=clock.now()))


@pytest.mark.case("AC-018")
def test_the_result_of_an_erased_person_is_not_told_and_that_is_noted(school: School) -> None:
    anna = school.arrive()
    school.reach(anna, 60)
    with school.kit.session() as session:
        People(session).erase(session.get_one(Person, anna))
    school.work()
    assert school.lms.journal("scores") == []
    assert school.deliveries() == []
    with school.kit.session() as session:
        [noted] = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "score.cancelled")).all()
        assert noted.about["deliveries"] == 1
        assert "nna" not in f"{noted.subject} {noted.about}"
    with school.kit.runtime.database.shell(write=False) as session:
        mine = sa.select(Outbox.state).where(Outbox.tenant_id == school.kit.academy.id, Outbox.job == "grades.deliver")
        assert session.scalars(mine).all() == [JobState.DONE]


@pytest.mark.case("AC-018")
def test_a_person_erased_while_the_score_is_under_way_leaves_nothing_behind(house: House) -> None:
    kit = house.academy()
    with ScriptedPlatform() as platform:
        person_id, activity_id, _link = platform.route(kit)
        platform.on("/item/scores", Reply(503, delay=0.4))
        slow = threading.Thread(target=reach, args=(kit, person_id, activity_id))
        slow.start()
        wait_for(lambda: bool(platform.seen("/item/scores")), "the first POST")
        with kit.session() as session:
            People(session).erase(session.get_one(Person, person_id))
        slow.join()
        assert len(platform.seen("/item/scores")) == 1
        with kit.session() as session:
            assert session.scalars(sa.select(ScoreDelivery)).all() == []


def test_a_fault_of_our_own_is_shown_with_its_cause(house: House) -> None:
    """The signing key does not open: its master key is gone. The admin sees that it is not the LMS's doing."""
    kit = house.academy()
    with kit.session() as session:
        for key in session.scalars(sa.select(SigningKey)):
            key.sealed_private = key.sealed_private[:-9] + "AAAAAAAA="
    with ScriptedPlatform() as platform:
        person_id, activity_id, _link = platform.route(kit)
        told = reach(kit, person_id, activity_id, once=True).last()
        assert platform.requests == []
    assert (told.state, told.code) == (DeliveryState.WAITING, "SCORE_FAULT")
    assert told.cause.endswith("for lti.signing_key does not open")
    assert told.next_try_at is not None
    assert [(each.step, each.outcome, each.cause) for each in told.tries] == [("program", "fault", told.cause)]


def test_a_delivery_that_kills_its_process_ends_as_a_dead_letter_the_admin_sees(school: School) -> None:
    school.reach(school.arrive(), 60)
    with school.kit.runtime.database.shell() as session:
        mine = sa.update(Outbox).where(Outbox.tenant_id == school.kit.academy.id, Outbox.job == "grades.deliver")
        session.execute(mine.values(unfinished=FATAL_RUNS))
    school.work()
    told = school.last()
    assert (told.state, told.code) == (DeliveryState.DEAD, "SCORE_FAULT")
    assert told.cause == f"the program stopped {FATAL_RUNS} times while doing it"
    _send_again(school, 0)
    school.work()
    assert school.states() == ["sent"]


def test_after_three_days_the_last_cause_stands_with_the_dead_letter(school: School) -> None:
    school.lms.fail("scores", {"status": 503}, times=2)
    school.reach(school.arrive(), 60)
    school.work_once()
    with school.kit.runtime.database.shell() as session:
        mine = sa.update(Outbox).where(Outbox.tenant_id == school.kit.academy.id)
        session.execute(mine.values(give_up_at=clock.now()))
    school.work()
    told = school.last()
    assert (told.state, told.code, told.next_try_at) == (DeliveryState.DEAD, "AGS_PLATFORM_DOWN", None)
    assert "fault of its own" in told.cause


def test_a_dead_letter_an_operator_sends_again_arrives(school: School) -> None:
    """``lyceum jobs retry``."""
    school.lms.fail("scores", {"status": 503})
    school.reach(school.arrive(), 60)
    with school.kit.runtime.database.shell() as session:
        mine = sa.update(Outbox).where(Outbox.tenant_id == school.kit.academy.id)
        session.execute(mine.values(give_up_at=clock.now()))
    school.work()
    assert (school.last().state, school.score()) == (DeliveryState.DEAD, None)
    with school.kit.runtime.database.shell() as session:
        assert len(Desk(session, school.kit.academy.id).retry()) == 1
    school.work()
    held = school.score()
    assert held is not None
    assert (school.last().state, held.given) == (DeliveryState.SENT, 60)


def test_a_result_withdrawn_by_an_admin_is_cleared_there_and_stays_here(school: School) -> None:
    """By AGS: a score without ``scoreGiven``. What is better later is told again."""
    anna = school.arrive()
    school.reach(anna, 80)
    school.work()
    with school.kit.session() as session:
        Ledger(session, school.kit.runtime.part(Channels)).withdraw(session.get_one(ScoreDelivery, school.last().id))
    school.work()
    held = school.score()
    assert held is None or held.given is None
    assert (school.states(), school.last().withdrawn) == (["sent", "sent"], True)
    with school.kit.session() as session:
        assert session.scalars(sa.select(Result.score)).all() == [Decimal(80)]
    school.reach(anna, 90)
    school.work()
    better = school.score()
    assert better is not None
    assert better.given == 90
