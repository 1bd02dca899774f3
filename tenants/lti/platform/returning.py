"""What a tool says when it sends somebody back: two texts to show, two for the log.

LTI 1.1.1 §3; LTI 1.3 Core §5.4.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.engine import Database
from tenants.lti.launches.models import Direction, Launch
from tenants.lti.wire.text import clean

SHOWN, LOGGED = 300, 500
#: How long after a launch what its tool says is shown.
SHOWN_FOR = timedelta(days=1)
KEY = "returned"


@dataclass(frozen=True, slots=True)
class Returned:
    """``words`` are shown; ``is_error``: it says that something went wrong. ``logged`` are for the academy's admin."""

    launch_id: UUID | None
    words: str
    is_error: bool
    logged: dict[str, str]

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        names = ("lti_msg", "lti_errormsg", "lti_log", "lti_errorlog")
        said = {name: clean(given.get(name, ""), LOGGED) for name in names}
        wrong, right = said["lti_errormsg"][:SHOWN], said["lti_msg"][:SHOWN]
        logged = {name: text for name, text in said.items() if text}
        return cls(_uuid(given.get("launch", "")), wrong or right, bool(wrong), logged)

    @property
    def unsaid(self) -> Self:
        """The same without anything to show."""
        return replace(self, words="")

    @property
    def kind(self) -> str:
        """Of the notice."""
        return "attention" if self.is_error else "info"


def note_return(
    database: Database, tenant_id: int, activity_id: UUID, returned: Returned, visitor: UUID | None
) -> bool:
    """With the launch, once. Whether the words may be shown: only those of a launch of the last day.

    What names no launch of this activity, or one of somebody else than the ``visitor`` who is signed in, says nothing
    to anybody: any site can send a browser here.
    """
    if not returned.logged or returned.launch_id is None:
        return False
    with database.transaction(tenant_id) as session:
        found = sa.select(Launch).where(Launch.id == returned.launch_id, Launch.activity_id == activity_id)
        launch = session.scalar(found.where(Launch.direction == Direction.OUT).with_for_update())
        if launch is None or KEY in launch.login_shown or visitor not in (None, launch.person_id):
            return False
        launch.login_shown = {**launch.login_shown, KEY: returned.logged}
        return launch.started_at > clock.now() - SHOWN_FOR


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
