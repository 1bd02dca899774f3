"""``lyceum course`` and ``lyceum activity``."""

from typing import Any

import click

from saas import clock
from saas.cli.context import Shell, json_option, print_json, print_rows
from saas.tenancy.resolve import Academy
from tenants.audit.services import note
from tenants.catalog.models import Activity
from tenants.catalog.services import Catalog
from tenants.lti.arguments import id_of, lti_academy
from tenants.lti.consumer_cli import consumer_row
from tenants.lti.tool.addresses import resource_url
from tenants.lti.tool.consumers import Consumers


@click.group()
def course() -> None:
    """Courses of an academy."""


@click.group()
def activity() -> None:
    """Activities of an academy."""


def activity_row(academy: Academy, activity: Activity) -> dict[str, Any]:
    """``resource_url`` is the LTI 1.3 Resource URL, whether or not the activity is shared just now."""
    return {
        "id": activity.id,
        "type": activity.type.value,
        "title": activity.title,
        "status": activity.status.value,
        "lti_available": activity.lti_available,
        "resource_url": resource_url(academy, activity.id),
    }


@course.command("list")
@click.argument("slug")
@json_option
@click.pass_obj
def list_(shell: Shell, slug: str, *, as_json: bool) -> None:
    """Courses with their activities."""
    academy = shell.academy(slug)
    with shell.session(slug, write=False) as session:
        courses: list[dict[str, Any]] = [
            {
                "id": each.id,
                "title": each.title,
                "status": each.status.value,
                "activities": [activity_row(academy, one) for one in each.activities],
            }
            for each in Catalog(session).courses()
        ]
    if as_json:
        print_json(courses)
        return
    for each in courses:
        click.echo(f"{each['title']} ({each['status']})")
        print_rows(
            [
                {"  id": one["id"], **{key: one[key] for key in ("title", "status", "lti_available")}}
                for one in each["activities"]
            ],
            as_json=False,
        )


@activity.command()
@click.argument("slug")
@click.argument("activity_id", metavar="ACTIVITY")
@click.argument("state", type=click.Choice(("on", "off")))
@json_option
@click.pass_obj
def share(shell: Shell, slug: str, activity_id: str, state: str, *, as_json: bool) -> None:
    """Switch "Available for LTI"; ACTIVITY is an id from `course list`."""
    academy = lti_academy(shell, slug)
    wanted = id_of(activity_id, "ACTIVITY is an id as `lyceum course list` prints it")
    with shell.session(slug) as session:
        found = Catalog(session).activity(wanted)
        Catalog(session).share(found, on=state == "on")
        note(session, "operator", f"activity.lti_{state}", found.title, activity=str(found.id))
        consumers = Consumers(session, shell.runtime.secrets)
        if state == "on" and (made := consumers.ensure(found)):
            note(session, "operator", "lti.consumer.created", made.label, activity=str(found.id), key=made.key)
        keys = [consumer_row(academy, each, clock.now()) for each in consumers.of_activity(found.id)]
        row = {**activity_row(academy, found), "lti_1_2": keys}
    print_json(row) if as_json else print_rows([{**row, "lti_1_2": ""}, *keys], as_json=False)
