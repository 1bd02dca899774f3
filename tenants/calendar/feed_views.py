"""A person's feed: the text others read, without session, and the buttons that make its address and give it up."""

from typing import Any

from limits import parse
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from saas import clock
from saas.problems import Problem
from saas.sessions import hash_token
from saas.web.guards import OwnRate, counted_address
from saas.web.i18n import _
from saas.web.views import View
from tenants.access import Permission
from tenants.audit.services import record
from tenants.calendar.feeds import NOTE_READING, Feeds, Reader, reader_of, told_to
from tenants.calendar.ical import CONTENT_TYPE, Feed
from tenants.calendar.settings import CalendarSettings

#: Addresses with a token begin so; nothing that needs a request's transaction does.
PREFIX = "/calendar/feed/"


@view_config(route_name="calendar_feed", request_method="GET", permission=NO_PERMISSION_REQUIRED)
def feed(request: Request) -> Response:
    count(request)
    with request.runtime.database.transaction(request.tenant.id, write=False) as session:
        reader = reader_of(session, request.matchdict["token"])
        name = request.localizer.translate(_("${academy}: calendar", mapping={"academy": request.tenant.name}))
        told = Feed(name, request.tenant.url, told_to(session, reader))
        etag = told.etag
        known = etag in request.if_none_match
        response = Response(status=304) if known else Response(body=told.text(), content_type=CONTENT_TYPE)
    _note(request, reader)
    if not known:
        response.charset = "utf-8"
        response.content_disposition = 'inline; filename="calendar.ics"'
    response.etag = etag
    response.headers.update({"Cache-Control": "private, max-age=300", "X-Robots-Tag": "noindex"})
    return response


def count(request: Request) -> None:
    """`Refused` WEB_RATE for too many readings from one address, or of one feed, before any is looked for.

    Calendars of many people are read from few addresses, those of who offers calendars.
    """
    rate: OwnRate = request.registry.calendar_feeds
    academy = str(request.tenant.id)
    rate.hit(academy, "address", counted_address(request))
    rate.hit(academy, "feed", hash_token(request.matchdict["token"]))


def _note(request: Request, reader: Reader) -> None:
    """In a transaction of its own: readings take no lock of writers, but one in an hour does."""
    if reader.is_due:
        with request.runtime.database.hot(request.tenant.id) as connection:
            connection.run(NOTE_READING, the_feed=reader.feed_id, at=clock.now())


def _as_text(_request: Request, problem: Problem) -> Response:
    """For programs; neither session nor person is asked for."""
    text = f"{problem.title}. {problem.cause} {problem.remedy}\n"
    return Response(status=problem.status, text=text, content_type="text/plain", charset="utf-8")


def feed_section(request: Request) -> dict[str, Any]:
    """For the person's own page."""
    feeds = Feeds(request.db, request.runtime.secrets)
    own = feeds.of(request.identity.id)
    token = feeds.token(own) if own is not None else ""
    return {"feed": own, "feed_url": f"{request.tenant.url}{PREFIX}{token}.ics" if token else ""}


@view_defaults(permission=Permission.LEARN)
class FeedAddress(View):
    @view_config(route_name="calendar_address", request_method="POST")
    def make(self) -> Response:
        Feeds(self.request.db, self.request.runtime.secrets).make(self.request.identity.id)
        record(self.request, "calendar.feed_made")
        return self._done(_("Your calendar has a new address"))

    @view_config(route_name="calendar_address_off", request_method="POST")
    def end(self) -> Response:
        Feeds(self.request.db, self.request.runtime.secrets).end(self.request.identity.id)
        record(self.request, "calendar.feed_ended")
        return self._done(_("The address of your calendar is switched off"))

    def _done(self, words: Any) -> Response:
        self.request.flash(self.request.localizer.translate(words))
        return Response(status=303, location=self.request.route_path("calendar", _anchor="subscribe"))


def includeme(config: Configurator) -> None:
    settings = config.registry.runtime.source.section("calendar", CalendarSettings)
    config.registry.calendar_feeds = OwnRate(parse(settings.feeds))
    config.add_hot_path(PREFIX)
    config.add_route("calendar_feed", f"{PREFIX}{{token}}.ics", house="academy")
    config.add_route("calendar_address", "/calendar/address", house="academy")
    config.add_route("calendar_address_off", "/calendar/address/off", house="academy")
    config.add_problem_format("calendar_feed", _as_text)
    config.scan(__name__)
