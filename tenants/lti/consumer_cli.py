"""``lyceum lti consumer …``: keys of LTI 1.2."""

from datetime import datetime
from typing import Any

import click

from saas import clock
from saas.cli.context import Shell, json_option, print_json, print_rows
from saas.tenancy.resolve import Academy
from saas.web.forms import cleaned
from tenants.audit.services import note
from tenants.catalog.services import Catalog
from tenants.lti.arguments import id_of, lti_academy
from tenants.lti.tool.addresses import launch12_url
from tenants.lti.tool.consumers import Consumers
from tenants.lti.tool.models11 import ConsumerKey


@click.group()
def consumer() -> None:
    """Systems that open an activity by LTI 1.2, each with a key."""


def consumer_row(academy: Academy, consumer: ConsumerKey, now: datetime) -> dict[str, Any]:
    """Without the secret, which only the command that makes it prints."""
    overlaps = consumer.sealed_previous and consumer.previous_until and consumer.previous_until > now
    return {
        "id": consumer.id,
        "activity": consumer.activity_id,
        "name": consumer.name,
        "key": consumer.key,
        "launch_url": launch12_url(academy, consumer.activity_id),
        "activated": consumer.is_active,
        "product": consumer.product,
        "last_used_at": consumer.last_used_at,
        "previous_secret_until": consumer.previous_until if overlaps else None,
    }


@consumer.command()
@click.argument("slug")
@click.argument("activity_id", metavar="ACTIVITY")
@click.option("--name", default="", help="Whom the key is for.")
@json_option
@click.pass_obj
def add(shell: Shell, slug: str, activity_id: str, name: str, *, as_json: bool) -> None:
    """Make a key for one more system; prints its secret."""
    academy = lti_academy(shell, slug)
    wanted = id_of(activity_id, "ACTIVITY is an id as `lyceum course list` prints it")
    with shell.session(slug) as session:
        consumers = Consumers(session, shell.runtime.secrets)
        made = consumers.create(Catalog(session).activity(wanted), cleaned(name))
        note(session, "operator", "lti.consumer.created", made.label, activity=str(wanted), key=made.key)
        row = {**consumer_row(academy, made, clock.now()), "secret": consumers.reveal(made)}
    print_json(row) if as_json else print_rows([row], as_json=False)


@consumer.command("list")
@click.argument("slug")
@json_option
@click.pass_obj
def list_(shell: Shell, slug: str, *, as_json: bool) -> None:
    """Every key of the academy, without secrets."""
    academy = shell.academy(slug)
    with shell.session(slug, write=False) as session:
        rows = [consumer_row(academy, each, clock.now()) for each in Consumers(session, shell.runtime.secrets).all()]
    print_rows(rows, as_json=as_json)


@consumer.command()
@click.argument("slug")
@click.argument("consumer_id", metavar="KEY-ID")
@click.option("--now", "at_once", is_flag=True, help="End the old secret at once instead of in a week.")
@json_option
@click.pass_obj
def rotate(shell: Shell, slug: str, consumer_id: str, *, at_once: bool, as_json: bool) -> None:
    """Make a new secret; prints it."""
    academy = lti_academy(shell, slug)
    wanted = id_of(consumer_id, "KEY-ID is an id as `lyceum lti consumer list` prints it")
    with shell.session(slug) as session:
        consumers = Consumers(session, shell.runtime.secrets)
        found = consumers.get(wanted)
        consumers.rotate(found, at_once=at_once)
        note(session, "operator", "lti.consumer.rotated", found.label, key=found.key, at_once=at_once)
        row = {**consumer_row(academy, found, clock.now()), "secret": consumers.reveal(found)}
    print_json(row) if as_json else print_rows([row], as_json=False)
