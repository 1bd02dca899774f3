"""Enrolments, attempts, answers and results."""

import sqlalchemy as sa
from alembic import op

from saas.db.base import FixedPoint, Json, UtcDateTime
from saas.db.isolation import isolate

revision = "0004_learning"
down_revision = "0003_catalog"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "in-progress", "completed", name="attemptstate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("progress", FixedPoint(), nullable=False),
        sa.Column("score", FixedPoint(), nullable=True),
        sa.Column("chapter_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "activity_id"],
            ["activity.tenant_id", "activity.id"],
            name="fk_attempt_tenant_id_activity_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"],
            ["person.tenant_id", "person.id"],
            name="fk_attempt_tenant_id_person_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_attempt"),
        sa.UniqueConstraint(
            "tenant_id", "person_id", "activity_id", "number", name="uq_attempt_tenant_id_person_id_activity_id_number"
        ),
    )
    op.create_index("ix_attempt_activity", "attempt", ["tenant_id", "activity_id"], unique=False)
    op.create_table(
        "enrolment",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column(
            "enrolled_by",
            sa.Enum("self", "lti", name="enrolledby", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "activity_id"],
            ["activity.tenant_id", "activity.id"],
            name="fk_enrolment_tenant_id_activity_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"],
            ["person.tenant_id", "person.id"],
            name="fk_enrolment_tenant_id_person_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_enrolment"),
        sa.UniqueConstraint(
            "tenant_id", "person_id", "activity_id", name="uq_enrolment_tenant_id_person_id_activity_id"
        ),
    )
    op.create_index("ix_enrolment_activity", "enrolment", ["tenant_id", "activity_id"], unique=False)
    op.create_table(
        "result",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column(
            "progress",
            sa.Enum("InProgress", "Completed", name="progress", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("score", FixedPoint(), nullable=True),
        sa.Column("achieved_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "activity_id"],
            ["activity.tenant_id", "activity.id"],
            name="fk_result_tenant_id_activity_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"],
            ["person.tenant_id", "person.id"],
            name="fk_result_tenant_id_person_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_result"),
        sa.UniqueConstraint("tenant_id", "person_id", "activity_id", name="uq_result_tenant_id_person_id_activity_id"),
    )
    op.create_index("ix_result_activity", "result", ["tenant_id", "activity_id"], unique=False)
    op.create_table(
        "chapter_seen",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("chapter_id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "attempt_id"],
            ["attempt.tenant_id", "attempt.id"],
            name="fk_chapter_seen_tenant_id_attempt_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "chapter_id"],
            ["chapter.tenant_id", "chapter.id"],
            name="fk_chapter_seen_tenant_id_chapter_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_chapter_seen"),
        sa.UniqueConstraint(
            "tenant_id", "attempt_id", "chapter_id", name="uq_chapter_seen_tenant_id_attempt_id_chapter_id"
        ),
    )
    op.create_index("ix_chapter_seen_chapter", "chapter_seen", ["tenant_id", "chapter_id"], unique=False)
    op.create_table(
        "score_delivery",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("route_id", sa.Uuid(), nullable=False),
        sa.Column(
            "progress",
            sa.Enum("InProgress", "Completed", name="progress", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("score", FixedPoint(), nullable=True),
        sa.Column("achieved_at", UtcDateTime(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "sent",
                "confirmed",
                "superseded",
                "cancelled",
                "dead",
                name="deliverystate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("next_try_at", UtcDateTime(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "result_id"],
            ["result.tenant_id", "result.id"],
            name="fk_score_delivery_tenant_id_result_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_score_delivery"),
    )
    op.create_index("ix_score_delivery_result", "score_delivery", ["tenant_id", "result_id"], unique=False)
    op.create_index("ix_score_delivery_route", "score_delivery", ["tenant_id", "channel", "route_id"], unique=False)
    op.create_index("ix_score_delivery_state", "score_delivery", ["tenant_id", "state", "created_at"], unique=False)
    op.create_table(
        "answer",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("block_id", sa.Uuid(), nullable=False),
        sa.Column("given", Json, nullable=False),
        sa.Column("correct", sa.Boolean(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "attempt_id"],
            ["attempt.tenant_id", "attempt.id"],
            name="fk_answer_tenant_id_attempt_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "block_id"],
            ["block.tenant_id", "block.id"],
            name="fk_answer_tenant_id_block_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_answer"),
        sa.UniqueConstraint("tenant_id", "attempt_id", "block_id", name="uq_answer_tenant_id_attempt_id_block_id"),
    )
    op.create_index("ix_answer_block", "answer", ["tenant_id", "block_id"], unique=False)
    op.create_table(
        "delivery_try",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "delivery_id"],
            ["score_delivery.tenant_id", "score_delivery.id"],
            name="fk_delivery_try_tenant_id_delivery_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_delivery_try"),
    )
    op.create_index("ix_delivery_try_delivery", "delivery_try", ["tenant_id", "delivery_id", "at"], unique=False)
    for table in (
        "attempt",
        "enrolment",
        "result",
        "chapter_seen",
        "score_delivery",
        "answer",
        "delivery_try",
    ):
        isolate(op.get_bind(), table)


def downgrade() -> None:
    op.drop_table("delivery_try")
    op.drop_table("answer")
    op.drop_table("score_delivery")
    op.drop_table("chapter_seen")
    op.drop_table("result")
    op.drop_table("enrolment")
    op.drop_table("attempt")
