"""``lyceum lti keys …``: the academy's own signing keys."""

from typing import Any

import click

from saas.cli.context import Shell, json_option, print_json, print_rows
from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.audit.services import note
from tenants.lti.keys import PUBLISHED_AHEAD, Keys
from tenants.lti.models import SigningKey
from tenants.lti.pasted_keys import PastedKeys


@click.group()
def keys() -> None:
    """The keys the academy signs with (LTI 1.3)."""


def _key(row: SigningKey) -> dict[str, Any]:
    """Public halves only; a private one leaves the database nowhere."""
    return {
        "kid": row.kid,
        "state": row.state.value,
        "created_at": row.created_at,
        "activated_at": row.activated_at,
        "retired_at": row.retired_at,
    }


def _document(shell: Shell, session: ScopedSession) -> dict[str, Any]:
    """``paste_anew``: platforms with a pasted key, the date from which they need another, and that key."""
    secrets = shell.runtime.secrets
    return {
        "keys": [_key(row) for row in Keys(session, secrets).all()],
        "rotates_at": Keys(session, secrets).due_at(),
        "paste_anew": [
            {
                "platform": each.platform.id,
                "name": each.platform.name,
                "urgency": each.urgency.value,
                "at": each.at,
                "kid": each.kid,
                "public_key": each.public_key,
            }
            for each in PastedKeys(session, secrets).all()
        ],
    }


def _print(document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    print_rows(document["keys"], as_json=False)
    click.echo(f"rotates_at={document['rotates_at']}")
    print_rows(document["paste_anew"], as_json=False)


@keys.command("list")
@click.argument("slug")
@json_option
@click.pass_obj
def list_(shell: Shell, slug: str, *, as_json: bool) -> None:
    """The keys, the next rotation, and the platforms that hold a pasted one."""
    with shell.session(slug) as session:
        document = _document(shell, session)
    _print(document, as_json=as_json)


@keys.command()
@click.argument("slug")
@click.option("--emergency", is_flag=True, help="Replace all keys at once; the old ones are gone.")
@json_option
@click.pass_obj
def rotate(shell: Shell, slug: str, *, emergency: bool, as_json: bool) -> None:
    """Let the next key sign now; it must have been published for a day."""
    with shell.session(slug) as session:
        own = Keys(session, shell.runtime.secrets)
        removed = [row.kid for row in own.all()] if emergency else []
        if emergency:
            note(session, "operator", "lti.keys.replaced", own.replace_all().kid, removed=removed)
        elif own.rotate():
            note(session, "operator", "lti.keys.rotated", own.ensure().kid)
        else:
            wanted = (own.next().created_at + PUBLISHED_AHEAD).isoformat(timespec="seconds")
            raise Refused("LTI_KEY_UNKNOWN_YET", seen=f"known from {wanted} on")
        document = {**_document(shell, session), "removed": removed}
    _print(document, as_json=as_json)
