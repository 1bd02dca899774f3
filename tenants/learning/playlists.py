"""A learner on a playlist: what is open, what counts, and how the results of its activities add up.

Progress is the mean over the mandatory items. Completed are all of them: then the score is the mean of their best
scores, and like every result it never falls. Optional items, and drafts, count for nothing. An exam is completed once
it is passed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from saas import clock
from saas.db.base import FixedPoint
from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.catalog.models import Activity, Opens, PlaylistItem
from tenants.catalog.playlists import open_items
from tenants.learning.models import Attempt, AttemptState, EnrolledBy, Enrolment, OutsideResult, Verdict
from tenants.learning.services import Learning, ProgressMade
from tenants.learning.standing import Reads


@dataclass(frozen=True, slots=True)
class Reached:
    """Of one activity over all attempts: the furthest progress and the best score, in percent.

    ``completed`` may be without a score. ``verdict`` is an exam's, once there is one.
    """

    progress: Decimal = Decimal(0)
    score: Decimal | None = None
    begun: bool = False
    verdict: Verdict | None = None
    completed: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """An item as one learner meets it. ``waits_for``: what is to be completed before it opens."""

    item: PlaylistItem
    reached: Reached
    waits_for: Activity | None

    @property
    def activity(self) -> Activity:
        return self.item.activity

    @property
    def is_done(self) -> bool:
        if self.activity.is_exam:
            return self.reached.verdict is Verdict.PASSED
        return self.reached.completed

    @property
    def progress(self) -> Decimal:
        """Percent; an exam that was sat and not passed is not done."""
        return Decimal(0) if self.activity.is_exam and not self.is_done else self.reached.progress

    @property
    def reads(self) -> Reads:
        if self.activity.is_exam and self.reached.verdict is not None:
            return Reads(self.reached.verdict.value)
        if not self.reached.begun:
            return Reads.NOT_STARTED
        if self.activity.is_exam:
            return Reads.WAITING
        return Reads.COMPLETED if self.is_done else Reads.IN_PROGRESS

    @property
    def state(self) -> str:
        if self.is_done:
            return "done"
        return "locked" if self.waits_for else "current" if self.reached.begun else "open"


class PlaylistOutline:
    """A playlist as it is now, held against what one learner has reached."""

    def __init__(self, playlist: Activity, reached: dict[UUID, Reached]) -> None:
        self.playlist = playlist
        self.steps: list[Step] = []
        for item in open_items(playlist):
            before, mine = self.steps[-1] if self.steps else None, reached.get(item.activity_id, Reached())
            waits = item.opens is Opens.AFTER_PREVIOUS and before is not None and not before.is_done
            # what was begun while it was open stays open
            locked = waits and not mine.begun
            self.steps.append(Step(item, mine, before.activity if locked and before else None))

    @property
    def mandatory(self) -> list[Step]:
        return [step for step in self.steps if step.item.mandatory]

    @property
    def is_complete(self) -> bool:
        return bool(self.mandatory) and all(step.is_done for step in self.mandatory)

    @property
    def progress(self) -> Decimal:
        """Percent."""
        return _mean([step.progress for step in self.mandatory])

    @property
    def score(self) -> Decimal:
        """Percent."""
        return _mean([step.reached.score or Decimal(0) for step in self.mandatory])

    @property
    def next(self) -> Step | None:
        """What to go on with: the first that is open and not done; mandatory ones before optional ones."""
        waiting = [step for step in self.steps if not step.is_done and not step.waits_for]
        return next((step for step in waiting if step.item.mandatory), waiting[0] if waiting else None)


def _mean(values: Sequence[Decimal]) -> Decimal:
    return FixedPoint.exact(sum(values, Decimal(0)) / len(values)) if values else Decimal(0)


class PlaylistRuns:
    """What becomes of one person's playlists; ``session`` is the academy's."""

    def __init__(self, session: ScopedSession, person_id: UUID) -> None:
        self.session = session
        self.person_id = person_id
        self.learning = Learning(session, person_id)

    def outline(self, playlist: Activity) -> PlaylistOutline:
        """By columns, so that what others committed meanwhile is seen."""
        query = (
            sa.select(
                Attempt.activity_id,
                sa.func.max(Attempt.progress),
                sa.func.max(Attempt.score),
                sa.func.max(OutsideResult.verdict),
                sa.func.max(Attempt.completed_at).is_not(None),
            )
            .outerjoin(
                OutsideResult,
                sa.and_(OutsideResult.person_id == Attempt.person_id, OutsideResult.activity_id == Attempt.activity_id),
            )
            .where(
                Attempt.person_id == self.person_id,
                Attempt.activity_id.in_([item.activity_id for item in playlist.items]),
            )
            .group_by(Attempt.activity_id)
        )
        rows = self.session.execute(query)
        return PlaylistOutline(playlist, {row[0]: Reached(row[1], row[2], True, row[3], bool(row[4])) for row in rows})

    def begin(self, playlist: Activity) -> Attempt:
        """The button "Start". There is one attempt at a playlist; its activities may be repeated."""
        attempt = self.learning.open_attempt(playlist)
        self.settle(playlist)
        return attempt

    def follow(self, activity_id: UUID) -> None:
        """Something changed in an activity: every playlist of this person that contains it counts again."""
        for playlist in self.containing(activity_id):
            self.settle(playlist)

    def containing(self, activity_id: UUID) -> Sequence[Activity]:
        """Playlists with this activity in which the person takes part."""
        query = (
            sa.select(Activity)
            .join(PlaylistItem, PlaylistItem.playlist_id == Activity.id)
            .join(Enrolment, Enrolment.activity_id == Activity.id)
            .where(PlaylistItem.activity_id == activity_id, Enrolment.person_id == self.person_id)
        )
        return self.session.scalars(query.options(selectinload(Activity.items)).order_by(Activity.id)).all()

    def settle(self, playlist: Activity) -> None:
        """Counts again. An activity that was begun begins its playlist, too."""
        attempt = self._attempt(playlist)
        outline = self.outline(playlist)
        if attempt is None:
            if not any(step.reached.begun for step in outline.steps):
                return
            attempt = self.learning.open_attempt(playlist)
        if self._update(attempt, outline):
            self.session.flush()
            self.learning.advanced(playlist.id)

    def settle_by_id(self, playlist_id: UUID) -> None:
        self.settle(self.session.get_one(Activity, playlist_id))

    def _attempt(self, playlist: Activity) -> Attempt | None:
        """Held until the commit: of two activities completed at once, the later counts both."""
        query = sa.select(Attempt).where(Attempt.person_id == self.person_id, Attempt.activity_id == playlist.id)
        return self.session.scalar(query.with_for_update().execution_options(populate_existing=True))

    def _update(self, attempt: Attempt, outline: PlaylistOutline) -> bool:
        """Whether anything changed. What was completed stays so, whatever is added later; its score may rise."""
        now = clock.now()
        if outline.is_complete and (attempt.score is None or outline.score > attempt.score):
            attempt.state, attempt.completed_at = AttemptState.COMPLETED, attempt.completed_at or now
            attempt.progress, attempt.score, attempt.changed_at = Decimal(100), outline.score, now
            self.session.announce(
                ProgressMade(self.person_id, attempt.activity_id, completed=True, score=attempt.score, at=now)
            )
            return True
        if attempt.is_completed or attempt.progress == outline.progress:
            return False
        attempt.progress, attempt.changed_at = outline.progress, now
        return True

    def waits_for(self, activity: Activity) -> Activity | None:
        """What holds this activity back; None when it may be begun.

        Whoever takes part in it through playlists alone begins it once one of them opens it.
        """
        by = sa.select(Enrolment.enrolled_by).where(
            Enrolment.person_id == self.person_id, Enrolment.activity_id == activity.id
        )
        if self.session.scalar(by) is not EnrolledBy.PLAYLIST:
            return None
        outlines = [self.outline(playlist) for playlist in self.containing(activity.id)]
        steps = [step for each in outlines for step in each.steps if step.item.activity_id == activity.id]
        waiting = [step.waits_for for step in steps if step.waits_for]
        return waiting[0] if waiting and len(waiting) == len(steps) else None

    def refuse_locked(self, activity: Activity) -> None:
        if before := self.waits_for(activity):
            raise Refused("PLAYLIST_LOCKED", seen=activity.title, wanted=before.title)
