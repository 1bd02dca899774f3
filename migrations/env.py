"""Alembic's entry: works on the connection `saas.db.migrate` hands over, inside its transaction."""

from typing import Any

from alembic import context

from saas.db.base import Base


def _report(*_context: Any, **step: Any) -> None:
    report = context.config.attributes.get("report")
    if report is not None:
        report(f"migrated to {step['step'].up_revision_id}: {step['step'].up_revision.doc}")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_type=True,
    on_version_apply=_report,
    render_as_batch=False,
)
context.run_migrations()
