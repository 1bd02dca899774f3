"""``lyceum migrate`` and ``lyceum reseal``."""

import click
from alembic.util.exc import CommandError as AlembicError

from saas.cli.context import CommandError, Shell
from saas.db import migrate as migrations
from saas.db.sealed import reseal_all
from saas.secrets import SealError
from saas.tenancy.lifecycle import Lifecycle


def prepare(shell: Shell) -> None:
    """Schema and the operator's own tenant: what every start of the program may take for granted."""
    runtime = shell.runtime
    migrations.upgrade(
        runtime.database, runtime.settings.database.migrations, report=lambda line: click.echo(line, err=True)
    )
    with runtime.database.shell() as session:
        Lifecycle(session, runtime.settings.web).ensure_operator()
    runtime.tenants.forget()


@click.command()
@click.option("--check", is_flag=True, help="Only say whether models and migrations agree.")
@click.pass_obj
def migrate(shell: Shell, check: bool) -> None:
    """Bring the database to this version's schema."""
    if check:
        try:
            migrations.check(shell.runtime.database, shell.runtime.settings.database.migrations)
        except AlembicError as error:
            raise CommandError(str(error)) from None
        return
    prepare(shell)


@click.command()
@click.pass_obj
def reseal(shell: Shell) -> None:
    """Seal every stored secret again under the newest master key; afterwards the old keys may be dropped."""
    try:
        count = reseal_all(shell.runtime.database, shell.runtime.secrets)
    except SealError as error:
        raise CommandError(f"{error}: add the master key it was sealed with, then run this again") from None
    click.echo(f"{count} values sealed again")


def add_to(group: click.Group) -> None:
    group.add_command(migrate)
    group.add_command(reseal)
