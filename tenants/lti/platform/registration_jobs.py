"""Invitations that nothing has come of are forgotten, whether they ran out or were never opened."""

from datetime import timedelta

import sqlalchemy as sa

from saas import clock
from saas.jobs.registry import JobRun, job
from tenants.lti.platform.grants import ToolInvitation
from tenants.lti.platform.registration import CHANGEABLE


@job("lti.forget_tool_invitations", every=timedelta(hours=1))
def forget_tool_invitations(run: JobRun) -> None:
    """Those of a tool go with the tool."""
    with run.transaction() as session:
        over = (ToolInvitation.tool_id.is_(None), ToolInvitation.created_at < clock.now() - CHANGEABLE)
        session.execute(sa.delete(ToolInvitation).where(*over))
