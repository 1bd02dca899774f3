"""Reading a roster (NRPS 2.0): a page, its comparison, the next page; memory holds one page whatever the course's size.

Where it stands is kept after every page, so that a reading that was interrupted goes on instead of beginning anew.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from saas import clock
from saas.outbound import Answer, OutboundError
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.lti.tool.models import Platform, ResourceLink
from tenants.lti.tool.rosters import Comparison, Rosters
from tenants.lti.tool.sharing_models import PullState
from tenants.lti.tool.tokens import Tokens
from tenants.lti.wire.access_token import read_token
from tenants.lti.wire.nrps import MAX_MEMBERS, MAX_PAGES, MEDIA_TYPE, SCOPE, Page, memberships_url, read_page

SCOPES = (SCOPE,)


@dataclass(frozen=True, slots=True)
class Source:
    """What reading needs of link and platform, kept outside any session."""

    pull_id: UUID
    link_id: UUID
    platform_id: UUID
    client_id: str
    token_url: str
    audience: str
    url: str
    pages: int
    entries: int


class RosterReader:
    def __init__(self, runtime: Runtime, academy: Academy, tokens: Tokens) -> None:
        self.runtime = runtime
        self.academy = academy
        self.tokens = tokens

    def read(self, pull_id: UUID) -> None:
        """To the end; what goes wrong is kept with the pull and never raised."""
        source = self._load(pull_id)
        if source is None:
            return
        try:
            self._pages(source)
        except Refused as refusal:
            self._fail(pull_id, refusal.code, refusal.seen)
        except OutboundError as error:
            self._fail(pull_id, "NRPS_REFUSED", error.reason)

    def _load(self, pull_id: UUID) -> Source | None:
        """None when the link is gone or somebody else has ended the reading."""
        with self.runtime.database.transaction(self.academy.id, write=False) as session:
            pull = Rosters(session).pull(pull_id)
            if pull.state is not PullState.READING:
                return None
            link = session.get_one(ResourceLink, pull.resource_link_id)
            platform = session.get_one(Platform, link.platform_id)
            url = pull.next_url or memberships_url(link.memberships_url)
            return Source(
                pull.id, link.id, platform.id, platform.client_id, platform.token_url,
                platform.token_audience, url, pull.pages, pull.entries,
            )  # fmt: skip

    def _pages(self, source: Source) -> None:
        url, pages, entries = source.url, source.pages, source.entries
        while url:
            if pages >= MAX_PAGES or entries > MAX_MEMBERS:
                raise Refused("NRPS_ODD_ANSWER", seen=f"{entries} members on {pages} pages and no end")
            page = self._page(source, url)
            url, pages, entries = self._keep(source, page)

    def _page(self, source: Source, url: str) -> Page:
        token = self._token(source)
        answer = self._get(url, token)
        if answer.status == 401:
            with self.runtime.database.transaction(self.academy.id) as session:
                self.tokens.forget(session, source.platform_id, SCOPES, token)
            answer = self._get(url, self._token(source))
        return read_page(answer.status, answer.body, answer.headers.get("link", ""), url)

    def _get(self, url: str, token: str) -> Answer:
        headers: Mapping[str, str] = {"accept": MEDIA_TYPE, "authorization": f"Bearer {token}"}
        return self.runtime.outbound.get(url, headers)

    def _token(self, source: Source) -> str:
        with self.runtime.database.transaction(self.academy.id, write=False) as session:
            kept = self.tokens.kept(session, source.platform_id, SCOPES)
        if kept is not None:
            return kept
        answer = self.tokens.ask(self.academy.id, source.client_id, source.token_url, source.audience, SCOPES)
        try:
            token = read_token(answer.status, answer.body, list(SCOPES))
        except Refused as refusal:
            raise Refused("NRPS_FORBIDDEN", seen=refusal.seen, wanted=SCOPE) from None
        with suppress(IntegrityError), self.runtime.database.transaction(self.academy.id) as session:
            self.tokens.keep(session, source.platform_id, SCOPES, token)
        return token.value

    def _keep(self, source: Source, page: Page) -> tuple[str, int, int]:
        """The page's entries and where to go on, in one transaction."""
        with self.runtime.database.transaction(self.academy.id) as session:
            pull = Rosters(session).pull(source.pull_id)
            link = session.get_one(ResourceLink, source.link_id)
            added = Comparison(session, link, session.get_one(Platform, link.platform_id)).add(pull, page.members)
            pull = Rosters(session).pull(source.pull_id)
            pull.pages, pull.entries = pull.pages + 1, pull.entries + added
            pull.passed_over += page.passed_over
            pull.next_url = page.next_url
            if not page.next_url:
                pull.state, pull.finished_at = PullState.READY, clock.now()
            return pull.next_url, pull.pages, pull.entries

    def _fail(self, pull_id: UUID, code: str, cause: str) -> None:
        with self.runtime.database.transaction(self.academy.id) as session:
            pull = Rosters(session).pull(pull_id)
            pull.state, pull.finished_at, pull.code, pull.cause = PullState.FAILED, clock.now(), code, cause
