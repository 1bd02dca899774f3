"""Groups of a course: some of its people, with coaches who lead them, and a page and tools of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.access import STAFF
from tenants.accounts.models import Person, PersonStatus
from tenants.catalog.models import Course, CourseGroup, GroupMember, Status
from tenants.catalog.services import TEXT_LENGTH, clean_title

#: As many people as the page "Add people" lists, and takes, at once.
FOUND_LIMIT = 50
#: Ids of people.
Ids = sa.Select[UUID]


class Somebody(Protocol):
    """A person, or who is signed in."""

    @property
    def id(self) -> Any: ...
    @property
    def role(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who was looked for."""

    person: Person
    is_member: bool


class Groups:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def get(self, group_id: UUID) -> CourseGroup:
        found = self.session.get(CourseGroup, group_id)
        if found is None:
            raise Refused("WEB_NOT_FOUND")
        return found

    def of_course(self, course: Course) -> list[CourseGroup]:
        """By title."""
        query = sa.select(CourseGroup).where(CourseGroup.course_id == course.id)
        return list(self.session.scalars(query.order_by(CourseGroup.title, CourseGroup.id)))

    def sizes(self, course: Course) -> dict[UUID, int]:
        """Group → how many people; a group without any is not in it."""
        inside = sa.select(CourseGroup.id).where(CourseGroup.course_id == course.id)
        query = sa.select(GroupMember.group_id, sa.func.count()).where(GroupMember.group_id.in_(inside))
        return dict(self.session.execute(query.group_by(GroupMember.group_id)).all())

    def groups_of(self, person_id: UUID, course_id: UUID | None = None) -> list[CourseGroup]:
        """Those the person is in and may see, with their courses; in all courses or in one."""
        is_staff = sa.exists().where(Person.id == person_id, Person.role.in_(STAFF))
        query = (
            sa.select(CourseGroup)
            .join(GroupMember, GroupMember.group_id == CourseGroup.id)
            .join(Course, Course.id == CourseGroup.course_id)
            .where(GroupMember.person_id == person_id, sa.or_(Course.status == Status.PUBLISHED, is_staff))
            .options(joinedload(CourseGroup.course))
            .order_by(Course.title, CourseGroup.title, CourseGroup.id)
        )
        if course_id is not None:
            query = query.where(CourseGroup.course_id == course_id)
        return list(self.session.scalars(query))

    def may_see(self, group: CourseGroup, person: Somebody) -> bool:
        """Staff, and members while the course is published."""
        if person.role in STAFF:
            return True
        return group.course.status is Status.PUBLISHED and self.membership(group, person.id) is not None

    def may_lead(self, group: CourseGroup, person: Somebody) -> bool:
        """Staff and coaches: they change its details and who is in it. Asked of somebody who may see it."""
        if person.role in STAFF:
            return True
        member = self.membership(group, person.id)
        return member is not None and member.is_coach

    def membership(self, group: CourseGroup, person_id: UUID) -> GroupMember | None:
        query = sa.select(GroupMember).where(GroupMember.group_id == group.id, GroupMember.person_id == person_id)
        return self.session.scalar(query)

    def members(
        self, group: CourseGroup, *, offset: int = 0, limit: int | None = None
    ) -> list[tuple[GroupMember, Person]]:
        """Coaches first, then by name."""
        query = (
            sa.select(GroupMember, Person)
            .join(Person, Person.id == GroupMember.person_id)
            .where(GroupMember.group_id == group.id)
            .order_by(GroupMember.is_coach.desc(), Person.family_name, Person.given_name, Person.id)
        )
        return [(member, person) for member, person in self.session.execute(query.offset(offset).limit(limit))]

    def count(self, group: CourseGroup) -> int:
        query = sa.select(sa.func.count()).select_from(GroupMember).where(GroupMember.group_id == group.id)
        return self.session.scalar(query) or 0

    def create(self, course: Course, title: str, description: str = "") -> CourseGroup:
        """`Refused` TITLE_EMPTY, GROUP_TITLE_TAKEN."""
        title = clean_title(title)
        self._refuse_taken(course.id, title)
        group = CourseGroup(course_id=course.id, title=title, description=description.strip()[:TEXT_LENGTH])
        self.session.add(group)
        self.session.flush()
        return group

    def edit(self, group: CourseGroup, title: str, description: str) -> None:
        """`Refused` as in `create`."""
        title = clean_title(title)
        self._refuse_taken(group.course_id, title, but=group)
        group.title, group.description = title, description.strip()[:TEXT_LENGTH]
        self.session.flush()

    def _refuse_taken(self, course_id: UUID, title: str, but: CourseGroup | None = None) -> None:
        """The course is held: of two who name a group alike at once, the second is told."""
        held = sa.select(Course.id).where(Course.id == course_id).with_for_update(key_share=True)
        if self.session.scalar(held) is None:
            raise Refused("WEB_NOT_FOUND")
        same = sa.select(CourseGroup.id).where(CourseGroup.course_id == course_id, CourseGroup.title == title)
        if self.session.scalar(same) not in (None, but.id if but else None):
            raise Refused("GROUP_TITLE_TAKEN", seen=title)

    def delete(self, group: CourseGroup) -> None:
        """With all that belongs to it; its people stay in the academy."""
        self.session.delete(group)
        self.session.flush()

    def put(self, group: CourseGroup, person: Person, *, is_coach: bool | None = None) -> GroupMember:
        """Once. ``is_coach`` None: whoever is in it stays what they are, and who comes is a learner."""
        self._hold(group)
        member = self.membership(group, person.id)
        if member is None:
            member = GroupMember(group_id=group.id, person_id=person.id, is_coach=bool(is_coach))
            self.session.add(member)
        elif is_coach is not None:
            member.is_coach = is_coach
        self.session.flush()
        return member

    def put_chosen(self, group: CourseGroup, chosen: Sequence[UUID], among: Ids | None = None) -> int:
        """How many of them are new. `Refused` PERSON_UNKNOWN where one may not be added (`candidates`)."""
        wanted = set(chosen)
        if len(wanted) > FOUND_LIMIT:
            raise Refused("WEB_BAD_REQUEST", seen=str(len(wanted)), wanted=f"at most {FOUND_LIMIT}")
        found = self.session.scalars(_active(Person.id, among).where(Person.id.in_(wanted))).all()
        if len(found) < len(wanted):
            raise Refused("PERSON_UNKNOWN")
        return self._put_all(group, found)

    def put_everybody(self, group: CourseGroup, among: Ids) -> int:
        """How many of ``among`` are new."""
        return self._put_all(group, self.session.scalars(_active(Person.id, among)).all())

    def _put_all(self, group: CourseGroup, people: Sequence[UUID]) -> int:
        self._hold(group)
        members = sa.select(GroupMember.person_id).where(GroupMember.group_id == group.id)
        known = set(self.session.scalars(members))
        fresh = [each for each in people if each not in known]
        self.session.add_all(GroupMember(group_id=group.id, person_id=each) for each in fresh)
        self.session.flush()
        return len(fresh)

    def _hold(self, group: CourseGroup) -> None:
        """Until the commit: of two who add the same person at once, the second finds them there."""
        held = sa.select(CourseGroup.id).where(CourseGroup.id == group.id).with_for_update(key_share=True)
        if self.session.scalar(held) is None:
            raise Refused("WEB_NOT_FOUND")

    def take_out(self, group: CourseGroup, person_id: UUID) -> None:
        """Whoever is not in it is out already."""
        member = self.membership(group, person_id)
        if member is not None:
            self.session.delete(member)
            self.session.flush()

    def candidates(self, group: CourseGroup, words: str, among: Ids | None = None) -> list[Candidate]:
        """People who may be added, by name or e-mail address.

        ``among``: only these, and by name alone: what a coach may know who is no author.
        """
        said = Person.given_name + " " + Person.family_name
        if among is None:
            said = said + " " + sa.func.coalesce(Person.email, "")
        query = _active(Person, among).where(sa.func.lower(said).contains(words.lower(), autoescape=True))
        query = query.order_by(Person.family_name, Person.given_name, Person.id).limit(FOUND_LIMIT)
        people = self.session.scalars(query).all()
        inside = sa.select(GroupMember.person_id).where(
            GroupMember.group_id == group.id, GroupMember.person_id.in_([each.id for each in people])
        )
        members = set(self.session.scalars(inside))
        return [Candidate(each, each.id in members) for each in people]


def _active(what: Any, among: Ids | None) -> sa.Select[Any]:
    query = sa.select(what).where(Person.status == PersonStatus.ACTIVE)
    return query if among is None else query.where(Person.id.in_(among))
