"""``lyceum serve``, ``worker`` and ``run``."""

import click

from saas.cli.context import CommandError, Shell


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on; default is lyceum.web.port.")
@click.pass_obj
def serve(shell: Shell, host: str, port: int | None) -> None:
    """Answer web requests; in embedded mode run the jobs, too."""
    from saas.server import serve_forever

    port = port or shell.runtime.settings.web.port
    if not port:
        raise CommandError("lyceum.web.port is 0, the public scheme's own: name the port to listen on with --port")
    serve_forever(shell.configurator, host, port)


@click.command()
@click.pass_obj
def worker(shell: Shell) -> None:
    """Run jobs until told to stop."""
    from saas.server import work_forever

    work_forever(shell.runtime)


def add_to(group: click.Group) -> None:
    group.add_command(serve)
    group.add_command(worker)
