"""Who takes part at a place, as Zoom may know it (NRPS 2.0): under the pseudonyms of launches, in all roles."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.access import STAFF, Role
from tenants.accounts.models import Person, PersonStatus
from tenants.catalog.models import CourseGroup, GroupMember
from tenants.learning.models import Enrolment
from tenants.learning.services import taking_part
from tenants.lti.platform.models import Tool, ToolUser
from tenants.lti.platform.roster import Page, Roster
from tenants.lti.platform.users import agreed_shares, audience_of_tool
from tenants.lti.wire.memberships_out import MemberOut
from tenants.lti.wire.nrps import Status
from tenants.lti.wire.occasion import MEMBERSHIP
from tenants.lti.wire.shares import Share
from tenants.zoom.ltipro.models import ZoomPlace, ZoomProfile
from tenants.zoom.ltipro.seats import ROLES, PlaceRole, role_in

EVERYBODY = frozenset(PlaceRole)
_ADMINS = (Role.ADMIN, Role.OPERATOR)
_LTI_1 = "urn:lti:role:ims/lis/"


def roles_asked(text: str) -> frozenset[PlaceRole]:
    """Who has the role asked for: a URI, short, or as LTI 1.x writes it (NRPS 2.0 §2.4.1); nobody for any other."""
    name = text.strip().removeprefix(_LTI_1)
    uri = name if ":" in name else f"{MEMBERSHIP}{name}"
    return frozenset(role for role, uris in ROLES.items() if uri in uris)


def find_place_of(session: ScopedSession, tool: Tool, context_id: str) -> ZoomPlace:
    """`Refused` CALL_NOT_YOURS unless the place is the profile's own, on, and its roster may be read."""
    query = sa.select(ZoomPlace).join(ZoomProfile, ZoomProfile.id == ZoomPlace.profile_id)
    mine = query.where(ZoomPlace.context_id == context_id, ZoomProfile.tool_id == tool.id)
    place = session.scalar(mine.where(ZoomProfile.with_roster, ZoomPlace.is_on)) if context_id.isprintable() else None
    if place is None:
        raise Refused("CALL_NOT_YOURS", seen=f"context {context_id[:100]}", wanted="a place of its own that is on")
    return place


class PlaceRoster(Roster):
    """People of an activity, of a course's activities and groups, or of a group; and staff who came by themselves.

    Guests, who may not come in, are in none.
    """

    def __init__(self, session: ScopedSession, tool: Tool, place: ZoomPlace) -> None:
        super().__init__(session, tool, place.course_id)
        self.place = place

    def members(self, *, roles: Collection[PlaceRole], after: UUID | None, limit: int) -> Page:
        """In the order of ids, so that people who come meanwhile move nobody; as many statements however many."""
        query = sa.select(Person).where(self._is_here(), sa.not_(Person.is_guest), self._is_one_of(roles))
        if after is not None:
            query = query.where(Person.id > after)
        found = self.session.scalars(query.order_by(Person.id).limit(limit + 1)).all()
        people = found[:limit]
        ids = [person.id for person in people]
        known = self._known(ids)
        coaches = set(self.session.scalars(self._coaches().where(GroupMember.person_id.in_(ids))))
        told = [self._told(person, known[person.id], is_coach=person.id in coaches) for person in people]
        return Page(told, people[-1].id if len(found) > limit else None)

    def _is_here(self) -> sa.ColumnElement[bool]:
        place = self.place
        came = sa.select(ToolUser.person_id).where(ToolUser.audience == audience_of_tool(self.tool.id))
        staff = sa.and_(Person.role.in_(STAFF), Person.id.in_(came))
        if place.group_id is not None:
            return sa.or_(staff, Person.id.in_(self._in_groups(CourseGroup.id == place.group_id)))
        if place.activity_id is not None:
            enrolled = sa.select(Enrolment.person_id).where(Enrolment.activity_id == place.activity_id)
            return sa.or_(staff, Person.id.in_(enrolled))
        groups = self._in_groups(CourseGroup.course_id == place.course_id)
        return sa.or_(staff, Person.id.in_(taking_part(place.course_id)), Person.id.in_(groups))

    @staticmethod
    def _in_groups(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
        return sa.select(GroupMember.person_id).join(CourseGroup, CourseGroup.id == GroupMember.group_id).where(which)

    def _coaches(self) -> sa.Select[Any]:
        """Of the place's group; of another place there are none."""
        return sa.select(GroupMember.person_id).where(GroupMember.group_id == self.place.group_id, GroupMember.is_coach)

    def _is_one_of(self, roles: Collection[PlaceRole]) -> sa.ColumnElement[bool]:
        """As `tenants.zoom.ltipro.seats.role_in` has it."""
        is_admin = Person.role.in_(_ADMINS)
        leads = sa.or_(Person.role.in_(STAFF), Person.id.in_(self._coaches()))
        conditions = {
            PlaceRole.ADMIN: is_admin,
            PlaceRole.COACH: sa.and_(leads, sa.not_(is_admin)),
            PlaceRole.LEARNER: sa.not_(leads),
        }
        return sa.or_(sa.false(), *(conditions[role] for role in roles))

    def _told(self, person: Person, known: ToolUser, *, is_coach: bool) -> MemberOut:
        """Names and address only of those who agreed."""
        shares = agreed_shares(self.tool, known)
        first, *more = ROLES[role_in(person, is_coach=is_coach)]
        return MemberOut(
            known.sub,
            first,
            Status.ACTIVE if person.status is PersonStatus.ACTIVE else Status.INACTIVE,
            person.given_name if Share.NAME in shares else "",
            person.family_name if Share.NAME in shares else "",
            (person.email or "") if Share.EMAIL in shares else "",
            tuple(more),
        )
