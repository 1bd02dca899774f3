"""What somebody agrees to before a tool hears of them: the names of what is sent, each with their own value."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from saas.db.scope import ScopedSession
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.lti.platform.models import ToolLink, ToolUser
from tenants.lti.platform.users import ToolUsers, audience_of, must_ask, shares_of_link
from tenants.lti.wire.shares import Share


@dataclass(frozen=True, slots=True)
class Told:
    """One row of the table; ``is_new``: they agreed to the others before. Without ``value``: nothing there to send."""

    share: Share
    value: str
    is_new: bool


class Consent:
    """Of one person for the tool behind one link. Staff, who try an activity out, are not asked."""

    def __init__(self, session: ScopedSession, link: ToolLink, person: Person) -> None:
        self.users = ToolUsers(session)
        self.link = link
        self.person = person
        self.shares: Sequence[Share] = shares_of_link(link)

    @property
    def is_needed(self) -> bool:
        return not self.person.is_staff and must_ask(self._user(), self.shares)

    def give(self, named: Iterable[str]) -> bool:
        """To what the page named; False, and nothing is kept, where more is sent by now than it said."""
        if not {share.value for share in self.shares} <= set(named):
            return False
        user = self.users.known_as(self.person.id, audience_of(self.link))
        self.users.agree(user, self.shares)
        return True

    def table(self, activity: Activity) -> list[Told]:
        user = self._user()
        agreed = frozenset(user.consented) if user else frozenset()
        values = {
            Share.NAME: self.person.name,
            Share.EMAIL: self.person.email or "",
            Share.COURSE: activity.course.title,
            Share.ACTIVITY: activity.title,
        }
        return [Told(share, values.get(share, ""), bool(agreed) and share.value not in agreed) for share in self.shares]

    def _user(self) -> ToolUser | None:
        return self.users.find(self.person.id, audience_of(self.link))
