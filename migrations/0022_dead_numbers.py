"""Keep the numbers that are not in service, for every campaign and later upload."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dead_number",
        sa.Column("phone", sa.String(20), primary_key=True),
        sa.Column("call_id", sa.Uuid(), sa.ForeignKey("call.id", ondelete="SET NULL")),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_dead_number_call_id", "dead_number", ["call_id"])


def downgrade() -> None:
    op.drop_table("dead_number")
