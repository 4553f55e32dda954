"""The index of lines without a price has Asterisk's lines too."""

import sqlalchemy as sa
from alembic import op

revision = "0097"
down_revision = "0096"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_line_unpriced", "line")
    op.create_index(
        "ix_line_unpriced",
        "line",
        ["ended_at"],
        postgresql_where=sa.text("cost IS NULL AND backend IN ('twilio', 'asterisk')"),
    )


def downgrade() -> None:
    op.drop_index("ix_line_unpriced", "line")
    op.create_index(
        "ix_line_unpriced",
        "line",
        ["ended_at"],
        postgresql_where=sa.text("cost IS NULL AND backend = 'twilio'"),
    )
