"""What learners see: home, an activity, the player, their results."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.addresses import add_query
from saas.problems import Refused
from saas.web.frames import frame_of
from saas.web.i18n import _
from saas.web.rendering import page, translate
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.catalog.blocks import QuestionBody, QuestionKind, body_of
from tenants.catalog.groups import Groups
from tenants.catalog.markdown import render_markdown
from tenants.catalog.models import Activity, Block, BlockKind, Chapter, Content, Status
from tenants.catalog.services import Catalog
from tenants.learning.outside import OutsideResults
from tenants.learning.playlists import PlaylistRuns
from tenants.learning.services import Learning, Outline, taking_part
from tenants.learning.standing import Reads, Standing, standings


def activity_for_learner(request: Request) -> Activity:
    """Published, or seen by an author who is trying it out."""
    activity = Catalog(request.db).activity(uuid_in(request, "activity_id"))
    staff = request.identity is not None and request.identity.may(Permission.AUTHOR)
    if activity.status is not Status.PUBLISHED and not staff:
        raise Refused("ACTIVITY_CLOSED")
    return activity


def layout_of(request: Request, message: str = "") -> dict[str, Any]:
    """Who came from another LMS sees no navigation, but the way back.

    The LMS shows ``message`` to the person there (``lti_msg``: LTI 1.3 Core §5.4.4, launch presentation claim).
    """
    about = request.identity.about if request.identity and request.identity.origin == "lti" else None
    if about is None:
        return {"layout": "_layout.html"}
    frame = {"layout": "_frame.html", **frame_of(about)}
    if frame["back_url"] and message:
        frame["back_url"] = add_query(frame["back_url"], {"lti_msg": message})
    return frame


def _due_there(request: Request) -> datetime | None:
    """When the LMS that launched wants it done."""
    about = request.identity.about if request.identity else {}
    return datetime.fromisoformat(about["due"]) if about.get("due") else None


@view_defaults(permission=Permission.LEARN, framable=True)
class Home(View):
    @view_config(route_name="home", request_method="GET", renderer=page("learning/home.html"))
    def home(self) -> dict[str, Any]:
        learning = Learning(self.request.db, self.request.identity.id)
        latest = [each for each in standings_of(self.request) if each.is_newest]
        running = [each for each in latest if not each.is_done]
        done = [each for each in latest if each.is_done]
        return {
            "running": running,
            "done": done,
            "courses": learning.catalog(),
            "groups": Groups(self.request.db).groups_of(self.request.identity.id),
            "panels": self.request.panels("home", None),
            "calendar": self.request.panels("home.calendar", None),
            "author": self.request.identity.may(Permission.AUTHOR),
        }

    @view_config(route_name="results", request_method="GET", renderer=page("learning/results.html"))
    def results(self) -> dict[str, Any]:
        return {"rows": standings_of(self.request)}


def standings_of(request: Request, activity_ids: Sequence[UUID] | None = None) -> list[Standing]:
    """The person's attempts, newest first, with the words of outside tools; at some activities or at all."""
    attempts = Learning(request.db, request.identity.id).attempts(activity_ids)
    return standings(attempts, OutsideResults(request.db).of_person(request.identity.id, activity_ids))


def progress_of(request: Request, activities: Sequence[Activity]) -> dict[UUID, Standing]:
    """For the course page: how far the person is in each activity that was begun."""
    found = standings_of(request, [activity.id for activity in activities])
    return {each.activity.id: each for each in found if each.is_newest}


def _message(standing: Standing) -> str:
    """What the LMS that launched may say to the person; nothing while there is nothing to say."""
    sentences = {
        Reads.COMPLETED: _("You have completed “${title}”.", mapping={"title": standing.activity.title}),
        Reads.PASSED: _("You have passed “${title}”.", mapping={"title": standing.activity.title}),
        Reads.FAILED: _("You have not passed “${title}”.", mapping={"title": standing.activity.title}),
    }
    return translate(sentences[standing.reads]) if standing.reads in sentences else ""


@view_defaults(permission=Permission.LEARN, framable=True)
class Player(View):
    """``context`` is the activity."""

    context: Activity

    def __init__(self, context: Activity, request: Request) -> None:
        super().__init__(context, request)
        self.learning = Learning(request.db, request.identity.id)
        self.runs = PlaylistRuns(request.db, request.identity.id)

    @view_config(route_name="activity", request_method="GET", renderer=page("learning/activity.html"))
    def activity(self) -> dict[str, Any]:
        rows = standings_of(self.request, [self.context.id])
        standing = rows[0] if rows else Standing(self.context, None)
        return {
            "activity": self.context,
            "rows": rows,
            "standing": standing,
            "latest": standing.attempt,
            "panels": self.request.panels("activity.learner", self.context),
            "open": self.request.panels("activity.open", self.context) if self.context.is_meeting else [],
            "run": self.runs.outline(self.context) if self.context.is_playlist else None,
            "waits_for": self.runs.waits_for(self.context),
            "due": _due_there(self.request),
            "within": [self.runs.outline(each) for each in self.runs.containing(self.context.id)],
            **layout_of(self.request, _message(standing)),
        }

    @view_config(route_name="activity", request_method="POST")
    def start(self) -> Response:
        if self.context.is_playlist:
            self.runs.begin(self.context)
            return self.go("activity", activity_id=self.context.id)
        self.runs.refuse_locked(self.context)
        if self.context.content is not Content.OWN:
            return self._elsewhere()
        self.learning.open_attempt(self.context, again=self.request.POST.get("again") == "1")
        return self.go("learn", activity_id=self.context.id)

    @view_config(route_name="learn", request_method="GET")
    def resume(self) -> Response:
        if self.context.content is not Content.OWN:
            return self._elsewhere()
        attempt = self.learning.latest(self.context)
        outline = Outline(self.context, attempt) if attempt else None
        if outline is None or not outline.chapters:
            return self.go("activity", activity_id=self.context.id)
        return self.go("chapter", activity_id=self.context.id, chapter_id=outline.resume_at().id)

    def _elsewhere(self) -> Response:
        """A tool has a page of its own; a meeting is opened from its activity's."""
        return self.go("open_tool" if self.context.is_outside else "activity", activity_id=self.context.id)

    @view_config(route_name="chapter", request_method="GET", renderer=page("learning/chapter.html"))
    def chapter(self) -> Any:
        attempt = self.learning.latest(self.context)
        if attempt is None:
            return self.go("activity", activity_id=self.context.id)
        return self._shown(Outline(self.context, attempt))

    @view_config(route_name="chapter", request_method="POST", renderer=page("learning/chapter.html"))
    def go_on(self) -> Any:
        try:
            attempt = self.learning.finish_chapter(self.context, self._chapter())
        except Refused as refusal:
            return self._refused(refusal)
        outline = Outline(self.context, attempt)
        following = outline.after(self._chapter())
        if following is None and outline.is_complete:
            return self.go("activity", activity_id=self.context.id)
        target = following or next(each for each in outline.chapters if not outline.is_done(each))
        return self.go("chapter", activity_id=self.context.id, chapter_id=target.id)

    @view_config(route_name="answer", request_method="POST", renderer=page("learning/chapter.html#question"))
    def answer(self) -> Any:
        block = self._block()
        try:
            self.learning.answer(self.context, block, self.request.POST.getall(f"a-{block.id}"))
        except Refused as refusal:
            return self._refused(refusal, block)
        if self.request.htmx:
            attempt = self.learning.open_attempt(self.context)
            return {
                **self._shown(Outline(self.context, attempt)),
                "block": question_view(block, Outline(self.context, attempt)),
            }
        address = self.request.route_path("chapter", activity_id=self.context.id, chapter_id=block.chapter_id)
        return Response(status=303, location=f"{address}#q-{block.id}")

    def _chapter(self) -> Chapter:
        wanted = uuid_in(self.request, "chapter_id")
        chapter = next((each for each in self.context.chapters if each.id == wanted and each.blocks), None)
        if chapter is None:
            raise Refused("WEB_NOT_FOUND")
        return chapter

    def _block(self) -> Block:
        wanted = uuid_in(self.request, "block_id")
        for block in self._chapter().blocks:
            if block.id == wanted and block.kind is BlockKind.QUESTION:
                return block
        raise Refused("WEB_NOT_FOUND")

    def _shown(self, outline: Outline) -> dict[str, Any]:
        chapter = self._chapter()
        return {
            "activity": self.context,
            "outline": outline,
            "chapter": chapter,
            "blocks": [block_view(block, outline) for block in chapter.blocks],
            "error": None,
            **layout_of(self.request),
        }

    def _refused(self, refusal: Refused, block: Block | None = None) -> dict[str, Any]:
        self.request.response.status_int = 422
        attempt = self.learning.latest(self.context)
        if attempt is None:
            raise refusal
        outline = Outline(self.context, attempt)
        shown = self._shown(outline)
        missing = {block.id} if block else {each.id for each in outline.unanswered(self._chapter())}
        for each in shown["blocks"]:
            each["error"] = refusal.code if each["id"] in missing else None
        mine = next((each for each in shown["blocks"] if block and each["id"] == block.id), None)
        return {**shown, "error": refusal.code, "block": mine}


def block_view(block: Block, outline: Outline) -> dict[str, Any]:
    """What a template may know of a block. Right answers are in it only once the learner has answered."""
    if block.kind is BlockKind.QUESTION:
        return question_view(block, outline)
    body = body_of(block)
    shown: dict[str, Any] = {"id": block.id, "kind": block.kind.value, "error": None}
    if block.kind is BlockKind.TEXT:
        return {**shown, "html": render_markdown(body.markdown)}
    return {**shown, "media_id": body.media_id, "alt": body.alt, "caption": body.caption}


_SHAPES = {QuestionKind.SINGLE: "one", QuestionKind.MULTIPLE: "many", QuestionKind.NUMBER: "number"}


def question_view(block: Block, outline: Outline) -> dict[str, Any]:
    body: QuestionBody = body_of(block)
    answer = outline.answers.get(block.id)
    shown: dict[str, Any] = {
        "id": block.id,
        "kind": "question",
        "shape": _SHAPES[body.kind],
        "prompt": body.prompt,
        "options": [(str(place), choice.text) for place, choice in enumerate(body.choices)],
        "number": outline.questions.index(block) + 1,
        "chosen": [],
        "right": None,
        "verdict": None,
        "explanation": None,
        "error": None,
    }
    if answer is None:
        return shown
    given = answer.given[0] if body.kind is QuestionKind.NUMBER and answer.given else answer.given
    right = [str(place) for place, choice in enumerate(body.choices) if choice.correct]
    return {
        **shown,
        "chosen": given,
        "right": right,
        "verdict": answer.correct,
        "explanation": _explanation(body, correct=answer.correct),
    }


def _explanation(body: QuestionBody, *, correct: bool) -> str:
    """The author's feedback; for a number that was wrong, the right one first."""
    if body.number is None or correct:
        return body.feedback
    return f"{translate(_('The right number is'))} {body.number.normalize():f}. {body.feedback}".strip()


def includeme(config: Configurator) -> None:
    config.registry.activity_progress = progress_of
    config.registry.people_of_course = taking_part
    config.include("tenants.learning.outside_views")
    config.add_route("home", "/", house="academy")
    config.add_route("results", "/results", house="academy")
    for name, path in (
        ("activity", "/activities/{activity_id}"),
        ("learn", "/learn/{activity_id}"),
        ("chapter", "/learn/{activity_id}/{chapter_id:[0-9a-fA-F-]+}"),
        ("answer", "/learn/{activity_id}/{chapter_id:[0-9a-fA-F-]+}/{block_id}"),
    ):
        config.add_route(name, path, factory=activity_for_learner, house="academy")
    config.scan(__name__)
