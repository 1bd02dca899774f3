"""Authoring playlists: which activities, in which order, which of them count, and when each opens."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.catalog.models import Activity, ActivityType, Course, Opens, PlaylistItem, Status

#: As many activities as the page "Add activities" lists at once.
FOUND_LIMIT = 50


@dataclass(frozen=True, slots=True)
class PlaylistChanged:
    """Announced when what a playlist asks of its learners may be another thing than before."""

    playlist_id: UUID


@dataclass(frozen=True, slots=True)
class Candidate:
    """An activity that was looked for; ``refusal`` is the code that speaks against adding it, or empty."""

    activity: Activity
    refusal: str


class Playlists:
    """What an author does with a playlist; ``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def playlist(self, activity_id: UUID) -> Activity:
        found = self.session.get(Activity, activity_id)
        if found is None or not found.is_playlist:
            raise Refused("WEB_NOT_FOUND")
        return found

    def item(self, item_id: UUID) -> PlaylistItem:
        found = self.session.get(PlaylistItem, item_id)
        if found is None:
            raise Refused("WEB_NOT_FOUND")
        return found

    def add(
        self, playlist: Activity, activity: Activity, *, mandatory: bool = True, opens: Opens = Opens.AT_ONCE
    ) -> PlaylistItem:
        """At the end. Raises `Refused` where the activity is in it already or the playlist would contain itself."""
        if activity.is_playlist:
            self._take_turns()
        if refusal := self._refusal(playlist, activity, self._containers(playlist)):
            raise Refused(refusal, seen=activity.title)
        last = max((each.position for each in playlist.items), default=-1)
        item = PlaylistItem(
            playlist_id=playlist.id, activity_id=activity.id, position=last + 1, mandatory=mandatory, opens=opens
        )
        item.activity = activity
        playlist.items.append(item)
        self.session.flush()
        self._announce([playlist.id])
        return item

    def edit(self, item: PlaylistItem, *, mandatory: bool, opens: Opens) -> None:
        item.mandatory, item.opens = mandatory, opens
        self._announce([item.playlist_id])

    def remove(self, item: PlaylistItem) -> None:
        """The activity itself stays, with its learners' results."""
        playlist = item.playlist
        playlist.items.remove(item)
        self.session.delete(item)
        self.session.flush()
        self._announce([playlist.id])

    def candidates(self, playlist: Activity, words: str) -> Sequence[Candidate]:
        """Activities of all courses whose title, or course's title, contains ``words``; meetings are never in one."""
        query = sa.select(Activity).join(Course, Course.id == Activity.course_id).where(Activity.id != playlist.id)
        if words:
            both = sa.func.lower(Activity.title + " " + Course.title)
            query = query.where(both.contains(words.lower(), autoescape=True))
        query = query.where(Activity.type != ActivityType.MEETING)
        query = query.options(selectinload(Activity.course)).order_by(Course.title, Activity.position, Activity.id)
        containers = self._containers(playlist)
        return [
            Candidate(each, self._refusal(playlist, each, containers))
            for each in self.session.scalars(query.limit(FOUND_LIMIT))
        ]

    def _refusal(self, playlist: Activity, activity: Activity, containers: set[UUID]) -> str:
        if activity.is_meeting:
            return "PLAYLIST_MEETING"
        if activity.id == playlist.id or activity.id in containers:
            return "PLAYLIST_CYCLE"
        return "PLAYLIST_TWICE" if any(each.activity_id == activity.id for each in playlist.items) else ""

    def _take_turns(self) -> None:
        """Two authors who put two playlists into each other at once: the second waits here and then sees the first.

        Locking every playlist is enough. Of two such transactions the later finds the playlist that the earlier
        extends, which the earlier holds until its commit. In the order of ids, so that nobody waits in a circle.
        """
        everyone = sa.select(Activity.id).where(Activity.type == ActivityType.PLAYLIST).order_by(Activity.id)
        self.session.execute(everyone.with_for_update()).all()

    def _containers(self, playlist: Activity) -> set[UUID]:
        """Every playlist that contains this one, however many others lie between."""
        inner = sa.select(Activity.id).where(Activity.type == ActivityType.PLAYLIST)
        links = sa.select(PlaylistItem.playlist_id, PlaylistItem.activity_id).where(PlaylistItem.activity_id.in_(inner))
        parents: dict[UUID, set[UUID]] = defaultdict(set)
        for parent, child in self.session.execute(links):
            parents[child].add(parent)
        found: set[UUID] = set()
        rest = [playlist.id]
        while rest:
            fresh = parents[rest.pop()] - found
            found |= fresh
            rest.extend(fresh)
        return found

    def touched(self, activity_ids: Iterable[UUID]) -> None:
        """These activities are published, taken back or about to go: the playlists that contain them ask for less."""
        query = sa.select(PlaylistItem.playlist_id).where(PlaylistItem.activity_id.in_(list(activity_ids)))
        self._announce(self.session.scalars(query.distinct()))

    def _announce(self, playlist_ids: Iterable[UUID]) -> None:
        for playlist_id in sorted(playlist_ids):
            self.session.announce(PlaylistChanged(playlist_id))


def open_items(playlist: Activity) -> list[PlaylistItem]:
    """Those that count: a draft, which learners cannot open, is passed over until it is published again."""
    return [item for item in playlist.items if item.activity.status is Status.PUBLISHED]
