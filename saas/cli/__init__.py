"""``lyceum``: the operator's command line. ``--json`` prints one JSON document; errors: one line on stderr, exit 2."""

import os
import sys
from importlib import import_module
from typing import Any

import click
from sqlalchemy.exc import SQLAlchemyError

from saas.cli.context import CommandError, Shell
from saas.problems import Refused
from saas.settings import SettingsError


class Commands(click.Group):
    """The shell's commands, and those of the features that the ini names: known once ``-c`` has been read."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._complete(ctx)
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        self._complete(ctx)
        return super().get_command(ctx, cmd_name)

    def _complete(self, ctx: click.Context) -> None:
        Shell(ctx.params.get("config") or _default_config()).add_feature_commands(self)

    def invoke(self, ctx: click.Context) -> Any:
        """A refusal in the catalogue's words."""
        try:
            return super().invoke(ctx)
        except Refused as refusal:
            raise CommandError(ctx.obj.explain(refusal)) from None


def _default_config() -> str:
    return os.environ.get("LYCEUM_CONFIG", "development.ini")


@click.group(cls=Commands, no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-c", "--config", default=_default_config, help="The ini file.", show_default="development.ini")
@click.pass_context
def lyceum(context: click.Context, config: str) -> None:
    """Online academies for many tenants."""
    context.obj = Shell(config)


for module in ("serving", "database", "tenants", "jobs", "doctor"):
    import_module(f"saas.cli.{module}").add_to(lyceum)


def main(arguments: list[str] | None = None) -> None:
    """Ends the process: 0, or 2 with one line on stderr."""
    try:
        sys.exit(lyceum(args=sys.argv[1:] if arguments is None else arguments, standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        _fail(f"Missing command; see `{error.ctx.command_path} --help`.")
    except click.ClickException as error:
        _fail(error.format_message())
    except click.Abort:
        _fail("stopped")
    except SQLAlchemyError as error:
        _fail(f"the database does not take part ({type(error).__name__}); `lyceum doctor` says why")
    except (CommandError, SettingsError, OSError) as error:
        _fail(str(error))


def _fail(text: str) -> None:
    click.echo("error: " + " ".join(text.split()), err=True)
    sys.exit(2)
