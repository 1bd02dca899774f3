"""Two accounts become one: what outside tools know and said of the second goes along, and comes back."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from saas import clock
from tenants.accounts.models import Person
from tenants.accounts.services import People
from tenants.catalog.models import Activity
from tenants.learning.models import Grading, OutsideResult, Verdict
from tenants.learning.outside import OutsideResults, OutsideScore
from tenants.lti.platform.models import LineItem, ReceivedScore, ToolUser
from tenants.lti.tool.merging import Merger
from tests.house import House, Kit


@dataclass
class Twins:
    """Two accounts and three exams of one tool."""

    kit: Kit
    first: UUID = field(init=False)
    second: UUID = field(init=False)
    exams: list[Activity] = field(init=False)
    columns: list[UUID] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.first, self.second = self.kit.person().id, self.kit.person().id
        tool = self.kit.tool()
        places = [self.kit.outside(exam=True, tool=tool) for _exam in range(3)]
        self.exams = [activity for activity, _link in places]
        with self.kit.session() as session:
            for activity, link in places:
                column = LineItem(
                    tool_id=tool.id, course_id=activity.course_id, tool_link_id=link.id, label="Exam", maximum=Decimal(100)
                )  # fmt: skip
                session.add(column)
                session.flush()
                self.columns.append(column.id)

    def sits(self, person_id: UUID, exam: int, given: int) -> None:
        score = OutsideScore(Decimal(given), Decimal(100), True, Grading.DECIDED, clock.now(), "Vendor")
        with self.kit.session() as session:
            OutsideResults(session).take(person_id, session.get_one(Activity, self.exams[exam].id), score)
            said = {
                "given": str(given),
                "maximum": "100",
                "activity_progress": "Completed",
                "grading_progress": "FullyGraded",
            }
            column = self.columns[exam]
            session.add(ReceivedScore(line_item_id=column, person_id=person_id, said_at=clock.now(), **said))

    def known(self, person_id: UUID, audience: str) -> None:
        with self.kit.session() as session:
            session.add(ToolUser(person_id=person_id, audience=audience, sub=f"{audience} {person_id}"))

    def merged(self) -> dict[str, Any]:
        with self.kit.session() as session:
            return self._merger(session).merge()

    def separated(self, record: dict[str, Any]) -> None:
        with self.kit.session() as session:
            self._merger(session).separate(record)

    def _merger(self, session: Any) -> Merger:
        return Merger(session, session.get_one(Person, self.first), session.get_one(Person, self.second))

    def owned(self, person_id: UUID) -> dict[str, Any]:
        with self.kit.session() as session:

            def of(model: Any, *names: str) -> list[tuple[Any, ...]]:
                rows = session.scalars(sa.select(model).where(model.person_id == person_id))
                return sorted((tuple(getattr(row, name) for name in names) for row in rows), key=str)

            return {
                "results": of(OutsideResult, "activity_id", "given", "percent", "verdict", "minimum", "said_at"),
                "scores": of(ReceivedScore, "line_item_id", "given"),
                "subs": of(ToolUser, "audience", "sub"),
            }

    def verdicts(self, person_id: UUID) -> dict[UUID, Verdict]:
        return {row[0]: row[3] for row in self.owned(person_id)["results"]}


@pytest.fixture
def twins(house: House) -> Twins:
    """The first has failed one exam that the second passed, passed one that the second failed, and not sat the third."""
    made = Twins(house.academy())
    for who, scores in ((made.first, (40, 90)), (made.second, (80, 20, 75))):
        for exam, given in enumerate(scores):
            made.sits(who, exam, given)
    for who, audiences in ((made.first, "a"), (made.second, "ab")):
        for audience in audiences:
            made.known(who, audience)
    return made


def test_the_better_verdict_counts_and_what_is_new_goes_along(twins: Twins) -> None:
    twins.merged()
    assert twins.verdicts(twins.first) == {exam.id: Verdict.PASSED for exam in twins.exams}
    owned = twins.owned(twins.first)
    assert sorted(given for _column, given in owned["scores"]) == ["40", "75", "90"]
    assert owned["subs"] == [("a", f"a {twins.first}"), ("b", f"b {twins.second}")]
    assert len(twins.owned(twins.second)["results"]) == 2, "what the first has of its own stays with the second"


def test_taken_back_everything_is_as_it_was(twins: Twins) -> None:
    first, second = twins.owned(twins.first), twins.owned(twins.second)
    record = twins.merged()
    twins.separated(record)
    assert (twins.owned(twins.first), twins.owned(twins.second)) == (first, second)


def test_what_was_said_after_the_merge_stays_with_the_first(twins: Twins) -> None:
    record = twins.merged()
    with twins.kit.session() as session:
        score = OutsideScore(Decimal(99), Decimal(100), True, Grading.DECIDED, clock.now(), "Vendor")
        OutsideResults(session).take(twins.first, session.get_one(Activity, twins.exams[0].id), score)
    twins.separated(record)
    assert twins.verdicts(twins.first)[twins.exams[0].id] is Verdict.PASSED


def test_a_record_of_before_outside_tools_can_still_be_taken_back(twins: Twins) -> None:
    record = twins.merged()
    del record["passes"]
    twins.separated(record)
    assert len(twins.verdicts(twins.second)) == 3


def test_all_of_it_goes_with_an_erased_person(twins: Twins) -> None:
    with twins.kit.session() as session:
        People(session).erase(session.get_one(Person, twins.second))
    assert twins.owned(twins.second) == {"results": [], "scores": [], "subs": []}
    assert len(twins.owned(twins.first)["results"]) == 2
