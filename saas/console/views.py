"""Academies: list, create, suspend, resume, features."""

from typing import Any

import structlog
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.console.forms import AcademyForm, SwitchForm
from saas.problems import Refused
from saas.tenancy.founding import found
from saas.tenancy.lifecycle import FEATURES, Lifecycle
from saas.tenancy.models import FeatureRequest
from saas.tenancy.requests import Requests, decline, switch
from saas.tenancy.resolve import Academy, academy
from saas.web.i18n import _
from saas.web.rendering import page, render_page
from saas.web.views import View

log = structlog.get_logger()
PERMISSION = "operate"
#: Which field of the form a refusal belongs to.
FIELDS = {
    "TENANT_SLUG": "slug",
    "TENANT_EXISTS": "slug",
    "TENANT_NAME": "name",
    "TENANT_HOST": "host",
    "TENANT_HOST_TAKEN": "host",
    "PERSON_EMAIL": "admin_email",
}


def _asked(request: FeatureRequest) -> dict[str, Any]:
    """A request as a page shows it, after its session is closed."""
    return {
        "slug": request.tenant.slug,
        "academy": request.tenant.name,
        "feature": request.feature,
        "message": request.message,
        "by": request.asked_by,
        "at": request.asked_at,
        "state": request.state.value,
        "reason": request.reason,
        "answered_by": request.answered_by,
        "answered_at": request.answered_at,
    }


@view_defaults(permission=PERMISSION)
class Console(View):
    """Works on the shell's tables in transactions of its own; the operator's session is only who asks."""

    @view_config(route_name="console", request_method="GET", renderer=page("console/index.html"))
    def index(self) -> dict[str, Any]:
        with self.request.runtime.database.shell(write=False) as session:
            lifecycle = Lifecycle(session, self.request.runtime.settings.web)
            academies = [academy(each, lifecycle.web) for each in lifecycle.all()]
            asked = [_asked(each) for each in Requests(session).open()]
        return {"academies": academies, "features": FEATURES, "requests": asked}

    @view_config(route_name="academy_new", request_method="GET", renderer=page("console/new.html"))
    def new(self) -> dict[str, Any]:
        return {"form": AcademyForm.of(self.request), "host": self.request.tenant.host}

    @view_config(route_name="academy_new", request_method="POST", renderer=page("console/new.html"))
    def create(self) -> Any:
        form = AcademyForm.of(self.request)
        if form.accepted():
            try:
                hosts = [form.host.data] if form.host.data else []
                made, link = found(self.request.runtime, form.slug.data, form.name.data, form.admin_email.data, hosts)
                log.info("academy created", slug=made.slug, by=self.request.identity.name)
                return render_page(self.request, "console/academy.html", self._shown(made, link=link))
            except Refused as refusal:
                form.refuse(FIELDS.get(refusal.code, "slug"), self.request.problem(refusal.code).cause)
        self.request.response.status_int = 422
        return {"form": form, "host": self.request.tenant.host}

    @view_config(route_name="academy", request_method="GET", renderer=page("console/academy.html"))
    def show(self) -> dict[str, Any]:
        return self._shown(self._academy())

    @view_config(route_name="academy_status", request_method="POST")
    def status(self) -> Response:
        slug, on = self.request.matchdict["slug"], self.request.POST.get("active") == "1"
        with self.request.runtime.database.shell() as session:
            lifecycle = Lifecycle(session, self.request.runtime.settings.web)
            lifecycle.resume(slug) if on else lifecycle.suspend(slug)
        log.info("academy resumed" if on else "academy suspended", slug=slug, by=self.request.identity.name)
        return self._changed(slug)

    @view_config(route_name="academy_feature", request_method="POST", renderer=page("console/academy.html"))
    def feature(self) -> Any:
        slug, name = self.request.matchdict["slug"], self.request.matchdict["name"]
        form, on = SwitchForm.of(self.request), self.request.POST.get("on") == "1"
        if not form.accepted():
            self.request.response.status_int = 422
            return self._shown(self._academy(), form=form, switching=name)
        switch(self.request.runtime, slug, name, on=on, reason=form.reason.data, by=self.request.identity.name)
        log.info("feature switched", slug=slug, feature=name, on=on, by=self.request.identity.name)
        return self._changed(slug)

    @view_config(route_name="academy_decline", request_method="POST", renderer=page("console/academy.html"))
    def decline(self) -> Any:
        slug, name = self.request.matchdict["slug"], self.request.matchdict["name"]
        form = SwitchForm.of(self.request)
        if not form.accepted():
            self.request.response.status_int = 422
            return self._shown(self._academy(), form=form, switching=name)
        decline(self.request.runtime, slug, name, reason=form.reason.data, by=self.request.identity.name)
        log.info("request declined", slug=slug, feature=name, by=self.request.identity.name)
        return self._changed(slug)

    def _academy(self) -> Academy:
        with self.request.runtime.database.shell(write=False) as session:
            lifecycle = Lifecycle(session, self.request.runtime.settings.web)
            return academy(lifecycle.by_slug(self.request.matchdict["slug"]), lifecycle.web)

    def _shown(self, shown: Academy, **more: Any) -> dict[str, Any]:
        with self.request.runtime.database.shell(write=False) as session:
            found = [Requests(session).latest(shown.id, name) for name in FEATURES]
            asked = {each.feature: _asked(each) for each in found if each}
        return {
            "academy": shown,
            "features": FEATURES,
            "requests": asked,
            "link": None,
            "form": SwitchForm(),
            "switching": None,
            **more,
        }

    def _changed(self, slug: str) -> Response:
        self.request.runtime.tenants.forget()
        self.request.flash(self.request.localizer.translate(_("Saved; every process notices within seconds")))
        return self.go("academy", slug=slug)
