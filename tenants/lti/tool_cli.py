"""``lyceum lti tool add|list|approve|activate|deactivate|check|selftest``: outside tools of an academy (LTI 1.3)."""

from collections.abc import Callable
from typing import Any, TextIO

import click

from saas.cli.context import CommandError, Shell, json_option, print_json, print_rows
from saas.db.scope import ScopedSession
from saas.tenancy.resolve import Academy
from saas.web.forms import cleaned, compact
from tenants.audit.services import note
from tenants.lti.arguments import id_of, lti_academy
from tenants.lti.entered import InvalidValues
from tenants.lti.platform.models import Tool
from tenants.lti.platform.tool_survey import survey
from tenants.lti.platform.tools import Tools, ToolValues, our_values
from tenants.lti.selftest.models import Verdict
from tenants.lti.selftest.services import Subject
from tenants.lti.selftest.titles import ADDRESSES
from tenants.lti.selftest_cli import run_all
from tenants.lti.wire.custom_rows import read_rows

WHICH = "TOOL is an id as `lyceum lti tool list` prints it"


@click.group()
def tool() -> None:
    """Outside tools that the academy's activities open (LTI 1.3)."""


def tool_row(academy: Academy, tool: Tool) -> dict[str, Any]:
    """The tool's values, and under ``ours`` what its vendor needs."""
    names = ("id", "name", "login_url", "jwks_url", "target_url", "deep_link_url")
    return {
        **{name: getattr(tool, name) for name in names},
        "redirect_uris": tool.redirect_urls,
        "custom": dict(tool.custom),
        "approved": tool.approved_at is not None,
        "activated": tool.is_active,
        "ours": {**our_values(academy), "client_id": tool.client_id, "deployment_id": tool.deployment_id},
    }


@tool.command()
@click.argument("slug")
@click.option("--name", required=True)
@click.option("--oidc-url", "--login-url", "login_url", required=True, help="Also called initiate login URL.")
@click.option("--jwks-url", default="")
@click.option("--public-key", type=click.File(), help="A file with the key, of a tool without JWKS URL.")
@click.option("--redirect-uri", "redirect_urls", multiple=True)
@click.option("--target-url", default="")
@click.option("--deep-link-url", default="")
@click.option("--custom", multiple=True, help="name=value, sent with every activity.")
@click.option("--send-name/--no-send-name", default=True, show_default=True)
@click.option("--send-email/--no-send-email", default=True, show_default=True)
@click.option("--activate", is_flag=True)
@json_option
@click.pass_obj
def add(  # noqa: PLR0913 -- one for each option
    shell: Shell,
    slug: str,
    *,
    name: str,
    login_url: str,
    jwks_url: str,
    public_key: TextIO | None,
    redirect_urls: tuple[str, ...],
    target_url: str,
    deep_link_url: str,
    custom: tuple[str, ...],
    send_name: bool,
    send_email: bool,
    activate: bool,
    as_json: bool,
) -> None:
    """Register a tool; prints our values for its vendor."""
    academy = lti_academy(shell, slug)
    values = ToolValues(
        name=cleaned(name),
        login_url=compact(login_url),
        jwks_url=compact(jwks_url),
        pasted_key=public_key.read().strip() if public_key else "",
        redirect_urls=tuple(filter(None, map(compact, redirect_urls))),
        target_url=compact(target_url),
        deep_link_url=compact(deep_link_url),
        custom=tuple(row for text in custom for row in read_rows(text)),
        send_name=send_name,
        send_email=send_email,
        is_active=activate,
    )
    try:
        with shell.session(slug) as session:
            made = Tools(session, shell.runtime.outbound).create(values)
            note(session, "operator", "lti.tool.created", made.name, tool=str(made.id))
            row = tool_row(academy, made)
    except InvalidValues as invalid:
        raise CommandError(str(invalid)) from None
    print_json(row) if as_json else print_rows([{**row, "ours": ""}, row["ours"]], as_json=False)


@tool.command("list")
@click.argument("slug")
@json_option
@click.pass_obj
def list_(shell: Shell, slug: str, *, as_json: bool) -> None:
    """The registered tools."""
    academy = shell.academy(slug)
    with shell.session(slug, write=False) as session:
        rows = [tool_row(academy, each) for each in Tools(session, shell.runtime.outbound).all()]
    print_rows(rows if as_json else [{**row, "ours": ""} for row in rows], as_json=as_json)


def _on_tool(command: Callable[..., None]) -> click.Command:
    """A command about one tool of one academy."""
    for option in (click.pass_obj, json_option, click.argument("tool_id", metavar="TOOL")):
        command = option(command)
    return tool.command()(click.argument("slug")(command))


def _change(
    shell: Shell, slug: str, tool_id: str, change: Callable[[Tools, Tool], None], *, said: str, as_json: bool
) -> None:
    academy, wanted = lti_academy(shell, slug), id_of(tool_id, WHICH)
    with shell.session(slug) as session:
        tools = Tools(session, shell.runtime.outbound)
        found = tools.get(wanted)
        change(tools, found)
        note(session, "operator", f"lti.tool.{said}", found.name, tool=tool_id)
        session.flush()
        row = tool_row(academy, found)
    print_json(row) if as_json else print_rows([{**row, "ours": ""}], as_json=False)


@_on_tool
def activate(shell: Shell, slug: str, tool_id: str, *, as_json: bool) -> None:
    """Let the academy's activities open the tool."""
    _change(shell, slug, tool_id, lambda tools, found: tools.switch(found, on=True), said="activated", as_json=as_json)


@_on_tool
def deactivate(shell: Shell, slug: str, tool_id: str, *, as_json: bool) -> None:
    """Pause the tool; its settings are kept."""
    _change(shell, slug, tool_id, lambda tools, found: tools.switch(found, on=False), said="paused", as_json=as_json)


@_on_tool
def approve(shell: Shell, slug: str, tool_id: str, *, as_json: bool) -> None:
    """Say yes to a tool that registered itself; it is active then."""

    def say_yes(tools: Tools, found: Tool) -> None:
        tools.approve(found, version=str(found.version))

    _change(shell, slug, tool_id, say_yes, said="approved", as_json=as_json)


@tool.command()
@click.argument("slug")
@click.argument("tool_id", metavar="[TOOL]", default="")
@json_option
@click.pass_obj
def selftest(shell: Shell, slug: str, tool_id: str, *, as_json: bool) -> None:
    """Play the tool against the academy and ask its addresses; without a TOOL, every tool.

    Exits 2 when a line is red. Nothing of what is played stays.
    """
    wanted = id_of(tool_id, WHICH) if tool_id else None

    def subjects(session: ScopedSession) -> list[Subject]:
        tools = Tools(session, shell.runtime.outbound)
        return [tools.get(wanted)] if wanted else [*tools.all()]

    run_all(shell, slug, subjects, as_json=as_json)


@_on_tool
def check(shell: Shell, slug: str, tool_id: str, *, as_json: bool) -> None:
    """Ask the tool's addresses: DNS, TLS, status, keys, clock. Exits 2 when one is wrong."""
    lti_academy(shell, slug)
    wanted = id_of(tool_id, WHICH)
    with shell.session(slug, write=False) as session:
        found = Tools(session, shell.runtime.outbound).get(wanted)
        session.expunge_all()
    rows = [
        {
            "name": each.name,
            "title": ADDRESSES[each.name],
            "verdict": each.verdict.value,
            "expected": each.expected,
            "happened": each.happened,
        }
        for each in survey(shell.runtime.outbound, found)
    ]
    failed = any(row["verdict"] == Verdict.FAILED for row in rows)
    print_json({"passed": not failed, "rows": rows}) if as_json else print_rows(rows, as_json=False)
    if failed:
        raise CommandError("an address of the tool is wrong")
