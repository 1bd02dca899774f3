"""An exam gets another minimum: whose verdict that would change, and the change itself once it was confirmed."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.learning.models import Attempt, OutsideResult, Verdict
from tenants.learning.services import Learning


@dataclass(frozen=True, slots=True)
class Flipped:
    """How many would change, and the first of them by name."""

    count: int
    names: Sequence[str]


class Flips:
    """Who an exam's new minimum would make pass or fail, by their best decided score. ``minimum``: whole percent.

    What was withdrawn is not judged again. ``session`` is the academy's.
    """

    #: Names shown in each direction.
    SHOWN = 50

    def __init__(self, session: ScopedSession, activity: Activity, minimum: int) -> None:
        self.session = session
        self.activity = activity
        self.minimum = minimum

    def by_verdict(self) -> dict[Verdict, Flipped]:
        """Under the verdict they would have: one statement."""
        of = OutsideResult.verdict
        place = sa.func.row_number().over(partition_by=of, order_by=(Person.family_name, Person.given_name, Person.id))
        query = self._flipping(
            of,
            Person.given_name,
            Person.family_name,
            sa.func.count().over(partition_by=of).label("all"),
            place.label("place"),
        )
        found = query.join(Person, Person.id == OutsideResult.person_id).subquery()
        rows = self.session.execute(sa.select(found).where(found.c.place <= self.SHOWN).order_by(found.c.place)).all()
        flipped = {}
        for now, then in ((Verdict.FAILED, Verdict.PASSED), (Verdict.PASSED, Verdict.FAILED)):
            mine = [row for row in rows if row.verdict is now]
            names = [f"{row.given_name} {row.family_name}".strip() for row in mine]
            flipped[then] = Flipped(mine[0].all if mine else 0, names)
        return flipped

    def any(self) -> bool:
        return self.session.scalar(self._flipping(OutsideResult.id).limit(1)) is not None

    def judge(self, limit: int, *, take_away: bool) -> int:
        """Gives some of them their new verdict and returns how many; passes are lost only with ``take_away``."""
        query = self._flipping(OutsideResult).order_by(OutsideResult.id).limit(limit)
        if not take_away:
            query = query.where(OutsideResult.verdict == Verdict.FAILED)
        rows = self.session.scalars(query.with_for_update(of=OutsideResult)).all()
        for row in rows:
            row.verdict = Verdict.FAILED if row.verdict is Verdict.PASSED else Verdict.PASSED
            row.minimum = self.minimum
            Learning(self.session, row.person_id).advanced(self.activity.id)
        return len(rows)

    def settle(self) -> None:
        """Once all are judged: verdicts that stand under the new rule as well are said to stand by it."""
        best = self._best()
        enough = sa.select(best.c.person_id).where(best.c.score >= Decimal(self.minimum))
        stands = sa.or_(OutsideResult.verdict == Verdict.FAILED, OutsideResult.person_id.in_(enough))
        of = sa.update(OutsideResult).where(
            OutsideResult.activity_id == self.activity.id, OutsideResult.verdict.is_not(None)
        )
        self.session.execute(of.where(OutsideResult.withdrawn_at.is_(None), stands).values(minimum=self.minimum))

    def _best(self) -> sa.Subquery:
        query = sa.select(Attempt.person_id, sa.func.max(Attempt.score).label("score"))
        return query.where(Attempt.activity_id == self.activity.id).group_by(Attempt.person_id).subquery()

    def _flipping(self, *columns: Any) -> sa.Select[Any]:
        best, minimum = self._best(), Decimal(self.minimum)
        return (
            sa.select(*columns)
            .join(best, best.c.person_id == OutsideResult.person_id)
            .where(
                OutsideResult.activity_id == self.activity.id,
                OutsideResult.withdrawn_at.is_(None),
                sa.or_(
                    sa.and_(OutsideResult.verdict == Verdict.FAILED, best.c.score >= minimum),
                    sa.and_(OutsideResult.verdict == Verdict.PASSED, best.c.score < minimum),
                ),
            )
        )
