"""What a changed playlist, or a changed minimum score, means for those who are in it."""

from uuid import UUID

import sqlalchemy as sa

from saas.jobs.registry import JobRun, job
from tenants.catalog.models import Activity
from tenants.learning.flips import Flips
from tenants.learning.models import Enrolment
from tenants.learning.playlists import PlaylistRuns

#: People in one transaction.
BATCH = 100


@job("learning.settle_playlist")
def settle_playlist(run: JobRun, playlist_id: str) -> None:
    """Enrols everybody in what is new, and counts again: a removed activity may have been the last one missing."""
    after: UUID | None = None
    while True:
        with run.transaction() as session:
            playlist = session.get(Activity, UUID(playlist_id))
            if playlist is None:
                return
            people = sa.select(Enrolment.person_id).where(Enrolment.activity_id == playlist.id)
            people = people.where(Enrolment.person_id > after) if after else people
            some = session.scalars(people.order_by(Enrolment.person_id).limit(BATCH)).all()
            for person_id in some:
                runs = PlaylistRuns(session, person_id)
                runs.learning.enrol(playlist)
                runs.settle(playlist)
        if len(some) < BATCH:
            return
        after = some[-1]


@job("learning.judge_again")
def judge_again(run: JobRun, activity_id: str, *, minimum: int, take_away: bool) -> None:
    """Under the minimum score that was confirmed, in percent; once it is another one, nobody asked for this any more.

    Who was judged no longer flips, so that every batch is another one.
    """
    while True:
        with run.transaction() as session:
            activity = session.get(Activity, UUID(activity_id), with_for_update={"key_share": True})
            if activity is None or activity.minimum_score != minimum:
                return
            flips = Flips(session, activity, minimum)
            if flips.judge(BATCH, take_away=take_away) < BATCH:
                flips.settle()
                return
