"""What commands share: the configured application, sessions of a tenant by its short name, and output."""

import json
from collections.abc import Iterator
from configparser import Error as ConfigParserError
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from importlib import import_module, util
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from plaster import parse_uri
from plaster_pastedeploy import Loader
from pyramid.config import Configurator

from saas.app import configure
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.runtime import Runtime
from saas.settings import words
from saas.tenancy.resolve import Academy


class CommandError(Exception):
    """Ends the command with one line on stderr and exit code 2."""


class Shell:
    """One command's view of the installation that the ini file describes."""

    def __init__(self, config_file: str) -> None:
        self.config_file = config_file

    @cached_property
    def ini(self) -> dict[str, str]:
        """By the loader of ini files itself: ``pyramid.paster`` looks for it among all that is installed, which takes a
        third of a command's time.
        """
        if not Path(self.config_file).is_file():
            raise CommandError(f"there is no settings file {self.config_file}; name one with -c or LYCEUM_CONFIG")
        try:
            return dict(Loader(parse_uri(self.config_file)).get_wsgi_app_settings("main"))
        except (ConfigParserError, LookupError, ValueError) as error:
            raise CommandError(f"{self.config_file} is no settings file of Lyceum: {error}") from None

    @cached_property
    def configurator(self) -> Configurator:
        return configure(self.ini)

    @property
    def runtime(self) -> Runtime:
        return self.configurator.registry.runtime

    def add_feature_commands(self, group: click.Group) -> None:
        """A feature package may have ``cli.py`` with ``add_to(group)``."""
        if not Path(self.config_file).is_file():
            return
        features = words(self.ini.get("lyceum.app.features", "tenants"))
        for feature in features if isinstance(features, tuple) else ():
            if util.find_spec(f"{feature}.cli"):
                import_module(f"{feature}.cli").add_to(group)

    def explain(self, refusal: Refused) -> str:
        """One line: code, what is wrong, what to do."""
        problem = self.runtime.problems[refusal.code]
        seen = f" (seen: {refusal.seen})" if refusal.seen else ""
        return f"{problem.code}: {problem.cause}{seen} {problem.remedy}"

    def academy(self, slug: str) -> Academy:
        """The academy called ``slug``; nobody's commands reach the operator's own tenant this way."""
        from saas.tenancy.lifecycle import Lifecycle

        with self.runtime.database.shell(write=False) as session:
            tenant_id = Lifecycle(session, self.runtime.settings.web).by_slug(slug).id
        academy = self.runtime.tenants.by_id(tenant_id)
        if academy is None:
            raise Refused("TENANT_UNKNOWN", seen=slug)
        return academy

    @contextmanager
    def session(self, slug: str, *, write: bool = True) -> Iterator[ScopedSession]:
        with self.runtime.database.transaction(self.academy(slug).id, write=write) as session:
            yield session


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"cannot print {type(value).__name__}")


def print_json(document: Any) -> None:
    click.echo(json.dumps(document, default=_plain, ensure_ascii=False, indent=2))


def print_rows(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """A JSON list, or one line per row with ``name=value``."""
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo("  ".join(f"{name}={value}" for name, value in row.items() if value not in (None, "", [])))


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
