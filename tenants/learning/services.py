"""Taking part: enrol, attempt, answer, go on, complete. Every change of progress is announced in its transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from saas import clock
from saas.db.base import FixedPoint
from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.catalog.blocks import QuestionBody, body_of
from tenants.catalog.models import Activity, Block, BlockKind, Chapter, Course, Status
from tenants.catalog.playlists import open_items
from tenants.learning.models import Answer, Attempt, AttemptState, ChapterSeen, EnrolledBy, Enrolment


@dataclass(frozen=True, slots=True)
class ProgressMade:
    """Announced when an attempt began or was completed. ``score`` is percent, only when completed."""

    person_id: UUID
    activity_id: UUID
    completed: bool
    score: Decimal | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Advanced:
    """Announced with every step forward in an attempt, for what counts it."""

    person_id: UUID
    activity_id: UUID


@dataclass(frozen=True, slots=True)
class PlaylistJoined:
    """Announced when a person was enrolled in a playlist and what it contains; some of that may be done already."""

    person_id: UUID
    playlist_id: UUID


class Outline:
    """An attempt held against the activity as it is now: what was seen, answered, and what is missing."""

    def __init__(self, activity: Activity, attempt: Attempt) -> None:
        self.activity = activity
        self.attempt = attempt
        self.answers = {answer.block_id: answer for answer in attempt.answers}
        self.seen = {seen.chapter_id for seen in attempt.seen}

    @cached_property
    def chapters(self) -> list[Chapter]:
        return [chapter for chapter in self.activity.chapters if chapter.blocks]

    @cached_property
    def questions(self) -> list[Block]:
        return [block for chapter in self.chapters for block in chapter.blocks if block.kind is BlockKind.QUESTION]

    def unanswered(self, chapter: Chapter) -> list[Block]:
        return [block for block in chapter.blocks if block.kind is BlockKind.QUESTION and block.id not in self.answers]

    def is_done(self, chapter: Chapter) -> bool:
        return chapter.id in self.seen and not self.unanswered(chapter)

    @property
    def is_complete(self) -> bool:
        return bool(self.chapters) and all(self.is_done(chapter) for chapter in self.chapters)

    @property
    def progress(self) -> Decimal:
        """Percent of chapters seen and questions answered, each counting one."""
        steps = len(self.chapters) + len(self.questions)
        done = sum(chapter.id in self.seen for chapter in self.chapters)
        done += sum(block.id in self.answers for block in self.questions)
        return FixedPoint.exact(Decimal(100) * done / steps) if steps else Decimal(0)

    @property
    def score(self) -> Decimal:
        """Percent of the check questions answered right; all of it where there are none."""
        if not self.questions:
            return Decimal(100)
        right = sum(self.answers[block.id].correct for block in self.questions if block.id in self.answers)
        return FixedPoint.exact(Decimal(100) * right / len(self.questions))

    def resume_at(self) -> Chapter:
        """Where the learner was, else the first chapter that is not done, else the first."""
        last = next((chapter for chapter in self.chapters if chapter.id == self.attempt.chapter_id), None)
        return last or next((each for each in self.chapters if not self.is_done(each)), self.chapters[0])

    def after(self, chapter: Chapter) -> Chapter | None:
        place = self.chapters.index(chapter)
        return self.chapters[place + 1] if place + 1 < len(self.chapters) else None

    def before(self, chapter: Chapter) -> Chapter | None:
        place = self.chapters.index(chapter)
        return self.chapters[place - 1] if place else None


def taking_part(course_id: UUID) -> sa.Select[UUID]:
    """Ids of all who take part in any activity of the course."""
    inside = sa.select(Activity.id).where(Activity.course_id == course_id)
    return sa.select(Enrolment.person_id).where(Enrolment.activity_id.in_(inside))


class Learning:
    """What one person does; ``session`` is the academy's."""

    def __init__(self, session: ScopedSession, person_id: UUID) -> None:
        self.session = session
        self.person_id = person_id

    def catalog(self) -> Sequence[Course]:
        query = sa.select(Course).where(Course.status == Status.PUBLISHED)
        return self.session.scalars(query.options(selectinload(Course.activities)).order_by(Course.title)).all()

    def attempts(self, activity_ids: Sequence[UUID] | None = None) -> Sequence[Attempt]:
        """Newest first; of some activities or of all."""
        query = sa.select(Attempt).where(Attempt.person_id == self.person_id).options(selectinload(Attempt.activity))
        if activity_ids is not None:
            query = query.where(Attempt.activity_id.in_(activity_ids))
        return self.session.scalars(query.order_by(Attempt.number.desc(), Attempt.started_at.desc())).all()

    def enrol(self, activity: Activity, by: EnrolledBy = EnrolledBy.SELF) -> None:
        """Once; in a playlist means also in all that it contains now."""
        fresh = not self.is_enrolled(activity)
        if fresh:
            self.session.add(Enrolment(person_id=self.person_id, activity_id=activity.id, enrolled_by=by))
            self.session.flush()
        if activity.is_playlist:
            for item in open_items(activity):
                self.enrol(item.activity, EnrolledBy.PLAYLIST)
            if fresh:
                self.session.announce(PlaylistJoined(self.person_id, activity.id))

    def is_enrolled(self, activity: Activity) -> bool:
        known = sa.select(Enrolment.id).where(
            Enrolment.person_id == self.person_id, Enrolment.activity_id == activity.id
        )
        return self.session.scalar(known) is not None

    def open_attempt(self, activity: Activity, *, again: bool = False) -> Attempt:
        """The attempt under way; a new one where there is none, or after a completed one when asked (``again``)."""
        self.enrol(activity)
        latest = self.session.scalar(self._mine(activity.id).with_for_update())
        if latest is not None and not (latest.is_completed and again):
            return latest
        attempt = Attempt(person_id=self.person_id, activity_id=activity.id, number=latest.number + 1 if latest else 1)
        self.session.add(attempt)
        self.session.flush()
        self._announce(attempt)
        self.advanced(activity.id)
        return attempt

    def latest(self, activity: Activity) -> Attempt | None:
        return self.session.scalar(self._mine(activity.id))

    def _mine(self, activity_id: UUID) -> sa.Select[Attempt]:
        own = sa.select(Attempt).where(Attempt.person_id == self.person_id, Attempt.activity_id == activity_id)
        return own.order_by(Attempt.number.desc()).limit(1)

    def answer(self, activity: Activity, block: Block, given: list[str]) -> Answer:
        """The first answer counts; a second one changes nothing. Raises `Refused` when it is no answer."""
        attempt = self._running(activity)
        known = next((answer for answer in attempt.answers if answer.block_id == block.id), None)
        if known is not None:
            return known
        question: QuestionBody = body_of(block)
        given = [each.strip()[:50] for each in given if each.strip()]
        if not question.is_answer(given):
            raise Refused("ANSWER_MISSING")
        answer = Answer(attempt_id=attempt.id, block_id=block.id, given=given, correct=question.judge(given))
        self.session.add(answer)
        attempt.answers.append(answer)
        self._update(activity, attempt)
        return answer

    def finish_chapter(self, activity: Activity, chapter: Chapter) -> Attempt:
        """The buttons "Next" and "Finish": the chapter was read. Raises `Refused` while a question is open."""
        attempt = self._running(activity)
        if attempt.is_completed:
            return attempt
        outline = Outline(activity, attempt)
        if outline.unanswered(chapter):
            raise Refused("QUESTIONS_OPEN")
        if chapter.id not in outline.seen:
            seen = ChapterSeen(attempt_id=attempt.id, chapter_id=chapter.id)
            self.session.add(seen)
            attempt.seen.append(seen)
        following = outline.after(chapter)
        attempt.chapter_id = following.id if following else chapter.id
        self._update(activity, attempt)
        return attempt

    def _running(self, activity: Activity) -> Attempt:
        attempt = self.session.scalar(self._mine(activity.id).with_for_update())
        if attempt is None:
            raise Refused("ATTEMPT_MISSING")
        return attempt

    def _update(self, activity: Activity, attempt: Attempt) -> None:
        outline = Outline(activity, attempt)
        now = clock.now()
        if attempt.is_completed:
            return
        attempt.progress, attempt.changed_at = outline.progress, now
        if outline.is_complete:
            attempt.state, attempt.completed_at, attempt.score = AttemptState.COMPLETED, now, outline.score
            self.session.flush()
            self._announce(attempt)
        self.advanced(activity.id)

    def advanced(self, activity_id: UUID) -> None:
        self.session.flush()
        self.session.announce(Advanced(self.person_id, activity_id))

    def _announce(self, attempt: Attempt) -> None:
        self.session.announce(
            ProgressMade(
                self.person_id,
                attempt.activity_id,
                attempt.is_completed,
                attempt.score,
                attempt.completed_at or clock.now(),
            )
        )
