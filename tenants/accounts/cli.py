"""``lyceum operator``: who may come to the bare host."""

import click

from saas.cli.context import Shell, json_option, print_json
from saas.tenancy.models import OPERATOR
from saas.tenancy.resolve import public_url
from tenants.access import Role
from tenants.accounts.services import People, SignIn


@click.group()
def operator() -> None:
    """The people who run this installation."""


@operator.command()
@click.argument("email")
@click.option("--name", default="", help="Given name; default is the address's first part.")
@json_option
@click.pass_obj
def invite(shell: Shell, email: str, name: str, *, as_json: bool) -> None:
    """Make EMAIL an operator, unless it is one already; prints a one-time sign-in link."""
    with shell.runtime.database.transaction(OPERATOR) as session:
        people = People(session)
        given_name = name or email.partition("@")[0]
        person = people.by_email(email) or people.create(email, given_name, "", Role.OPERATOR)
        path = SignIn(session).issue_link(person)
    link = public_url(shell.runtime.settings.web.host, shell.runtime.settings.web) + path
    print_json({"email": email, "sign_in_url": link}) if as_json else click.echo(f"sign in once: {link}")
