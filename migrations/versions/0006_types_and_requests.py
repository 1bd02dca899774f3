"""Microlearning and Learning Playlist; requests for features."""

import sqlalchemy as sa
from alembic import op

from saas.db.base import UtcDateTime
from saas.db.choices import change_choices
from saas.db.isolation import for_each_tenant, isolate

revision = "0006_types_and_requests"
down_revision = "0005_lti_tool"
branch_labels = None
depends_on = None

#: Table, column, name of the check, values before and after.
CHOICES = (
    ("activity", "type", "activitytype", ("e-learning",), ("e-learning", "microlearning", "learning-playlist")),
    ("enrolment", "enrolled_by", "enrolledby", ("self", "lti"), ("self", "lti", "playlist")),
)


def upgrade() -> None:
    for table, column, name, before, after in CHOICES:
        change_choices(op.get_bind(), table, column, name, before, after)
    op.create_table(
        "playlist_item",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("playlist_id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("mandatory", sa.Boolean(), nullable=False),
        sa.Column(
            "opens",
            sa.Enum("at-once", "after-previous", name="opens", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "playlist_id"],
            ["activity.tenant_id", "activity.id"],
            name="fk_playlist_item_tenant_id_playlist_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "activity_id"],
            ["activity.tenant_id", "activity.id"],
            name="fk_playlist_item_tenant_id_activity_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_playlist_item"),
        sa.UniqueConstraint(
            "tenant_id", "playlist_id", "activity_id", name="uq_playlist_item_tenant_id_playlist_id_activity_id"
        ),
    )
    op.create_index("ix_playlist_item_activity", "playlist_item", ["tenant_id", "activity_id"], unique=False)
    isolate(op.get_bind(), "playlist_item")
    op.create_table(
        "feature_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "granted",
                "declined",
                name="requeststate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.Text(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_feature_request_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_feature_request"),
    )
    op.create_index("ix_feature_request_tenant", "feature_request", ["tenant_id", "feature", "asked_at"], unique=False)
    op.create_index(
        "uq_feature_request_open",
        "feature_request",
        ["tenant_id", "feature"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    """Playlists go; a microlearning is an e-learning of short chapters."""
    op.drop_table("feature_request")
    op.drop_table("playlist_item")
    for_each_tenant(op.get_bind(), _forget_types)
    for table, column, name, before, after in CHOICES:
        change_choices(op.get_bind(), table, column, name, after, before)


def _forget_types(tenant_id: int) -> None:
    for statement in (
        "DELETE FROM activity WHERE tenant_id = :tenant AND type = 'learning-playlist'",
        "UPDATE activity SET type = 'e-learning' WHERE tenant_id = :tenant AND type = 'microlearning'",
        "UPDATE enrolment SET enrolled_by = 'self' WHERE tenant_id = :tenant AND enrolled_by = 'playlist'",
    ):
        op.get_bind().execute(sa.text(statement), {"tenant": tenant_id})
