"""``lyceum lti platform …``, ``lyceum launches`` and ``lyceum scores``."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import click

from saas.cli.context import CommandError, Shell, json_option, print_json, print_rows
from saas.problems import Refused
from saas.tenancy.resolve import Academy
from saas.web.forms import cleaned, compact
from tenants.audit.services import note
from tenants.grades.models import ScoreDelivery
from tenants.grades.services import Channels, Deliveries, Ledger
from tenants.lti.arguments import id_of, lti_academy
from tenants.lti.entered import InvalidValues
from tenants.lti.keys import KeyRing
from tenants.lti.launches.models import Outcome, Protocol
from tenants.lti.launches.services import LaunchLog, Wanted
from tenants.lti.tool.addresses import activities_url, jwks_url, launch_url, login_url, picker_url
from tenants.lti.tool.models import Platform
from tenants.lti.tool.platforms import Platforms, PlatformValues


@click.group()
def lti() -> None:
    """LTI connections of an academy."""


@lti.group()
def platform() -> None:
    """Outside LMSs that open the academy's activities (LTI 1.3)."""


def platform_row(shell: Shell, academy: Academy, platform: Platform) -> dict[str, Any]:
    """Their values, and under ``ours`` what the other side needs."""
    names = ("id", "name", "issuer", "client_id", "auth_url", "token_url", "token_audience", "jwks_url")
    return {
        **{name: getattr(platform, name) for name in names},
        "deployment_ids": [each.deployment_id for each in platform.deployments],
        "approved": platform.approved_at is not None,
        "activated": platform.is_active,
        "ours": {
            "login_url": login_url(academy),
            "redirect_uri": launch_url(academy),
            "tool_url": activities_url(academy),
            "deep_linking_url": picker_url(academy),
            "jwks_url": jwks_url(academy),
            "public_key": shell.runtime.part(KeyRing).public_pem(academy.id),
            "domain": academy.host,
        },
    }


@platform.command()
@click.argument("slug")
@click.option("--name", required=True)
@click.option("--issuer", required=True)
@click.option("--client-id", required=True)
@click.option("--deployment-id", "deployment_ids", multiple=True, required=True)
@click.option("--auth-url", required=True)
@click.option("--token-url", required=True)
@click.option("--jwks-url", required=True)
@click.option("--token-audience", default="")
@click.option("--activate", is_flag=True)
@json_option
@click.pass_obj
def add(
    shell: Shell,
    slug: str,
    name: str,
    issuer: str,
    client_id: str,
    deployment_ids: tuple[str, ...],
    auth_url: str,
    token_url: str,
    jwks_url: str,
    token_audience: str,
    *,
    activate: bool,
    as_json: bool,
) -> None:
    """Register a platform; prints our values for it."""
    academy = lti_academy(shell, slug)
    values = PlatformValues(
        name=cleaned(name),
        issuer=compact(issuer),
        client_id=compact(client_id),
        auth_url=compact(auth_url),
        token_url=compact(token_url),
        jwks_url=compact(jwks_url),
        token_audience=compact(token_audience),
        deployment_ids=tuple(filter(None, map(compact, deployment_ids))),
        is_active=activate,
    )
    try:
        with shell.session(slug) as session:
            made = Platforms(session, shell.runtime.outbound).create(values)
            note(session, "operator", "lti.platform.created", made.name, platform=str(made.id))
            made_id = made.id
    except InvalidValues as invalid:
        raise CommandError(str(invalid)) from None
    with shell.session(slug, write=False) as session:
        row = platform_row(shell, academy, Platforms(session, shell.runtime.outbound).get(made_id))
    print_json(row) if as_json else print_rows([{**row, "ours": ""}, row["ours"]], as_json=False)


@platform.command("list")
@click.argument("slug")
@json_option
@click.pass_obj
def list_(shell: Shell, slug: str, *, as_json: bool) -> None:
    """The registered platforms."""
    academy = shell.academy(slug)
    with shell.session(slug, write=False) as session:
        rows = [platform_row(shell, academy, each) for each in Platforms(session, shell.runtime.outbound).all()]
    print_rows(rows if as_json else [{**row, "ours": ""} for row in rows], as_json=as_json)


@click.command()
@click.argument("slug")
@click.option("--limit", default=50, show_default=True)
@click.option("--outcome", type=click.Choice([each.value for each in Outcome]))
@click.option("--protocol", type=click.Choice([each.value for each in Protocol]))
@click.option("--code", default="", help="Refused with this code.")
@click.option("--person", default="", help="A part of the name.")
@json_option
@click.pass_obj
def launches(
    shell: Shell,
    slug: str,
    limit: int,
    outcome: str | None,
    protocol: str | None,
    code: str,
    person: str,
    *,
    as_json: bool,
) -> None:
    """The launch log, newest first."""
    wanted = Wanted(
        outcome=Outcome(outcome) if outcome else None,
        protocol=Protocol(protocol) if protocol else None,
        code=code.upper(),
        person=person,
    )
    with shell.session(slug, write=False) as session:
        rows = [
            {
                "id": each.id,
                "at": each.started_at,
                "finished_at": each.finished_at,
                "outcome": each.outcome.value,
                "code": each.code,
                "protocol": each.protocol,
                "platform": each.platform_name,
                "person": each.person_name,
                "activity": each.activity_id,
                "checks": [
                    {"part": part, "name": row[0], "passed": row[1], "seen": row[2], "wanted": row[3], "code": row[4]}
                    for part in ("login", "launch")
                    for row in each.checks.get(part, [])
                ],
            }
            for each in LaunchLog(session).find(wanted, limit)
        ]
    print_rows(rows if as_json else [{**row, "checks": ""} for row in rows], as_json=as_json)


@click.command()
@click.argument("slug")
@click.option("--limit", default=200, show_default=True)
@click.option("--send-again", "again", multiple=True, metavar="ID", help="Send this one again first; may be repeated.")
@json_option
@click.pass_obj
def scores(shell: Shell, slug: str, limit: int, again: tuple[str, ...], *, as_json: bool) -> None:
    """What outside LMSs were told, newest first, with every attempt."""
    _send_again(shell, slug, [id_of(each, "ID is a result's as `lyceum scores` prints it") for each in again])
    with shell.session(slug, write=False) as session:
        told = Deliveries(session, shell.runtime.part(Channels)).recent(limit=limit)
        rows: list[dict[str, Any]] = [
            {
                "id": each.delivery.id,
                "person": each.person.name,
                "activity": each.activity.title,
                "platform": each.label.lms,
                "progress": each.delivery.progress.value,
                "score": each.delivery.score,
                "maximum": 100,
                "state": each.delivery.state.value,
                "code": each.delivery.code,
                "cause": each.delivery.cause,
                "created_at": each.delivery.created_at,
                "sent_at": each.delivery.sent_at,
                "confirmed_at": each.delivery.confirmed_at,
                "next_try_at": each.delivery.next_try_at,
                "tries": [
                    {"at": one.at, "step": one.step, "outcome": one.outcome, "status": one.status, "cause": one.cause}
                    for one in each.delivery.tries
                ],
            }
            for each in told
        ]
    print_rows(rows if as_json else [{**row, "tries": len(row["tries"])} for row in rows], as_json=as_json)


def _send_again(shell: Shell, slug: str, ids: Sequence[UUID]) -> None:
    """All of them or, where one is unknown, none."""
    with shell.session(slug, write=bool(ids)) as session:
        ledger = Ledger(session, shell.runtime.part(Channels))
        for each in ids:
            if (found := session.get(ScoreDelivery, each)) is None:
                raise Refused("WEB_NOT_FOUND", seen=str(each))
            note(session, "operator", "score.sent_again", "", delivery=str(ledger.send_again(found).id))
