"""A finished launch stays in its row and on its page: PostgreSQL would put its largest parts elsewhere."""

from alembic import op

revision = "0011_launch_rows"
down_revision = "0010_inspection"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE lti_launch SET (fillfactor = 25, toast_tuple_target = 8160)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE lti_launch SET (fillfactor = 40)")
        op.execute("ALTER TABLE lti_launch RESET (toast_tuple_target)")
