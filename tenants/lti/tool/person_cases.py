"""Cases about people are decided: linked, kept apart, merged, passed over; and each decision can be taken back.

Nothing is ever linked or merged onto staff. Who decided what and when stands in the case and in the audit log.
"""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.lti.tool.case_deeds import DEEDS
from tenants.lti.tool.people_models import UNDO_FOR, CaseDecision, CaseKind, PersonCase

PAGE = 50
#: What can be decided about each kind of case.
CHOICES: dict[CaseKind, tuple[CaseDecision, ...]] = {
    CaseKind.CONFLICT: (CaseDecision.LINK, CaseDecision.APART),
    CaseKind.DOUBT: (CaseDecision.LINK, CaseDecision.APART),
    CaseKind.DUPLICATE: (CaseDecision.MERGE, CaseDecision.APART),
    CaseKind.PLACEHOLDER: (CaseDecision.APART, CaseDecision.DISMISS),
}


class PersonCases:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def list(self, *, decided: bool, page: int = 1) -> Sequence[PersonCase]:
        """Open ones by when somebody last came up against them, decided ones by when; newest first."""
        query = sa.select(PersonCase).where(PersonCase.decision.is_not(None) if decided else self._is_open())
        order = PersonCase.decided_at.desc() if decided else PersonCase.seen_at.desc()
        return self.session.scalars(
            query.order_by(order, PersonCase.id.desc()).limit(PAGE).offset((page - 1) * PAGE)
        ).all()

    def count(self, *, decided: bool) -> int:
        query = sa.select(sa.func.count(PersonCase.id))
        return self.session.scalar(query.where(PersonCase.decision.is_not(None) if decided else self._is_open())) or 0

    def _is_open(self) -> sa.ColumnElement[bool]:
        return PersonCase.decision.is_(None)

    def get(self, case_id: UUID) -> PersonCase:
        case = self.session.get(PersonCase, case_id)
        if case is None:
            raise Refused("WEB_NOT_FOUND")
        return case

    def choices(self, case: PersonCase) -> tuple[CaseDecision, ...]:
        """None once it is decided."""
        return CHOICES[case.kind] if case.decision is None else ()

    def decide(self, case: PersonCase, decision: CaseDecision, by: str) -> None:
        """Of two who decide at the same moment one is the first. Raises `Refused`."""
        if decision not in self.choices(case):
            raise Refused("PERSON_CASE_DECIDED", seen=decision.value)
        now = clock.now()
        first = sa.update(PersonCase).where(PersonCase.id == case.id, PersonCase.decision.is_(None))
        taken = first.values(decision=decision, decided_at=now, decided_by=by).returning(PersonCase.id)
        if self.session.scalar(taken) is None:
            raise Refused("PERSON_CASE_DECIDED")
        self.session.refresh(case)
        case.reversal = DEEDS[decision].do(self.session, case)
        case.history = [*case.history, [now.isoformat(), by, decision.value]]
        self.session.flush()

    def forget(self) -> None:
        """What can no longer be taken back needs no evidence; the decision stays, since launches go by it."""
        over = sa.update(PersonCase).where(PersonCase.decided_at < clock.now() - UNDO_FOR)
        self.session.execute(over.values(evidence={}, reversal={}))

    def can_undo(self, case: PersonCase) -> bool:
        return case.decided_at is not None and clock.now() < case.decided_at + UNDO_FOR

    def undo(self, case: PersonCase, by: str) -> CaseDecision:
        """The case is open again; returns what had been decided. Raises `Refused` PERSON_CASE_UNDO."""
        decision, now = case.decision, clock.now()
        if decision is None or not self.can_undo(case):
            raise Refused("PERSON_CASE_UNDO")
        mine = sa.update(PersonCase).where(PersonCase.id == case.id, PersonCase.decision == decision)
        taken = mine.values(decision=None, decided_at=None, decided_by="").returning(PersonCase.id)
        if self.session.scalar(taken) is None:
            raise Refused("PERSON_CASE_UNDO")
        self.session.refresh(case)
        DEEDS[decision].undo(self.session, case)
        case.reversal = {}
        case.history = [*case.history, [now.isoformat(), by, f"undo {decision.value}"]]
        self.session.flush()
        return decision
