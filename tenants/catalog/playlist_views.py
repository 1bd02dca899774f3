"""The editor of a playlist: its activities in order, which of them count, and when each opens."""

from typing import Any
from uuid import UUID

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.searching import words_in
from saas.web.i18n import _
from saas.web.rendering import page
from saas.web.views import uuid_in
from tenants.access import Permission
from tenants.catalog.forms import ItemForm
from tenants.catalog.models import Activity, Opens, PlaylistItem
from tenants.catalog.playlists import Playlists
from tenants.catalog.views import AuthoringView, activity_tabs


def playlist_in_address(request: Request) -> Activity:
    return Playlists(request.db).playlist(uuid_in(request, "playlist_id"))


def item_in_address(request: Request) -> PlaylistItem:
    return Playlists(request.db).item(uuid_in(request, "item_id"))


@view_defaults(permission=Permission.AUTHOR)
class PlaylistPages(AuthoringView):
    """``context`` is the playlist."""

    context: Activity

    @view_config(route_name="playlist", request_method="GET", renderer=page("courses/playlist.html"))
    def show(self) -> dict[str, Any]:
        return {"activity": self.context, "tabs": activity_tabs(self.request, self.context)}

    @view_config(route_name="playlist_add", request_method="GET", renderer=page("courses/playlist_add.html#found"))
    def search(self) -> dict[str, Any]:
        words = words_in(self.request.GET)
        found = Playlists(self.request.db).candidates(self.context, words)
        return {"activity": self.context, "found": found, "q": words}

    @view_config(route_name="playlist_add", request_method="POST")
    def add(self) -> Response:
        added = self._activity()
        Playlists(self.request.db).add(self.context, added)
        translate = self.request.localizer.translate
        self.request.flash(translate(_("Added: ${title}", mapping={"title": added.title})))
        words = words_in(self.request.POST)
        query = {"_query": {"q": words}} if words else {}
        return self.go("playlist_add", playlist_id=self.context.id, **query)

    def _activity(self) -> Activity:
        try:
            return self.catalog.activity(UUID(self.request.POST.get("activity", "")))
        except ValueError:
            raise Refused("WEB_NOT_FOUND") from None


@view_defaults(permission=Permission.AUTHOR)
class ItemPages(AuthoringView):
    """``context`` is the item."""

    context: PlaylistItem

    @view_config(route_name="playlist_item", request_method="GET", renderer=page("courses/playlist_item.html"))
    def show(self) -> dict[str, Any]:
        values = {"mandatory": self.context.mandatory, "opens": self.context.opens.value}
        return self._shown(ItemForm.of(self.request, data=values))

    @view_config(route_name="playlist_item", request_method="POST", renderer=page("courses/playlist_item.html"))
    def save(self) -> Any:
        form = ItemForm.of(self.request)
        if not form.accepted():
            return self.refused(**self._shown(form))
        opens = Opens(form.opens.data)
        Playlists(self.request.db).edit(self.context, mandatory=form.mandatory.data, opens=opens)
        self.say(_("Saved"))
        return self._back()

    @view_config(route_name="playlist_item_move", request_method="POST")
    def move(self) -> Response:
        items = self.context.playlist.items
        self.catalog.move(items, self.context, -1 if self.request.matchdict["way"] == "up" else 1)
        return self._back()

    @view_config(route_name="playlist_item_remove", request_method="POST")
    def remove(self) -> Response:
        playlist_id = self.context.playlist_id
        Playlists(self.request.db).remove(self.context)
        self.say(_("Taken out of the playlist; the activity itself stays in its course"))
        return self.go("playlist", playlist_id=playlist_id)

    def _shown(self, form: Any) -> dict[str, Any]:
        return {"form": form, "item": self.context, "activity": self.context.playlist}

    def _back(self) -> Response:
        return self.go("playlist", playlist_id=self.context.playlist_id)


def includeme(config: Configurator) -> None:
    for name, path in (("playlist", ""), ("playlist_add", "/add")):
        config.add_route(name, f"/playlists/{{playlist_id}}{path}", factory=playlist_in_address, house="academy")
    for name, path in (
        ("playlist_item", ""),
        ("playlist_item_move", "/move/{way:up|down}"),
        ("playlist_item_remove", "/remove"),
    ):
        config.add_route(name, f"/playlists/items/{{item_id}}{path}", factory=item_in_address, house="academy")
    config.scan(__name__)
