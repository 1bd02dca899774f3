"""``lyceum tenant …``: academies as the operator sees them."""

from pathlib import Path
from typing import Any

import click

from saas.cli.context import CommandError, Shell, json_option, print_json, print_rows
from saas.tenancy import leaving
from saas.tenancy.founding import found
from saas.tenancy.lifecycle import FEATURES, Lifecycle
from saas.tenancy.models import Tenant
from saas.tenancy.requests import switch
from saas.tenancy.resolve import public_url


@click.group()
def tenant() -> None:
    """Create, list, suspend, resume, export and erase academies; switch their features."""


def _row(tenant: Tenant, shell: Shell) -> dict[str, Any]:
    return {
        "slug": tenant.slug,
        "name": tenant.name,
        "status": tenant.status.value,
        "url": public_url(tenant.host, shell.runtime.settings.web),
        "domains": [domain.host for domain in tenant.domains],
        "features": {name: tenant.has(name) for name in FEATURES},
    }


@tenant.command()
@click.argument("slug")
@click.option("--name", required=True)
@click.option("--admin-email", required=True)
@click.option("--domain", "domains", multiple=True, help="A host name of the academy's own; may be repeated.")
@json_option
@click.pass_obj
def create(shell: Shell, slug: str, name: str, admin_email: str, domains: tuple[str, ...], *, as_json: bool) -> None:
    """Create an academy and its first admin; prints a one-time sign-in link."""
    academy, sign_in_url = found(shell.runtime, slug, name, admin_email, domains)
    document = {"slug": academy.slug, "url": academy.url, "sign_in_url": sign_in_url}
    if as_json:
        print_json(document)
    else:
        click.echo(f"{academy.name} is at {academy.url}\nsign in once: {sign_in_url}")


@tenant.command("list")
@json_option
@click.pass_obj
def list_(shell: Shell, *, as_json: bool) -> None:
    """Every academy."""
    with shell.runtime.database.shell(write=False) as session:
        rows = [_row(each, shell) for each in Lifecycle(session, shell.runtime.settings.web).all()]
    print_rows(rows, as_json=as_json)


def _change(shell: Shell, slug: str, action: str, *, as_json: bool) -> None:
    with shell.runtime.database.shell() as session:
        row = _row(getattr(Lifecycle(session, shell.runtime.settings.web), action)(slug), shell)
    print_rows([row], as_json=False) if not as_json else print_json(row)


@tenant.command()
@click.argument("slug")
@json_option
@click.pass_obj
def suspend(shell: Shell, slug: str, *, as_json: bool) -> None:
    """Close an academy's doors; nothing is deleted."""
    _change(shell, slug, "suspend", as_json=as_json)


@tenant.command()
@click.argument("slug")
@json_option
@click.pass_obj
def resume(shell: Shell, slug: str, *, as_json: bool) -> None:
    """Open them again."""
    _change(shell, slug, "resume", as_json=as_json)


@tenant.command()
@click.argument("slug")
@click.argument("name", type=click.Choice(FEATURES))
@click.argument("state", type=click.Choice(("on", "off")))
@click.option("--reason", default="")
@json_option
@click.pass_obj
def feature(shell: Shell, slug: str, name: str, state: str, reason: str, *, as_json: bool) -> None:
    """Switch LTI or Zoom on or off for an academy."""
    switch(shell.runtime, slug, name, on=state == "on", reason=reason, by="operator")
    with shell.runtime.database.shell(write=False) as session:
        row = _row(Lifecycle(session, shell.runtime.settings.web).by_slug(slug), shell)
    print_json(row) if as_json else print_rows([row], as_json=False)


@tenant.command()
@click.argument("slug")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def export(shell: Shell, slug: str, file: Path, *, as_json: bool) -> None:
    """Write everything an academy has into FILE, a zip of JSON lines."""
    try:
        counts = leaving.export(shell.runtime, slug, file)
    except OSError as error:
        raise CommandError(f"cannot write {file}: {error.strerror}") from None
    print_json(counts) if as_json else click.echo(f"{sum(counts.values())} rows written to {file}")


@tenant.command()
@click.argument("slug")
@click.option("--yes", is_flag=True, help="Delete for good; without it nothing happens.")
@click.pass_obj
def erase(shell: Shell, slug: str, *, yes: bool) -> None:
    """Delete a suspended academy with all it has. There is no way back but a backup."""
    if not yes:
        raise CommandError(f"this deletes everything of {slug} for good; say so with --yes")
    click.echo(f"{leaving.erase(shell.runtime, slug)} rows deleted")


def add_to(group: click.Group) -> None:
    group.add_command(tenant)
