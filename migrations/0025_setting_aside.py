"""Keep each act of setting a caller's calls aside, and how far it has come."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "set_aside",
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
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("only_fast", sa.Boolean(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('working', 'done', 'returning', 'returned')",
            name=op.f("ck_set_aside_state"),
        ),
    )
    op.create_index("ix_set_aside_caller", "set_aside", ["caller_id"])
    op.create_index("ix_set_aside_state", "set_aside", ["state"])


def downgrade() -> None:
    op.drop_table("set_aside")
