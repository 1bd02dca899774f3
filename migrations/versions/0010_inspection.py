"""Self-tests, shared launches, and platforms that hold a pasted key of ours."""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

from saas.db.base import UtcDateTime
from saas.db.isolation import isolate

revision = "0010_inspection"
down_revision = "0009_people"
branch_labels = None
depends_on = None

TABLES = ("lti_self_test", "lti_self_test_row", "lti_launch_share", "lti_pasted_key")


def upgrade() -> None:
    op.create_table(
        "lti_self_test",
        *_key(),
        sa.Column("platform_id", sa.Uuid(), nullable=True),
        sa.Column("consumer_key_id", sa.Uuid(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("state", _named("runstate", "running", "done", "failed"), nullable=False),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        _belongs_to("lti_self_test", "platform_id", "lti_platform"),
        _belongs_to("lti_self_test", "consumer_key_id", "lti_consumer_key"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_self_test"),
    )
    op.create_index("ix_lti_self_test_platform", "lti_self_test", ["tenant_id", "platform_id", "started_at"])
    op.create_index("ix_lti_self_test_consumer", "lti_self_test", ["tenant_id", "consumer_key_id", "started_at"])
    op.create_table(
        "lti_self_test_row",
        *_key(),
        sa.Column("test_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("part", _named("part", "messages", "addresses"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("verdict", _named("verdict", "passed", "failed", "attention", "skipped"), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("happened", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        _belongs_to("lti_self_test_row", "test_id", "lti_self_test"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_self_test_row"),
        sa.UniqueConstraint("tenant_id", "test_id", "position", name="uq_lti_self_test_row_tenant_id_test_id_position"),
    )
    op.create_table(
        "lti_launch_share",
        *_key(),
        sa.Column("launch_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        _belongs_to("lti_launch_share", "launch_id", "lti_launch"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_launch_share"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_lti_launch_share_tenant_id_token_hash"),
    )
    op.create_index("ix_lti_launch_share_launch", "lti_launch_share", ["tenant_id", "launch_id"])
    op.create_table(
        "lti_pasted_key",
        *_key(),
        sa.Column("platform_id", sa.Uuid(), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("noted_at", UtcDateTime(), nullable=False),
        _belongs_to("lti_pasted_key", "platform_id", "lti_platform"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_pasted_key"),
        sa.UniqueConstraint("tenant_id", "platform_id", name="uq_lti_pasted_key_tenant_id_platform_id"),
    )
    for table in TABLES:
        isolate(op.get_bind(), table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _key() -> tuple[sa.Column[int], sa.Column[UUID]]:
    return (
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
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
