"""Into the database of an installation under test: its command line takes a second for each answer."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import sqlalchemy as sa

from saas.app import configure
from saas.db.scope import ScopedSession
from saas.runtime import Runtime
from saas.tenancy.models import Tenant
from tenants.catalog.models import Activity
from tenants.grades.models import ScoreDelivery
from tenants.lti.launches.models import Launch
from tenants.lti.launches.services import LaunchLog
from tests.installation import Installation


@dataclass
class Looking:
    """``tenant_id`` is the academy ``north``."""

    made: Installation
    runtime: Runtime
    tenant_id: int

    @classmethod
    def into(cls, made: Installation) -> "Looking":
        runtime = configure(made.settings).registry.runtime
        with runtime.database.shell(write=False) as shell:
            return cls(made, runtime, shell.scalars(sa.select(Tenant.id).where(Tenant.slug == "north")).one())

    def close(self) -> None:
        self.runtime.close()

    def session(self, *, write: bool = False) -> AbstractContextManager[ScopedSession]:
        return self.runtime.database.transaction(self.tenant_id, write=write)

    def activity(self, title: str) -> Activity:
        with self.session() as session:
            found = session.scalars(sa.select(Activity).where(Activity.title == title)).one()
            session.expunge(found)
            return found

    def launch(self) -> Launch:
        """The newest."""
        with self.session() as session:
            newest = LaunchLog(session).recent(limit=1)[0]
            session.expunge(newest)
            return newest

    def score(self) -> tuple[str, str]:
        """State and code of the newest delivery."""
        query = sa.select(ScoreDelivery.state, ScoreDelivery.code).order_by(ScoreDelivery.created_at.desc())
        with self.session() as session:
            found = session.execute(query.limit(1)).one_or_none()
            return (found.state.value, found.code) if found else ("", "")
