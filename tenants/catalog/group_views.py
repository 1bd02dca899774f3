"""Groups of a course: their own pages, and what authors and coaches do with them."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
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
from tenants.accounts.models import Person
from tenants.accounts.services import People
from tenants.audit.services import record
from tenants.catalog.forms import GroupForm
from tenants.catalog.groups import FOUND_LIMIT, Groups, Ids
from tenants.catalog.models import Course, CourseGroup
from tenants.catalog.views import AuthoringView, course_in_address, is_author

#: People on a page.
PAGE = 50
GOING = _(
    "Its page, its calendar with all its dates, and its place in Zoom go too. Meetings that were scheduled stay in"
    " Zoom. Its people stay in the academy and in the course. This cannot be undone."
)


def group_for_author(request: Request) -> CourseGroup:
    return Groups(request.db).get(uuid_in(request, "group_id"))


def group_in_address(request: Request) -> CourseGroup:
    """For its people and staff; for everybody else there is no such group. Strangers are asked to sign in."""
    group = group_for_author(request)
    if request.identity is not None and not Groups(request.db).may_see(group, request.identity):
        raise Refused("WEB_NOT_FOUND")
    return group


def led_group(request: Request) -> CourseGroup:
    """For its coaches and staff."""
    group = group_in_address(request)
    if request.identity is not None and not Groups(request.db).may_lead(group, request.identity):
        raise Refused("WEB_FORBIDDEN")
    return group


class GroupView(AuthoringView):
    """``context`` is the group."""

    context: CourseGroup

    @property
    def groups(self) -> Groups:
        return Groups(self.request.db)

    def shown(self, **values: Any) -> dict[str, Any]:
        """Values every page of a group has; ``tabs`` is empty for whoever does not lead it."""
        leads = self.groups.may_lead(self.context, self.request.identity)
        tabs = group_tabs(self.request, self.context) if leads else []
        return {"group": self.context, "tabs": tabs, "author": is_author(self.request), **values}

    def people(self) -> dict[str, Any]:
        """A page of them; ``page`` in the address counts from 1."""
        text = self.request.GET.get("page", "1")
        number = int(text) if text.isdecimal() and 0 < len(text) < 6 else 1
        total = self.groups.count(self.context)
        pages = max(1, -(-total // PAGE))
        number = min(max(1, number), pages)
        people = self.groups.members(self.context, offset=(number - 1) * PAGE, limit=PAGE)
        return {"people": people, "page": number, "pages": pages, "total": total}


def group_tabs(request: Request, group: CourseGroup) -> list[dict[str, Any]]:
    return [
        {
            "label": request.localizer.translate(label),
            "url": request.route_path(route, group_id=group.id),
            "current": request.matched_route.name == route,
        }
        for label, route in ((_("Group"), "group"), (_("People"), "group_people"), (_("Settings"), "group_edit"))
    ]


@view_defaults(permission=Permission.AUTHOR)
class NewGroup(AuthoringView):
    """``context`` is the course."""

    context: Course

    @view_config(route_name="group_new", request_method="GET", renderer=page("courses/group_form.html"))
    def new(self) -> dict[str, Any]:
        return {"form": GroupForm.of(self.request), "course": self.context}

    @view_config(route_name="group_new", request_method="POST", renderer=page("courses/group_form.html"))
    def create(self) -> Any:
        form = GroupForm.of(self.request)
        if not form.accepted():
            return self.refused(form=form, course=self.context)
        try:
            made = Groups(self.request.db).create(self.context, form.title.data, form.description.data or "")
        except Refused as refusal:
            form.refuse("title", self.request.problem(refusal.code).cause)
            return self.refused(form=form, course=self.context)
        self.say(_("The group is made. Now add its people."))
        return self.go("group_add", group_id=made.id)


@view_defaults(permission=Permission.LEARN)
class GroupPages(GroupView):
    @view_config(route_name="group", request_method="GET", renderer=page("courses/group.html"))
    def show(self) -> dict[str, Any]:
        return self.shown(panels=self.request.panels("group", self.context), **self.people())

    @view_config(route_name="group_edit", request_method="GET", renderer=page("courses/group_settings.html"))
    def edit(self) -> dict[str, Any]:
        return self._settings(GroupForm.of(self.request, obj=self.context))

    @view_config(route_name="group_edit", request_method="POST", renderer=page("courses/group_settings.html"))
    def save(self) -> Any:
        form = GroupForm.of(self.request)
        if not form.accepted():
            return self.refused(**self._settings(form))
        try:
            self.groups.edit(self.context, form.title.data, form.description.data or "")
        except Refused as refusal:
            form.refuse("title", self.request.problem(refusal.code).cause)
            return self.refused(**self._settings(form))
        self.say(_("Saved"))
        return self.go("group_edit", group_id=self.context.id)

    def _settings(self, form: Any) -> dict[str, Any]:
        return self.shown(form=form, panels=self.request.panels("group.settings", self.context))

    @view_config(
        route_name="group_delete",
        request_method="GET",
        permission=Permission.AUTHOR,
        renderer=page("courses/delete.html"),
    )
    def confirm(self) -> dict[str, Any]:
        back = self.request.route_path("group_edit", group_id=self.context.id)
        return self.confirmation(self.context.title, back, GOING)

    @view_config(route_name="group_delete", request_method="POST", permission=Permission.AUTHOR)
    def delete(self) -> Response:
        course_id = self.context.course_id
        record(self.request, "group.deleted", self.context.title)
        self.groups.delete(self.context)
        self.say(_("The group is deleted"))
        return self.go("course", course_id=course_id)


@view_defaults(permission=Permission.LEARN)
class GroupPeople(GroupView):
    """Coaches who are no authors add and take out learners of the course; who coaches is the authors' to say."""

    @view_config(route_name="group_people", request_method="GET", renderer=page("courses/group_people.html"))
    def show(self) -> dict[str, Any]:
        return self.shown(**self.people())

    @view_config(route_name="group_add", request_method="GET", renderer=page("courses/group_add.html#found"))
    def search(self) -> dict[str, Any]:
        words = words_in(self.request.GET)
        found = self.groups.candidates(self.context, words, self._among())
        return self.shown(found=found, q=words, limit=FOUND_LIMIT)

    @view_config(route_name="group_add", request_method="POST")
    def add(self) -> Response:
        """Those who were ticked, or everybody who takes part in the course."""
        translate = self.request.localizer.translate
        if self.request.POST.get("everybody") == "1":
            added = self.groups.put_everybody(self.context, self._taking_part())
        else:
            added = self.groups.put_chosen(self.context, self._chosen(), self._among())
        record(self.request, "group.people_added", self.context.title, group=str(self.context.id), people=added)
        if added:
            self.request.flash(translate(_("Added: ${number}", mapping={"number": added})))
        else:
            self.request.flash(translate(_("Nobody was added: nobody was chosen who is not in the group")), "attention")
        words = words_in(self.request.POST)
        query = {"_query": {"q": words}} if words else {}
        return self.go("group_add", group_id=self.context.id, **query)

    @view_config(route_name="group_coach", request_method="POST", permission=Permission.AUTHOR)
    def coach(self) -> Response:
        person, on = self._person(), self.request.POST.get("on") == "1"
        if self.groups.membership(self.context, person.id) is None:
            raise Refused("PERSON_UNKNOWN")
        self.groups.put(self.context, person, is_coach=on)
        record(self.request, "group.coach", self.context.title, person=person.name, on=on)
        self.say(_("A coach of the group now") if on else _("No coach of the group any more"))
        return self.go("group_people", group_id=self.context.id)

    @view_config(route_name="group_take_out", request_method="POST")
    def take_out(self) -> Response:
        person = self._person()
        member = self.groups.membership(self.context, person.id)
        if member is not None and member.is_coach and not is_author(self.request):
            raise Refused("WEB_FORBIDDEN")
        if member is not None:
            self.groups.take_out(self.context, person.id)
            record(self.request, "group.person_out", self.context.title, person=person.name)
        self.say(_("Taken out of the group"))
        return self.go("group_people", group_id=self.context.id)

    def _person(self) -> Person:
        return People(self.request.db).get(uuid_in(self.request, "person_id"))

    def _chosen(self) -> list[UUID]:
        try:
            return [UUID(each) for each in self.request.POST.getall("person")]
        except ValueError:
            raise Refused("PERSON_UNKNOWN") from None

    def _taking_part(self) -> Ids:
        found: Ids = self.request.registry.people_of_course(self.context.course_id)
        return found

    def _among(self) -> Ids | None:
        return None if is_author(self.request) else self._taking_part()


def includeme(config: Configurator) -> None:
    config.registry.people_of_course = lambda _course_id: sa.select(Person.id).where(sa.false())
    config.add_route("group_new", "/courses/{course_id}/groups/new", factory=course_in_address, house="academy")
    for name, path, factory in (
        ("group", "", group_in_address),
        ("group_edit", "/edit", led_group),
        ("group_delete", "/delete", group_for_author),
        ("group_people", "/people", led_group),
        ("group_add", "/people/add", led_group),
        ("group_coach", "/people/{person_id}/coach", group_for_author),
        ("group_take_out", "/people/{person_id}/out", led_group),
    ):
        config.add_route(name, f"/groups/{{group_id}}{path}", factory=factory, house="academy")
    config.scan(__name__)
