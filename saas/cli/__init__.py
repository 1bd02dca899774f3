"""``lyceum``: the operator's command line. ``--json`` prints one JSON document; errors: one line on stderr, exit 2."""

import os
import sys
from importlib import import_module

import click

from saas.cli.context import CommandError, Shell
from saas.problems import Refused
from saas.settings import SettingsError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--config",
    default=lambda: os.environ.get("LYCEUM_CONFIG", "development.ini"),
    help="The ini file.",
    show_default="development.ini",
)
@click.pass_context
def lyceum(context: click.Context, config: str) -> None:
    """Online academies for many tenants."""
    context.obj = Shell(config)


for module in ("serving", "database", "tenants", "jobs", "doctor"):
    import_module(f"saas.cli.{module}").add_to(lyceum)


def main() -> None:
    """The features' own commands come from the packages the ini names, so they are added once it is known."""
    try:
        arguments = sys.argv[1:]
        Shell(_config_of(arguments)).add_feature_commands(lyceum)
        lyceum(args=arguments, standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        _fail(error.format_message())
    except click.Abort:
        _fail("stopped")
    except Refused as refusal:
        _fail(str(refusal))
    except (CommandError, SettingsError) as error:
        _fail(str(error))


def _config_of(arguments: list[str]) -> str:
    for place, argument in enumerate(arguments[:-1]):
        if argument in ("-c", "--config"):
            return arguments[place + 1]
    return os.environ.get("LYCEUM_CONFIG", "development.ini")


def _fail(text: str) -> None:
    click.echo("error: " + " ".join(text.split()), err=True)
    sys.exit(2)
