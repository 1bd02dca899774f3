"""LTI 1.2 as the tool: keys of consumers, used nonces, routes of Basic Outcomes; results can be withdrawn."""

import sqlalchemy as sa
from alembic import op

from saas.db.base import UtcDateTime
from saas.db.isolation import isolate

revision = "0007_lti12"
down_revision = "0006_types_and_requests"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lti_consumer_key",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.Text(), nullable=False),
        sa.Column("sealed_previous", sa.Text(), nullable=True),
        sa.Column("previous_until", UtcDateTime(), nullable=True),
        sa.Column("current_used", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("allow_sha256", sa.Boolean(), nullable=False),
        sa.Column("tolerate_query", sa.Boolean(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "activity_id"],
            ["activity.tenant_id", "activity.id"],
            name="fk_lti_consumer_key_tenant_id_activity_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_consumer_key"),
        sa.UniqueConstraint("tenant_id", "key", name="uq_lti_consumer_key_tenant_id_key"),
    )
    op.create_index("ix_lti_consumer_key_activity", "lti_consumer_key", ["tenant_id", "activity_id"], unique=False)
    op.create_table(
        "lti_consumer_nonce",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consumer_key_id", sa.Uuid(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "consumer_key_id"],
            ["lti_consumer_key.tenant_id", "lti_consumer_key.id"],
            name="fk_lti_consumer_nonce_tenant_id_consumer_key_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_consumer_nonce"),
        sa.UniqueConstraint(
            "tenant_id", "consumer_key_id", "nonce", name="uq_lti_consumer_nonce_tenant_id_consumer_key_id_nonce"
        ),
    )
    op.create_index("ix_lti_consumer_nonce_expiry", "lti_consumer_nonce", ["tenant_id", "expires_at"], unique=False)
    op.create_table(
        "lti_outcome_route",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consumer_key_id", sa.Uuid(), nullable=False),
        sa.Column("resource_link_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("service_url", sa.Text(), nullable=False),
        sa.Column("sourcedid", sa.Text(), nullable=False),
        sa.Column("link_title", sa.Text(), nullable=False),
        sa.Column("context_title", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "consumer_key_id"],
            ["lti_consumer_key.tenant_id", "lti_consumer_key.id"],
            name="fk_lti_outcome_route_tenant_id_consumer_key_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"],
            ["person.tenant_id", "person.id"],
            name="fk_lti_outcome_route_tenant_id_person_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_outcome_route"),
        sa.UniqueConstraint(
            "tenant_id", "consumer_key_id", "resource_link_id", "person_id", name="uq_lti_outcome_route_key"
        ),
    )
    op.create_index("ix_lti_outcome_route_person", "lti_outcome_route", ["tenant_id", "person_id"], unique=False)
    for table in ("lti_consumer_key", "lti_consumer_nonce", "lti_outcome_route"):
        isolate(op.get_bind(), table)
    op.add_column("lti_launch", sa.Column("protocol", sa.Text(), nullable=False, server_default="1.3"))
    op.add_column("lti_launch", sa.Column("consumer_key_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_lti_launch_consumer", "lti_launch", ["tenant_id", "consumer_key_id", "started_at"], unique=False
    )
    op.add_column("score_delivery", sa.Column("withdrawn", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("score_delivery", "withdrawn")
    op.drop_index("ix_lti_launch_consumer", "lti_launch")
    op.drop_column("lti_launch", "consumer_key_id")
    op.drop_column("lti_launch", "protocol")
    op.drop_table("lti_outcome_route")
    op.drop_table("lti_consumer_nonce")
    op.drop_table("lti_consumer_key")
