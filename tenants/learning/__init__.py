"""Taking part: enrolment, attempts, progress, the player."""

from pyramid.config import Configurator

from saas.jobs.outbox import later
from tenants.catalog.playlists import PlaylistChanged
from tenants.learning.playlists import PlaylistRuns
from tenants.learning.services import Advanced, PlaylistJoined


def includeme(config: Configurator) -> None:
    events = config.registry.runtime.events
    events.subscribe(Advanced, lambda session, made: PlaylistRuns(session, made.person_id).follow(made.activity_id))
    events.subscribe(
        PlaylistJoined, lambda session, made: PlaylistRuns(session, made.person_id).settle_by_id(made.playlist_id)
    )
    events.subscribe(
        PlaylistChanged,
        lambda session, changed: later(session, "learning.settle_playlist", playlist_id=changed.playlist_id),
    )
    config.scan("tenants.learning.jobs", categories=["lyceum"])
    config.include("tenants.learning.views")
