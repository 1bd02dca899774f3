"""``lyceum results``: what authors see of everybody's results, for scripts."""

from typing import Any

import click

from saas.cli.context import Shell, json_option, print_rows
from tenants.catalog.models import Activity
from tenants.catalog.services import Catalog
from tenants.grades.services import Channels
from tenants.learning.standing import Reads
from tenants.lti.arguments import id_of
from tenants.reports.services import Gradebook, GradebookRow, Wanted


def result_row(activity: Activity, row: GradebookRow) -> dict[str, Any]:
    """``given`` and ``maximum`` are as the outside tool said them, in decimal text; ``score`` is percent."""
    outside = row.outside
    return {
        "activity_id": activity.id,
        "activity": activity.title,
        "type": activity.type.value,
        "person_id": row.person.id,
        "person": row.person.name,
        "email": row.person.email,
        "state": row.state.value,
        "attempts": row.attempts,
        "progress": row.progress,
        "score": row.score,
        "newer_score": row.newer,
        "verdict": outside.verdict.value if outside and outside.verdict else None,
        "minimum": outside.minimum if outside else None,
        "given": outside.given if outside else None,
        "maximum": outside.maximum if outside else None,
        "grading": outside.grading.value if outside else None,
        "withdrawn_at": outside.withdrawn_at if outside else None,
        "source": row.source,
        "at": row.at,
        "sent": [
            {"to": each.label.lms, "state": each.delivery.state.value, "score": each.delivery.score}
            for each in row.told
        ],
    }


@click.command()
@click.argument("slug")
@click.option("--activity", "activity_id", default="", help="Of this activity only, an id from `course list`.")
@click.option("--state", type=click.Choice([each.value for each in Reads]))
@click.option("--person", default="", help="A part of the name or the e-mail address.")
@json_option
@click.pass_obj
def results(shell: Shell, slug: str, activity_id: str, state: str | None, person: str, *, as_json: bool) -> None:
    """Everybody's results, activity by activity, people by name."""
    wanted = Wanted(Reads(state) if state else None, person.strip())
    one = id_of(activity_id, "ACTIVITY is an id as `lyceum course list` prints it") if activity_id else None
    rows: list[dict[str, Any]] = []
    with shell.session(slug, write=False) as session:
        catalog = Catalog(session)
        activities = (
            [catalog.activity(one)] if one else [each for course in catalog.courses() for each in course.activities]
        )
        for activity in activities:
            book = Gradebook(session, shell.runtime.part(Channels), activity)
            rows += [result_row(activity, each) for each in book.all(wanted)]
    print_rows(rows if as_json else [{**row, "sent": len(row["sent"])} for row in rows], as_json=as_json)
