"""People as outside tools know them: a random pseudonym per tool, and what each person agreed to send under it."""

import secrets
from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from tenants.accounts.models import Person
from tenants.lti.platform.models import Tool, ToolLink, ToolUser
from tenants.lti.tool.addresses import origin_of
from tenants.lti.wire.shares import Share, has_grown, shares_of


def audience_of(link: ToolLink) -> str:
    """Who shares one set of pseudonyms: a tool of 1.3, or with 1.2 the owner of a key at one origin."""
    if link.tool_id is not None:
        return audience_of_tool(link.tool_id)
    return f"key:{link.key}@{origin_of(link.url)}"


def audience_of_tool(tool_id: UUID) -> str:
    return f"tool:{tool_id}"


def shares_of_link(link: ToolLink) -> tuple[Share, ...]:
    """What the tool behind the link is told: by its own switches with 1.3, by the link's with 1.2."""
    return _switched_on(link.tool or link)


def agreed_shares(switches: Tool | ToolLink, user: ToolUser) -> tuple[Share, ...]:
    """What may be said of somebody: what they agreed to, as far as it is switched on. Whatever was switched on since
    they were asked is not told.
    """
    return tuple(share for share in _switched_on(switches) if share.value in user.consented)


def shares_with(link: ToolLink, person: Person, user: ToolUser) -> tuple[Share, ...]:
    """What a launch tells now. Staff, who try an activity out, are not asked."""
    return shares_of_link(link) if person.is_staff else agreed_shares(link.tool or link, user)


def _switched_on(switches: Tool | ToolLink) -> tuple[Share, ...]:
    return shares_of(send_name=switches.send_name, send_email=switches.send_email)


def new_user(person_id: UUID, audience: str) -> ToolUser:
    """Under a pseudonym nobody can guess."""
    return ToolUser(audience=audience, person_id=person_id, sub=secrets.token_hex(20))


def must_ask(user: ToolUser | None, wanted: Sequence[Share]) -> bool:
    """Whether the person has yet to agree to some of it."""
    return user is None or has_grown(user.consented, wanted)


class ToolUsers:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def find(self, person_id: UUID, audience: str) -> ToolUser | None:
        known = sa.select(ToolUser).where(ToolUser.person_id == person_id, ToolUser.audience == audience)
        return self.session.scalar(known)

    def known_as(self, person_id: UUID, audience: str) -> ToolUser:
        """Made when missing; whoever is slower by a moment takes what the other made."""
        found = self.find(person_id, audience)
        if found is not None:
            return found
        made = new_user(person_id, audience)
        try:
            with self.session.begin_nested():
                self.session.add(made)
                self.session.flush()
        except sa.exc.IntegrityError:
            found = self.find(person_id, audience)
            if found is None:
                raise
            return found
        return made

    def person_of(self, audience: str, sub: str) -> UUID | None:
        """Byte for byte as we sent it."""
        query = sa.select(ToolUser.person_id).where(ToolUser.audience == audience, ToolUser.sub == sub)
        return self.session.scalar(query)

    def agree(self, user: ToolUser, shares: Sequence[Share]) -> None:
        """To all of these, besides what was agreed before."""
        agreed = {*user.consented, *(share.value for share in shares)}
        user.consented = [share.value for share in Share if share.value in agreed]
        user.consented_at = clock.now()
        self.session.flush()
