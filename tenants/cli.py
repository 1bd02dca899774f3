"""Commands of the academies' features; the same services stand behind the pages."""

import click

from tenants.demo.cli import demo, run
from tenants.lti.cli import launches, lti, scores
from tenants.lti.sharing_cli import activity, course


def add_to(group: click.Group) -> None:
    for command in (demo, run, course, activity, lti, launches, scores):
        group.add_command(command)
