"""What a changed playlist means for those who are in it."""

from uuid import UUID

import sqlalchemy as sa

from saas.jobs.registry import JobRun, job
from tenants.catalog.models import Activity
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
