"""People, sign-in links and the audit log."""

import sqlalchemy as sa
from alembic import op

from saas.db.base import Json, UtcDateTime
from saas.db.isolation import isolate

revision = "0002_accounts"
down_revision = "0001_shell"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("about", Json, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_audit_entry"),
    )
    op.create_index("ix_audit_entry_time", "audit_entry", ["tenant_id", "at"], unique=False)
    op.create_table(
        "person",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "learner",
                "author",
                "admin",
                "operator",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum("active", "suspended", name="personstatus", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "made_by",
            sa.Enum("academy", "lti", name="madeby", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_person"),
        sa.UniqueConstraint("tenant_id", "email_key", name="uq_person_tenant_id_email_key"),
    )
    op.create_table(
        "sign_in_link",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"],
            ["person.tenant_id", "person.id"],
            name="fk_sign_in_link_tenant_id_person_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_sign_in_link"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_sign_in_link_tenant_id_token_hash"),
    )
    op.create_index("ix_sign_in_link_person", "sign_in_link", ["tenant_id", "person_id"], unique=False)
    for table in (
        "audit_entry",
        "person",
        "sign_in_link",
    ):
        isolate(op.get_bind(), table)


def downgrade() -> None:
    op.drop_table("sign_in_link")
    op.drop_table("person")
    op.drop_table("audit_entry")
