"""``lyceum activity create``: an activity whose content is an outside tool."""

import sys
from typing import Any

import click

from saas.cli.context import CommandError, Shell, json_option, print_json, print_rows
from saas.web.forms import cleaned, compact
from tenants.audit.services import note
from tenants.catalog.models import Activity, ActivityType, Content
from tenants.catalog.services import HIGHEST_MINIMUM, LOWEST_MINIMUM, Catalog
from tenants.lti.arguments import id_of, lti_academy
from tenants.lti.entered import InvalidValues
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.links import LinkValues, ToolLinks, new_resource_link_id
from tenants.lti.platform.models import OpensIn, ToolLink
from tenants.lti.wire.custom_rows import read_rows

TYPES = {"elearning": ActivityType.E_LEARNING, "e-learning": ActivityType.E_LEARNING, "exam": ActivityType.EXAM}
STDIN = "-"


def link_row(activity: Activity, link: ToolLink) -> dict[str, Any]:
    """Without the secret."""
    return {
        "id": activity.id,
        "type": activity.type.value,
        "title": activity.title,
        "status": activity.status.value,
        "minimum_score": activity.minimum_score,
        "lti": link.lti_version.value,
        "url": link.url,
        "resource_link": link.resource_link_id,
        "tool": link.tool_id,
        "key": link.key,
        "custom": dict(link.custom),
    }


def _secret(given: str) -> str:
    """``-``: the first line of what is piped in, so that it stands in no list of processes."""
    return cleaned(sys.stdin.readline() if given == STDIN else given)


def _values(options: dict[str, Any]) -> LinkValues:
    tool = options["tool"]
    return LinkValues(
        Protocol(options["lti"]),
        tool_id=id_of(tool, "TOOL is an id as `lyceum lti tool list` prints it") if tool else None,
        url=compact(options["url"]),
        resource_link_id=cleaned(options["resource_link"]) or new_resource_link_id(),
        key=cleaned(options["key"]),
        secret=_secret(options["secret"]),
        custom=read_rows("\n".join(options["custom"])),
        opens_in=OpensIn.WINDOW if options["window"] else OpensIn.FRAME,
        send_name=not options["no_name"],
        send_email=not options["no_email"],
    )


@click.command()
@click.argument("slug")
@click.option("--course", required=True, metavar="COURSE", help="An id from `course list`.")
@click.option("--type", "type_", type=click.Choice(tuple(TYPES)), required=True)
@click.option("--lti", type=click.Choice([each.value for each in Protocol]), required=True)
@click.option("--title", required=True)
@click.option("--description", default="")
@click.option("--minutes", type=click.IntRange(1, 6000))
@click.option("--minimum", type=click.IntRange(LOWEST_MINIMUM, HIGHEST_MINIMUM), help="Of an exam: percent.")
@click.option("--url", default="", help="The Launch-URL (1.2) or the Resource URL (1.3).")
@click.option("--key", default="", help="LTI 1.2.")
@click.option("--secret", default="", help="LTI 1.2; - reads it from the standard input.")
@click.option("--resource-link", default="", help="LTI 1.2: anything; one is made where none is given.")
@click.option("--tool", default="", metavar="TOOL", help="LTI 1.3: an id from `lti tool list`.")
@click.option("--custom", multiple=True, metavar="NAME=VALUE", help="An additional parameter.")
@click.option("--window", is_flag=True, help="Open it in a new window instead of a frame.")
@click.option("--no-name", is_flag=True, help="LTI 1.2: do not send the learner's name.")
@click.option("--no-email", is_flag=True, help="LTI 1.2: do not send the learner's e-mail address.")
@click.option("--publish", is_flag=True)
@json_option
@click.pass_obj
def create(shell: Shell, /, slug: str, *, publish: bool, as_json: bool, **options: Any) -> None:
    """Make an e-learning or an exam of an outside tool, in one go or not at all."""
    lti_academy(shell, slug)
    wanted = id_of(options["course"], "COURSE is an id as `lyceum course list` prints it")
    details = cleaned(options["title"]), options["description"], options["minutes"], TYPES[options["type_"]]
    minimum, values = options["minimum"], _values(options)
    try:
        with shell.session(slug) as session:
            catalog = Catalog(session)
            made = catalog.create_activity(catalog.course(wanted), *details, content=Content.LTI, minimum=minimum)
            link = ToolLinks(session, shell.runtime.secrets, shell.runtime.outbound).save(made, values)
            catalog.publish(made, on=publish)
            note(session, "operator", "activity.created", made.title, activity=str(made.id), url=link.url)
            row = link_row(made, link)
    except InvalidValues as invalid:
        raise CommandError(str(invalid)) from None
    print_json(row) if as_json else print_rows([row], as_json=False)
