"""How much two admins do to connect: every pasted value and every click counted while they do it in real browsers.

``LYCEUM_TEST_GUIDES=1`` writes what was counted into docs/admins/lti-sharing.md; otherwise the guide is held against it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page, expect

from tests.house import ROOT
from tests.peers.lms.client import RunningLMS

GUIDE = ROOT / "docs" / "admins" / "lti-sharing.md"
BEGIN, END = "<!-- counted by tests/browser/test_connect.py -->", "<!-- end of what is counted -->"


@dataclass
class Hand:
    """One person at one browser. What is only read or opened from a bookmark is not counted."""

    page: Page
    pasted: int = 0
    clicks: int = 0

    def click(self, what: Locator) -> None:
        self.clicks += 1
        what.click()

    def paste(self, field: Locator, value: str) -> None:
        self.pasted += 1
        field.fill(value)

    def copy(self, label: str) -> str:
        """A click on the button; the value is then on the clipboard."""
        self.click(self.page.get_by_role("button", name=f"Copy {label}", exact=True))
        expect(self.page.get_by_role("button", name=f"Copied {label}", exact=True)).to_be_visible()
        text: str = self.page.evaluate("() => navigator.clipboard.readText()")
        return text


@dataclass
class Way:
    """One way to connect. ``ours`` begins at Integrations → LTI 1.3, ``theirs`` at the LMS's own list of tools or course."""

    name: str
    ours: Hand
    theirs: Hand

    def row(self) -> str:
        figures = (self.ours.pasted, self.ours.clicks, self.theirs.pasted, self.theirs.clicks)
        return f"| {self.name} | {' | '.join(map(str, figures))} |"


@dataclass
class Connecting:
    """An academy, ``base``, whose activity "Tides" is available for LTI, and an LMS that knows nothing of it yet."""

    base: str
    lms: RunningLMS
    admin: Callable[[], Page]
    other: Callable[[], Page]
    ways: list[Way] = field(default_factory=list)

    def _begin(self, name: str, ours: str, theirs: str) -> Way:
        way = Way(name, Hand(self.admin()), Hand(self.other()))
        way.ours.page.goto(self.base + ours)
        way.theirs.page.goto(self.lms.url + theirs)
        self.ways.append(way)
        return way

    def by_invitation(self) -> Way:
        """One link, pasted there; one question, answered here."""
        way = self._begin("Invite the other admin", "/integrations/lti-1.3", "/manage")
        ours, theirs = way.ours, way.theirs
        ours.click(ours.page.get_by_role("button", name="Invite the other admin"))
        link = ours.copy("Link")
        theirs.paste(theirs.page.get_by_label("Registration URL"), link)
        theirs.click(theirs.page.get_by_role("button", name="Add tool"))
        expect(theirs.page.get_by_text("know each other now")).to_be_visible()
        ours.click(ours.page.get_by_role("link", name="Done"))
        ours.click(ours.page.get_by_role("button", name="Approve").first)
        expect(ours.page.get_by_text("The platform is approved and active.")).to_be_visible()
        return way

    def by_deep_link(self) -> Way:
        """Once connected, a teacher there chooses an activity; nobody here does anything."""
        way = self._begin("Choose an activity (deep linking)", "/integrations/lti-1.3", "/courses/1?as=tilda")
        page = way.theirs.page
        way.theirs.click(page.get_by_role("link", name="Choose from"))
        way.theirs.click(page.get_by_label("Tides", exact=True))
        way.theirs.click(page.get_by_role("button", name="Add to the course"))
        page.wait_for_url("**/courses/1?as=tilda")
        return way

    def by_hand(self) -> Way:
        """Every value carried over: theirs into our form, ours and the activity's address into theirs."""
        way = self._begin("By hand, with one activity", "/integrations/lti-1.3", "/manage")
        ours, theirs = way.ours, way.theirs
        ours.click(ours.page.get_by_role("link", name="Add new Platform").first)
        theirs.paste(theirs.page.get_by_label("Tool name"), "North Academy by hand")
        for theirs_label, label in (
            ("Initiate login URL", "Login URL"),
            ("Redirection URI(s)", "Redirect URI"),
            ("Public keyset URL", "JWKS URL"),
        ):
            theirs.paste(theirs.page.get_by_label(theirs_label), ours.copy(label))
        theirs.click(theirs.page.get_by_role("button", name="Save tool"))
        client_id = theirs.page.locator("#client").last.inner_text().strip()
        for label, value in {
            "Name": "School by hand",
            "Issuer": self.lms.url,
            "Tool client ID": client_id,
            "Tool deployment ID": "1",
            "OIDC URL": f"{self.lms.url}/lti/auth",
            "Access token URL": f"{self.lms.url}/lti/token",
            "JWKS URL": f"{self.lms.url}/lti/jwks",
        }.items():
            ours.paste(ours.page.get_by_label(label, exact=True), value)
        ours.click(ours.page.get_by_label("Activated"))
        ours.click(ours.page.get_by_role("button", name="Save platform"))
        expect(ours.page.get_by_role("heading", name="School by hand")).to_be_visible()
        ours.page.goto(self.base + "/courses")
        ours.click(ours.page.get_by_role("link", name="The sea"))
        ours.click(ours.page.get_by_role("link", name="Settings of Tides"))
        address = ours.copy("LTI 1.3 Resource URL")
        theirs.page.goto(f"{self.lms.url}/courses/1?as=tilda")
        theirs.paste(theirs.page.get_by_label("Activity name"), "Tides by hand")
        theirs.clicks += 1
        theirs.page.locator("select").select_option(client_id)
        theirs.paste(theirs.page.get_by_label("Tool URL"), address)
        theirs.click(theirs.page.get_by_role("button", name="Add link"))
        return way


def table(ways: list[Way]) -> str:
    head = (
        "| way | values entered here | clicks here | values entered there | clicks there |",
        "|---|---|---|---|---|",
    )
    return "\n".join((BEGIN, *head, *(way.row() for way in ways), END))


def printed() -> str:
    """What stands in the guide."""
    text = GUIDE.read_text()
    return text[text.index(BEGIN) : text.index(END) + len(END)]


def write(counted: str) -> None:
    GUIDE.write_text(GUIDE.read_text().replace(printed(), counted))
