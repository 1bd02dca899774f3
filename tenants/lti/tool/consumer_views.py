"""Settings of an activity → LTI 1.2: its keys, one secret at a time and only on demand, rotation, switching off."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults
from wtforms import BooleanField, StringField
from wtforms.validators import Length

from saas.problems import Refused
from saas.web.forms import Form, cleaned
from saas.web.i18n import _
from saas.web.rendering import page
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.audit.services import record
from tenants.catalog.services import Catalog
from tenants.lti.availability import require_lti
from tenants.lti.launches.services import LaunchLog
from tenants.lti.tool.addresses import launch12_url
from tenants.lti.tool.consumers import OVERLAP, Consumers
from tenants.lti.tool.models11 import ConsumerKey


class ConsumerForm(Form):
    name = StringField(
        _("Consumer"),
        [Length(max=200)],
        description=_("The other learning system this key is for, so that you know it in lists and logs."),
        filters=[cleaned],
    )
    allow_sha256 = BooleanField(_("Also take signatures made with HMAC-SHA256"))
    tolerate_query = BooleanField(_("Overlook parameters that join the address after signing (some Canvas versions)"))


class NewConsumerForm(Form):
    name = StringField(_("Consumer"), [Length(max=200)], filters=[cleaned])


def consumers_of(request: Request) -> Consumers:
    return Consumers(request.db, request.runtime.secrets)


def consumer_in_address(request: Request) -> ConsumerKey:
    require_lti(request.tenant)
    consumer = consumers_of(request).get(uuid_in(request, "consumer_id"))
    if consumer.activity_id != uuid_in(request, "activity_id"):
        raise Refused("WEB_NOT_FOUND")
    return consumer


def consumer_route(consumer: ConsumerKey) -> dict[str, Any]:
    return {"activity_id": consumer.activity_id, "consumer_id": consumer.id}


@view_config(route_name="lti_keys", request_method="POST", permission=Permission.AUTHOR)
def create(request: Request) -> Response:
    require_lti(request.tenant)
    activity = Catalog(request.db).activity(uuid_in(request, "activity_id"))
    form = NewConsumerForm.of(request)
    if not form.accepted():
        raise Refused("WEB_BAD_REQUEST")
    consumer = consumers_of(request).create(activity, form.name.data or "")
    record(request, "lti.consumer.created", consumer.label, activity=str(activity.id), key=consumer.key)
    return Response(status=303, location=request.route_path("lti_key", **consumer_route(consumer)))


@view_defaults(permission=Permission.AUTHOR)
class ConsumerPages(View):
    """``context`` is the key."""

    @view_config(route_name="lti_key", request_method="GET", renderer=page("lti/consumer.html"))
    def show(self) -> dict[str, Any]:
        return self._values(ConsumerForm.of(self.request, obj=self.context))

    @view_config(route_name="lti_key", request_method="POST", renderer=page("lti/consumer.html"))
    def save(self) -> Any:
        form = ConsumerForm.of(self.request)
        if not form.accepted():
            self.request.response.status_int = 422
            return self._values(form)
        form.populate_obj(self.context)
        record(self.request, "lti.consumer.changed", self.context.label, key=self.context.key)
        self.request.flash(self.request.localizer.translate(_("Saved")))
        return self.go("lti_key", **consumer_route(self.context))

    @view_config(
        route_name="lti_key_reveal",
        request_method="POST",
        permission=Permission.INTEGRATE,
        renderer=page("lti/consumer_secret.html#box"),
    )
    def reveal(self) -> dict[str, Any]:
        """The one place where a secret is shown: asked for by POST, in the audit log, kept by no cache.

        Not to authors: who knows it can sign a launch as any learner.
        """
        record(self.request, "lti.consumer.revealed", self.context.label, key=self.context.key)
        self.request.response.cache_control = "no-store"
        values = self._values(None)
        return {**values, "secret": consumers_of(self.request).reveal(self.context), "hide_url": values["address"]}

    @view_config(route_name="lti_key_rotate", request_method="GET", renderer=page("lti/consumer_rotate.html"))
    def confirm_rotation(self) -> dict[str, Any]:
        return {**self._values(None), "days": OVERLAP.days}

    @view_config(route_name="lti_key_rotate", request_method="POST")
    def rotate(self) -> Response:
        at_once = self.request.POST.get("at_once") == "1"
        consumers_of(self.request).rotate(self.context, at_once=at_once)
        record(self.request, "lti.consumer.rotated", self.context.label, key=self.context.key, at_once=at_once)
        self.request.flash(self.request.localizer.translate(_("There is a new secret: enter it in the other system.")))
        return self.go("lti_key", **consumer_route(self.context))

    @view_config(route_name="lti_key_switch", request_method="POST")
    def switch(self) -> Response:
        on = self.request.POST.get("on") == "1"
        consumers_of(self.request).switch(self.context, on=on)
        record(
            self.request,
            "lti.consumer.activated" if on else "lti.consumer.paused",
            self.context.label,
            key=self.context.key,
        )
        return self.go("lti_key", **consumer_route(self.context))

    def _values(self, form: ConsumerForm | None) -> dict[str, Any]:
        consumer = self.context
        return {
            "consumer": consumer,
            "activity": Catalog(self.request.db).activity(consumer.activity_id),
            "address": self.request.route_path("lti_key", **consumer_route(consumer)),
            "launch_url": launch12_url(self.request.tenant, consumer.activity_id),
            "launches": LaunchLog(self.request.db).recent(consumer_key_id=consumer.id, limit=5),
            "form": form,
        }


def includeme(config: Configurator) -> None:
    base = "/activities/{activity_id}/lti/keys"
    config.add_route("lti_keys", base, house="academy")
    for name, path in (
        ("lti_key", ""),
        ("lti_key_reveal", "/reveal"),
        ("lti_key_rotate", "/rotate"),
        ("lti_key_switch", "/switch"),
    ):
        config.add_route(name, f"{base}/{{consumer_id}}{path}", factory=consumer_in_address, house="academy")
    config.scan(__name__)
