"""Academies in every state that a page can show, made once per test run through the product's own pages."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.admin import add_platform
from tests.browser.learner import ALL_WRONG, answer_all, begin, go_on, study, study_until_finish
from tests.browser.meetings import hold_meetings
from tests.browser.visits import visits
from tests.installation import Installation
from tests.peers.lms.client import Registered, Resource, RunningLMS
from tests.services import wait_for

#: Who can look at a page, and at which academy (the operator's host has no name).
PEOPLE = {
    "stranger": "north",
    "admin": "north",
    "learner": "north",
    "guest": "north",
    "new admin": "fresh",
    "new learner": "fresh",
    "admin without LTI": "locked",
    "admin who asks": "asking",
    "admin with Zoom": "harbour",
    "learner with Zoom": "harbour",
    "operator": "",
}


@dataclass
class Academies:
    """``north`` is full of life and connected to the LMS; ``fresh`` has nothing yet; ``locked`` has no LTI; ``asking`` neither, and asks for it;
    ``harbour`` meets in Zoom, which never answers."""

    made: Installation
    lms: RunningLMS
    browser: Browser
    ids: dict[str, str] = field(default_factory=dict)
    _contexts: dict[str, BrowserContext] = field(default_factory=dict)
    _windows: dict[str, Page] = field(default_factory=dict)

    def base(self, who: str) -> str:
        slug = PEOPLE[who]
        return self.made.url(slug) if slug else f"http://localhost:{self.made.port}"

    def context(self, who: str) -> BrowserContext:
        """This person's browser, kept for the whole run."""
        if who not in self._contexts:
            self._contexts[who] = self.new_context()
        return self._contexts[who]

    def new_context(self, **more: Any) -> BrowserContext:
        """A browser of somebody's own; whatever does not appear within three minutes is missing."""
        context = self.browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **more})
        context.set_default_timeout(180_000)
        return context

    def page(self, who: str) -> Page:
        return self.context(who).new_page()

    def window(self, who: str) -> Page:
        """One page of this person's, used again and again: a new one costs more than all that it shows."""
        if who not in self._windows:
            self._windows[who] = self.page(who)
        return self._windows[who]

    def passer_by(self) -> Page:
        """A browser that knows nobody, but need not fetch what never changes; the one before must be gone."""
        context = self.context("passer-by")
        for page in context.pages:
            page.close()
        context.clear_cookies()
        return context.new_page()

    def build(self) -> None:
        links = self.made.run()[1]
        for who, door in (("operator", "operator"), ("admin", "north admin"), ("learner", "north learner")):
            self._enter(who, links[door])
        for slug, who in (("fresh", "new admin"), ("locked", "admin without LTI"), ("asking", "admin who asks")):
            self._enter(who, self._found(slug))
        self._enter("admin with Zoom", self._found("harbour"))
        for who, admin in (("new learner", "new admin"), ("learner with Zoom", "admin with Zoom")):
            self._enter(who, self._invite(admin))
        self._connect()
        self._live()
        self._note_ids()

    def _enter(self, who: str, link: str) -> None:
        page = self.page(who)
        page.goto(link)
        assert page.get_by_text("Your menu").count(), f"{who} is not signed in: {page.locator('main').inner_text()}"
        page.close()

    def _found(self, slug: str) -> str:
        """An academy, made on the operator's pages; returns its admin's link."""
        page = self.page("operator")
        page.goto(f"{self.base('operator')}/academies/new")
        page.get_by_label("Name", exact=True).fill(f"{slug.title()} Academy")
        page.get_by_label("Short name").fill(slug)
        page.get_by_label("Admin's e-mail").fill(f"ada.admin@{slug}.example")
        page.get_by_role("button", name="Create academy").click()
        link = page.locator("#sign-in-link").inner_text()
        if slug == "fresh":
            page.get_by_label("Reason").first.fill("Part of the plan")
            page.get_by_role("button", name="Switch LTI on").click()
            page.get_by_role("button", name="Switch LTI off").wait_for()
        if slug in {"fresh", "harbour"}:
            page.locator("#reason-zoom").fill("Part of the plan")
            page.get_by_role("button", name="Switch Zoom on").click()
            page.get_by_role("button", name="Switch Zoom off").wait_for()
        page.close()
        return link

    def _invite(self, admin: str) -> str:
        page = self.page(admin)
        page.goto(f"{self.base(admin)}/people/new")
        page.get_by_label("E-mail").fill(f"lea@{PEOPLE[admin]}.example")
        page.get_by_label("First name").fill("Lea")
        page.get_by_label("Last name").fill("Learner")
        page.get_by_role("button", name="Invite person").click()
        link = page.locator("#sign-in-link").inner_text()
        page.close()
        return link

    @cached_property
    def registered(self) -> Registered:
        """Lyceum as the LMS knows it; its second deployment is one that Lyceum does not."""
        page, base = self.page("admin"), self.base("admin")
        page.goto(f"{base}/courses")
        page.get_by_role("link", name="The sea").click()
        self.ids["course"] = _last_id(page.url)
        page.get_by_role("link", name="Settings of Tides").click()
        self.ids["activity"] = page.url.split("/")[-2]
        resource_url = page.locator("#resource-url").inner_text()
        page.close()
        return self.lms.register(
            login_url=f"{base}/lti/login",
            redirect_uris=[f"{base}/lti/launch"],
            jwks_url=f"{base}/lti/jwks",
            resources=[Resource("Tides", resource_url)],
            deployment_ids=["1", "2"],
        )

    def _connect(self) -> None:
        page, base, other = self.page("admin"), self.base("admin"), self.registered
        for name, registered, active in (
            ("School", other, True),
            ("Canvas of the west", replace(other, client_id="another", deployment_ids=["7"]), True),
            ("Old Moodle", replace(other, client_id="third"), False),
        ):
            add_platform(page, base, name, registered, activate=active)
            self.ids[name] = _last_id(page.url)
        page.close()

    def launch(self, person: str, *, link: int = 0, page: Page | None = None) -> Page:
        """A learner clicks the link in the LMS's course, and is here; without ``page``, as a passer-by."""
        page = self.click_link(person, link, page)
        page.wait_for_url(f"{self.base('admin')}/**")
        return page

    def click_link(self, person: str, link: int = 0, page: Page | None = None) -> Page:
        """Up to the click: where it leads is the caller's to wait for."""
        page = page or self.passer_by()
        page.goto(self.lms.course_url(person))
        page.locator("li a").nth(link).click()
        return page

    def _live(self) -> None:
        """What happens in a school in a morning."""
        tides = self.registered.links[0]
        study(self.launch("anna", page=self.page("guest")))
        wait_for(lambda: self._score("anna") == 100, "anna's score")
        bruno = self.launch("bruno")
        begin(bruno)
        answer_all(bruno, ALL_WRONG)
        self._finish_while("layla", {"status": 403, "body": "This tool may not write grades."})
        self.lms.add_person("carla", "Carla Ruiz")
        self._finish_while("carla", {"status": 503, "headers": {"Retry-After": "3600"}})
        self.lms.place(tides.client_id, Resource("Tides of the second school", tides.url), deployment_id="2")
        self.launch("bruno", link=1)
        self._turn_back("anna")
        self._begin_as_learner()

    def _score(self, person: str) -> float | None:
        score = self.lms.score(person, title="Tides")
        return score.given if score else None

    def _finish_while(self, person: str, answer: dict[str, Any]) -> None:
        """Finishes while the LMS answers a score like that."""
        page = self.launch(person)
        study_until_finish(page)
        wait_for(lambda: self.lms.score(person, title="Tides") is not None, f"the first word of {person}")
        self.lms.fail("scores", answer)
        page.get_by_role("button", name="Finish").click()
        wait_for(lambda: not self.lms.pending_faults().get("scores"), f"the refusal of {person}'s score")

    def _turn_back(self, person: str) -> None:
        """Clicks the link while the LMS's sign-in is out of order."""
        self.lms.fail("auth", {"status": 503})
        page = self.click_link(person)
        wait_for(lambda: not self.lms.pending_faults().get("auth"), f"the launch that breaks off of {person}")
        page.wait_for_load_state()

    def _begin_as_learner(self) -> None:
        page = self.page("learner")
        page.goto(f"{self.base('learner')}/activities/{self.ids['activity']}")
        begin(page)
        answer_all(page)
        go_on(page)
        page.close()

    def _note_ids(self) -> None:
        """The newest launch of each outcome and delivery in each state, from the lists that show them."""
        page, base = self.page("admin"), self.base("admin")
        for listed, places in (
            ("launches", {"refused": "outcome=refused", "accepted": "outcome=accepted", "waiting": "outcome=waiting"}),
            ("results", {"dead": "state=dead", "confirmed": "state=confirmed", "on its way": "state=waiting"}),
        ):
            for name, query in places.items():
                page.goto(f"{base}/integrations/{listed}?{query}")
                self.ids[name] = _last_id(page.locator("tbody a").first.get_attribute("href") or "")
        page.goto(f"{base}/courses/{self.ids['course']}")
        for name, title in (("microlearning", "Signs of a storm"), ("playlist", "First day aboard")):
            address = page.get_by_role("link", name=f"Settings of {title}").get_attribute("href") or ""
            self.ids[name] = address.split("/")[-2]
        page.goto(f"{base}/people?q=bruno")
        self.ids["person"] = _last_id(page.locator("tbody a").first.get_attribute("href") or "")
        self.ids.update(visits(page, base))
        page.close()
        page = self.page("admin with Zoom")
        self.ids.update(hold_meetings(page, self.base("admin with Zoom")))
        page.close()

    def close(self) -> None:
        for context in self._contexts.values():
            context.close()


def _last_id(address: str) -> str:
    return address.rsplit("/", 1)[-1]
