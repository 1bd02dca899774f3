"""One person's way from the LMS to an activity, step by step, and what must be true afterwards."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import sqlalchemy as sa
from webtest import TestResponse

from saas.jobs.models import JobState, Outbox
from saas.jobs.outbox import later
from saas.sessions import WebSession
from tenants.accounts.models import Person
from tenants.audit.models import AuditEntry
from tenants.learning.models import Enrolment
from tenants.lti.entered import new_version
from tenants.lti.launches.models import Launch, Outcome
from tenants.lti.launches.services import LaunchLog
from tenants.lti.tool.login import hash_state
from tenants.lti.tool.models import Deployment, Identity, Participant, Platform, ResourceLink
from tenants.lti.tool.platforms import Platforms, PlatformValues
from tenants.lti.wire.checks import LAUNCH_STEPS, LOGIN_STEPS
from tests.conformance.platform import PlatformDouble
from tests.house import Browser, Kit

#: What a launch may write besides its own row of the log; a refusal writes none of it, but it may leave a question
#: about a deployment, so that only accepted ones are counted.
WRITTEN = (Person, Identity, Enrolment, ResourceLink, Participant, WebSession, Deployment, AuditEntry)


def register(kit: Kit, platform: PlatformDouble, **more: Any) -> UUID:
    """Registers the LMS in the academy through the service that page and command line use."""
    values = {
        "name": f"School {platform.name}",
        "issuer": platform.issuer,
        "client_id": platform.client_id,
        "auth_url": platform.auth_url,
        "token_url": platform.token_url,
        "jwks_url": platform.jwks_url,
        "deployment_ids": (platform.deployment,),
        "is_active": True,
        **more,
    }
    with kit.session() as session:
        return Platforms(session, kit.runtime.outbound).create(PlatformValues(**values)).id


def log_of(kit: Kit, limit: int = 50) -> list[Launch]:
    """The launch log, newest first."""
    with kit.session() as session:
        rows = list(LaunchLog(session).recent(limit=limit))
        session.expunge_all()
        return rows


def person_of(kit: Kit, issuer: str, sub: str) -> UUID | None:
    with kit.session() as session:
        return session.scalar(sa.select(Identity.person_id).where(Identity.issuer == issuer, Identity.sub == sub))


def perform(kit: Kit, job: str) -> None:
    """Runs a job as the worker does: promised, leased, performed; it must end well."""
    with kit.session() as session:
        promised = later(session, job)
    kit.house.run_jobs()
    with kit.runtime.database.shell(write=False) as shell:
        assert shell.scalar(sa.select(Outbox.state).where(Outbox.id == promised)) is JobState.DONE


@dataclass
class Scene:
    """An academy with a shared activity and a platform that may open it."""

    kit: Kit
    platform: PlatformDouble
    platform_id: UUID
    activity_id: UUID

    @classmethod
    def set(cls, kit: Kit, platform: PlatformDouble, **more: Any) -> "Scene":
        return cls(kit, platform, register(kit, platform, **more), kit.activity().id)

    @property
    def target(self) -> str:
        return f"{self.kit.academy.url}/lti/activities/{self.activity_id}"

    def visit(self, platform: PlatformDouble | None = None, browser: Browser | None = None, **more: Any) -> "Visit":
        return Visit(self, platform or self.platform, browser or self.kit.browser(), **more)

    def written(self) -> Counter[str]:
        with self.kit.session() as session:
            counts = {
                table.__tablename__: session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
                for table in WRITTEN
            }
            accepted = sa.select(sa.func.count(Deployment.id)).where(Deployment.accepted_at.is_not(None))
            counts[Deployment.__tablename__] = session.scalar(accepted) or 0
        with self.kit.runtime.database.shell(write=False) as shell:
            promised = sa.select(sa.func.count()).select_from(Outbox).where(Outbox.tenant_id == self.kit.academy.id)
            return Counter({**counts, "outbox": shell.scalar(promised) or 0})

    def set_policy(self, **values: Any) -> None:
        """Who comes from the platform, and how they are received."""
        with self.kit.session() as session:
            platform = session.get_one(Platform, self.platform_id)
            for name, value in values.items():
                setattr(platform, name, value)
            new_version(platform)

    def rows(self, limit: int = 50) -> list[Launch]:
        return log_of(self.kit, limit)

    def people(self, **values: Any) -> list[Person]:
        with self.kit.session() as session:
            people = list(session.scalars(sa.select(Person).filter_by(**values)))
            session.expunge_all()
            return people

    def person_of(self, issuer: str, sub: str) -> UUID | None:
        return person_of(self.kit, issuer, sub)

    def refused(
        self, response: TestResponse, code: str, step: str, before: Counter[str], *, part: str = "launch"
    ) -> Launch:
        """The page, the log row and the database all say that nobody came in; returns the row."""
        problem = self.kit.runtime.problems[code]
        assert response.status_int == problem.status, response.text
        assert code in response.text
        row = self.rows(1)[0]
        assert (row.outcome, row.code) == (Outcome.REFUSED, code)
        checks = row.checks[part]
        failed = [check for check in checks if check[1] is False]
        assert [(check[0], check[4]) for check in failed] == [(step, code)]
        assert checks[-1] == failed[0]
        steps = list(LOGIN_STEPS if part == "login" else LAUNCH_STEPS)
        assert [check[0] for check in checks] == [name for name in steps if name in {check[0] for check in checks}]
        assert (row.person_id, row.activity_id) == (None, None)
        assert self.written() == before
        return row


@dataclass
class Visit:
    """``sub`` is who comes. ``asked`` is what the login asked the platform, once it did."""

    scene: Scene
    platform: PlatformDouble
    browser: Browser
    sub: str = field(default_factory=lambda: uuid4().hex)
    asked: dict[str, str] = field(default_factory=dict)

    def begin(self, *left_out: str, method: str = "POST", path: str = "/lti/login", **changes: str) -> TestResponse:
        """The LMS sends the browser to our login address."""
        fields = {
            "iss": self.platform.issuer,
            "login_hint": self.sub[:60],
            "target_link_uri": self.scene.target,
            "lti_message_hint": "17",
            "client_id": self.platform.client_id,
            "lti_deployment_id": self.platform.deployment,
            **changes,
        }
        fields = {name: value for name, value in fields.items() if name not in left_out}
        send = self.browser.app.get if method == "GET" else self.browser.app.post
        return self._sent(send(path, fields, status="*"))

    def begin_again(self, refusal: TestResponse, link: str) -> TestResponse:
        """Follows the link a refusal shows, then launches once more."""
        anchor = refusal.html.find(lambda tag: tag.name == "a" and link in tag.get_text())
        assert self._sent(self.browser.get(anchor["href"])).status_int == 302
        return self.answer(self.platform.sign(self.claims()))

    def _sent(self, response: TestResponse) -> TestResponse:
        if response.status_int == 302:
            self.asked = dict(parse_qsl(urlsplit(response.location).query, keep_blank_values=True))
        return response

    def claims(self, *left_out: str, **changes: Any) -> dict[str, Any]:
        given = {"nonce": self.asked["nonce"], "target": self.scene.target, "sub": self.sub, **changes}
        return self.platform.claims(*left_out, **given)

    def answer(self, token: str, **fields: str) -> TestResponse:
        """The platform's form post."""
        return self.browser.app.post(
            "/lti/launch", {"id_token": token, "state": self.asked["state"], **fields}, status="*"
        )

    def launch(self, *left_out: str, **changes: Any) -> TestResponse:
        """Login and launch with these claims."""
        assert self.begin().status_int == 302
        return self.answer(self.platform.sign(self.claims(*left_out, **changes)))

    def accepted(self, response: TestResponse) -> Launch:
        """The person is there, enrolled and signed in on the activity, and the log says so; returns its row."""
        assert response.status_int == 303, response.text
        scene = self.scene
        row = next(row for row in scene.rows() if row.state_hash == hash_state(self.asked["state"]))
        assert urlsplit(response.location).path == f"/activities/{scene.activity_id}"
        assert (row.outcome, row.code, row.activity_id) == (Outcome.ACCEPTED, "", scene.activity_id)
        assert [check[0] for check in row.checks["launch"]] == list(LAUNCH_STEPS)
        assert [check[0] for check in row.checks["login"]] == list(LOGIN_STEPS)
        assert all(check[1] for part in row.checks.values() for check in part)
        assert scene.person_of(self.platform.issuer, self.sub) == row.person_id
        enrolled = sa.select(Enrolment.id).where(
            Enrolment.person_id == row.person_id, Enrolment.activity_id == scene.activity_id
        )
        with scene.kit.session() as session:
            assert session.scalar(enrolled) is not None
        page = self.browser.get(response.location, status=200)
        assert "An e-learning" in page
        return row
