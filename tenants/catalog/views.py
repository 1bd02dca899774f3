"""Courses: the catalog everybody sees, and what authors do with it."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.searching import words_in
from saas.web.errors import show_problem
from saas.web.i18n import _
from saas.web.rendering import page
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.audit.services import record
from tenants.catalog.forms import ACTIVITY_FORMS, CardForm, ChapterForm, CourseForm
from tenants.catalog.models import Activity, ActivityType, Chapter, Content, Course, Media, Status
from tenants.catalog.services import OUTSIDE_TYPES, Catalog

EVERYTHING = _(
    "Everything in it goes too: content, attempts and results of learners. Links to it in other learning systems will"
    " stop working. This cannot be undone."
)


def is_author(request: Request) -> bool:
    return request.identity is not None and request.identity.may(Permission.AUTHOR)


def course_in_address(request: Request) -> Course:
    course = Catalog(request.db).course(uuid_in(request, "course_id"))
    if course.status is not Status.PUBLISHED and not is_author(request):
        raise Refused("WEB_NOT_FOUND")
    return course


def activity_in_address(request: Request) -> Activity:
    return Catalog(request.db).activity(uuid_in(request, "activity_id"))


def chapter_in_address(request: Request) -> Chapter:
    return Catalog(request.db).chapter(uuid_in(request, "chapter_id"))


class AuthoringView(View):
    @property
    def catalog(self) -> Catalog:
        return Catalog(self.request.db)

    def say(self, text: Any) -> None:
        self.request.flash(self.request.localizer.translate(text))

    def confirmation(self, title: str, back: str, what: Any = EVERYTHING) -> dict[str, Any]:
        """Values of the page that asks before something is deleted."""
        return {"title": title, "back": back, "what": self.request.localizer.translate(what)}

    def refused(self, **values: Any) -> dict[str, Any]:
        self.request.response.status_int = 422
        return values


@view_defaults(permission=Permission.LEARN)
class CatalogPages(AuthoringView):
    @view_config(route_name="courses", request_method="GET", renderer=page("courses/index.html#list"))
    def index(self) -> dict[str, Any]:
        author = is_author(self.request)
        words = words_in(self.request.GET)
        courses = self.catalog.courses(published_only=not author, words=words)
        return {"courses": courses, "author": author, "q": words}

    @view_config(route_name="course", request_method="GET", renderer=page("courses/course.html#activities"))
    def course(self) -> dict[str, Any]:
        author = is_author(self.request)
        activities = [each for each in self.context.activities if author or each.status is Status.PUBLISHED]
        progress = self.request.registry.activity_progress(self.request, activities)
        return {"course": self.context, "activities": activities, "author": author, "progress": progress}


@view_defaults(permission=Permission.AUTHOR)
class CoursePages(AuthoringView):
    @view_config(route_name="course_new", request_method="GET", renderer=page("courses/course_form.html"))
    def new(self) -> dict[str, Any]:
        return {"form": CourseForm.of(self.request), "course": None}

    @view_config(route_name="course_new", request_method="POST", renderer=page("courses/course_form.html"))
    def create(self) -> Any:
        form = CourseForm.of(self.request)
        if not form.accepted():
            return self.refused(form=form, course=None)
        course = self.catalog.create_course(form.title.data, form.summary.data or "")
        self.say(_("The course is made. Now add an activity."))
        return self.go("course", course_id=course.id)

    @view_config(route_name="course_edit", request_method="GET", renderer=page("courses/course_form.html"))
    def edit(self) -> dict[str, Any]:
        return {"form": CourseForm.of(self.request, obj=self.context), "course": self.context}

    @view_config(route_name="course_edit", request_method="POST", renderer=page("courses/course_form.html"))
    def save(self) -> Any:
        form = CourseForm.of(self.request)
        if not form.accepted():
            return self.refused(form=form, course=self.context)
        self.catalog.edit_course(self.context, form.title.data, form.summary.data or "")
        self.say(_("Saved"))
        return self.go("course", course_id=self.context.id)

    @view_config(route_name="course_publish", request_method="POST")
    def publish(self) -> Response:
        on = self.request.POST.get("on") == "1"
        self.catalog.publish(self.context, on=on)
        self.say(_("The course is published") if on else _("The course is a draft again"))
        return self.go("course", course_id=self.context.id)

    @view_config(route_name="course_delete", request_method="GET", renderer=page("courses/delete.html"))
    def confirm(self) -> dict[str, Any]:
        return self.confirmation(self.context.title, self.request.route_path("course", course_id=self.context.id))

    @view_config(route_name="course_delete", request_method="POST")
    def delete(self) -> Response:
        record(self.request, "course.deleted", self.context.title)
        self.catalog.delete(self.context)
        self.say(_("The course is deleted"))
        return self.go("courses")

    @view_config(route_name="activity_new", request_method="GET", renderer=page("courses/activity_types.html"))
    def choose_type(self) -> dict[str, Any]:
        return {"course": self.context, "type": None}

    @view_config(route_name="activity_new_content", request_method="GET", renderer=page("courses/activity_types.html"))
    def choose_content(self) -> dict[str, Any]:
        """Written here, or an outside tool's; an exam is always a tool's."""
        return {"course": self.context, "type": self._type().value, "lti_on": self.request.tenant.has("lti")}

    @view_config(route_name="activity_new_outside", request_method="GET", renderer=page("courses/activity_form.html"))
    @view_config(route_name="activity_new_typed", request_method="GET", renderer=page("courses/activity_form.html"))
    def new_activity(self) -> dict[str, Any]:
        return self._activity_form(ACTIVITY_FORMS[self._type()].of(self.request))

    @view_config(route_name="activity_new_outside", request_method="POST", renderer=page("courses/activity_form.html"))
    @view_config(route_name="activity_new_typed", request_method="POST", renderer=page("courses/activity_form.html"))
    def create_activity(self) -> Any:
        """What is written here goes on with its content; what a tool has, with the settings that say which."""
        form = ACTIVITY_FORMS[self._type()].of(self.request)
        values = self._activity_form(form)
        if not form.accepted():
            return self.refused(**values)
        minimum = form.minimum_score.data if self._type() is ActivityType.EXAM else None
        details = form.title.data, form.description.data or "", form.duration_minutes.data, self._type()
        content = Content.LTI if values["outside"] else Content.OWN
        made = self.catalog.create_activity(self.context, *details, content=content, minimum=minimum)
        if made.is_outside:
            self.say(_("The activity is made. Now enter its LTI settings."))
        return self.go("activity_settings" if made.is_outside else "activity_content", activity_id=made.id)

    def _type(self) -> ActivityType:
        return ActivityType(self.request.matchdict["type"])

    def _activity_form(self, form: Any) -> dict[str, Any]:
        outside = self.request.matched_route.name == "activity_new_outside"
        if outside and not self.request.tenant.has("lti"):
            raise Refused("LTI_OFF")
        return {"form": form, "course": self.context, "type": self._type().value, "outside": outside}


@view_defaults(permission=Permission.AUTHOR)
class ActivityPages(AuthoringView):
    """``context`` is the activity."""

    @view_config(route_name="activity_settings", request_method="GET", renderer=page("courses/settings.html"))
    def settings(self) -> dict[str, Any]:
        return self._settings(ACTIVITY_FORMS[self.context.type].of(self.request, obj=self.context))

    @view_config(route_name="activity_settings", request_method="POST", renderer=page("courses/settings.html"))
    def save(self) -> Any:
        form = ACTIVITY_FORMS[self.context.type].of(self.request)
        if not form.accepted():
            return self.refused(**self._settings(form))
        self.catalog.edit_activity(
            self.context, form.title.data, form.description.data or "", form.duration_minutes.data
        )
        if self.context.is_exam and (question := self._new_minimum(form.minimum_score.data)):
            return question
        self.say(_("Saved"))
        return self.go("activity_settings", activity_id=self.context.id)

    def _new_minimum(self, minimum: int) -> Response | None:
        """Saved at once, unless it changes what somebody was told: then the page that asks first."""
        if minimum == self.context.minimum_score:
            return None
        if self.request.registry.exam_would_flip(self.request, self.context, minimum):
            self.say(_("The other settings are saved."))
            return self.go("exam_minimum", activity_id=self.context.id, _query={"minimum": minimum})
        self.catalog.set_minimum(self.context, minimum)
        return None

    def _settings(self, form: Any) -> dict[str, Any]:
        return {
            "form": form,
            "activity": self.context,
            "connection": self.request.panels("activity.connection", self.context),
            "panels": self.request.panels("activity.settings", self.context),
            "tabs": activity_tabs(self.request, self.context),
        }

    @view_config(route_name="activity_publish", request_method="POST")
    def publish(self) -> Response:
        on = self.request.POST.get("on") == "1"
        try:
            self.catalog.publish(self.context, on=on)
        except Refused as refusal:
            return self._not_yet(refusal)
        record(self.request, "activity.published" if on else "activity.unpublished", self.context.title)
        self.say(_("The activity is published") if on else _("The activity is a draft again"))
        return self.go("activity_settings", activity_id=self.context.id)

    def _not_yet(self, refusal: Refused) -> Response:
        """What is missing, with the way to where it is entered."""
        request, outside = self.request, self.context.is_outside
        route, anchor = ("activity_settings", "lti-link") if outside else ("activity_content", None)
        label = _("Enter LTI settings") if outside else _("To the content")
        way = request.route_path(route, activity_id=self.context.id, _anchor=anchor)
        action = (request.localizer.translate(label), way)
        return show_problem(request, refusal.code, seen=refusal.seen, wanted=refusal.wanted, action=action)

    @view_config(route_name="activity_move", request_method="POST")
    def move(self) -> Response:
        course = self.context.course
        self.catalog.move(course.activities, self.context, -1 if self.request.matchdict["way"] == "up" else 1)
        return self.go("course", course_id=course.id)

    @view_config(route_name="activity_delete", request_method="GET", renderer=page("courses/delete.html"))
    def confirm(self) -> dict[str, Any]:
        back = self.request.route_path("activity_settings", activity_id=self.context.id)
        return self.confirmation(self.context.title, back)

    @view_config(route_name="activity_delete", request_method="POST")
    def delete(self) -> Response:
        course_id = self.context.course_id
        record(self.request, "activity.deleted", self.context.title)
        self.catalog.delete(self.context)
        self.say(_("The activity is deleted"))
        return self.go("course", course_id=course_id)

    @view_config(route_name="activity_content", request_method="GET", renderer=page("courses/content.html"))
    def content(self) -> Any:
        if self.context.is_playlist:
            return self.go("playlist", playlist_id=self.context.id)
        return self._content(chapter_form(self.context).of(self.request))

    @view_config(route_name="activity_content", request_method="POST", renderer=page("courses/content.html"))
    def add_chapter(self) -> Any:
        if self.context.is_playlist or self.context.is_outside:
            raise Refused("WEB_NOT_FOUND")
        form = chapter_form(self.context).of(self.request)
        if not form.accepted():
            return self.refused(**self._content(form))
        chapter = self.catalog.create_chapter(self.context, form.title.data)
        return self.go("chapter_edit", chapter_id=chapter.id)

    def _content(self, form: Any) -> dict[str, Any]:
        panels = self.request.panels("activity.content", self.context) if self.context.is_outside else []
        tabs = activity_tabs(self.request, self.context)
        return {"form": form, "activity": self.context, "tabs": tabs, "panels": panels}


def chapter_form(activity: Activity) -> type[ChapterForm] | type[CardForm]:
    return CardForm if activity.type is ActivityType.MICROLEARNING else ChapterForm


def activity_tabs(request: Request, activity: Activity) -> list[dict[str, Any]]:
    content = ("playlist", "playlist_id") if activity.is_playlist else ("activity_content", "activity_id")
    return [
        {
            "label": request.localizer.translate(label),
            "url": request.route_path(route, **{place: activity.id}),
            "current": request.matched_route.name == route,
        }
        for label, (route, place) in (
            (_("Content"), content),
            (_("Settings"), ("activity_settings", "activity_id")),
            (_("Results"), ("activity_results", "activity_id")),
        )
    ]


@view_config(route_name="media", request_method="GET", permission=Permission.LEARN)
def media(request: Request) -> Response:
    """A picture never changes under its id, so browsers may keep it; only for signed-in people of this academy."""
    found = request.db.get(Media, uuid_in(request, "media_id"))
    if found is None:
        raise Refused("WEB_NOT_FOUND")
    response = Response(body=found.content, content_type=found.content_type)
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    response.headers["Content-Disposition"] = "inline"
    return response


def includeme(config: Configurator) -> None:
    config.registry.activity_progress = lambda _request, _activities: {}
    config.registry.exam_would_flip = lambda _request, _activity, _minimum: False
    own = "|".join(each for each in ActivityType if each is not ActivityType.EXAM)
    outside = "|".join(OUTSIDE_TYPES)
    config.add_route("courses", "/courses", house="academy")
    config.add_route("course_new", "/courses/new", house="academy")
    config.add_route("media", "/media/{media_id}", house="academy")
    for name, path in (
        ("course", ""),
        ("course_edit", "/edit"),
        ("course_publish", "/publish"),
        ("course_delete", "/delete"),
        ("activity_new", "/activities/new"),
        ("activity_new_typed", f"/activities/new/{{type:{own}}}"),
        ("activity_new_content", f"/activities/new/{{type:{outside}}}/content"),
        ("activity_new_outside", f"/activities/new/{{type:{outside}}}/lti"),
    ):
        config.add_route(name, f"/courses/{{course_id}}{path}", factory=course_in_address, house="academy")
    for name, path in (
        ("activity_content", "/content"),
        ("activity_settings", "/settings"),
        ("activity_publish", "/publish"),
        ("activity_delete", "/delete"),
        ("activity_move", "/move/{way:up|down}"),
    ):
        config.add_route(name, f"/activities/{{activity_id}}{path}", factory=activity_in_address, house="academy")
    config.include("tenants.catalog.chapter_views")
    config.include("tenants.catalog.playlist_views")
    config.scan(__name__)
