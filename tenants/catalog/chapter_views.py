"""The editor of a chapter: its blocks of text, pictures and check questions."""

from decimal import Decimal
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.web.i18n import _
from saas.web.rendering import page
from saas.web.views import uuid_in
from tenants.access import Permission
from tenants.catalog.blocks import QuestionKind, body_of, read_number
from tenants.catalog.forms import ImageForm, QuestionForm, TextForm
from tenants.catalog.markdown import render_markdown
from tenants.catalog.models import ActivityType, Block, BlockKind, Chapter
from tenants.catalog.pictures import MAX_UPLOAD, store_picture
from tenants.catalog.services import Catalog
from tenants.catalog.views import AuthoringView, activity_tabs, chapter_form, chapter_in_address

FORMS: dict[BlockKind, Any] = {BlockKind.TEXT: TextForm, BlockKind.IMAGE: ImageForm, BlockKind.QUESTION: QuestionForm}

KIND_NAMES = {
    BlockKind.TEXT: _("Text"),
    BlockKind.IMAGE: _("Picture"),
    BlockKind.QUESTION: _("Check question"),
}
ANSWERS = _("Answers learners gave in it go with it. This cannot be undone.")


def block_in_address(request: Request) -> Block:
    return Catalog(request.db).block(uuid_in(request, "block_id"))


@view_defaults(permission=Permission.AUTHOR)
class ChapterPages(AuthoringView):
    """``context`` is the chapter."""

    context: Chapter

    @view_config(route_name="chapter_edit", request_method="GET", renderer=page("courses/chapter.html"))
    def show(self) -> dict[str, Any]:
        return self._shown(chapter_form(self.context.activity).of(self.request, obj=self.context))

    @view_config(route_name="chapter_edit", request_method="POST", renderer=page("courses/chapter.html"))
    def rename(self) -> Any:
        form = chapter_form(self.context.activity).of(self.request)
        if not form.accepted():
            return self.refused(**self._shown(form))
        self.catalog.rename_chapter(self.context, form.title.data)
        self.say(_("Saved"))
        return self.go("chapter_edit", chapter_id=self.context.id)

    def _shown(self, form: Any) -> dict[str, Any]:
        blocks = [(block, preview(block)) for block in self.context.blocks]
        activity = self.context.activity
        return {
            "form": form,
            "chapter": self.context,
            "activity": activity,
            "blocks": blocks,
            "tabs": activity_tabs(self.request, activity),
        }

    @view_config(route_name="chapter_move", request_method="POST")
    def move(self) -> Response:
        activity = self.context.activity
        self.catalog.move(activity.chapters, self.context, -1 if self.request.matchdict["way"] == "up" else 1)
        return self.go("activity_content", activity_id=activity.id)

    @view_config(route_name="chapter_delete", request_method="GET", renderer=page("courses/delete.html"))
    def confirm(self) -> dict[str, Any]:
        return self.confirmation(
            self.context.title, self.request.route_path("chapter_edit", chapter_id=self.context.id), ANSWERS
        )

    @view_config(route_name="chapter_delete", request_method="POST")
    def delete(self) -> Response:
        activity_id, is_card = self.context.activity_id, self.context.activity.type is ActivityType.MICROLEARNING
        self.catalog.delete(self.context)
        self.say(_("The card is deleted") if is_card else _("The chapter is deleted"))
        return self.go("activity_content", activity_id=activity_id)

    @view_config(route_name="block_new", request_method="GET", renderer=page("courses/block.html"))
    def new_block(self) -> dict[str, Any]:
        kind = self._kind()
        return {"form": FORMS[kind].of(self.request), "kind": kind.value, "chapter": self.context, "block": None}

    @view_config(
        route_name="block_new",
        request_method="POST",
        renderer=page("courses/block.html"),
        max_body=MAX_UPLOAD + 100_000,
        files=("picture",),
    )
    def create_block(self) -> Any:
        kind = self._kind()
        form = FORMS[kind].of(self.request)
        if "more" not in self.request.POST and form.accepted():
            try:
                self.catalog.create_block(self.context, kind, body_from(self.request, kind, form))
                return self.go("chapter_edit", chapter_id=self.context.id)
            except Refused as refusal:
                show_refusal(self.request, form, refusal)
        return self.refused(form=with_more(self.request, form), kind=kind.value, chapter=self.context, block=None)

    def _kind(self) -> BlockKind:
        return BlockKind(self.request.matchdict["kind"])


@view_defaults(permission=Permission.AUTHOR)
class BlockPages(AuthoringView):
    """``context`` is the block."""

    context: Block

    @view_config(route_name="block_edit", request_method="GET", renderer=page("courses/block.html"))
    def show(self) -> dict[str, Any]:
        return self._shown(FORMS[self.context.kind].of(self.request, data=form_data(self.context)))

    @view_config(
        route_name="block_edit",
        request_method="POST",
        renderer=page("courses/block.html"),
        max_body=MAX_UPLOAD + 100_000,
        files=("picture",),
    )
    def save(self) -> Any:
        form = FORMS[self.context.kind].of(self.request)
        if "more" not in self.request.POST and form.accepted():
            try:
                self.catalog.edit_block(self.context, body_from(self.request, self.context.kind, form, self.context))
                return self.go("chapter_edit", chapter_id=self.context.chapter_id)
            except Refused as refusal:
                show_refusal(self.request, form, refusal)
        return self.refused(**self._shown(with_more(self.request, form)))

    def _shown(self, form: Any) -> dict[str, Any]:
        return {"form": form, "kind": self.context.kind.value, "chapter": self.context.chapter, "block": self.context}

    @view_config(route_name="block_move", request_method="POST")
    def move(self) -> Response:
        chapter = self.context.chapter
        self.catalog.move(chapter.blocks, self.context, -1 if self.request.matchdict["way"] == "up" else 1)
        return self.go("chapter_edit", chapter_id=chapter.id)

    @view_config(route_name="block_delete", request_method="GET", renderer=page("courses/delete.html"))
    def confirm(self) -> dict[str, Any]:
        name = self.request.localizer.translate(KIND_NAMES[self.context.kind])
        back = self.request.route_path("chapter_edit", chapter_id=self.context.chapter_id)
        return self.confirmation(name, back, ANSWERS)

    @view_config(route_name="block_delete", request_method="POST")
    def delete(self) -> Response:
        chapter_id = self.context.chapter_id
        self.catalog.delete(self.context)
        self.say(_("The block is deleted"))
        return self.go("chapter_edit", chapter_id=chapter_id)


def with_more(request: Request, form: Any) -> Any:
    """The button "Add another answer" without JavaScript: the same form with one more row."""
    choices = getattr(form, "choices", None)
    if "more" in request.POST and choices is not None and len(choices) < choices.max_entries:
        choices.append_entry()
    return form


def show_refusal(request: Request, form: Any, refusal: Refused) -> None:
    problem = request.problem(refusal.code)
    form.form_errors = [*form.form_errors, refusal.seen or problem.cause]


def preview(block: Block) -> dict[str, Any]:
    """For the author's eyes: answers included."""
    body = body_of(block)
    if block.kind is BlockKind.TEXT:
        return {"html": render_markdown(body.markdown)}
    return {"body": body}


def form_data(block: Block) -> dict[str, Any]:
    body = body_of(block)
    if block.kind is not BlockKind.QUESTION:
        return dict(body.model_dump())
    choices = [{"text": choice.text, "correct": choice.correct} for choice in body.choices]
    number = "" if body.number is None else f"{body.number.normalize():f}"
    tolerance = f"{body.tolerance.normalize():f}" if body.tolerance else ""
    return {
        **body.model_dump(),
        "kind": body.kind.value,
        "choices": choices or None,
        "number": number,
        "tolerance": tolerance,
    }


def body_from(request: Request, kind: BlockKind, form: Any, block: Block | None = None) -> dict[str, Any]:
    if kind is BlockKind.TEXT:
        return {"markdown": form.markdown.data}
    if kind is BlockKind.IMAGE:
        return _image_body(request, form, block)
    question = QuestionKind(form.kind.data)
    body = {"kind": question, "prompt": form.prompt.data, "feedback": (form.feedback.data or "").strip()}
    if question is QuestionKind.NUMBER:
        return {
            **body,
            "number": read_number(form.number.data or ""),
            "tolerance": _tolerance(form.tolerance.data or "0"),
        }
    rows = [row.data for row in form.choices if row.data["text"]]
    return {**body, "choices": [{"text": row["text"], "correct": row["correct"]} for row in rows]}


def _tolerance(text: str) -> Decimal:
    tolerance = read_number(text)
    if tolerance is None:
        raise Refused("BLOCK_INVALID", seen="tolerance: enter a number")
    return tolerance


def _image_body(request: Request, form: Any, block: Block | None) -> dict[str, Any]:
    upload = request.POST.get("picture")
    content = _bytes_of(upload.file) if hasattr(upload, "file") else b""
    if content:
        media_id = str(store_picture(request.db, content).id)
    elif block is not None:
        media_id = block.body["media_id"]
    else:
        raise Refused("PICTURE_MISSING")
    return {
        "media_id": media_id,
        "alt": form.alt.data or "",
        "decorative": form.decorative.data,
        "caption": form.caption.data or "",
    }


def _bytes_of(file: Any) -> bytes:
    """From its beginning, also when the request is tried again after a collision."""
    file.seek(0)
    return file.read(MAX_UPLOAD + 1)


def includeme(config: Configurator) -> None:
    for name, path in (
        ("chapter_edit", ""),
        ("chapter_move", "/move/{way:up|down}"),
        ("chapter_delete", "/delete"),
        ("block_new", "/blocks/new/{kind:text|image|question}"),
    ):
        config.add_route(name, f"/chapters/{{chapter_id}}{path}", factory=chapter_in_address, house="academy")
    for name, path in (("block_edit", ""), ("block_move", "/move/{way:up|down}"), ("block_delete", "/delete")):
        config.add_route(name, f"/blocks/{{block_id}}{path}", factory=block_in_address, house="academy")
    config.scan(__name__)
