"""Of whom a campaign requires a trained mark."""

import sqlalchemy as sa
from alembic import op

revision = "0109"
down_revision = "0108"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "campaign",
        sa.Column("training_for", sa.String(length=10), server_default="nobody", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_campaign_training_for"),
        "campaign",
        "training_for IN ('nobody', 'callers', 'hosts')",
    )


def downgrade() -> None:
    op.drop_column("campaign", "training_for")
