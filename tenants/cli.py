"""Commands of the academies' features; the same services stand behind the pages."""

import click

from tenants.catalog.cli import activity, course
from tenants.demo.cli import demo, run
from tenants.lti.cli import launches, lti, scores


def add_to(group: click.Group) -> None:
    for command in (demo, run, course, activity, lti, launches, scores):
        group.add_command(command)
