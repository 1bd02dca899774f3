"""How each connection receives people; cases about them; somebody who is asked to sign in once."""

import sqlalchemy as sa
from alembic import op

from saas.db.base import Json, UtcDateTime
from saas.db.choices import add_choice, change_choices
from saas.db.isolation import for_each_tenant, isolate

revision = "0009_people"
down_revision = "0008_sharing"
branch_labels = None
depends_on = None

CONNECTIONS = ("lti_platform", "lti_consumer_key")
TABLES = ("lti_person_case", "lti_introduction")
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
MORE_CHANGES = (*CHANGES, "asks", "unknown", "placeholder")


def upgrade() -> None:
    connection = op.get_bind()
    for table in CONNECTIONS:
        add_choice(connection, table, "newcomers", "newcomers", ("create", "match", "ask", "existing"), "match")
        add_choice(connection, table, "outside_staff", "outsidestaff", ("learner", "author"), "learner")
        op.add_column(table, sa.Column("match_domains", Json, nullable=False, server_default="[]"))
    op.add_column("lti_identity", sa.Column("made_author", sa.Boolean(), nullable=False, server_default=sa.false()))
    change_choices(connection, "lti_roster_entry", "change", "change", CHANGES, MORE_CHANGES)
    op.create_table(
        "lti_person_case",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", _named("casekind", "conflict", "duplicate", "doubt", "placeholder"), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("lms_name", sa.Text(), nullable=False),
        sa.Column("platform_id", sa.Uuid(), nullable=True),
        sa.Column("consumer_key_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("other_id", sa.Uuid(), nullable=True),
        sa.Column("evidence", Json, nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("decision", _named("casedecision", "link", "apart", "merge", "dismiss"), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reversal", Json, nullable=False),
        sa.Column("history", Json, nullable=False),
        _belongs_to("lti_person_case", "person_id", "person"),
        _belongs_to("lti_person_case", "other_id", "person"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_person_case"),
        sa.UniqueConstraint("tenant_id", "issuer", "sub", "email_key", name="uq_lti_person_case_about"),
    )
    op.create_index("ix_lti_person_case_person", "lti_person_case", ["tenant_id", "person_id"])
    op.create_index("ix_lti_person_case_other", "lti_person_case", ["tenant_id", "other_id"])
    op.create_index("ix_lti_person_case_email", "lti_person_case", ["tenant_id", "issuer", "email_key"])
    op.create_index("ix_lti_person_case_time", "lti_person_case", ["tenant_id", "decided_at", "opened_at"])
    op.create_table(
        "lti_introduction",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("platform_id", sa.Uuid(), nullable=True),
        sa.Column("consumer_key_id", sa.Uuid(), nullable=True),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("launch_id", sa.Uuid(), nullable=False),
        sa.Column("lms_name", sa.Text(), nullable=False),
        sa.Column("message", Json, nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        _belongs_to("lti_introduction", "platform_id", "lti_platform"),
        _belongs_to("lti_introduction", "consumer_key_id", "lti_consumer_key"),
        _belongs_to("lti_introduction", "activity_id", "activity"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_lti_introduction"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_lti_introduction_tenant_id_token_hash"),
    )
    op.create_index("ix_lti_introduction_platform", "lti_introduction", ["tenant_id", "platform_id"])
    op.create_index("ix_lti_introduction_consumer", "lti_introduction", ["tenant_id", "consumer_key_id"])
    op.create_index("ix_lti_introduction_activity", "lti_introduction", ["tenant_id", "activity_id"])
    op.create_index("ix_lti_introduction_expiry", "lti_introduction", ["tenant_id", "expires_at"])
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
    """Whoever another LMS made an author stays one until our admin says otherwise."""
    for table in reversed(TABLES):
        op.drop_table(table)
    for_each_tenant(op.get_bind(), _forget_changes)
    change_choices(op.get_bind(), "lti_roster_entry", "change", "change", MORE_CHANGES, CHANGES)
    op.drop_column("lti_identity", "made_author")
    for table in CONNECTIONS:
        for column in ("match_domains", "outside_staff", "newcomers"):
            op.drop_column(table, column)


def _forget_changes(tenant_id: int) -> None:
    op.get_bind().execute(
        sa.text(
            "UPDATE lti_roster_entry SET change = 'conflict'"
            " WHERE tenant_id = :tenant AND change IN ('asks', 'unknown', 'placeholder')"
        ),
        {"tenant": tenant_id},
    )
