"""One row's life: claimed, run, settled; tried again, given up, buried; and workers that die in between."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from saas.jobs.execution import FATAL_RUNS, backoff
from saas.jobs.models import JobState
from saas.jobs.registry import GiveUp, Job, JobRun, Jobs, Retry
from saas.secrets import SealError
from saas.settings import JobSettings
from saas.tenancy.lifecycle import Lifecycle
from tests.jobs.yard import Yard, clock_moved


class Witness:
    """A job that notes its runs and does what it is told; ``failed`` is its hook."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.outcomes = list(outcomes)
        self.runs: list[tuple[Any, dict[str, Any]]] = []
        self.failures: list[tuple[str, datetime | None]] = []

    def __call__(self, run: JobRun, **ids: Any) -> None:
        self.runs.append((run.id, ids))
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome

    def failed(self, _run: JobRun, reason: str, again_at: datetime | None, **_ids: Any) -> None:
        self.failures.append((reason, again_at))


def test_a_job_runs_in_its_tenant_with_its_ids(yard: Yard) -> None:
    seen: list[Any] = []

    def look(run: JobRun, *, word: str) -> None:
        with run.transaction(write=False) as session:
            seen.append((run.academy.slug, session.tenant_id, run.id, run.attempt, word))

    promised = yard.promise(yard.job(look), word="hello")
    assert yard.work() == 1
    assert seen == [(yard.kit.academy.slug, yard.kit.academy.id, promised, 1, "hello")]
    row = yard.row(promised)
    assert (row.state, row.attempts, row.unfinished, row.lease_id) == (JobState.DONE, 1, 0, None)
    assert row.settled_at is not None
    assert yard.work() == 0


def test_the_number_of_a_run_stays_the_same_over_all_tries(yard: Yard) -> None:
    """It is the idempotency key of every effect outside."""
    witness = Witness(Retry("not now"), None)
    promised = yard.promise(yard.job(witness))
    yard.work()
    yard.make_due()
    yard.work()
    assert [run_id for run_id, _ids in witness.runs] == [promised, promised]


def test_a_retry_waits_as_long_as_the_partner_says(yard: Yard) -> None:
    promised = yard.promise(yard.job(Witness(Retry("busy", timedelta(minutes=10)))))
    yard.work()
    row = yard.row(promised)
    assert (row.state, row.error) == (JobState.DUE, "busy")
    assert timedelta(minutes=9) < row.due_at - datetime.now(UTC) <= timedelta(minutes=10)
    assert yard.work() == 0


def test_back_off_grows_with_jitter_up_to_its_cap() -> None:
    settings = JobSettings.model_validate({})
    waits = {attempt: [backoff(settings, attempt).total_seconds() for _ in range(50)] for attempt in range(1, 60)}
    for attempt, drawn in waits.items():
        ceiling = min(settings.retry_cap_seconds, settings.retry_base_seconds * 2 ** (attempt - 1))
        assert all(ceiling / 2 <= wait <= ceiling for wait in drawn)
        assert len(set(drawn)) > 10
    assert sum(max(drawn) for drawn in list(waits.values())[:30]) > 72 * 3600, "the cap fills three days with few tries"


def test_after_three_days_of_tries_a_row_is_a_dead_letter(yard: Yard) -> None:
    witness = Witness(Retry("still away"), Retry("still away"))
    promised = yard.promise(yard.job(witness, failed=witness.failed))
    yard.work()
    assert witness.failures == [], "the job notes an expected failure itself"
    with clock_moved(timedelta(hours=72, minutes=1)):
        yard.work()
        row = yard.row(promised)
        assert (row.state, row.error, row.attempts) == (JobState.DEAD, "still away", 2)
        assert yard.work() == 0
    assert witness.failures == [("still away", None)]


def test_a_job_that_gives_up_is_buried_at_once(yard: Yard) -> None:
    witness = Witness(GiveUp("there is no such course"))
    promised = yard.promise(yard.job(witness, failed=witness.failed), course="7")
    yard.work()
    assert (yard.row(promised).state, yard.row(promised).error) == (JobState.DEAD, "there is no such course")
    assert witness.failures == [("there is no such course", None)]


def test_an_unexpected_exception_is_tried_again_and_told_in_words_without_its_text(yard: Yard) -> None:
    witness = Witness(ValueError("password=hunter2"))
    promised = yard.promise(yard.job(witness, failed=witness.failed))
    yard.work()
    row = yard.row(promised)
    assert row.state is JobState.DUE
    assert row.error == "a fault in the program (ValueError); its log has the details"
    [(reason, again_at)] = witness.failures
    assert reason == row.error
    assert again_at is not None
    assert row.due_at >= again_at


def test_a_sealed_value_that_does_not_open_is_named(yard: Yard) -> None:
    promised = yard.promise(yard.job(Witness(SealError("sealed value of tenant 1 for lti.signing_key does not open"))))
    yard.work()
    assert "lti.signing_key" in yard.row(promised).error


def test_a_hook_that_fails_leaves_the_row_to_its_lease(yard: Yard) -> None:
    """Better told twice than settled with nobody told."""

    def failing(_run: JobRun, _reason: str, _again_at: object) -> None:
        raise RuntimeError

    promised = yard.promise(yard.job(Witness(GiveUp("no")), failed=failing))
    with pytest.raises(RuntimeError):
        yard.work()
    assert yard.row(promised).state is JobState.LEASED
    yard.lapse()
    yard.lease()
    assert yard.row(promised).state is JobState.LEASED


def test_a_job_of_a_newer_version_waits_for_a_worker_that_knows_it(yard: Yard) -> None:
    promised = yard.promise("test.not_yet_known")
    yard.work()
    row = yard.row(promised)
    assert (row.state, row.error) == (JobState.DUE, "this version of the program does not know the job")
    yard.change(promised, give_up_at=datetime.now(UTC))
    yard.make_due()
    yard.work()
    assert yard.row(promised).state is JobState.DEAD


def test_a_suspended_tenants_work_waits(yard: Yard) -> None:
    witness = Witness()
    promised = yard.promise(yard.job(witness))
    [leased] = yard.lease()
    _lifecycle(yard, "suspend")
    yard.execute(leased)
    assert (yard.row(promised).state, witness.runs) == (JobState.DUE, [])
    assert yard.lease() == []
    _lifecycle(yard, "resume")
    assert yard.work() == 1
    assert len(witness.runs) == 1


def _lifecycle(yard: Yard, action: str) -> None:
    with yard.shell() as session:
        getattr(Lifecycle(session, yard.runtime.settings.web), action)(yard.kit.academy.slug)
    yard.runtime.tenants.forget()


def test_a_message_repeated_by_the_broker_runs_nothing(yard: Yard) -> None:
    inside: list[JobState] = []

    def nested(_run: JobRun) -> None:
        yard.execute(lease)
        inside.append(yard.rows()[0].state)

    yard.promise(yard.job(nested))
    [lease] = yard.lease()
    yard.execute(lease)
    yard.execute(lease)
    assert inside == [JobState.LEASED]
    assert (yard.states(), yard.rows()[0].attempts) == (["done"], 1)


def test_a_newer_lease_voids_the_older_message(yard: Yard) -> None:
    witness = Witness()
    yard.promise(yard.job(witness))
    [old] = yard.lease()
    yard.lapse()
    [new] = yard.lease()
    yard.execute(old)
    assert witness.runs == []
    yard.execute(new)
    assert len(witness.runs) == 1


def test_a_run_that_lost_its_lease_cannot_settle_the_row(yard: Yard) -> None:
    """It was taken for dead and the row given to another; only the other's word counts."""
    others: list[Any] = []

    def slow(_run: JobRun) -> None:
        yard.lapse()
        others.extend(yard.lease())

    promised = yard.promise(yard.job(slow))
    [lease] = yard.lease()
    yard.execute(lease)
    assert yard.row(promised).state is JobState.LEASED
    assert yard.row(promised).lease_id == others[0][2]


def test_a_dead_workers_row_runs_again_at_once_and_then_with_back_off(yard: Yard) -> None:
    witness = Witness()
    promised = yard.promise(yard.job(witness))
    yard.crash()
    assert yard.work() == 1, "the first death is most likely not the job's doing"
    assert witness.runs
    assert yard.row(promised).unfinished == 0


def test_what_kills_its_worker_again_and_again_is_buried_and_others_flow(yard: Yard) -> None:
    poison, healthy = Witness(), Witness()
    promised = yard.promise(yard.job(poison, failed=poison.failed))
    for _ in range(FATAL_RUNS):
        yard.crash()
    yard.promise(yard.job(healthy))
    yard.lease()
    waiting = yard.row(promised)
    assert (waiting.state, waiting.error) == (JobState.DUE, "the worker stopped while running it")
    yard.lapse()
    yard.make_due()
    yard.work()
    assert (yard.row(promised).state, poison.runs, len(healthy.runs)) == (JobState.DEAD, [], 1)
    assert poison.failures == [(f"the program stopped {FATAL_RUNS} times while doing it", None)]


def test_a_row_that_dies_with_its_worker_after_three_days_is_buried_with_its_hook(yard: Yard) -> None:
    witness = Witness()
    promised = yard.promise(yard.job(witness, failed=witness.failed))
    yard.crash()
    yard.change(promised, give_up_at=datetime.now(UTC))
    yard.make_due()
    yard.work()
    assert yard.row(promised).state is JobState.DEAD
    assert [again_at for _reason, again_at in witness.failures] == [None]


def test_a_job_name_is_registered_once() -> None:
    jobs = Jobs()
    jobs.add(Job("a.b", Witness()))
    with pytest.raises(ValueError, match=r"a\.b"):
        jobs.add(Job("a.b", Witness()))
