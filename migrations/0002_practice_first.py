"""Let a campaign ask for one practice call before a caller's first real one."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "campaign",
        sa.Column("practice_first", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.alter_column("campaign", "practice_first", server_default=None)


def downgrade() -> None:
    op.drop_column("campaign", "practice_first")
