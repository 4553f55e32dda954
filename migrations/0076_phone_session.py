"""Callers on the telephone."""

import sqlalchemy as sa
from alembic import op

revision = "0076"
down_revision = "0075"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "phone_session",
        sa.Column("caller_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=True),
        sa.Column("line_id", sa.BigInteger(), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finishing", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("ask_again_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["caller_id"],
            ["caller.id"],
            name=op.f("fk_phone_session_caller_id_caller"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_phone_session_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["line_id"],
            ["line.id"],
            name=op.f("fk_phone_session_line_id_line"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("caller_id", name=op.f("pk_phone_session")),
    )
    op.create_index(
        "ix_phone_session_on",
        "phone_session",
        ["campaign_id"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_phone_session_line_id", "phone_session", ["line_id"])


def downgrade() -> None:
    op.drop_table("phone_session")
