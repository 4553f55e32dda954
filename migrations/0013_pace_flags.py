"""Keep who went past a budget, for an organiser to look at."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "pace_flag",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column(
            "campaign_id",
            sa.Integer(),
            sa.ForeignKey("campaign.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column(
            "caller_id",
            sa.BigInteger(),
            sa.ForeignKey("caller.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("budget", sa.Integer(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", moment, nullable=False),
        sa.Column("last_at", moment, nullable=False),
        sa.Column("looked_at", moment, nullable=True),
        sa.Column(
            "looked_by_id",
            sa.Integer(),
            sa.ForeignKey("account.id", ondelete="SET NULL"),
            nullable=True,
        ),
    )
    op.create_index(
        "uq_pace_flag_open",
        "pace_flag",
        ["caller_id", "kind"],
        unique=True,
        postgresql_where=sa.text("looked_at IS NULL"),
    )
    op.create_index("ix_pace_flag_campaign", "pace_flag", ["campaign_id", "last_at"])


def downgrade() -> None:
    op.drop_table("pace_flag")
