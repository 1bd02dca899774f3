"""“Pick content”: the author's way into a tool, the address of its answer, and the page of what came of it."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.web.errors import show_problem
from saas.web.headers import allow_framing
from saas.web.i18n import _
from saas.web.rendering import page, translate
from saas.web.views import see_other, uuid_in
from tenants.access import Permission
from tenants.accounts.models import Person
from tenants.catalog.models import ActivityType, Course
from tenants.catalog.views import AuthoringView, course_in_address
from tenants.lti.availability import require_lti
from tenants.lti.platform.addresses import CONTENT_PATH
from tenants.lti.platform.coming_again import AGAIN, may_return, send_again
from tenants.lti.platform.content import begin_choice, can_pick, request_message
from tenants.lti.platform.content_answers import ContentAnswers, Taken, chosen_in
from tenants.lti.platform.messages import MessageKinds, Seat
from tenants.lti.platform.models import OpensIn
from tenants.lti.platform.opening import Sitting
from tenants.lti.platform.posting import post_to_tool
from tenants.lti.platform.tools import Tools
from tenants.lti.tool.views import browser_of, may_log, pairs_of
from tenants.lti.wire.deeplink import FORM_FIELD
from tenants.lti.wire.launch13 import DEEP_LINKING_REQUEST


@view_defaults(permission=Permission.AUTHOR)
class ContentPages(AuthoringView):
    """``context`` is the course."""

    @view_config(route_name="content_tools", request_method="GET", renderer=page("lti/content_tools.html"))
    def tools(self) -> dict[str, Any]:
        """The tools content can be chosen in; ``type=exam`` as in `pick`."""
        tools = [tool for tool in Tools(self.request.db, self.request.runtime.outbound).all() if can_pick(tool)]
        wanted = ActivityType.EXAM if self.request.GET.get("type") == ActivityType.EXAM else ActivityType.E_LEARNING
        return {"course": self.context, "tools": tools, "type": wanted.value}

    @view_config(route_name="content_pick", request_method="POST", rate="60/minute")
    def pick(self) -> Response:
        """``type=exam`` makes an exam of what is chosen, anything else e-learnings."""
        request = self.request
        tool = Tools(request.db, request.runtime.outbound).get(uuid_in(request, "tool_id"))
        begun = begin_choice(
            request.db,
            request.tenant,
            tool,
            self.context,
            self._sitting(),
            is_exam=request.POST.get("type") == ActivityType.EXAM.value,
        )
        return post_to_tool(request, begun.login_url, begun.fields.items(), name=tool.name, link=begun.address)

    @view_config(route_name="content_chosen", request_method="GET", renderer=page("lti/content_chosen.html"))
    def chosen(self) -> Any:
        activities = chosen_in(self.context, self.request.GET.getall("activity"))
        if not activities:
            return self.go("course", course_id=self.context.id)
        return {"course": self.context, "activities": activities}

    def _sitting(self) -> Sitting:
        """The tool gets the whole window: it comes back to us."""
        request = self.request
        seat = Seat(OpensIn.WINDOW, request.locale_name, "")
        person = request.db.get_one(Person, request.identity.id)
        return Sitting(person, request.identity.session_id, seat, browser_of(request))


@view_defaults(route_name="lti_content", permission=NO_PERMISSION_REQUIRED, require_csrf=False)
class ContentDoor:
    """Cross-site by nature: the tool's signature, our data and the session of who asked stand in for our token."""

    def __init__(self, _context: Any, request: Request) -> None:
        self.request = request
        allow_framing(request)

    @view_config(request_method="POST", rate="120/minute")
    def answer(self) -> Response:
        request, identity = self.request, self.request.identity
        pairs = [(name, value) for name, value in pairs_of(request) if name in (FORM_FIELD, AGAIN)]
        if identity is None and may_return(request, dict(pairs)):
            return send_again(request, (pair for pair in pairs if pair[0] == FORM_FIELD))
        answers = ContentAnswers(request.runtime, request.tenant)
        try:
            taken = answers.take(
                uuid_in(request, "token"),
                pairs,
                identity.id if identity else None,
                log_refusal=lambda: may_log(request),
            )
        except Refused as refusal:
            return show_problem(request, refusal.code, seen=refusal.seen, wanted=refusal.wanted)
        return self._go_on(taken)

    def _go_on(self, taken: Taken) -> Response:
        """The tool's words are shown as text, its log never."""
        request, answer, count = self.request, taken.answer, len(taken.activity_ids)
        said = answer.error or answer.message
        nothing = "" if count else translate(_("Nothing was chosen; nothing changed."))
        words = translate(_("The tool says: ${words}", mapping={"words": said})) if said else ""
        if text := " ".join(filter(None, (words, nothing))):
            request.flash(text, "bad" if answer.error else "information")
        if not count:
            return see_other(request.route_path("course", course_id=taken.course_id))
        query = [("activity", str(each)) for each in taken.activity_ids]
        return see_other(request.route_path("content_chosen", course_id=taken.course_id, _query=query))


def course_choosing(request: Request) -> Course:
    require_lti(request.tenant)
    return course_in_address(request)


def includeme(config: Configurator) -> None:
    config.registry.runtime.part(MessageKinds).add(DEEP_LINKING_REQUEST, request_message)
    for name, path in (("content_chosen", ""), ("content_tools", "/tools"), ("content_pick", "/{tool_id}")):
        config.add_route(name, f"/courses/{{course_id}}/content{path}", factory=course_choosing, house="academy")
    config.add_route("lti_content", f"{CONTENT_PATH}/{{token}}", house="academy")
    config.add_hot_path(CONTENT_PATH)
    config.scan(__name__)
