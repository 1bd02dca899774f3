"""Authoring: courses, activities, chapters and blocks; order, publishing and sharing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.accounts.names import visible
from tenants.catalog.blocks import check_body
from tenants.catalog.models import (
    Activity,
    ActivityType,
    Block,
    BlockKind,
    Chapter,
    Content,
    Course,
    PlaylistItem,
    Status,
)
from tenants.catalog.playlists import Playlists, open_items

TITLE_LENGTH = 200
TEXT_LENGTH = 5000
#: Percent.
LOWEST_MINIMUM, HIGHEST_MINIMUM = 1, 100
#: What a tool of somebody else can be here.
OUTSIDE_TYPES = (ActivityType.E_LEARNING, ActivityType.EXAM)
#: What can be written here.
OWN_TYPES = (ActivityType.E_LEARNING, ActivityType.MICROLEARNING, ActivityType.PLAYLIST)
TYPES_OF = {Content.OWN: OWN_TYPES, Content.LTI: OUTSIDE_TYPES, Content.ZOOM: (ActivityType.MEETING,)}
#: Types that stand in one place only.
ONLY_CONTENT = {ActivityType.EXAM: Content.LTI, ActivityType.MEETING: Content.ZOOM}
Found = TypeVar("Found", Course, Activity, Chapter, Block)
Placed = TypeVar("Placed", Activity, Chapter, Block, PlaylistItem)


@dataclass(frozen=True, slots=True)
class Publishing:
    """Announced before an activity is published whose content is not ours: who keeps its link may still refuse."""

    activity: Activity


def clean_title(text: str) -> str:
    """`Refused` TITLE_EMPTY."""
    title = visible(text)[:TITLE_LENGTH]
    if not title:
        raise Refused("TITLE_EMPTY")
    return title


def _refuse_empty(activity: Activity) -> None:
    if activity.content is not Content.OWN:
        return
    if activity.is_playlist:
        if not any(item.mandatory for item in open_items(activity)):
            raise Refused("PLAYLIST_EMPTY")
    elif not any(chapter.blocks for chapter in activity.chapters):
        raise Refused("ACTIVITY_EMPTY")


class Catalog:
    """What an author does; ``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def courses(self, *, published_only: bool = False, words: str = "") -> Sequence[Course]:
        query = sa.select(Course).options(selectinload(Course.activities)).order_by(Course.title, Course.id)
        if words:
            query = query.where(
                sa.func.lower(Course.title + " " + Course.summary).contains(words.lower(), autoescape=True)
            )
        if published_only:
            query = query.where(Course.status == Status.PUBLISHED)
        return self.session.scalars(query).all()

    def course(self, course_id: UUID) -> Course:
        return self._found(Course, course_id)

    def activity(self, activity_id: UUID) -> Activity:
        return self._found(Activity, activity_id)

    def chapter(self, chapter_id: UUID) -> Chapter:
        return self._found(Chapter, chapter_id)

    def block(self, block_id: UUID) -> Block:
        return self._found(Block, block_id)

    def _found(self, kind: type[Found], row_id: UUID) -> Found:
        row = self.session.get(kind, row_id)
        if row is None:
            raise Refused("WEB_NOT_FOUND")
        return row

    def create_course(self, title: str, summary: str = "") -> Course:
        course = Course(title=clean_title(title), summary=summary.strip()[:TEXT_LENGTH])
        self.session.add(course)
        self.session.flush()
        return course

    def edit_course(self, course: Course, title: str, summary: str) -> None:
        course.title, course.summary = clean_title(title), summary.strip()[:TEXT_LENGTH]

    def create_activity(
        self,
        course: Course,
        title: str,
        description: str = "",
        minutes: int | None = None,
        type_: ActivityType = ActivityType.E_LEARNING,
        *,
        content: Content = Content.OWN,
        minimum: int | None = None,
    ) -> Activity:
        """An exam is always a tool's and has a ``minimum`` score, percent; `Refused` EXAM_MINIMUM without.

        A meeting is always Zoom's.
        """
        is_exam = type_ is ActivityType.EXAM
        content = ONLY_CONTENT.get(type_, content)
        if type_ not in TYPES_OF[content]:
            raise Refused("WEB_BAD_REQUEST", seen=type_.value)
        activity = Activity(
            course_id=course.id, type=type_, content=content, title=clean_title(title), position=len(course.activities)
        )
        self.edit_activity(activity, title, description, minutes)
        if is_exam:
            self.set_minimum(activity, minimum)
        course.activities.append(activity)
        self.session.flush()
        return activity

    def edit_activity(self, activity: Activity, title: str, description: str, minutes: int | None) -> None:
        activity.title, activity.description = clean_title(title), description.strip()[:TEXT_LENGTH]
        activity.duration_minutes = minutes

    def set_minimum(self, activity: Activity, minimum: int | None) -> None:
        """The score an exam is passed with. What it means for results that are there is decided by the caller."""
        if not activity.is_exam or minimum is None or not LOWEST_MINIMUM <= minimum <= HIGHEST_MINIMUM:
            raise Refused("EXAM_MINIMUM", seen=str(minimum))
        activity.minimum_score = minimum

    def copy_activity(self, activity: Activity, title: str) -> Activity:
        """A draft with the same details at the end of the course; what it opens is copied by who keeps that."""
        return self.create_activity(
            activity.course,
            title,
            activity.description,
            activity.duration_minutes,
            activity.type,
            content=activity.content,
            minimum=activity.minimum_score,
        )

    def create_chapter(self, activity: Activity, title: str) -> Chapter:
        chapter = Chapter(activity_id=activity.id, title=clean_title(title), position=len(activity.chapters))
        activity.chapters.append(chapter)
        self.session.flush()
        return chapter

    def rename_chapter(self, chapter: Chapter, title: str) -> None:
        chapter.title = clean_title(title)

    def create_block(self, chapter: Chapter, kind: BlockKind, body: dict[str, Any]) -> Block:
        block = Block(chapter_id=chapter.id, kind=kind, body=check_body(kind, body), position=len(chapter.blocks))
        chapter.blocks.append(block)
        self.session.flush()
        return block

    def edit_block(self, block: Block, body: dict[str, Any]) -> None:
        block.body = check_body(block.kind, body)

    def move(self, siblings: list[Placed], row: Placed, step: int) -> None:
        """One place up (−1) or down (+1); at the end it stays."""
        place = siblings.index(row)
        other = place + step
        if 0 <= other < len(siblings):
            siblings[place], siblings[other] = siblings[other], siblings[place]
        for position, each in enumerate(siblings):
            each.position = position

    def delete(self, row: Course | Activity | Chapter | Block) -> None:
        if isinstance(row, Course | Activity):
            going = row.activities if isinstance(row, Course) else [row]
            Playlists(self.session).touched([each.id for each in going])
        self.session.delete(row)
        self.session.flush()

    def publish(self, thing: Course | Activity, *, on: bool) -> None:
        """An activity is published only when it has something to learn; taking it back needs nothing."""
        if on and isinstance(thing, Activity):
            _refuse_empty(thing)
            if thing.content is not Content.OWN:
                self.session.announce(Publishing(thing))
        thing.status = Status.PUBLISHED if on else Status.DRAFT
        if isinstance(thing, Activity):
            Playlists(self.session).touched([thing.id])

    def share(self, activity: Activity, *, on: bool) -> None:
        """The switch "Available for LTI"; `Refused` MEETING_NOT_SHARED."""
        if on and activity.is_meeting:
            raise Refused("MEETING_NOT_SHARED", seen=activity.title)
        activity.lti_available = on
