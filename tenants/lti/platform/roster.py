"""Who takes part in a tool's activities of a course, as that tool may know it (NRPS 2.0)."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.access import STAFF
from tenants.accounts.models import Person, PersonStatus
from tenants.learning.models import Enrolment
from tenants.lti.platform.models import Tool, ToolLink, ToolUser
from tenants.lti.platform.scores import activities_of
from tenants.lti.platform.users import agreed_shares, audience_of_tool, new_user
from tenants.lti.wire.memberships_out import INSTRUCTOR, LEARNER, MemberOut
from tenants.lti.wire.nrps import Status
from tenants.lti.wire.shares import Share

TRIES = 4


@dataclass(frozen=True, slots=True)
class Page:
    """``last`` is whoever the next page begins after; None on the last one."""

    members: Sequence[MemberOut]
    last: UUID | None


class Roster:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession, tool: Tool, course_id: UUID) -> None:
        self.session = session
        self.tool = tool
        self.course_id = course_id

    def page(self, *, link: ToolLink | None, role: str | None, after: UUID | None, limit: int) -> Page:
        """In the order of ids, so that people who come meanwhile move nobody; as many statements however many people.

        ``link``: only who takes part in its activity. ``role``: one of the URIs, None for all.
        """
        taking_part = sa.select(Enrolment.person_id)
        if link is not None:
            taking_part = taking_part.where(Enrolment.activity_id == link.activity_id)
        else:
            taking_part = taking_part.where(Enrolment.activity_id.in_(activities_of(self.tool, self.course_id)))
        query = sa.select(Person).where(Person.id.in_(taking_part))
        if role is not None:
            is_staff = Person.role.in_(STAFF)
            query = query.where(is_staff if role == INSTRUCTOR else sa.not_(is_staff))
        if after is not None:
            query = query.where(Person.id > after)
        found = self.session.scalars(query.order_by(Person.id).limit(limit + 1)).all()
        people = found[:limit]
        known = self._known([person.id for person in people])
        members = [self._member(person, known[person.id]) for person in people]
        return Page(members, people[-1].id if len(found) > limit else None)

    def _known(self, people: Sequence[UUID]) -> dict[UUID, ToolUser]:
        """By person; pseudonyms are made together for all who have none. Who launches meanwhile got one there."""
        for _ in range(TRIES):
            known = self._find(people)
            missing = [each for each in people if each not in known]
            if not missing:
                return known
            with suppress(sa.exc.IntegrityError), self.session.begin_nested():
                self.session.add_all(new_user(each, audience_of_tool(self.tool.id)) for each in missing)
        raise Refused("WEB_CONFLICT")

    def _find(self, people: Sequence[UUID]) -> dict[UUID, ToolUser]:
        of = sa.select(ToolUser).where(ToolUser.audience == audience_of_tool(self.tool.id))
        return {each.person_id: each for each in self.session.scalars(of.where(ToolUser.person_id.in_(people)))}

    def _member(self, person: Person, known: ToolUser) -> MemberOut:
        shares = agreed_shares(self.tool, known)
        return MemberOut(
            known.sub,
            INSTRUCTOR if person.is_staff else LEARNER,
            Status.ACTIVE if person.status is PersonStatus.ACTIVE else Status.INACTIVE,
            person.given_name if Share.NAME in shares else "",
            person.family_name if Share.NAME in shares else "",
            (person.email or "") if Share.EMAIL in shares else "",
        )
