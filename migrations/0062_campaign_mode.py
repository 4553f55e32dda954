"""How a campaign reaches people."""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "campaign",
        sa.Column("mode", sa.String(length=20), nullable=False, server_default="manual"),
    )
    op.create_check_constraint(
        op.f("ck_campaign_mode"),
        "campaign",
        "mode IN ('manual', 'phone_bridge', 'softphone', 'progressive', 'predictive')",
    )


def downgrade() -> None:
    op.drop_column("campaign", "mode")
