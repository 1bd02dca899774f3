"""Zoom LTI Pro: profiles, places and checks; groups of courses; calendars."""

import sqlalchemy as sa
from alembic import op

from saas.db.base import Json, UtcDateTime
from saas.db.choices import add_choice, change_choices
from saas.db.isolation import for_each_tenant, isolate

revision = "0013_zoom"
down_revision = "0012_outside_tools"
branch_labels = None
depends_on = None

TYPES = ("e-learning", "microlearning", "learning-playlist", "exam")
CONTENTS = ("own", "lti")

TABLES = (
    "course_group",
    "course_group_member",
    "calendar_event",
    "calendar_count",
    "calendar_feed",
    "zoom_use",
    "zoom_profile",
    "zoom_place",
    "zoom_check",
    "zoom_check_step",
)


def upgrade() -> None:
    connection = op.get_bind()
    change_choices(connection, "activity", "type", "activitytype", TYPES, (*TYPES, "meeting"))
    change_choices(connection, "activity", "content", "content", CONTENTS, (*CONTENTS, "zoom"))
    add_choice(connection, "lti_tool", "kind", "toolkind", ("lti", "zoom"), "lti")
    op.create_table(
        "course_group",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        _belongs_to("course_group", "course_id", "course"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_course_group"),
        sa.UniqueConstraint("tenant_id", "course_id", "title", name="uq_course_group_tenant_id_course_id_title"),
    )
    op.create_table(
        "course_group_member",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("is_coach", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _belongs_to("course_group_member", "group_id", "course_group"),
        _belongs_to("course_group_member", "person_id", "person"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_course_group_member"),
        sa.UniqueConstraint(
            "tenant_id", "group_id", "person_id", name="uq_course_group_member_tenant_id_group_id_person_id"
        ),
    )
    op.create_index("ix_course_group_member_person", "course_group_member", ["tenant_id", "person_id"], unique=False)
    op.create_table(
        "calendar_event",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("state", _named("eventstate", "active", "cancelled"), nullable=False),
        sa.Column("course_id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=True),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("duration_seconds", sa.Integer(), nullable=False),
        sa.Column("origin_id", sa.Uuid(), nullable=True),
        sa.Column("origin_key", sa.Text(), nullable=False),
        sa.Column("repeat_key", sa.Text(), nullable=False),
        sa.Column("hidden_at", UtcDateTime(), nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        _belongs_to("calendar_event", "activity_id", "activity"),
        _belongs_to("calendar_event", "course_id", "course"),
        _belongs_to("calendar_event", "group_id", "course_group"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_calendar_event"),
        sa.UniqueConstraint("tenant_id", "number", name="uq_calendar_event_tenant_id_number"),
        sa.UniqueConstraint(
            "tenant_id",
            "origin_id",
            "origin_key",
            "repeat_key",
            name="uq_calendar_event_tenant_id_origin_id_origin_key_repeat_key",
        ),
        sa.UniqueConstraint("tenant_id", "uid", name="uq_calendar_event_tenant_id_uid"),
    )
    op.create_index("ix_calendar_event_activity", "calendar_event", ["tenant_id", "activity_id"], unique=False)
    op.create_index("ix_calendar_event_course", "calendar_event", ["tenant_id", "course_id", "starts_at"], unique=False)
    op.create_index("ix_calendar_event_group", "calendar_event", ["tenant_id", "group_id", "starts_at"], unique=False)
    op.create_table(
        "calendar_count",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_calendar_count"),
        sa.UniqueConstraint("tenant_id", name="uq_calendar_count_tenant_id"),
    )
    op.create_table(
        "calendar_feed",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("sealed_token", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        _belongs_to("calendar_feed", "person_id", "person"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_calendar_feed"),
        sa.UniqueConstraint("tenant_id", "person_id", name="uq_calendar_feed_tenant_id_person_id"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_calendar_feed_tenant_id_token_hash"),
    )
    op.create_table(
        "zoom_use",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("in_elements", sa.Boolean(), nullable=False),
        sa.Column("in_courses", sa.Boolean(), nullable=False),
        sa.Column("in_groups", sa.Boolean(), nullable=False),
        sa.Column("with_calendar", sa.Boolean(), nullable=False),
        sa.Column("keys_fetched_at", UtcDateTime(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_zoom_use"),
        sa.UniqueConstraint("tenant_id", name="uq_zoom_use_tenant_id"),
    )
    op.create_table(
        "zoom_profile",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tool_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("lti_key", sa.Text(), nullable=False),
        sa.Column("mail_domains", Json, nullable=False),
        sa.Column("students_can_host", sa.Boolean(), nullable=False),
        sa.Column("with_roster", sa.Boolean(), nullable=False),
        sa.Column("opens_in", _named("opensin", "iframe", "window"), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("sealed_token", sa.Text(), nullable=False),
        sa.Column("token_hint", sa.Text(), nullable=False),
        sa.Column("token_made_at", UtcDateTime(), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("previous_until", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        _belongs_to("zoom_profile", "tool_id", "lti_tool"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_zoom_profile"),
        sa.UniqueConstraint("tenant_id", "name_key", name="uq_zoom_profile_tenant_id_name_key"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_zoom_profile_tenant_id_token_hash"),
        sa.UniqueConstraint("tenant_id", "tool_id", name="uq_zoom_profile_tenant_id_tool_id"),
    )
    op.create_index("ix_zoom_profile_previous", "zoom_profile", ["tenant_id", "previous_hash"], unique=False)
    op.create_index(
        "uq_zoom_profile_default",
        "zoom_profile",
        ["tenant_id"],
        unique=True,
        sqlite_where=sa.text("is_default"),
        postgresql_where=sa.text("is_default"),
    )
    op.create_table(
        "zoom_place",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", _named("placekind", "element", "course", "group"), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=True),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("context_id", sa.Text(), nullable=False),
        sa.Column("resource_link_id", sa.Text(), nullable=False),
        sa.Column("opens_in", _named("opensin", "iframe", "window"), nullable=True),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("former_profile_id", sa.Uuid(), nullable=True),
        sa.Column("given_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        _belongs_to("zoom_place", "activity_id", "activity"),
        _belongs_to("zoom_place", "course_id", "course"),
        _belongs_to("zoom_place", "group_id", "course_group"),
        _belongs_to("zoom_place", "profile_id", "zoom_profile"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_zoom_place"),
        sa.UniqueConstraint("tenant_id", "activity_id", name="uq_zoom_place_tenant_id_activity_id"),
        sa.UniqueConstraint("tenant_id", "context_id", name="uq_zoom_place_tenant_id_context_id"),
        sa.UniqueConstraint("tenant_id", "group_id", name="uq_zoom_place_tenant_id_group_id"),
        sa.UniqueConstraint("tenant_id", "resource_link_id", name="uq_zoom_place_tenant_id_resource_link_id"),
    )
    op.create_index("ix_zoom_place_course", "zoom_place", ["tenant_id", "course_id"], unique=False)
    op.create_index("ix_zoom_place_profile", "zoom_place", ["tenant_id", "profile_id"], unique=False)
    op.create_index(
        "uq_zoom_place_course",
        "zoom_place",
        ["tenant_id", "course_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'course'"),
        postgresql_where=sa.text("kind = 'course'"),
    )
    op.create_table(
        "zoom_check",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=True),
        sa.Column("values", Json, nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        _belongs_to("zoom_check", "profile_id", "zoom_profile"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_zoom_check"),
    )
    op.create_index("ix_zoom_check_profile", "zoom_check", ["tenant_id", "profile_id", "started_at"], unique=False)
    op.create_table(
        "zoom_check_step",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("check_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        _belongs_to("zoom_check_step", "check_id", "zoom_check"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_zoom_check_step"),
        sa.UniqueConstraint("tenant_id", "check_id", "position", name="uq_zoom_check_step_tenant_id_check_id_position"),
    )
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
    """Meetings go, with their places and dates: Zoom keeps what is Zoom's."""
    for table in reversed(TABLES):
        op.drop_table(table)
    for_each_tenant(op.get_bind(), _forget_meetings)
    op.drop_column("lti_tool", "kind")
    change_choices(op.get_bind(), "activity", "content", "content", (*CONTENTS, "zoom"), CONTENTS)
    change_choices(op.get_bind(), "activity", "type", "activitytype", (*TYPES, "meeting"), TYPES)


def _forget_meetings(tenant_id: int) -> None:
    for statement in (
        "DELETE FROM activity WHERE tenant_id = :tenant AND content = 'zoom'",
        "DELETE FROM lti_tool WHERE tenant_id = :tenant AND kind = 'zoom'",
    ):
        op.get_bind().execute(sa.text(statement), {"tenant": tenant_id})
