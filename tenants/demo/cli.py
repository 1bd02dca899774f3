"""``lyceum demo`` and ``lyceum run``."""

import click

from saas.cli.context import CommandError, Shell, json_option, print_json
from saas.cli.database import prepare
from saas.db.reset import empty
from tenants.demo.services import doors, make_demo
from tenants.demo.zoom import COURSE


@click.command()
@click.option("--reset", is_flag=True, help="Throw every academy away first (development installations only).")
@json_option
@click.pass_obj
def demo(shell: Shell, *, reset: bool, as_json: bool) -> None:
    """Make the demonstration academies north and south, once."""
    if reset:
        if not shell.runtime.settings.app.demo:
            raise CommandError("--reset erases every academy; it needs lyceum.app.demo = true in the settings")
        empty(shell.runtime.database)
        shell.runtime.tenants.forget()
        prepare(shell)
    made = make_demo(shell.runtime)
    document = [{"name": door.name, "url": door.url, "sign_in_urls": door.links} for door in doors(shell.runtime)]
    if as_json:
        print_json({"made": made, "doors": document})
        return
    click.echo("the demonstration is ready" if made else "the demonstration was there already")
    _print_doors(shell)


def _print_doors(shell: Shell) -> None:
    for door in doors(shell.runtime):
        click.echo(f"\n{door.name}: {door.url}")
        for role, link in door.links.items():
            click.echo(f"  sign in once as {role}: {link}")
        for course in door.visits:
            click.echo(f"  LTI: the course “{course}” opens what the other academy teaches, in both versions")
        if door.zoom:
            click.echo(f"  Zoom: the course “{COURSE}” meets in practice Zoom, which is not Zoom: {door.zoom}")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.pass_obj
def run(shell: Shell, host: str) -> None:
    """Everything in one process, for development: migrate, demonstrate, serve."""
    from saas.server import refuse_taken_port, serve_forever

    port = shell.runtime.settings.web.port
    refuse_taken_port(host, port)
    click.echo("preparing the database …")
    prepare(shell)
    if shell.runtime.settings.app.demo and make_demo(shell.runtime):
        click.echo("made the demonstration academies")

    def ready() -> None:
        click.echo("\nLyceum is running. Stop it with Ctrl-C.")
        if shell.runtime.settings.app.demo:
            _print_doors(shell)

    serve_forever(shell.configurator, host, port, ready, worker=True)
