"""``lyceum lti invite``, ``lyceum lti links`` and ``lyceum lti roster``."""

from typing import Any
from uuid import UUID

import click

from saas.cli.context import CommandError, Shell, json_option, print_json, print_rows
from saas.problems import Refused
from tenants.audit.services import note
from tenants.lti.arguments import lti_academy
from tenants.lti.keys import KeyRing
from tenants.lti.tool.addresses import invitation_url
from tenants.lti.tool.invitations import Invitations
from tenants.lti.tool.roster_reader import RosterReader
from tenants.lti.tool.rosters import Enrolling, Rosters
from tenants.lti.tool.sharing_models import PullState
from tenants.lti.tool.tokens import Tokens


@click.command()
@click.argument("slug")
@json_option
@click.pass_obj
def invite(shell: Shell, slug: str, *, as_json: bool) -> None:
    """A one-use link for the admin of another LMS; printed once, good for 24 hours."""
    academy = lti_academy(shell, slug)
    with shell.session(slug) as session:
        invitation, token = Invitations(session).make("operator")
        note(session, "operator", "lti.invitation.made", "", invitation=str(invitation.id))
        row = {"id": invitation.id, "url": invitation_url(academy, token), "expires_at": invitation.expires_at}
    print_json(row) if as_json else print_rows([row], as_json=False)


@click.command()
@click.argument("slug")
@json_option
@click.pass_obj
def links(shell: Shell, slug: str, *, as_json: bool) -> None:
    """Links in courses of other LMSs whose roster can be read."""
    with shell.session(slug, write=False) as session:
        rows = [
            {
                "id": each.id,
                "platform": each.platform.name,
                "course": each.context_title or each.context_id,
                "link": each.title or each.resource_link_id,
                "activity": each.activity_id,
            }
            for each in Rosters(session).links()
        ]
    print_rows(rows, as_json=as_json)


@click.command()
@click.argument("slug")
@click.argument("link_id", metavar="LINK")
@click.option("--enrol", is_flag=True, help="Enrol those who are new; without it nothing changes.")
@json_option
@click.pass_obj
def roster(shell: Shell, slug: str, link_id: str, *, enrol: bool, as_json: bool) -> None:
    """Read the roster of a link's course and show the difference; LINK is an id from `lti links`."""
    academy = lti_academy(shell, slug)
    try:
        wanted = UUID(link_id)
    except ValueError:
        raise CommandError("LINK is an id as `lyceum lti links` prints it") from None
    with shell.session(slug) as session:
        pull_id = Rosters(session).start(Rosters(session).link(wanted), "operator").id
        note(session, "operator", "lti.roster.read", "", link=link_id)
    runtime = shell.runtime
    RosterReader(runtime, academy, Tokens(runtime.secrets, runtime.outbound, runtime.part(KeyRing))).read(pull_id)
    if enrol:
        _enrol(shell, slug, pull_id)
    row = _row(shell, slug, pull_id)
    print_json(row) if as_json else print_rows([row | row.pop("changes")], as_json=False)


def _enrol(shell: Shell, slug: str, pull_id: UUID) -> None:
    """Batch by batch, as the job does it."""
    with shell.session(slug) as session:
        pull = Rosters(session).pull(pull_id)
        if pull.state is not PullState.READY:
            raise Refused(pull.code, seen=pull.cause)
        pull.state = PullState.ENROLLING
        note(session, "operator", "lti.roster.enrolled", "", pull=str(pull_id))
    while True:
        with shell.session(slug) as session:
            pull = Rosters(session).pull(pull_id)
            if not Enrolling(session, pull).some():
                pull.state = PullState.DONE
                return


def _row(shell: Shell, slug: str, pull_id: UUID) -> dict[str, Any]:
    with shell.session(slug, write=False) as session:
        rosters = Rosters(session)
        pull = rosters.pull(pull_id)
        return {
            "id": pull.id,
            "state": pull.state.value,
            "code": pull.code,
            "cause": pull.cause,
            "pages": pull.pages,
            "members": pull.entries,
            "passed_over": pull.passed_over,
            "absent": rosters.absent(pull),
            "changes": {change.value: count for change, count in rosters.counts(pull).items()},
        }
