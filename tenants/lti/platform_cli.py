"""``lyceum lti platform approve|activate|deactivate|check``; ``add`` and ``list`` stand in `tenants.lti.cli`."""

from collections.abc import Callable
from typing import Any

import click

from saas.cli.context import CommandError, Shell, json_option, print_json, print_rows
from saas.tenancy.resolve import Academy
from tenants.audit.services import note
from tenants.lti.arguments import id_of, lti_academy
from tenants.lti.cli import platform_row
from tenants.lti.selftest.models import Verdict
from tenants.lti.selftest.runner import Runner
from tenants.lti.selftest.titles import ADDRESSES
from tenants.lti.tool.platforms import Platforms
from tenants.lti.tool.questions import Questions

WHICH = "PLATFORM is an id as `lyceum lti platform list` prints it"


def _on_platform(command: Callable[..., None]) -> click.Command:
    """A command about one platform of one academy."""
    for option in (click.pass_obj, json_option, click.argument("platform_id", metavar="PLATFORM")):
        command = option(command)
    return click.command()(click.argument("slug")(command))


def _switch(shell: Shell, slug: str, platform_id: str, *, on: bool, as_json: bool) -> None:
    academy, wanted = lti_academy(shell, slug), id_of(platform_id, WHICH)
    with shell.session(slug) as session:
        platforms = Platforms(session, shell.runtime.outbound)
        found = platforms.get(wanted)
        platforms.switch(found, on=on)
        note(session, "operator", "lti.platform.activated" if on else "lti.platform.paused", found.name)
    _print(shell, academy, platform_id, as_json=as_json)


def _print(shell: Shell, academy: Academy, platform_id: str, *, as_json: bool) -> None:
    with shell.session(academy.slug, write=False) as session:
        found = Platforms(session, shell.runtime.outbound).get(id_of(platform_id, WHICH))
        row = platform_row(shell, academy, found)
    print_json(row) if as_json else print_rows([{**row, "ours": ""}], as_json=False)


@_on_platform
def activate(shell: Shell, slug: str, platform_id: str, *, as_json: bool) -> None:
    """Let the platform open activities."""
    _switch(shell, slug, platform_id, on=True, as_json=as_json)


@_on_platform
def deactivate(shell: Shell, slug: str, platform_id: str, *, as_json: bool) -> None:
    """Pause the platform; its settings are kept."""
    _switch(shell, slug, platform_id, on=False, as_json=as_json)


@_on_platform
def approve(shell: Shell, slug: str, platform_id: str, *, as_json: bool) -> None:
    """Say yes to a platform that registered itself; it is active then."""
    academy, wanted = lti_academy(shell, slug), id_of(platform_id, WHICH)
    with shell.session(slug) as session:
        found = Platforms(session, shell.runtime.outbound).get(wanted)
        Questions(session).approve(found)
        note(session, "operator", "lti.platform.approved", found.name, platform=platform_id)
    _print(shell, academy, platform_id, as_json=as_json)


@_on_platform
def check(shell: Shell, slug: str, platform_id: str, *, as_json: bool) -> None:
    """Ask the platform's addresses: DNS, TLS, status, keys, token, clock. Exits 2 when one is wrong."""
    academy, wanted = lti_academy(shell, slug), id_of(platform_id, WHICH)
    with shell.session(slug, write=False) as session:
        found = Platforms(session, shell.runtime.outbound).get(wanted)
        session.expunge_all()
    rows: list[dict[str, Any]] = [
        {
            "name": each.name,
            "title": ADDRESSES[each.name],
            "verdict": each.verdict.value,
            "expected": each.expected,
            "happened": each.happened,
            "remark": each.remark,
        }
        for each in Runner(shell.runtime, academy).survey(found)
    ]
    failed = any(row["verdict"] == Verdict.FAILED for row in rows)
    print_json({"passed": not failed, "rows": rows}) if as_json else print_rows(rows, as_json=False)
    if failed:
        raise CommandError("an address of the platform is wrong")
