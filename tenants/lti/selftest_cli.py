"""``lyceum lti selftest``."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import click

from saas.cli.context import CommandError, Shell, json_option, print_json, print_rows
from saas.db.scope import ScopedSession
from tenants.audit.services import note
from tenants.lti.arguments import id_of, lti_academy
from tenants.lti.selftest.runner import Runner
from tenants.lti.selftest.services import Report, SelfTests, Subject
from tenants.lti.tool.consumers import Consumers
from tenants.lti.tool.models import Platform
from tenants.lti.tool.models11 import ConsumerKey
from tenants.lti.tool.platforms import Platforms


@click.command()
@click.argument("slug")
@click.argument("platform_id", metavar="[PLATFORM]", default="")
@click.option("--key", "consumer_id", metavar="KEY-ID", default="", help="Test a key of LTI 1.2 instead.")
@json_option
@click.pass_obj
def selftest(shell: Shell, slug: str, platform_id: str, consumer_id: str, *, as_json: bool) -> None:
    """Play the other side against the academy and ask its addresses; without a PLATFORM or key, of all of them.

    Exits 2 when a line is red. PLATFORM is an id from `lti platform list`, KEY-ID one from `lti consumer list`.
    """
    run_all(shell, slug, lambda session: _subjects(shell, session, platform_id, consumer_id), as_json=as_json)


def run_all(shell: Shell, slug: str, subjects: Callable[[ScopedSession], Sequence[Subject]], *, as_json: bool) -> None:
    """One after the other; `CommandError` in the end when a line is red."""
    academy = lti_academy(shell, slug)
    runner = Runner(shell.runtime, academy)
    with shell.session(slug) as session:
        begun = [_begin(session, each) for each in subjects(session)]
    for test_id, _name in begun:
        runner.run(test_id)
    with shell.session(slug, write=False) as session:
        tests = [_row(session, test_id, name) for test_id, name in begun]
    passed = all(test["passed"] for test in tests)
    if as_json:
        print_json({"passed": passed, "tests": tests})
    else:
        for test in tests:
            click.echo(f"{test['name']}: {'passed' if test['passed'] else 'FAILED'}")
            print_rows(test["rows"], as_json=False)
    if not passed:
        raise CommandError("a self-test has red lines")


def _subjects(shell: Shell, session: ScopedSession, platform_id: str, consumer_id: str) -> list[Platform | ConsumerKey]:
    platforms = Platforms(session, shell.runtime.outbound)
    consumers = Consumers(session, shell.runtime.secrets)
    if platform_id and consumer_id:
        raise CommandError("name a PLATFORM or a --key, not both")
    if platform_id:
        return [platforms.get(id_of(platform_id, "PLATFORM is an id as `lyceum lti platform list` prints it"))]
    if consumer_id:
        return [consumers.get(id_of(consumer_id, "KEY-ID is an id as `lyceum lti consumer list` prints it"))]
    return [*platforms.all(), *consumers.all()]


def _begin(session: ScopedSession, subject: Subject) -> tuple[UUID, str]:
    """A run of its own, also where a page's is under way."""
    name = subject.label if isinstance(subject, ConsumerKey) else subject.name
    test = SelfTests(session).add(subject, "operator")
    note(session, "operator", "lti.self_test.run", name, test=str(test.id))
    return test.id, name


def _row(session: ScopedSession, test_id: UUID, name: str) -> dict[str, Any]:
    report = Report.of(session, SelfTests(session).get(test_id))
    test = report.test
    return {
        "id": test.id,
        "name": name,
        "platform": test.platform_id,
        "key": test.consumer_key_id,
        "tool": test.tool_id,
        "passed": report.passed,
        "started_at": test.started_at,
        "finished_at": test.finished_at,
        "rows": [
            {
                "part": row.part.value,
                "name": row.name,
                "title": report.title(row),
                "verdict": row.verdict.value,
                "expected": row.expected,
                "happened": row.happened,
                "remark": row.remark,
            }
            for row in report.rows
        ],
    }
