"""Cases come up: whatever a launch or a roster cannot decide about a person is asked of our admin, once.

They are decided in `tenants.lti.tool.person_cases`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.accounts.models import Person
from tenants.accounts.names import clean_name, email_key
from tenants.lti.tool.models import Identity
from tenants.lti.tool.people_models import CaseDecision, CaseKind, PersonCase
from tenants.lti.tool.policy import Entrance
from tenants.lti.wire.claims import Person as PersonThere

#: As many different ids of one LMS with one address: then it is nobody's address but the LMS's own filler.
PLACEHOLDER_IDS = 3
#: How many launches a case remembers.
REMEMBERED = 10


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody as the other LMS names them, as far as a case keeps it."""

    issuer: str
    sub: str
    person: PersonThere
    course: str = ""
    roles: str = ""
    launch_id: UUID | None = None

    @property
    def key(self) -> str:
        return email_key(self.person.email) or ""


class Referred(Refused):
    """A refusal about which our admin is asked: ``kind`` of case, and the account in question, if there is one."""

    def __init__(self, code: str, kind: CaseKind, person_id: UUID | None, *, seen: str = "") -> None:
        super().__init__(code, seen=seen)
        self.kind = kind
        self.person_id = person_id


class Cases:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def own(self, issuer: str, sub: str, key: str) -> PersonCase | None:
        return self._find(issuer, sub, key)

    def placeholder(self, issuer: str, key: str) -> PersonCase | None:
        return self._find(issuer, "", key)

    def _find(self, issuer: str, sub: str, key: str) -> PersonCase | None:
        same = (PersonCase.issuer == issuer, PersonCase.sub == sub, PersonCase.email_key == key)
        return self.session.scalar(sa.select(PersonCase).where(*same))

    def is_placeholder(self, issuer: str, sub: str, key: str, person_id: UUID) -> bool:
        """Whether with ``sub`` too many ids of this LMS bring the address that ``person_id`` has here."""
        theirs = sa.select(sa.func.count(Identity.id)).where(Identity.issuer == issuer, Identity.person_id == person_id)
        others = sa.select(sa.func.count(PersonCase.id)).where(
            *self._about_address(issuer, key),
            PersonCase.sub != sub,
            sa.or_(PersonCase.decision.is_(None), PersonCase.decision == CaseDecision.APART),
        )
        return (self.session.scalar(theirs) or 0) + (self.session.scalar(others) or 0) + 1 >= PLACEHOLDER_IDS

    def _about_address(self, issuer: str, key: str) -> Sequence[sa.ColumnElement[bool]]:
        """The cases of single people who brought it."""
        return PersonCase.issuer == issuer, PersonCase.email_key == key, PersonCase.sub != ""

    def open(
        self, entrance: Entrance, who: Who, kind: CaseKind, person_id: UUID | None, other_id: UUID | None = None
    ) -> PersonCase:
        """A new case, or the one there is, with this launch added; what no longer holds is asked anew."""
        about = who if kind is not CaseKind.PLACEHOLDER else Who(who.issuer, "", PersonThere(email=who.person.email))
        case = self._find(about.issuer, about.sub, who.key)
        if case is None:
            try:
                with self.session.begin_nested():
                    case = _new(entrance, about, who.key, kind)
                    self.session.add(case)
            except sa.exc.IntegrityError:
                case = self._find(about.issuer, about.sub, who.key)
        if case is None:
            raise AssertionError("the same case was written at the same moment, and is not there")
        if case.decision in (CaseDecision.DISMISS, CaseDecision.LINK):
            case.decision = case.decided_at = None
            case.decided_by, case.reversal = "", {}
        if case.decision is None:
            case.kind, case.person_id, case.other_id = kind, person_id, other_id or case.other_id
        self._remember(case, who)
        if kind is CaseKind.PLACEHOLDER:
            self._absorb(case)
        self.session.flush()
        return case

    def _remember(self, case: PersonCase, who: Who) -> None:
        now = clock.now()
        seen = {
            "at": now.isoformat(),
            "sub": who.sub,
            "name": f"{clean_name(who.person.given_name)} {clean_name(who.person.family_name)}".strip(),
            "course": who.course,
            "roles": who.roles,
            "launch": str(who.launch_id) if who.launch_id else "",
        }
        evidence = dict(case.evidence)
        evidence["came"] = [*evidence.get("came", []), seen][-REMEMBERED:]
        evidence["times"] = evidence.get("times", 0) + 1
        if case.person_id is not None and "here" not in evidence:
            evidence["here"] = self._here(case.person_id)
        case.evidence, case.seen_at = evidence, now

    def _here(self, person_id: UUID) -> dict[str, Any]:
        """The account as it was when the question came up."""
        person = self.session.get_one(Person, person_id)
        return {"name": person.name, "email": person.email or "", "made_by": person.made_by.value}

    def _absorb(self, case: PersonCase) -> None:
        """What was asked about single people with this address is one question now."""
        same = (*self._about_address(case.issuer, case.email_key), PersonCase.decision.is_(None))
        evidence, came = dict(case.evidence), list(case.evidence["came"])
        for single in self.session.scalars(sa.select(PersonCase).where(*same)).all():
            came = [*single.evidence.get("came", []), *came]
            self.session.delete(single)
        evidence["came"] = came[-REMEMBERED:]
        case.evidence = evidence


def _new(entrance: Entrance, who: Who, key: str, kind: CaseKind) -> PersonCase:
    return PersonCase(
        kind=kind,
        issuer=who.issuer,
        sub=who.sub,
        email_key=key,
        email=who.person.email,
        given_name=clean_name(who.person.given_name),
        family_name=clean_name(who.person.family_name),
        lms_name=entrance.lms,
        platform_id=entrance.platform_id,
        consumer_key_id=entrance.consumer_key_id,
    )
