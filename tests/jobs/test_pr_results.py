"""PR-009, PR-010: a result never falls, and nobody is told of somebody who never came from there."""

import pytest

from tenants.grades.models import DeliveryState
from tests.jobs.school import School


@pytest.mark.case("PR-009")
def test_passed_then_a_lower_score(school: School) -> None:
    """Here it stays passed, and there too: the lower score is never said."""
    anna = school.arrive()
    school.reach(anna, 90)
    school.work()
    school.reach(anna, 30)
    school.work()
    held = school.score()
    assert held is not None
    assert (held.given, held.activity_progress, held.accepted) == (90, "Completed", 1)
    assert school.states() == ["sent"]


@pytest.mark.case("PR-010")
def test_the_result_of_somebody_who_never_came_from_there(school: School) -> None:
    school.arrive("anna")
    stranger = school.kit.person()
    school.reach(stranger.id, 80)
    school.work()
    assert school.deliveries() == []
    assert school.lms.journal("scores") == []


@pytest.mark.case("PR-010")
def test_the_result_of_somebody_the_lms_does_not_know_any_more(school: School) -> None:
    anna = school.arrive()
    school.lms.enrol("anna", enrolled=False)
    school.reach(anna, 90)
    school.work()
    assert school.last().state is DeliveryState.DEAD
    assert school.score() is None
