"""What each decision about a case does, and what takes it back: the record of the one is what the other works from."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.sessions import close_all
from tenants.accounts.models import MadeBy, Person
from tenants.lti.tool.merging import Merger
from tenants.lti.tool.models import Identity, Participant
from tenants.lti.tool.models11 import ConsumerKey, OutcomeRoute
from tenants.lti.tool.people import refuse_closed
from tenants.lti.tool.people_models import CaseDecision, CaseKind, PersonCase
from tenants.lti.wire.launch11 import issuer_of


class Deed(NamedTuple):
    """``do`` returns the case's `reversal`, which ``undo`` reads."""

    do: Callable[[ScopedSession, PersonCase], dict[str, Any]]
    undo: Callable[[ScopedSession, PersonCase], object]


def _person(session: ScopedSession, case: PersonCase) -> Person:
    """The account in question; never one of staff, nor a suspended one."""
    person = session.get(Person, case.person_id) if case.person_id else None
    if person is None:
        raise Refused("PERSON_CASE_DECIDED")
    refuse_closed(person.role, person.status)
    return person


def _link(session: ScopedSession, case: PersonCase) -> dict[str, Any]:
    person = _person(session, case)
    known = sa.select(Identity).where(Identity.issuer == case.issuer, Identity.sub == case.sub)
    if session.scalar(known) is not None:
        raise Refused("PERSON_CASE_DECIDED", seen=case.sub)
    identity = Identity(issuer=case.issuer, sub=case.sub, person_id=person.id)
    session.add(identity)
    session.flush()
    return {
        "identity": str(identity.id),
        "participants": {str(each.id): each.sub for each in _participants(session, person)},
        "routes": {str(each.id): [each.service_url, each.sourcedid] for each in _routes(session, case, person)},
    }


def _unlink(session: ScopedSession, case: PersonCase) -> None:
    """What was sent under the second id goes under the first again, or nowhere: never to somebody else's column."""
    identity = session.get(Identity, UUID(case.reversal["identity"]))
    if identity is None:
        return
    person = session.get_one(Person, identity.person_id)
    for participant in _participants(session, person):
        if participant.sub == case.sub:
            _restore(session, participant, case.reversal["participants"].get(str(participant.id)))
    for route in _routes(session, case, person):
        before = case.reversal["routes"].get(str(route.id))
        if before is None:
            session.delete(route)
        else:
            route.service_url, route.sourcedid = before
    session.delete(identity)
    close_all(session, person.id)
    session.flush()


def _restore(session: ScopedSession, participant: Participant, sub: str | None) -> None:
    if sub is None:
        session.delete(participant)
    else:
        participant.sub = sub


def _participants(session: ScopedSession, person: Person) -> Sequence[Participant]:
    return session.scalars(sa.select(Participant).where(Participant.person_id == person.id)).all()


def _routes(session: ScopedSession, case: PersonCase, person: Person) -> Sequence[OutcomeRoute]:
    """Of the key the case came by; a route does not say whose launch last wrote it."""
    theirs = [each.id for each in session.scalars(sa.select(ConsumerKey)) if issuer_of(each.key) == case.issuer]
    if not theirs:
        return ()
    mine = sa.select(OutcomeRoute).where(OutcomeRoute.person_id == person.id, OutcomeRoute.consumer_key_id.in_(theirs))
    return session.scalars(mine).all()


def _keep_apart(session: ScopedSession, case: PersonCase) -> dict[str, Any]:
    """A placeholder is taken from the account that happened to come first with it."""
    holder = session.get(Person, case.person_id) if case.person_id else None
    if case.kind is not CaseKind.PLACEHOLDER or holder is None or not _came_with_it(session, case, holder):
        return {}
    taken = {"person": str(holder.id), "email": holder.email, "email_key": holder.email_key}
    holder.email = holder.email_key = None
    session.flush()
    return taken


def _came_with_it(session: ScopedSession, case: PersonCase, person: Person) -> bool:
    mine = sa.select(Identity.id).where(Identity.issuer == case.issuer, Identity.person_id == person.id)
    is_theirs = person.made_by is MadeBy.LTI and person.email_key == case.email_key
    return is_theirs and not person.is_staff and session.scalar(mine.limit(1)) is not None


def _no_longer_apart(session: ScopedSession, case: PersonCase) -> None:
    """Accounts made in the meantime stay; then it is a question of two accounts."""
    if "email_key" in case.reversal:
        holder = session.get(Person, UUID(case.reversal["person"]))
        owner = sa.select(Person.id).where(Person.email_key == case.reversal["email_key"])
        if holder is not None and holder.email_key is None and session.scalar(owner) is None:
            holder.email, holder.email_key = case.reversal["email"], case.reversal["email_key"]
    elif case.other_id is not None:
        case.kind = CaseKind.DUPLICATE


def _merge(session: ScopedSession, case: PersonCase) -> dict[str, Any]:
    first, second = _person(session, case), session.get(Person, case.other_id)
    if second is None:
        raise Refused("PERSON_CASE_DECIDED")
    refuse_closed(second.role, second.status)
    return Merger(session, first, second).merge()


def _separate(session: ScopedSession, case: PersonCase) -> None:
    first, second = session.get(Person, case.person_id), session.get(Person, case.other_id)
    if first is None or second is None:
        raise Refused("PERSON_CASE_UNDO")
    Merger(session, first, second).separate(case.reversal)


def _nothing(_session: ScopedSession, _case: PersonCase) -> dict[str, Any]:
    return {}


DEEDS = {
    CaseDecision.LINK: Deed(_link, _unlink),
    CaseDecision.APART: Deed(_keep_apart, _no_longer_apart),
    CaseDecision.MERGE: Deed(_merge, _separate),
    CaseDecision.DISMISS: Deed(_nothing, _nothing),
}
