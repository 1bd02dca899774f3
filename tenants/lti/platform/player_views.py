"""The learner's page of an outside tool: what is sent, the tool in its frame or window, and the way back."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.web.errors import show_problem
from saas.web.headers import CSP, content_policy
from saas.web.i18n import _
from saas.web.rendering import page, render_page, translate
from saas.web.sessions import is_framed
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.catalog.services import Catalog
from tenants.learning.playlists import PlaylistRuns
from tenants.learning.views import activity_for_learner, layout_of
from tenants.lti.platform.consent import Consent
from tenants.lti.platform.launch12 import open_by_form
from tenants.lti.platform.launch13 import open_by_login
from tenants.lti.platform.messages import Seat
from tenants.lti.platform.models import OpensIn, ToolLink
from tenants.lti.platform.opening import Opening, Sitting, origins_of
from tenants.lti.platform.posting import ancestors, post_to_tool
from tenants.lti.platform.returning import Returned, note_return
from tenants.lti.tool.views import browser_of


@view_defaults(permission=Permission.LEARN, framable=True)
class ToolPlayer(View):
    """``context`` is the activity; one with content of our own has no such page."""

    context: Activity

    def __init__(self, context: Activity, request: Request) -> None:
        super().__init__(context, request)
        self.opening = Opening(request.db, request.runtime, request.tenant, context)

    @view_config(route_name="open_tool", request_method="GET")
    def show(self) -> Response:
        if not self.context.is_outside:
            return self.go("activity", activity_id=self.context.id)
        person = self._person()
        try:
            link = self.opening.link()
            PlaylistRuns(self.request.db, person.id).refuse_locked(self.context)
        except Refused as refusal:
            return self._closed(refusal)
        consent = Consent(self.request.db, link, person)
        if consent.is_needed:
            return self._ask(link, consent)
        return self._play(link)

    @view_config(route_name="open_tool", request_method="POST")
    def agree(self) -> Response:
        """Agrees to what the page named; where more is sent by now, the page asks for that."""
        if self.context.is_outside:
            link = self.opening.link()
            Consent(self.request.db, link, self._person()).give(self.request.POST.getall("share"))
        return self.go("open_tool", activity_id=self.context.id)

    @view_config(route_name="launch_tool", request_method="POST")
    def launch(self) -> Response:
        """The page in the frame or window, whose form goes to the tool at once; made for one use."""
        if not self.context.is_outside:
            return self.go("activity", activity_id=self.context.id)
        link, person = self.opening.link(), self._person()
        PlaylistRuns(self.request.db, person.id).refuse_locked(self.context)
        if not self.opening.consented(link, person):
            return self.go("open_tool", activity_id=self.context.id)
        sitting = self._sitting(link, person)
        if link.tool is None:
            form = open_by_form(self.opening, link, sitting, self.request.runtime.secrets)
            return post_to_tool(self.request, form.url, form.fields, name=link.tool_name)
        begun = open_by_login(self.opening, link, link.tool, sitting)
        name, fields = link.tool_name, begun.fields.items()
        return post_to_tool(self.request, begun.login_url, fields, name=name, link=begun.address)

    def _closed(self, refusal: Refused) -> Response:
        """Why it does not open, with the way back to where it was to be opened."""
        way = self.request.route_path("activity", activity_id=self.context.id)
        action = (translate(_("Back to the activity")), way)
        return show_problem(self.request, refusal.code, seen=refusal.seen, wanted=refusal.wanted, action=action)

    def _person(self) -> Person:
        return self.request.db.get_one(Person, self.request.identity.id)

    def _sitting(self, link: ToolLink, person: Person) -> Sitting:
        """The page says where it put the tool: inside another LMS's page there is no window of ours to open."""
        where = self.request.POST.get("in", "")
        opens_in = OpensIn(where) if where in set(OpensIn) else link.opens_in
        seat = Seat(opens_in, self.request.locale_name, "")
        return Sitting(person, self.request.identity.session_id, seat, browser_of(self.request))

    def _ask(self, link: ToolLink, consent: Consent) -> Response:
        values = {"activity": self.context, "tool": link.tool_name, "rows": consent.table(self.context)}
        return render_page(self.request, "lti/opening_consent.html", {**values, **layout_of(self.request)})

    def _play(self, link: ToolLink) -> Response:
        request, origins = self.request, origins_of(link)
        in_frame = link.opens_in is OpensIn.FRAME or is_framed(request)
        values = {"activity": self.context, "tool": link.tool_name, "origins": origins, "in_frame": in_frame}
        response = render_page(request, "lti/opening.html", {**values, **layout_of(request)})
        response.headers[CSP] = content_policy(ancestors(request), origins, origins)
        return response


@view_config(
    route_name="tool_return",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    renderer=page("lti/opening_back.html"),
    framable=True,
)
def come_back(context: Activity, request: Request) -> Any:
    """``launch_presentation_return_url``. In a frame our cookie may be missing, so this page asks for nobody: it shows
    the tool's words, as text, and the way to the activity. Words are shown once, and to nobody else who is signed in.
    """
    returned, visitor = Returned.of(request.GET), request.identity.id if request.identity else None
    if not note_return(request.runtime.database, request.tenant.id, context.id, returned, visitor):
        returned = returned.unsaid
    if request.identity is not None and not is_framed(request):
        if returned.words:
            request.flash(translate(_("The tool says: ${words}", mapping={"words": returned.words})), returned.kind)
        return Response(status=303, location=request.route_path("activity", activity_id=context.id))
    return {"activity_url": request.route_path("activity", activity_id=context.id), "returned": returned}


def activity_returned_to(request: Request) -> Activity:
    """Nothing of it is shown, so a stranger's browser may come back to it, too."""
    return Catalog(request.db).activity(uuid_in(request, "activity_id"))


def includeme(config: Configurator) -> None:
    base = "/learn/{activity_id}/tool"
    config.add_route("open_tool", base, factory=activity_for_learner, house="academy")
    config.add_route("launch_tool", f"{base}/launch", factory=activity_for_learner, house="academy")
    config.add_route("tool_return", f"{base}/return", factory=activity_returned_to, house="academy")
    config.scan(__name__)
