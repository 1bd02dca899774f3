"""The access token of a Zoom profile: shown again to whoever proves who they are, and renewed."""

from typing import Any

from pyramid.view import view_config, view_defaults

from saas.web.i18n import _
from saas.web.rendering import page
from tenants.access import Permission
from tenants.accounts.models import Person
from tenants.accounts.passwords import verify_password
from tenants.accounts.services import People
from tenants.accounts.views import count_try
from tenants.zoom.ltipro.profile_forms import ProofForm
from tenants.zoom.ltipro.profile_views import ZoomView, profile_page, with_token
from tenants.zoom.ltipro.tokens import reveal
from tenants.zoom.ltipro.wizard import require_root

TOKEN, ROTATE = page("zoom/profile_token.html"), page("zoom/profile_rotate.html")
WRONG = _("This is not your password. Forgotten? Ask another admin of your academy for a sign-in link.")


@view_defaults(permission=Permission.INTEGRATE)
class TokenPages(ZoomView):
    """``context`` is the profile. Whoever sees a token has just proven who they are: a browser left open is not
    enough (ASVS 6.2.3).
    """

    @view_config(route_name="zoom_profile_token", request_method="GET", renderer=TOKEN)
    def ask(self) -> dict[str, Any]:
        return self._page(ProofForm(None))

    @view_config(route_name="zoom_profile_rotate", request_method="GET", renderer=ROTATE)
    def confirm_rotation(self) -> dict[str, Any]:
        """Not where Zoom could not reach us with the new one: `Refused` ZOOM_PATH_PREFIX."""
        require_root(self.request.script_name)
        return self._page(ProofForm(None))

    @view_config(route_name="zoom_profile_token", request_method="POST", renderer=TOKEN, rate="20/5minutes")
    def show(self) -> dict[str, Any]:
        """Each look is in the audit log."""
        form = ProofForm.of(self.request)
        if not self._is_proven(form):
            return self._page(form)
        token = reveal(self.context, self.request.runtime.secrets)
        self.note("revealed", self.context)
        self.request.response.cache_control = "no-store"
        return {**self._page(form), "token": token}

    @view_config(route_name="zoom_profile_rotate", request_method="POST", renderer=ROTATE, rate="20/5minutes")
    def rotate(self) -> Any:
        """The new token is on this one answer."""
        require_root(self.request.script_name)
        form, sent = ProofForm.of(self.request), self.request.POST
        if not self._is_proven(form):
            return self._page(form)
        at_once = sent.get("at_once") == "1"
        token = self.profiles.rotate(self.context, seen_hint=str(sent.get("hint", "")), at_once=at_once)
        self.note("rotated", self.context, at_once=at_once)
        return with_token(self.request, self.context, token)

    def _is_proven(self, form: ProofForm) -> bool:
        """Else the form says what is wrong, and the answer is 422."""
        is_proven = form.accepted() and self._is_password(form)
        if not is_proven:
            self.request.response.status_int = 422
        return is_proven

    def _is_password(self, form: ProofForm) -> bool:
        person = self._person()
        count_try(self.request, person.email_key or str(person.id))
        if person.password_hash and verify_password(person.password_hash, form.current.data or ""):
            return True
        form.refuse("current", self.request.localizer.translate(WRONG))
        return False

    def _page(self, form: ProofForm) -> dict[str, Any]:
        has_password = bool(self._person().password_hash)
        return {**profile_page(self.request, self.context), "form": form, "has_password": has_password, "token": None}

    def _person(self) -> Person:
        return People(self.request.db).get(self.request.identity.id)
