"""Lines that a caller wants ended, and one open line for each call."""

import sqlalchemy as sa
from alembic import op

revision = "0075"
down_revision = "0074"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("line", sa.Column("end_wanted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "uq_line_open_call",
        "line",
        ["call_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_line_open_call", "line")
    op.drop_column("line", "end_wanted_at")
