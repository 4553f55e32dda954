"""An index of the lines whose price the provider has not told."""

import sqlalchemy as sa
from alembic import op

revision = "0078"
down_revision = "0077"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_line_unpriced",
        "line",
        ["ended_at"],
        postgresql_where=sa.text("cost IS NULL AND backend = 'twilio'"),
    )


def downgrade() -> None:
    op.drop_index("ix_line_unpriced", "line")
