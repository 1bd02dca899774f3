"""LTI 1.3 as the tool: keys, platforms, links and the launch log."""

import sqlalchemy as sa
from alembic import op

from saas.db.base import Json, PackedJson, UtcDateTime
from saas.db.isolation import isolate

revision = "0005_lti_tool"
down_revision = "0004_learning"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lti_launch",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "waiting", "accepted", "refused", name="outcome", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message_type", sa.Text(), nullable=False),
        sa.Column("platform_id", sa.Uuid(), nullable=True),
        sa.Column("platform_name", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("person_name", sa.Text(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=True),
        sa.Column("state_hash", sa.Text(), nullable=True),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("consumed_at", UtcDateTime(), nullable=True),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("login_deployment", sa.Text(), nullable=False),
        sa.Column("checks", PackedJson(), nullable=False),
        sa.Column("login", Json, nullable=False),
        sa.Column("login_shown", Json, nullable=False),
        sa.Column("claims", PackedJson(), nullable=False),
        sa.Column("browser", Json, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_launch"),
        sa.UniqueConstraint("tenant_id", "state_hash", name="uq_lti_launch_tenant_id_state_hash"),
        postgresql_with={"fillfactor": 40},
    )
    op.create_index("ix_lti_launch_platform", "lti_launch", ["tenant_id", "platform_id", "started_at"], unique=False)
    op.create_index("ix_lti_launch_time", "lti_launch", ["tenant_id", "started_at"], unique=False)
    op.create_table(
        "lti_platform",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("auth_url", sa.Text(), nullable=False),
        sa.Column("token_url", sa.Text(), nullable=False),
        sa.Column("token_audience", sa.Text(), nullable=False),
        sa.Column("jwks_url", sa.Text(), nullable=False),
        sa.Column("pasted_key", sa.Text(), nullable=False),
        sa.Column("accept_new_deployments", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_platform"),
        sa.UniqueConstraint("tenant_id", "issuer", "client_id", name="uq_lti_platform_tenant_id_issuer_client_id"),
    )
    op.create_table(
        "lti_signing_key",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("next", "active", "retired", name="keystate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("public_jwk", Json, nullable=False),
        sa.Column("sealed_private", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("activated_at", UtcDateTime(), nullable=True),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_signing_key"),
        sa.UniqueConstraint("tenant_id", "kid", name="uq_lti_signing_key_tenant_id_kid"),
    )
    op.create_index(
        "uq_lti_signing_key_current",
        "lti_signing_key",
        ["tenant_id", "state"],
        unique=True,
        sqlite_where=sa.text("state != 'retired'"),
        postgresql_where=sa.text("state != 'retired'"),
    )
    op.create_table(
        "lti_access_token",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("platform_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "platform_id"],
            ["lti_platform.tenant_id", "lti_platform.id"],
            name="fk_lti_access_token_tenant_id_platform_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_access_token"),
        sa.UniqueConstraint(
            "tenant_id", "platform_id", "scopes", name="uq_lti_access_token_tenant_id_platform_id_scopes"
        ),
    )
    op.create_table(
        "lti_deployment",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("platform_id", sa.Uuid(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "platform_id"],
            ["lti_platform.tenant_id", "lti_platform.id"],
            name="fk_lti_deployment_tenant_id_platform_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_deployment"),
        sa.UniqueConstraint(
            "tenant_id", "platform_id", "deployment_id", name="uq_lti_deployment_tenant_id_platform_id_deployment_id"
        ),
    )
    op.create_table(
        "lti_identity",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"],
            ["person.tenant_id", "person.id"],
            name="fk_lti_identity_tenant_id_person_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_identity"),
        sa.UniqueConstraint("tenant_id", "issuer", "sub", name="uq_lti_identity_tenant_id_issuer_sub"),
    )
    op.create_index("ix_lti_identity_person", "lti_identity", ["tenant_id", "person_id"], unique=False)
    op.create_table(
        "lti_platform_keys",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("platform_id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("fetched_at", UtcDateTime(), nullable=True),
        sa.Column("tried_at", UtcDateTime(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "platform_id"],
            ["lti_platform.tenant_id", "lti_platform.id"],
            name="fk_lti_platform_keys_tenant_id_platform_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_platform_keys"),
        sa.UniqueConstraint("tenant_id", "platform_id", name="uq_lti_platform_keys_tenant_id_platform_id"),
    )
    op.create_table(
        "lti_resource_link",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("platform_id", sa.Uuid(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("resource_link_id", sa.Text(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("context_id", sa.Text(), nullable=False),
        sa.Column("context_title", sa.Text(), nullable=False),
        sa.Column("line_item", sa.Text(), nullable=False),
        sa.Column("line_items", sa.Text(), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("claimed_at", UtcDateTime(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "activity_id"],
            ["activity.tenant_id", "activity.id"],
            name="fk_lti_resource_link_tenant_id_activity_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "platform_id"],
            ["lti_platform.tenant_id", "lti_platform.id"],
            name="fk_lti_resource_link_tenant_id_platform_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_resource_link"),
        sa.UniqueConstraint(
            "tenant_id",
            "platform_id",
            "deployment_id",
            "resource_link_id",
            "activity_id",
            name="uq_lti_resource_link_key",
        ),
    )
    op.create_index("ix_lti_resource_link_activity", "lti_resource_link", ["tenant_id", "activity_id"], unique=False)
    op.create_table(
        "lti_participant",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource_link_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("last_timestamp", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"],
            ["person.tenant_id", "person.id"],
            name="fk_lti_participant_tenant_id_person_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "resource_link_id"],
            ["lti_resource_link.tenant_id", "lti_resource_link.id"],
            name="fk_lti_participant_tenant_id_resource_link_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_participant"),
        sa.UniqueConstraint(
            "tenant_id", "resource_link_id", "person_id", name="uq_lti_participant_tenant_id_resource_link_id_person_id"
        ),
    )
    op.create_index("ix_lti_participant_person", "lti_participant", ["tenant_id", "person_id"], unique=False)
    for table in (
        "lti_launch",
        "lti_platform",
        "lti_signing_key",
        "lti_access_token",
        "lti_deployment",
        "lti_identity",
        "lti_platform_keys",
        "lti_resource_link",
        "lti_participant",
    ):
        isolate(op.get_bind(), table)


def downgrade() -> None:
    op.drop_table("lti_participant")
    op.drop_table("lti_resource_link")
    op.drop_table("lti_platform_keys")
    op.drop_table("lti_identity")
    op.drop_table("lti_deployment")
    op.drop_table("lti_access_token")
    op.drop_table("lti_signing_key")
    op.drop_table("lti_platform")
    op.drop_table("lti_launch")
