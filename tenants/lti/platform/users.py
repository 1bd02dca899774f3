"""People as outside tools know them: a random pseudonym per tool, and what each person agreed to send under it."""

import secrets
from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from tenants.accounts.models import Person
from tenants.lti.platform.models import ToolLink, ToolUser
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
    switches = link.tool or link
    return shares_of(send_name=switches.send_name, send_email=switches.send_email)


def shares_with(link: ToolLink, person: Person, user: ToolUser) -> tuple[Share, ...]:
    """What is told now: of a learner nothing they did not agree to, whatever was switched on since. Staff, who try an
    activity out, are not asked.
    """
    shares = shares_of_link(link)
    return shares if person.is_staff else tuple(share for share in shares if share.value in user.consented)


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
        made = ToolUser(audience=audience, person_id=person_id, sub=secrets.token_hex(20))
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
