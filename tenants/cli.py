"""Commands of the academies' features; the same services stand behind the pages."""

import click

from tenants.accounts.cli import operator
from tenants.demo.cli import demo, run
from tenants.lti.activity_cli import create
from tenants.lti.cli import launches, lti, platform, scores
from tenants.lti.consumer_cli import consumer
from tenants.lti.invite_cli import invite, links, roster
from tenants.lti.keys_cli import keys
from tenants.lti.platform_cli import activate, approve, check, deactivate
from tenants.lti.selftest_cli import selftest
from tenants.lti.sharing_cli import activity, course
from tenants.lti.tool_cli import tool
from tenants.reports.cli import results
from tenants.zoom.cli import zoom


def add_to(group: click.Group) -> None:
    lti.add_command(consumer)
    activity.add_command(create)
    lti.add_command(tool)
    for command in (operator, demo, run, course, activity, lti, launches, scores, results, zoom):
        group.add_command(command)
    for command in (invite, links, roster, keys, selftest):
        lti.add_command(command)
    for command in (activate, approve, check, deactivate):
        platform.add_command(command)
