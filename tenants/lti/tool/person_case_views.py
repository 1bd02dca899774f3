"""Integrations → People cases: who somebody is, with the evidence side by side, and a decision that can be undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.web.i18n import _
from saas.web.rendering import page, render_block
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.accounts.models import Person
from tenants.audit.services import record
from tenants.catalog.models import Activity
from tenants.grades.models import Result
from tenants.lti.availability import require_lti
from tenants.lti.launches.models import Launch
from tenants.lti.tool.models import Identity
from tenants.lti.tool.people_models import CaseDecision, PersonCase
from tenants.lti.tool.person_cases import PAGE, PersonCases

SHOWN = 5
#: Launches that our admin can let through.
WAITS_FOR_US = frozenset({"LTI_PERSON_CONFLICT", "LTI_PERSON_PLACEHOLDER", "LTI_PERSON_DOUBT"})
SAID = {
    CaseDecision.LINK: _("Linked: from now on both IDs open this account."),
    CaseDecision.APART: _("Kept apart: they get an account of their own."),
    CaseDecision.MERGE: _("Merged: everything is in the first account now."),
    CaseDecision.DISMISS: _("Closed: people with this address come in again."),
}


@dataclass(frozen=True, slots=True)
class Account:
    """One side of the evidence, as it is now."""

    person: Person
    identities: Sequence[Identity]
    results: Sequence[tuple[Result, Activity]]
    launches: Sequence[Launch]


def account_of(session: ScopedSession, person_id: UUID | None) -> Account | None:
    person = session.get(Person, person_id) if person_id else None
    if person is None:
        return None
    identities = sa.select(Identity).where(Identity.person_id == person.id).order_by(Identity.created_at)
    results = (
        sa.select(Result, Activity)
        .join(Activity, Activity.id == Result.activity_id)
        .where(Result.person_id == person.id)
        .order_by(Result.achieved_at.desc())
    )
    launches = sa.select(Launch).where(Launch.person_id == person.id).order_by(Launch.started_at.desc()).limit(SHOWN)
    return Account(
        person,
        session.scalars(identities).all(),
        [(row[0], row[1]) for row in session.execute(results)],
        session.scalars(launches).all(),
    )


def case_in_address(request: Request) -> PersonCase:
    require_lti(request.tenant)
    return PersonCases(request.db).get(uuid_in(request, "case_id"))


@view_defaults(permission=Permission.PEOPLE)
class PersonCasePages(View):
    """``context`` is the case where the address names one."""

    @property
    def cases(self) -> PersonCases:
        return PersonCases(self.request.db)

    @view_config(route_name="person_cases", request_method="GET", renderer=page("lti/person_cases.html"))
    def index(self) -> dict[str, Any]:
        require_lti(self.request.tenant)
        decided = self.request.GET.get("state") == "decided"
        number = int(text) if (text := self.request.GET.get("page", "1")).isdecimal() and 0 < len(text) < 6 else 1
        counts = {flag: self.cases.count(decided=flag) for flag in (False, True)}
        return {
            "cases": self.cases.list(decided=decided, page=max(number, 1)),
            "decided": decided,
            "counts": counts,
            "page": max(number, 1),
            "pages": -(-counts[decided] // PAGE),
        }

    @view_config(route_name="person_case", request_method="GET", renderer=page("lti/person_case.html"))
    def show(self) -> dict[str, Any]:
        case, session = self.context, self.request.db
        return {
            "case": case,
            "first": account_of(session, case.person_id),
            "second": account_of(session, case.other_id),
            "choices": self.cases.choices(case),
            "can_undo": self.cases.can_undo(case),
            "history": [(datetime.fromisoformat(at), who, what) for at, who, what in reversed(case.history)],
        }

    @view_config(route_name="person_case", request_method="POST")
    def decide(self) -> Response:
        wanted = self.request.POST.get("decision", "")
        if wanted not in set(CaseDecision):
            raise Refused("WEB_BAD_REQUEST")
        self.cases.decide(self.context, CaseDecision(wanted), self.request.identity.name)
        self._note(wanted)
        return self._back(SAID[CaseDecision(wanted)])

    @view_config(route_name="person_case_undo", request_method="POST")
    def undo(self) -> Response:
        undone = self.cases.undo(self.context, self.request.identity.name)
        self._note(f"undone.{undone.value}")
        return self._back(_("Taken back: the case is open again."))

    def _note(self, what: str) -> None:
        case = self.context
        about = {"case": str(case.id), "sub": case.sub, "person": str(case.person_id), "other": str(case.other_id)}
        record(self.request, f"person_case.{what}", case.name or case.email, lms=case.lms_name, **about)

    def _back(self, said: Any) -> Response:
        self.request.flash(self.request.localizer.translate(said))
        return self.go("person_case", case_id=self.context.id)


def launch_panel(request: Request, launch: Launch) -> Markup:
    """In the inspector of a launch that a case stopped: the way to it."""
    cases = PersonCases(request.db).list(decided=False) if launch.code in WAITS_FOR_US else ()
    found = [each for each in cases if _is_about(each, launch)]
    shown = render_block(request, "lti/person_cases.html#found", {"found": found}) if found else ""
    return Markup(shown)  # noqa: S704 -- rendered with autoescape


def _is_about(case: PersonCase, launch: Launch) -> bool:
    return any(came["launch"] == str(launch.id) for came in case.evidence.get("came", ()))


def includeme(config: Configurator) -> None:
    config.add_panel("lti.launch", launch_panel)
    base = "/integrations/people-cases"
    config.add_route("person_cases", base, house="academy")
    config.add_route("person_case", f"{base}/{{case_id}}", factory=case_in_address, house="academy")
    config.add_route("person_case_undo", f"{base}/{{case_id}}/undo", factory=case_in_address, house="academy")
    config.scan(__name__)
