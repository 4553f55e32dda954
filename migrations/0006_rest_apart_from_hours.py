"""Keep when people have rested apart from the hours in which they may be rung."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact", sa.Column("rested_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("campaign", sa.Column("hours_settled", JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("campaign", "hours_settled")
    op.drop_column("contact", "rested_at")
