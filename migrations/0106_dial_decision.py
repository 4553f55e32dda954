"""Decisions to dial lines before callers are ready."""

import sqlalchemy as sa
from alembic import op

revision = "0106"
down_revision = "0105"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dial_decision",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lines", sa.SmallInteger(), nullable=False),
        sa.Column("stop", sa.String(length=20), nullable=False),
        sa.Column("ready", sa.SmallInteger(), nullable=False),
        sa.Column("talking", sa.SmallInteger(), nullable=False),
        sa.Column("wrapping_up", sa.SmallInteger(), nullable=False),
        sa.Column("ringing", sa.SmallInteger(), nullable=False),
        sa.Column("waiting", sa.SmallInteger(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("machines", sa.Integer(), nullable=False),
        sa.Column("abandoned", sa.Integer(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.Column("ceiling", sa.Float(), nullable=False),
        sa.Column("answer_bound", sa.Float(), nullable=True),
        sa.Column("highest_chance", sa.Float(), nullable=True),
        sa.Column("chance", sa.Float(), nullable=True),
        sa.Column("allowed", sa.Integer(), nullable=True),
        sa.Column("exposure", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_dial_decision_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dial_decision")),
    )
    op.create_index("ix_dial_decision_campaign_at", "dial_decision", ["campaign_id", "at"])


def downgrade() -> None:
    op.drop_index("ix_dial_decision_campaign_at", "dial_decision")
    op.drop_table("dial_decision")
