"""A campaign's goal: a number of conversations."""

import sqlalchemy as sa
from alembic import op

revision = "0093"
down_revision = "0092"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign", sa.Column("goal", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("campaign", "goal")
