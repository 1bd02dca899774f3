"""Invitations, approvals, choices of activities, and rosters."""

import sqlalchemy as sa
from alembic import op

from saas.db.base import Json, UtcDateTime
from saas.db.isolation import for_each_tenant, isolate

revision = "0008_sharing"
down_revision = "0007_lti12"
branch_labels = None
depends_on = None

TABLES = ("lti_invitation", "lti_selection", "lti_roster_pull", "lti_roster_entry")


def upgrade() -> None:
    op.add_column("lti_platform", sa.Column("approved_at", UtcDateTime(), nullable=True))
    op.add_column("lti_deployment", sa.Column("accepted_at", UtcDateTime(), nullable=True))
    op.add_column("lti_deployment", sa.Column("declined_at", UtcDateTime(), nullable=True))
    op.add_column("lti_deployment", sa.Column("is_proven", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("lti_resource_link", sa.Column("memberships_url", sa.Text(), nullable=False, server_default=""))
    for_each_tenant(op.get_bind(), _say_yes)
    op.create_table(
        "lti_invitation",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("platform_id", sa.Uuid(), nullable=True),
        sa.Column("tried_at", UtcDateTime(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("checks", Json, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_invitation"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_lti_invitation_tenant_id_token_hash"),
    )
    op.create_table(
        "lti_selection",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("protocol", _named("protocol", "1.2", "1.3"), nullable=False),
        sa.Column("platform_id", sa.Uuid(), nullable=True),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("consumer_key_id", sa.Uuid(), nullable=True),
        sa.Column("activity_id", sa.Uuid(), nullable=True),
        sa.Column("launch_id", sa.Uuid(), nullable=True),
        sa.Column("lms_name", sa.Text(), nullable=False),
        sa.Column("offer", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        _belongs_to("lti_selection", "platform_id", "lti_platform"),
        _belongs_to("lti_selection", "consumer_key_id", "lti_consumer_key"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_selection"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_lti_selection_tenant_id_token_hash"),
    )
    op.create_index("ix_lti_selection_platform", "lti_selection", ["tenant_id", "platform_id"])
    op.create_index("ix_lti_selection_consumer", "lti_selection", ["tenant_id", "consumer_key_id"])
    op.create_index("ix_lti_selection_expiry", "lti_selection", ["tenant_id", "expires_at"])
    op.create_table(
        "lti_roster_pull",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource_link_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("state", _named("pullstate", "reading", "ready", "failed", "enrolling", "done"), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("next_url", sa.Text(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("passed_over", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        _belongs_to("lti_roster_pull", "resource_link_id", "lti_resource_link"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_roster_pull"),
    )
    op.create_index("ix_lti_roster_pull_link", "lti_roster_pull", ["tenant_id", "resource_link_id", "started_at"])
    op.create_table(
        "lti_roster_entry",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pull_id", sa.Uuid(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("change", _named("change", *CHANGES), nullable=False),
        sa.Column("enrolled_at", UtcDateTime(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        _belongs_to("lti_roster_entry", "pull_id", "lti_roster_pull"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_roster_entry"),
        sa.UniqueConstraint("tenant_id", "pull_id", "sub", name="uq_lti_roster_entry_tenant_id_pull_id_sub"),
    )
    op.create_index("ix_lti_roster_entry_change", "lti_roster_entry", ["tenant_id", "pull_id", "change"])
    for table in TABLES:
        isolate(op.get_bind(), table)


CHANGES = (
    "create",
    "match",
    "enrol",
    "enrolled",
    "without-email",
    "without-name",
    "conflict",
    "staff",
    "closed",
    "inactive",
)


def _named(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _belongs_to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{other}.tenant_id", f"{other}.id"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete="CASCADE",
    )


def _say_yes(tenant_id: int) -> None:
    """Whatever is registered so far was registered by the academy's own admin."""
    for table, column in (("lti_platform", "approved_at"), ("lti_deployment", "accepted_at")):
        op.get_bind().execute(
            sa.text(f"UPDATE {table} SET {column} = created_at WHERE tenant_id = :tenant"),  # noqa: S608 -- our names
            {"tenant": tenant_id},
        )


def downgrade() -> None:
    """Open questions and declined deployments would become accepted ones: they go."""
    for_each_tenant(op.get_bind(), _forget_questions)
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column("lti_resource_link", "memberships_url")
    for column in ("is_proven", "declined_at", "accepted_at"):
        op.drop_column("lti_deployment", column)
    op.drop_column("lti_platform", "approved_at")


def _forget_questions(tenant_id: int) -> None:
    for table, column in (("lti_deployment", "accepted_at"), ("lti_platform", "approved_at")):
        op.get_bind().execute(
            sa.text(f"DELETE FROM {table} WHERE tenant_id = :tenant AND {column} IS NULL"),  # noqa: S608 -- our names
            {"tenant": tenant_id},
        )
