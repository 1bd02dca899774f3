"""One person's way from an LMS on LTI 1.2 to an activity, and what must be true afterwards."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

import sqlalchemy as sa
from webtest import TestResponse

from saas.sessions import WebSession
from tenants.accounts.models import Person
from tenants.audit.models import AuditEntry
from tenants.catalog.models import Activity
from tenants.learning.models import Enrolment
from tenants.lti.launches.models import Launch, Outcome
from tenants.lti.tool.addresses import launch12_url, origin_of
from tenants.lti.tool.consumers import Consumers
from tenants.lti.tool.models import Identity
from tenants.lti.tool.models11 import ConsumerKey, ConsumerNonce, OutcomeRoute
from tenants.lti.wire.launch11 import LAUNCH11_STEPS, issuer_of
from tests.conformance.consumer import FORM, ConsumerDouble
from tests.conformance.visits import log_of, person_of
from tests.house import Browser, Kit

#: What a launch may write besides its nonce and its row of the log; a refusal writes none of it.
WRITTEN = (Person, Identity, Enrolment, OutcomeRoute, WebSession, AuditEntry)


def new_key(kit: Kit, activity_id: UUID, consumer: ConsumerDouble, **options: Any) -> UUID:
    """A key made by the service that page and command line use, pasted into the LMS."""
    with kit.session() as session:
        consumers = Consumers(session, kit.runtime.secrets)
        made = consumers.create(session.get_one(Activity, activity_id))
        for name, value in options.items():
            setattr(made, name, value)
        consumer.key, consumer.secret = made.key, consumers.reveal(made)
        return made.id


@dataclass
class FormScene:
    """An activity of an academy, and an LMS with its key."""

    kit: Kit
    consumer: ConsumerDouble
    activity_id: UUID = field(init=False)
    consumer_id: UUID = field(init=False)

    def __post_init__(self) -> None:
        self.activity_id = self.kit.activity().id
        self.consumer_id = new_key(self.kit, self.activity_id, self.consumer)

    @property
    def url(self) -> str:
        return launch12_url(self.kit.academy, self.activity_id)

    def set(self, **options: Any) -> None:
        """Changes the key's row."""
        with self.kit.session() as session:
            row = session.get_one(ConsumerKey, self.consumer_id)
            for name, value in options.items():
                setattr(row, name, value)

    def key(self) -> ConsumerKey:
        with self.kit.session() as session:
            row = session.get_one(ConsumerKey, self.consumer_id)
            session.refresh(row)
            session.expunge(row)
            return row

    def visit(self, **more: Any) -> "FormVisit":
        return FormVisit(self, self.kit.browser(), **more)

    def rows(self, limit: int = 50) -> list[Launch]:
        return log_of(self.kit, limit)

    def written(self) -> Counter[str]:
        with self.kit.session() as session:
            return Counter(
                {
                    table.__tablename__: session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
                    for table in WRITTEN
                }
            )

    def nonces(self) -> int:
        with self.kit.session() as session:
            mine = sa.select(ConsumerKey.id).where(ConsumerKey.activity_id == self.activity_id)
            query = sa.select(sa.func.count(ConsumerNonce.id)).where(ConsumerNonce.consumer_key_id.in_(mine))
            return session.scalar(query) or 0

    def person(self, sub: str) -> Person:
        found = person_of(self.kit, issuer_of(self.consumer.key), sub)
        with self.kit.session() as session:
            person = session.get_one(Person, found)
            session.refresh(person)
            session.expunge(person)
            return person

    def routes(self, sub: str) -> list[OutcomeRoute]:
        with self.kit.session() as session:
            query = sa.select(OutcomeRoute).join(Identity, Identity.person_id == OutcomeRoute.person_id)
            rows = list(session.scalars(query.where(Identity.sub == sub)))
            session.expunge_all()
            return rows

    def refused(self, response: TestResponse, code: str, step: str, before: Counter[str]) -> Launch:
        """The page, the log row and the database all say that nobody came in; returns the row."""
        problem = self.kit.runtime.problems[code]
        assert response.status_int == problem.status, response.text
        assert code in response.text
        row = self.rows(1)[0]
        assert (row.outcome, row.code, row.protocol) == (Outcome.REFUSED, code, "1.2")
        checks = row.checks["launch"]
        assert [(check[0], check[4]) for check in checks if check[1] is False] == [(step, code)]
        assert checks[-1][0] == step
        names = [check[0] for check in checks]
        assert names == [name for name in LAUNCH11_STEPS if name in set(names)], "in the order of the steps"
        assert (row.person_id, row.activity_id) == (None, None)
        assert self.written() == before
        return row


@dataclass
class FormVisit:
    """``sub`` is who comes."""

    scene: FormScene
    browser: Browser
    sub: str = field(default_factory=lambda: uuid4().hex)

    def fields(self, *left_out: str, **changes: str) -> dict[str, str]:
        return self.scene.consumer.fields(*left_out, sub=self.sub, **changes)

    def sign(self, *left_out: str, how: Any = None, **changes: str) -> list[tuple[str, str]]:
        options = {"url": self.scene.url, **(how or {})}
        return self.scene.consumer.sign(options.pop("url"), self.fields(*left_out, **changes), **options)

    def post(self, form: Iterable[tuple[str, str]], *, to: str = "", **options: Any) -> TestResponse:
        address = urlsplit(to or self.scene.url)
        path = f"{address.path}?{address.query}" if address.query else address.path
        headers = {"Origin": origin_of(self.scene.consumer.return_url), **options.pop("headers", {})}
        return self.browser.app.post(
            path, urlencode(list(form)), content_type=options.pop("content_type", FORM), status="*",
            headers=headers, **options,
        )  # fmt: skip

    def launch(self, *left_out: str, how: Any = None, **changes: str) -> TestResponse:
        return self.post(self.sign(*left_out, how=how, **changes))

    def refused(self, code: str, step: str, *left_out: str, how: Any = None, **changes: str) -> Launch:
        """This launch is refused in this way."""
        before = self.scene.written()
        return self.scene.refused(self.launch(*left_out, how=how, **changes), code, step, before)

    def accepted(self, response: TestResponse) -> Launch:
        """The person is there, enrolled and signed in on the activity, and the log says so; returns its row."""
        assert response.status_int == 303, response.text
        scene = self.scene
        row = scene.rows(1)[0]
        assert urlsplit(response.location).path == f"/activities/{scene.activity_id}"
        assert (row.outcome, row.code, row.protocol) == (Outcome.ACCEPTED, "", "1.2")
        assert (row.activity_id, row.consumer_key_id) == (scene.activity_id, scene.consumer_id)
        assert [check[0] for check in row.checks["launch"]] == list(LAUNCH11_STEPS)
        assert all(check[1] for check in row.checks["launch"])
        person = scene.person(self.sub)
        assert person.id == row.person_id
        enrolled = sa.select(Enrolment.id).where(
            Enrolment.person_id == row.person_id, Enrolment.activity_id == scene.activity_id
        )
        with scene.kit.session() as session:
            assert session.scalar(enrolled) is not None
        assert "An e-learning" in self.browser.get(response.location, status=200)
        return row
