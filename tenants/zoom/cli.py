"""``lyceum zoom profile add|list|check|rotate``: Zoom LTI Pro of an academy."""

from typing import Any

import click

from saas import clock
from saas.cli.context import CommandError, Shell, json_option, print_json, print_rows
from saas.db.scope import ScopedSession
from saas.tenancy.resolve import Academy
from saas.web.forms import cleaned
from tenants.audit.services import note
from tenants.lti.arguments import id_of
from tenants.lti.entered import InvalidValues
from tenants.lti.platform.models import OpensIn
from tenants.zoom.ltipro.health import Healths
from tenants.zoom.ltipro.models import ZoomProfile
from tenants.zoom.ltipro.profile_forms import cleaned_key
from tenants.zoom.ltipro.profiles import Profiles, ProfileValues, require_zoom
from tenants.zoom.ltipro.tokens import grace_ends
from tenants.zoom.ltipro.wizard import state_of

WHICH = "PROFILE is an id as `lyceum zoom profile list` prints it"


@click.group()
def zoom() -> None:
    """Meetings in Zoom."""


@zoom.group()
def profile() -> None:
    """Connections to Zoom LTI Pro."""


def zoom_academy(shell: Shell, slug: str) -> Academy:
    """`Refused` TENANT_UNKNOWN or ZOOM_OFF."""
    academy = shell.academy(slug)
    require_zoom(academy)
    return academy


def profile_rows(profiles: Profiles, which: list[ZoomProfile]) -> list[dict[str, Any]]:
    """Without tokens, which only the command that makes one prints."""
    healths, counts = Healths(profiles.session).of(which), profiles.counts()
    return [
        {
            "id": each.id,
            "name": each.name,
            "state": state_of(each, healths[each.id]).value,
            "activated": each.is_active,
            "lti_key": each.lti_key,
            "mail_domains": each.mail_domains,
            "students_can_host": each.students_can_host,
            "default": each.is_default,
            "site_url": each.issuer,
            "client_id": each.tool.client_id,
            "used_by": counts.get(each.id, 0),
            "previous_token_until": grace_ends(each, clock.now()),
            "last_launch": healths[each.id].last_launch,
            "last_calendar_call": healths[each.id].last_calendar,
        }
        for each in which
    ]


def print_made(row: dict[str, Any], *, as_json: bool) -> None:
    print_json(row) if as_json else print_rows([row], as_json=False)


def profiles_in(shell: Shell, session: ScopedSession, academy: Academy) -> Profiles:
    return Profiles(session, shell.runtime, academy)


@profile.command()
@click.argument("slug")
@click.option("--name", required=True)
@click.option("--lti-key", required=True, help="Of the credential in Zoom LTI Pro.")
@click.option("--mail-domain", "mail_domains", multiple=True, help="Authors with such an address get this profile.")
@click.option("--students-can-host", is_flag=True, help="Notes what is set in Zoom.")
@click.option("--send-name/--no-send-name", default=True, show_default=True)
@click.option("--roster", "with_roster", is_flag=True, help="Zoom may read who takes part.")
@click.option("--new-window", is_flag=True, help="Open Zoom in a new window instead of a frame.")
@click.option("--default", "is_default", is_flag=True, help="For every new place that names no other profile.")
@json_option
@click.pass_obj
def add(
    shell: Shell,
    slug: str,
    *,
    name: str,
    lti_key: str,
    mail_domains: tuple[str, ...],
    students_can_host: bool,
    send_name: bool,
    with_roster: bool,
    new_window: bool,
    is_default: bool,
    as_json: bool,
) -> None:
    """Add a Zoom LTI Pro configuration; prints what Zoom asks for, with the access token."""
    academy = zoom_academy(shell, slug)
    values = ProfileValues(
        name=cleaned(name),
        lti_key=cleaned_key(lti_key),
        mail_domains=tuple(map(cleaned, mail_domains)),
        students_can_host=students_can_host,
        with_roster=with_roster,
        send_name=send_name,
        opens_in=OpensIn.WINDOW if new_window else OpensIn.FRAME,
        is_default=is_default,
    )
    try:
        with shell.session(slug) as session:
            profiles = profiles_in(shell, session, academy)
            made, token = profiles.create(values)
            note(session, "operator", "zoom.profile.created", made.name, profile=str(made.id))
            row = {**profile_rows(profiles, [made])[0], "access_token": token}
    except InvalidValues as invalid:
        raise CommandError(str(invalid)) from None
    print_made(row, as_json=as_json)


@profile.command("list")
@click.argument("slug")
@json_option
@click.pass_obj
def list_(shell: Shell, slug: str, *, as_json: bool) -> None:
    """The Zoom profiles, without their tokens."""
    academy = shell.academy(slug)
    with shell.session(slug, write=False) as session:
        profiles = profiles_in(shell, session, academy)
        rows = profile_rows(profiles, list(profiles.all()))
    print_rows(rows, as_json=as_json)


@profile.command()
@click.argument("slug")
@click.argument("profile_id", metavar="PROFILE")
@click.option("--now", "at_once", is_flag=True, help="End the old token at once instead of in a week.")
@json_option
@click.pass_obj
def rotate(shell: Shell, slug: str, profile_id: str, *, at_once: bool, as_json: bool) -> None:
    """Make a new access token; prints it."""
    academy, wanted = zoom_academy(shell, slug), id_of(profile_id, WHICH)
    with shell.session(slug) as session:
        profiles = profiles_in(shell, session, academy)
        found = profiles.get(wanted)
        token = profiles.rotate(found, seen_hint=found.token_hint, at_once=at_once)
        note(session, "operator", "zoom.profile.rotated", found.name, profile=profile_id, at_once=at_once)
        session.flush()
        row = {**profile_rows(profiles, [found])[0], "access_token": token}
    print_made(row, as_json=as_json)


@profile.command()
@click.argument("slug")
@click.argument("profile_id", metavar="PROFILE")
@json_option
@click.pass_obj
def check(shell: Shell, slug: str, profile_id: str, *, as_json: bool) -> None:
    """Check Zoom connection: our addresses from outside, Zoom's, and the login. Exits 2 when something is wrong."""
    from tenants.zoom.ltipro.check import report_rows, run_check

    academy, wanted = zoom_academy(shell, slug), id_of(profile_id, WHICH)
    report = run_check(shell.runtime, academy, wanted)
    rows = report_rows(report)
    print_json({"passed": report.passed, "rows": rows}) if as_json else print_rows(rows, as_json=False)
    if not report.passed:
        raise CommandError("the connection to Zoom is not all right")
