"""``lyceum jobs``: what one academy's jobs are doing, and dead letters sent again."""

from uuid import UUID

import click

from saas.cli.context import CommandError, Shell, json_option, print_json, print_rows
from saas.jobs.models import JobState
from saas.jobs.outbox import Desk


class JobsGroup(click.Group):
    """``jobs SLUG`` lists, ``jobs retry SLUG`` retries: any word that is no command is a short name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["list", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=JobsGroup)
def jobs() -> None:
    """`jobs SLUG [--json]` lists jobs; `jobs retry SLUG [ID…]` sends dead letters again."""


@jobs.command("list", hidden=True)
@click.argument("slug")
@click.option("--state", type=click.Choice([state.value for state in JobState]))
@json_option
@click.pass_obj
def list_(shell: Shell, slug: str, state: str | None, *, as_json: bool) -> None:
    """An academy's jobs, newest first."""
    academy = shell.academy(slug)
    states = (JobState(state),) if state else tuple(JobState)
    with shell.runtime.database.shell(write=False) as session:
        rows = [
            {
                "id": row.id,
                "job": row.job,
                "args": row.args,
                "state": row.state.value,
                "attempts": row.attempts,
                "due_at": row.due_at if row.state is JobState.DUE else None,
                "created_at": row.created_at,
                "settled_at": row.settled_at,
                "error": row.error,
            }
            for row in Desk(session, academy.id).rows(states)
        ]
    print_rows(rows, as_json=as_json)


@jobs.command()
@click.argument("slug")
@click.argument("ids", nargs=-1)
@json_option
@click.pass_obj
def retry(shell: Shell, slug: str, ids: tuple[str, ...], *, as_json: bool) -> None:
    """Send dead letters again: all of them, or the named ones."""
    academy = shell.academy(slug)
    try:
        wanted = [UUID(each) for each in ids]
    except ValueError:
        raise CommandError("a job's id is a UUID as `lyceum jobs` prints it") from None
    with shell.runtime.database.shell() as session:
        sent = Desk(session, academy.id).retry(wanted)
    print_json({"retried": sent}) if as_json else click.echo(f"{len(sent)} sent again")


def add_to(group: click.Group) -> None:
    group.add_command(jobs)
