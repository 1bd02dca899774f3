"""Somebody opens Zoom at a place: may they, what they agree to, and the login that begins it.

The message is made when Zoom answers (`tenants.zoom.ltipro.message`), from what `Launch.login` says it is about.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.learning.outside import OutsideResults
from tenants.lti.platform.consent import Told
from tenants.lti.platform.launch13 import begin_message
from tenants.lti.platform.models import Tool
from tenants.lti.platform.opening import Sitting
from tenants.lti.platform.users import ToolUsers, audience_of_tool, must_ask
from tenants.lti.tool.addresses import origin_of
from tenants.lti.wire.launch13 import RESOURCE_LINK_REQUEST
from tenants.lti.wire.login_initiation import LoginInitiation
from tenants.lti.wire.shares import Share, shares_of
from tenants.zoom.ltipro.addresses import ZoomAddresses
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace
from tenants.zoom.ltipro.places import Places, Subject, course_of
from tenants.zoom.ltipro.profiles import follow
from tenants.zoom.ltipro.seats import PlaceRole, Seats, require_known, require_open
from tenants.zoom.ltipro.use import require_use

#: Where a meeting goes on once Zoom's page has begun it.
ZOOM_HOSTS = "https://*.zoom.us"
#: What Zoom's page may ask the browser for, in its frame.
FRAME_ALLOWS = ("camera", "microphone", "display-capture", "autoplay", "fullscreen", "clipboard-write")


@dataclass(frozen=True, slots=True)
class Entered:
    """A place somebody may open, and as what."""

    place: ZoomPlace
    person: Person
    role: PlaceRole

    @property
    def tool(self) -> Tool:
        return self.place.profile.tool


class Agreement:
    """What Zoom is told of one person through one profile: asked of everybody once, and again when it grows.

    Teachers, too: unlike a tool that is tried out, Zoom gives them an account of theirs.
    """

    def __init__(self, session: ScopedSession, entered: Entered) -> None:
        self.users = ToolUsers(session)
        self.entered = entered
        tool = entered.tool
        self.shares: Sequence[Share] = shares_of(send_name=tool.send_name, send_email=tool.send_email)

    @property
    def is_needed(self) -> bool:
        return must_ask(self.users.find(self.entered.person.id, self._audience), self.shares)

    def give(self, named: Iterable[str]) -> bool:
        """To what the page named; False, and nothing is kept, where more is sent by now than it said."""
        if not {share.value for share in self.shares} <= set(named):
            return False
        self.users.agree(self.users.known_as(self.entered.person.id, self._audience), self.shares)
        return True

    def table(self, subject: Subject, role: str) -> list[Told]:
        """``role``: in words of the screen."""
        user = self.users.find(self.entered.person.id, self._audience)
        agreed = frozenset(user.consented) if user else frozenset()
        person = self.entered.person
        values = {
            Share.NAME: person.name,
            Share.EMAIL: person.email or "",
            Share.ROLE: role,
            Share.COURSE: course_of(subject).title,
            Share.ACTIVITY: subject.title,
        }
        return [Told(share, values.get(share, ""), bool(agreed) and share.value not in agreed) for share in self.shares]

    @property
    def _audience(self) -> str:
        return audience_of_tool(self.entered.tool.id)


class PlaceOpening:
    """Of one subject. ``session`` is the academy's."""

    def __init__(
        self, session: ScopedSession, runtime: Runtime, academy: Academy, kind: PlaceKind, subject: Subject
    ) -> None:
        self.session = session
        self.academy = academy
        self.kind = kind
        self.subject = subject
        self.places = Places(session, academy, runtime)
        self.zoom = runtime.part(ZoomAddresses)

    def enter(self, person: Person) -> Entered:
        """`Refused` with a code of Zoom, in the order of who can mend it: operator, admin, author, the person."""
        require_use(self.session, self.academy, self.kind)
        place = self.places.of(self.kind, self.subject)
        if place is None:
            raise Refused("ZOOM_PLACE_MISSING", seen=self.subject.title, wanted="a Zoom profile")
        require_open(self.session, self.academy, place)
        require_known(person)
        return Entered(place, person, Seats(self.session, place).take(person, has_begun=False))

    def begin(self, entered: Entered, sitting: Sitting) -> LoginInitiation:
        """Writes the log; a learner takes part in a course element from now on. Whoever calls has seen to consent."""
        place, tool = entered.place, entered.tool
        follow(self.session, place.profile, self.zoom)
        if isinstance(self.subject, Activity) and entered.role is PlaceRole.LEARNER:
            OutsideResults(self.session).begin(entered.person.id, self.subject)
        return begin_message(
            self.session,
            self.academy,
            tool,
            sitting,
            message_type=RESOURCE_LINK_REQUEST,
            target=tool.target_url,
            activity_id=place.activity_id,
            about={"place": str(place.id)},
            iss=place.profile.issuer,
        )


def zoom_origins(tool: Tool) -> list[str]:
    """Where Zoom's own pages are: those of the registration."""
    named = (tool.login_url, tool.target_url, *tool.redirect_urls)
    return sorted(set(filter(None, map(origin_of, named))))


def way_of_launch(academy: Academy, entered: Entered) -> list[str]:
    """Every origin a launch passes, besides this page's own: Zoom's, where its meetings go on, and the address Zoom
    knows us by where that is an old one.
    """
    known_by, home = origin_of(entered.place.profile.issuer), origin_of(academy.url)
    return [*zoom_origins(entered.tool), ZOOM_HOSTS, *([known_by] if known_by not in ("", home) else [])]
