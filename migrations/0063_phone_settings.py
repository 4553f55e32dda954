"""A campaign's settings for calls through a telephone service."""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "phone_settings",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("shown_number", sa.String(length=20), nullable=False),
        sa.Column("ring_seconds", sa.Integer(), nullable=False, server_default="25"),
        sa.Column("day_budget", sa.Numeric(12, 2), nullable=True),
        sa.Column("law_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("law_confirmed_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_phone_settings_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["law_confirmed_by_id"],
            ["account.id"],
            name=op.f("fk_phone_settings_law_confirmed_by_id_account"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_phone_settings")),
    )


def downgrade() -> None:
    op.drop_table("phone_settings")
