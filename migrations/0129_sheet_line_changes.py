"""What a line of a paper sheet changed about a person and their pledge."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0129"
down_revision = "0128"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "call_out_sheet_line",
        sa.Column("changes", postgresql.JSONB(), nullable=False, server_default="{}"),
    )


def downgrade() -> None:
    op.drop_column("call_out_sheet_line", "changes")
