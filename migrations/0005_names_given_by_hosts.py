"""Remember which callers have their name from a host, who has the last word about it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "caller",
        sa.Column("named_by_host", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.alter_column("caller", "named_by_host", server_default=None)


def downgrade() -> None:
    op.drop_column("caller", "named_by_host")
