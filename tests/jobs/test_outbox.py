"""Promising work: in the same transaction as its cause, with ids only, in one tenant."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from saas.jobs.models import JobState
from saas.jobs.outbox import GIVE_UP, Desk, WorkPromised, later, measure
from tenants.accounts.models import Person
from tenants.accounts.services import People
from tests.jobs.yard import Yard


class ChangedMindError(Exception):
    """The change is taken back."""


def test_a_promise_is_a_row_of_the_same_transaction(yard: Yard) -> None:
    with yard.kit.session() as session:
        person_id = People(session).create("a@people.example", "A", "B").id
        promised = later(session, "test.none", person_id=person_id, number=3)
        session.flush()
        assert yard.rows() == []
    row = yard.row(promised)
    assert (row.tenant_id, row.job, row.args) == (
        yard.kit.academy.id, "test.none", {"person_id": str(person_id), "number": 3},
    )  # fmt: skip
    assert (row.state, row.attempts, row.give_up_at - row.due_at) == (JobState.DUE, 0, GIVE_UP)


def test_a_change_taken_back_promises_nothing(yard: Yard) -> None:
    with suppress(ChangedMindError), yard.kit.session() as session:
        person = People(session).create("gone@people.example", "A", "B")
        later(session, "test.none", person_id=person.id)
        session.flush()
        raise ChangedMindError
    assert yard.rows() == []
    with yard.kit.session() as session:
        assert People(session).by_email("gone@people.example") is None


def test_a_promise_may_be_for_later(yard: Yard) -> None:
    with yard.kit.session() as session:
        promised = later(session, "test.none", delay=timedelta(hours=1))
    assert yard.row(promised).due_at > datetime.now(UTC) + timedelta(minutes=59)
    assert yard.lease() == []


def test_the_relay_of_the_same_process_is_woken_after_the_commit_and_not_before(yard: Yard) -> None:
    heard: list[int] = []
    yard.runtime.events.subscribe(WorkPromised, lambda session, _event: heard.append(session.tenant_id))
    with yard.kit.session() as session:
        later(session, "test.none")
        session.flush()
        assert heard == []
    assert heard == [yard.kit.academy.id]
    with suppress(ChangedMindError), yard.kit.session() as session:
        later(session, "test.none")
        raise ChangedMindError
    with yard.kit.session() as session:
        session.get(Person, uuid4())
    assert heard == [yard.kit.academy.id]


def test_the_desk_shows_and_retries_only_its_own_tenants_dead_letters(yard: Yard) -> None:
    other = yard.house.academy(lti=False)
    mine, second, foreign, done = (
        yard.promise("test.a"), yard.promise("test.b"), yard.promise("test.a", other), yard.promise("test.done"),
    )  # fmt: skip
    long_ago = datetime.now(UTC) - timedelta(days=5)
    for each in (mine, second, foreign):
        yard.change(each, state=JobState.DEAD, attempts=23, unfinished=2, give_up_at=long_ago, settled_at=long_ago)
    yard.change(done, state=JobState.DONE, settled_at=long_ago)
    with yard.shell() as session:
        desk = Desk(session, yard.kit.academy.id)
        assert {row.id for row in desk.rows()} == {mine, second, done}
        assert {row.id for row in desk.rows((JobState.DEAD,))} == {mine, second}
        assert desk.retry([mine, foreign, done, uuid4()]) == [mine]
    assert yard.row(foreign).state is JobState.DEAD
    assert yard.row(done).state is JobState.DONE
    again = yard.row(mine)
    assert (again.state, again.attempts, again.unfinished, again.settled_at) == (JobState.DUE, 0, 0, None)
    assert again.give_up_at > datetime.now(UTC) + timedelta(hours=71)
    with yard.shell() as session:
        assert Desk(session, yard.kit.academy.id).retry() == [second]


def test_the_backlog_is_measured_in_the_database(yard: Yard) -> None:
    yard.fill("test.none", 3, yard.kit)
    yard.change(yard.promise("test.none"), state=JobState.DEAD)
    measure(yard.runtime.database, yard.runtime.metrics)
    read = yard.runtime.metrics.registry.get_sample_value
    assert read("lyceum_outbox_rows", {"state": "due"}) == 3
    assert read("lyceum_outbox_rows", {"state": "dead"}) == 1
    assert read("lyceum_outbox_rows", {"state": "leased"}) == 0
    assert (read("lyceum_outbox_lag_seconds") or 0) >= 3599
