"""Outside tools: activities that are theirs, exams, and what tools keep, ask and say."""

import sqlalchemy as sa
from alembic import op

from saas.db.base import FixedPoint, Json, UtcDateTime
from saas.db.choices import add_choice, change_choices
from saas.db.isolation import for_each_tenant, isolate

revision = "0012_outside_tools"
down_revision = "0011_launch_rows"
branch_labels = None
depends_on = None

TYPES = ("e-learning", "microlearning", "learning-playlist")

TABLES = (
    "outside_result",
    "lti_tool",
    "lti_tool_keys",
    "lti_tool_link",
    "lti_tool_user",
    "lti_line_item",
    "lti_received_score",
    "lti_service_call",
    "lti_tool_token",
    "lti_used_once",
    "lti_tool_invitation",
    "lti_content_request",
)


def upgrade() -> None:
    connection = op.get_bind()
    change_choices(connection, "activity", "type", "activitytype", TYPES, (*TYPES, "exam"))
    add_choice(connection, "activity", "content", "content", ("own", "lti"), "own")
    op.add_column("activity", sa.Column("minimum_score", sa.Integer(), nullable=True))
    add_choice(connection, "lti_launch", "direction", "direction", ("in", "out"), "in")
    for column in ("tool_id", "tool_link_id"):
        op.add_column("lti_launch", sa.Column(column, sa.Uuid(), nullable=True))
    for column in ("tool_link", "tool"):
        op.create_index(
            f"ix_lti_launch_{column}",
            "lti_launch",
            ["tenant_id", f"{column}_id", "started_at"],
            sqlite_where=sa.text(f"{column}_id IS NOT NULL"),
            postgresql_where=sa.text(f"{column}_id IS NOT NULL"),
        )
    op.add_column("lti_self_test", sa.Column("tool_id", sa.Uuid(), nullable=True))
    op.create_index("ix_lti_self_test_tool", "lti_self_test", ["tenant_id", "tool_id", "started_at"])
    op.create_table(
        "outside_result",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("given", sa.Text(), nullable=True),
        sa.Column("maximum", sa.Text(), nullable=True),
        sa.Column("percent", FixedPoint(), nullable=True),
        sa.Column("grading", _named("grading", "none", "awaited", "failed", "decided"), nullable=False),
        sa.Column("verdict", _named("verdict", "passed", "failed"), nullable=True),
        sa.Column("minimum", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("said_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        _belongs_to("outside_result", "activity_id", "activity"),
        _belongs_to("outside_result", "person_id", "person"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_outside_result"),
        sa.UniqueConstraint(
            "tenant_id", "person_id", "activity_id", name="uq_outside_result_tenant_id_person_id_activity_id"
        ),
    )
    op.create_index("ix_outside_result_activity", "outside_result", ["tenant_id", "activity_id"], unique=False)
    op.create_table(
        "lti_tool",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("login_url", sa.Text(), nullable=False),
        sa.Column("target_url", sa.Text(), nullable=False),
        sa.Column("deep_link_url", sa.Text(), nullable=False),
        sa.Column("jwks_url", sa.Text(), nullable=False),
        sa.Column("pasted_key", sa.Text(), nullable=False),
        sa.Column("redirect_urls", Json, nullable=False),
        sa.Column("icon_url", sa.Text(), nullable=False),
        sa.Column("custom", Json, nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("send_name", sa.Boolean(), nullable=False),
        sa.Column("send_email", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_tool"),
        sa.UniqueConstraint("tenant_id", "client_id", name="uq_lti_tool_tenant_id_client_id"),
    )
    op.create_table(
        "lti_tool_keys",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tool_id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("fetched_at", UtcDateTime(), nullable=True),
        sa.Column("tried_at", UtcDateTime(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        _belongs_to("lti_tool_keys", "tool_id", "lti_tool"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_tool_keys"),
        sa.UniqueConstraint("tenant_id", "tool_id", name="uq_lti_tool_keys_tenant_id_tool_id"),
    )
    op.create_table(
        "lti_tool_link",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("lti_version", _named("protocol", "1.2", "1.3"), nullable=False),
        sa.Column("tool_id", sa.Uuid(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("resource_link_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.Text(), nullable=False),
        sa.Column("sealed_previous", sa.Text(), nullable=True),
        sa.Column("previous_until", UtcDateTime(), nullable=True),
        sa.Column("send_name", sa.Boolean(), nullable=False),
        sa.Column("send_email", sa.Boolean(), nullable=False),
        sa.Column("custom", Json, nullable=False),
        sa.Column("opens_in", _named("opensin", "iframe", "window"), nullable=False),
        sa.Column("results_until", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        _belongs_to("lti_tool_link", "activity_id", "activity"),
        _belongs_to("lti_tool_link", "tool_id", "lti_tool"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_tool_link"),
        sa.UniqueConstraint("tenant_id", "activity_id", name="uq_lti_tool_link_tenant_id_activity_id"),
        sa.UniqueConstraint("tenant_id", "resource_link_id", name="uq_lti_tool_link_tenant_id_resource_link_id"),
    )
    op.create_index("ix_lti_tool_link_key", "lti_tool_link", ["tenant_id", "key"], unique=False)
    op.create_index("ix_lti_tool_link_tool", "lti_tool_link", ["tenant_id", "tool_id"], unique=False)
    op.create_table(
        "lti_tool_user",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("consented", Json, nullable=False),
        sa.Column("consented_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _belongs_to("lti_tool_user", "person_id", "person"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_tool_user"),
        sa.UniqueConstraint("tenant_id", "audience", "person_id", name="uq_lti_tool_user_tenant_id_audience_person_id"),
        sa.UniqueConstraint("tenant_id", "audience", "sub", name="uq_lti_tool_user_tenant_id_audience_sub"),
    )
    op.create_index("ix_lti_tool_user_person", "lti_tool_user", ["tenant_id", "person_id"], unique=False)
    op.create_table(
        "lti_line_item",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tool_id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.Uuid(), nullable=False),
        sa.Column("tool_link_id", sa.Uuid(), nullable=True),
        sa.Column("is_coupled", sa.Boolean(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("maximum", FixedPoint(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=True),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.Column("submission_review", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        _belongs_to("lti_line_item", "course_id", "course"),
        _belongs_to("lti_line_item", "tool_id", "lti_tool"),
        _belongs_to("lti_line_item", "tool_link_id", "lti_tool_link"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_line_item"),
    )
    op.create_index("ix_lti_line_item_course", "lti_line_item", ["tenant_id", "course_id", "tool_id"], unique=False)
    op.create_index("ix_lti_line_item_tool", "lti_line_item", ["tenant_id", "tool_id"], unique=False)
    op.create_index("ix_lti_line_item_link", "lti_line_item", ["tenant_id", "tool_link_id"], unique=False)
    op.create_table(
        "lti_received_score",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("line_item_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("given", sa.Text(), nullable=True),
        sa.Column("maximum", sa.Text(), nullable=True),
        sa.Column("activity_progress", sa.Text(), nullable=False),
        sa.Column("grading_progress", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("said_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        _belongs_to("lti_received_score", "line_item_id", "lti_line_item"),
        _belongs_to("lti_received_score", "person_id", "person"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_received_score"),
        sa.UniqueConstraint(
            "tenant_id", "line_item_id", "person_id", name="uq_lti_received_score_tenant_id_line_item_id_person_id"
        ),
    )
    op.create_index("ix_lti_received_score_person", "lti_received_score", ["tenant_id", "person_id"], unique=False)
    op.create_table(
        "lti_service_call",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("tool_id", sa.Uuid(), nullable=True),
        sa.Column("tool_link_id", sa.Uuid(), nullable=True),
        sa.Column("tool_name", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_service_call"),
    )
    op.create_index("ix_lti_service_call_link", "lti_service_call", ["tenant_id", "tool_link_id", "at"], unique=False)
    op.create_index("ix_lti_service_call_time", "lti_service_call", ["tenant_id", "at"], unique=False)
    op.create_index("ix_lti_service_call_tool", "lti_service_call", ["tenant_id", "tool_id", "at"], unique=False)
    op.create_table(
        "lti_tool_token",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tool_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        _belongs_to("lti_tool_token", "tool_id", "lti_tool"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_tool_token"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_lti_tool_token_tenant_id_token_hash"),
    )
    op.create_index("ix_lti_tool_token_expiry", "lti_tool_token", ["tenant_id", "expires_at"], unique=False)
    op.create_index("ix_lti_tool_token_tool", "lti_tool_token", ["tenant_id", "tool_id"], unique=False)
    op.create_table(
        "lti_used_once",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("value_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_used_once"),
        sa.UniqueConstraint("tenant_id", "owner", "value_hash", name="uq_lti_used_once_tenant_id_owner_value_hash"),
    )
    op.create_index("ix_lti_used_once_expiry", "lti_used_once", ["tenant_id", "expires_at"], unique=False)
    op.create_table(
        "lti_tool_invitation",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("tool_id", sa.Uuid(), nullable=True),
        sa.Column("asked", Json, nullable=False),
        sa.Column("last_code", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        _belongs_to("lti_tool_invitation", "tool_id", "lti_tool"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_tool_invitation"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_lti_tool_invitation_tenant_id_token_hash"),
    )
    op.create_index("ix_lti_tool_invitation_tool", "lti_tool_invitation", ["tenant_id", "tool_id"], unique=False)
    op.create_table(
        "lti_content_request",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tool_id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("data_hash", sa.Text(), nullable=False),
        sa.Column("is_exam", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        _belongs_to("lti_content_request", "course_id", "course"),
        _belongs_to("lti_content_request", "person_id", "person"),
        _belongs_to("lti_content_request", "tool_id", "lti_tool"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_content_request"),
        sa.UniqueConstraint("tenant_id", "data_hash", name="uq_lti_content_request_tenant_id_data_hash"),
    )
    op.create_index("ix_lti_content_request_course", "lti_content_request", ["tenant_id", "course_id"], unique=False)
    op.create_index("ix_lti_content_request_person", "lti_content_request", ["tenant_id", "person_id"], unique=False)
    op.create_index("ix_lti_content_request_tool", "lti_content_request", ["tenant_id", "tool_id"], unique=False)
    for table in TABLES:
        isolate(connection, table)


def _named(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _belongs_to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{other}.tenant_id", f"{other}.id"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete="CASCADE",
    )


def downgrade() -> None:
    """Activities of outside tools go, with their results: there is nothing here to learn with."""
    for table in reversed(TABLES):
        op.drop_table(table)
    for_each_tenant(op.get_bind(), _forget_outside)
    for column in ("tool", "tool_link"):
        op.drop_index(f"ix_lti_launch_{column}", "lti_launch")
    for column in ("tool_link_id", "tool_id", "direction"):
        op.drop_column("lti_launch", column)
    op.drop_index("ix_lti_self_test_tool", "lti_self_test")
    op.drop_column("lti_self_test", "tool_id")
    for column in ("minimum_score", "content"):
        op.drop_column("activity", column)
    change_choices(op.get_bind(), "activity", "type", "activitytype", (*TYPES, "exam"), TYPES)


def _forget_outside(tenant_id: int) -> None:
    for statement in (
        "DELETE FROM activity WHERE tenant_id = :tenant AND (type = 'exam' OR content = 'lti')",
        "DELETE FROM lti_launch WHERE tenant_id = :tenant AND direction = 'out'",
        "DELETE FROM lti_self_test WHERE tenant_id = :tenant AND tool_id IS NOT NULL",
    ):
        op.get_bind().execute(sa.text(statement), {"tenant": tenant_id})
