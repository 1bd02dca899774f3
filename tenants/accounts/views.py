"""Signing in and out, the own profile, and the academy's people."""

from datetime import timedelta
from typing import Any

from limits import parse
from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.searching import words_in
from saas.sessions import close_all, close_session, open_session
from saas.web.headers import allow_framing
from saas.web.i18n import _
from saas.web.rendering import page, render_block, render_page
from saas.web.sessions import forget, is_framed, remember
from saas.web.views import View, own_path, see_other, uuid_in
from tenants.access import Permission, Role
from tenants.accounts.forms import ROLE_NAMES, InviteForm, ProfileForm, SignInForm
from tenants.accounts.models import Person
from tenants.accounts.names import clean_name, email_key
from tenants.accounts.passwords import verify_password
from tenants.accounts.services import INVITATION_LIFETIME, People, SignIn
from tenants.audit.services import record

PASSWORD_ELSEWHERE = _("You came from another LMS. To set a password, sign in here with a link from your academy.")
CURRENT_WRONG = _("This is not your current password. Forgotten? Ask your academy's admin for a sign-in link.")
#: Passwords tried for one account, from wherever; whether there is such an account makes no difference.
ACCOUNT_RATE = parse("20/10minutes")


def count_try(request: Request, account: str) -> None:
    """Before a password is compared. Raises `Refused` SIGN_IN_RATE."""
    request.registry.limiter.hit(ACCOUNT_RATE, "sign_in.account", str(request.tenant.id), account, code="SIGN_IN_RATE")


def sign_in_person(request: Request, person: Person, origin: str, address: str) -> Response:
    """A fresh session, never the old one's token (fixation), and on to ``address``."""
    lifetime = timedelta(hours=request.runtime.settings.web.session_hours)
    if request.session_token:
        close_session(request.db, request.session_token)
    fresh = open_session(request.db, person.id, origin, lifetime)
    response = see_other(address)
    remember(request, response, fresh, lifetime)
    return response


@view_defaults(permission=NO_PERMISSION_REQUIRED)
class Door(View):
    @view_config(route_name="sign_in", request_method="GET", renderer=page("accounts/sign_in.html"))
    def show(self) -> Any:
        if is_framed(self.request):  # somebody's session ended there; no page of ours that takes passwords is framed
            allow_framing(self.request)
            return render_page(self.request, "accounts/signed_out.html", {"url": self.request.path_qs}, 403)
        return {"form": SignInForm.of(self.request), "next": own_path(self.request.GET.get("next"), "")}

    @view_config(route_name="sign_in", request_method="POST", rate="20/5minutes")
    def sign_in(self) -> Any:
        form = SignInForm.of(self.request)
        if form.accepted():
            count_try(self.request, email_key(form.email.data) or "")
            try:
                person = SignIn(self.request.db).with_password(form.email.data, form.password.data)
                return sign_in_person(self.request, person, "password", own_path(self.request.POST.get("next")))
            except Refused as refusal:
                form.refuse("password", self.request.problem(refusal.code).cause)
        values = {"form": form, "next": own_path(self.request.POST.get("next"), "")}
        return render_page(self.request, "accounts/sign_in.html", values, 422)

    @view_config(route_name="sign_in_link", request_method="GET")
    def by_link(self) -> Any:
        """Opens on GET so that a link works with one click; whoever only looks ahead uses nothing up."""
        ahead = "prefetch" in self.request.headers.get("Sec-Purpose", self.request.headers.get("Purpose", ""))
        if ahead or self.request.method == "HEAD":
            return Response(status=204)
        with self.request.runtime.database.transaction(self.request.tenant.id) as session:
            person = SignIn(session).redeem(self.request.matchdict["token"])
            lifetime = timedelta(hours=self.request.runtime.settings.web.session_hours)
            fresh = open_session(session, person.id, "link", lifetime)
        response = self.go(_home(self.request))
        remember(self.request, response, fresh, lifetime)
        return response

    @view_config(route_name="sign_out", request_method="POST")
    def sign_out(self) -> Any:
        close_session(self.request.db, self.request.session_token)
        response = self.go("sign_in")
        forget(self.request, response)
        return response


def _home(request: Request) -> str:
    return "console" if request.tenant.is_operator else "home"


@view_defaults(permission=Permission.SIGNED_IN, route_name="profile")
class Profile(View):
    @view_config(request_method="GET", renderer=page("accounts/profile.html"))
    def show(self) -> dict[str, Any]:
        return self._shown(ProfileForm.of(self.request, obj=self._person()))

    @view_config(request_method="POST", renderer=page("accounts/profile.html"))
    def save(self) -> Any:
        form, person = ProfileForm.of(self.request), self._person()
        if not form.accepted() or self._is_borrowed(form) or not self._is_proven(form):
            self.request.response.status_int = 422
            return self._shown(form)
        person.given_name, person.family_name = clean_name(form.given_name.data), clean_name(form.family_name.data)
        if form.password.data:
            SignIn(self.request.db).set_password(person, form.password.data)
            close_all(self.request.db, person.id, keep=self.request.identity.session_id)
        self.request.flash(self.request.localizer.translate(_("Your profile is saved")))
        return self.go("profile")

    def _is_borrowed(self, form: Any) -> bool:
        """A password set in a session that another LMS opened would be that LMS's way in for good."""
        if not form.password.data or self.request.identity.origin != "lti":
            return False
        form.refuse("password", self.request.localizer.translate(PASSWORD_ELSEWHERE))
        return True

    def _is_proven(self, form: Any) -> bool:
        """A browser left open is not enough to take an account over (ASVS 6.2.3)."""
        person = self._person()
        if not form.password.data or not self._asks_current():
            return True
        count_try(self.request, person.email_key or str(person.id))
        if verify_password(person.password_hash, form.current.data or ""):
            return True
        form.refuse("current", self.request.localizer.translate(CURRENT_WRONG))
        return False

    def _asks_current(self) -> bool:
        """Not of who came by a one-time link: that is the way back in for whoever forgot it."""
        return bool(self._person().password_hash) and self.request.identity.origin != "link"

    def _shown(self, form: Any) -> dict[str, Any]:
        lti = self.request.identity.origin == "lti"
        return {"person": self._person(), "form": form, "has_password": not lti, "asks_current": self._asks_current()}

    def _person(self) -> Person:
        return People(self.request.db).get(self.request.identity.id)


@view_defaults(permission=Permission.PEOPLE)
class PeoplePages(View):
    """``context`` is the person where the address names one."""

    @property
    def people(self) -> People:
        return People(self.request.db)

    @view_config(route_name="people", request_method="GET", renderer=page("accounts/people.html#list"))
    def list(self) -> dict[str, Any]:
        search = words_in(self.request.GET)
        return {"people": self.people.all(search), "q": search, "role_names": ROLE_NAMES}

    @view_config(route_name="person_new", request_method="GET", renderer=page("accounts/invite.html"))
    def new(self) -> dict[str, Any]:
        return {"form": InviteForm.of(self.request)}

    @view_config(route_name="person_new", request_method="POST", renderer=page("accounts/invite.html"))
    def invite(self) -> Any:
        form = InviteForm.of(self.request)
        if form.accepted():
            try:
                person = self.people.create(
                    form.email.data, form.given_name.data, form.family_name.data, Role(form.role.data)
                )
                record(self.request, "person.invited", person.name, role=person.role.value)
                return self._with_link(person)
            except Refused as refusal:
                form.refuse("email", self.request.problem(refusal.code).cause)
        self.request.response.status_int = 422
        return {"form": form}

    @view_config(route_name="person", request_method="GET", renderer=page("accounts/person.html"))
    def person(self) -> dict[str, Any]:
        panels = self.request.panels("person.admin", self.context)
        return {"person": self.context, "link": None, "role_names": ROLE_NAMES, "panels": panels}

    @view_config(route_name="person_link", request_method="POST")
    def link(self) -> Any:
        record(self.request, "person.link", self.context.name)
        return self._with_link(self.context)

    def _with_link(self, person: Person) -> Any:
        """The link is shown once, on this answer; it is not kept in readable form."""
        link = self.request.tenant.url + SignIn(self.request.db).issue_link(person, INVITATION_LIFETIME)
        panels = self.request.panels("person.admin", person)
        values = {"person": person, "link": link, "role_names": ROLE_NAMES, "panels": panels}
        return render_page(self.request, "accounts/person.html", values)

    @view_config(route_name="person_role", request_method="POST")
    def role(self) -> Any:
        wanted = self.request.POST.get("role", "")
        if wanted not in set(Role):
            raise Refused("PERSON_ROLE", seen=wanted[:40])
        self.people.set_role(self.context, Role(wanted))
        record(self.request, "person.role", self.context.name, role=wanted)
        return self._back(_("The role is changed; open sessions of this person have ended"))

    @view_config(route_name="person_status", request_method="POST")
    def status(self) -> Any:
        if self.request.POST.get("active") == "1":
            self.people.resume(self.context)
        else:
            self.people.suspend(self.context)
        record(self.request, "person.status", self.context.name, status=self.context.status.value)
        return self._back(_("Saved"))

    @view_config(route_name="person_erase", request_method="GET", renderer=page("accounts/erase.html"))
    def confirm_erase(self) -> dict[str, Any]:
        return {"person": self.context}

    @view_config(route_name="person_erase", request_method="POST")
    def erase(self) -> Any:
        record(self.request, "person.erased", str(self.context.id))
        self.people.erase(self.context)
        self.request.flash(self.request.localizer.translate(_("The person and everything of theirs is erased")))
        return self.go("people")

    def _back(self, said: Any) -> Response:
        self.request.flash(self.request.localizer.translate(said))
        return self.go("person", person_id=self.context.id)


def person_in_address(request: Request) -> Person:
    return People(request.db).get(uuid_in(request, "person_id"))


def password_panel(request: Request, _subject: None) -> Markup | str:
    """At home: whoever came by a one-time link and has no password cannot come back."""
    person = request.db.get(Person, request.identity.id) if request.identity.origin == "link" else None
    if person is None or person.password_hash:
        return ""
    return Markup(render_block(request, "accounts/choose_password.html#panel", {}))  # noqa: S704 -- rendered with autoescape


def includeme(config: Configurator) -> None:
    config.add_route("sign_in", "/sign-in")
    config.add_route("sign_in_link", "/sign-in/{token}")
    config.add_route("sign_out", "/sign-out")
    config.add_route("profile", "/profile")
    config.add_route("people", "/people", house="academy")
    config.add_route("person_new", "/people/new", house="academy")
    for name, path in (
        ("person", ""),
        ("person_link", "/link"),
        ("person_role", "/role"),
        ("person_status", "/status"),
        ("person_erase", "/erase"),
    ):
        config.add_route(name, f"/people/{{person_id}}{path}", factory=person_in_address, house="academy")
    config.add_panel("home", password_panel)
    config.scan(__name__)
