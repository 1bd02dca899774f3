"""The policy of a connection as a value: what a launch brings with it, without asking the database for it."""

from dataclasses import dataclass
from typing import Protocol, Self
from uuid import UUID

from tenants.access import Role
from tenants.lti.tool.people_models import Newcomers, OutsideStaff


class PolicyRow(Protocol):
    """A `Platform`, a `ConsumerKey`, or a row of either."""

    @property
    def newcomers(self) -> str: ...
    @property
    def match_domains(self) -> list[str]: ...
    @property
    def outside_staff(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Policy:
    """``domains`` empty: a match counts whatever the domain."""

    newcomers: Newcomers = Newcomers.MATCH
    domains: frozenset[str] = frozenset()
    outside_staff: OutsideStaff = OutsideStaff.LEARNER

    @classmethod
    def of(cls, row: PolicyRow) -> Self:
        return cls(Newcomers(row.newcomers), frozenset(row.match_domains), OutsideStaff(row.outside_staff))

    def trusts(self, email_key: str) -> bool:
        """Exactly these domains: one that is a part of another is another."""
        return not self.domains or email_key.rpartition("@")[2] in self.domains

    def role(self, *, is_staff_there: bool) -> Role:
        """What somebody is here whose account such a launch makes; never an admin, whatever they are there."""
        maps = is_staff_there and self.outside_staff is OutsideStaff.AUTHOR
        return Role.AUTHOR if maps else Role.LEARNER


@dataclass(frozen=True, slots=True)
class Entrance:
    """The connection somebody comes by, as far as people go. ``lms`` is what people here call the other LMS."""

    policy: Policy
    lms: str
    platform_id: UUID | None = None
    consumer_key_id: UUID | None = None
