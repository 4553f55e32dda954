"""Telephone lines."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

_CAUSES = (
    "cause IN ('hung_up', 'busy', 'no_answer', 'no_such_number', 'cancelled', 'failed', 'lost')"
)


def upgrade() -> None:
    moments = ("dialled_at", "answered_at", "joined_at", "played_at", "ended_at")
    op.create_table(
        "line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("caller_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("side", sa.String(length=10), nullable=False),
        sa.Column("backend", sa.String(length=20), nullable=False),
        sa.Column("provider_id", sa.String(length=100), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in moments),
        sa.Column("cost", sa.Numeric(12, 5), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.CheckConstraint("side IN ('caller', 'person')", name=op.f("ck_line_side")),
        sa.CheckConstraint(
            "state IN ('wanted', 'dialled', 'ringing', 'answered', 'joined', 'ended')",
            name=op.f("ck_line_state"),
        ),
        sa.CheckConstraint(_CAUSES, name=op.f("ck_line_cause")),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_line_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call.id"], name=op.f("fk_line_call_id_call"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["caller_id"],
            ["caller.id"],
            name=op.f("fk_line_caller_id_caller"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
            name=op.f("fk_line_contact_id_contact"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line")),
    )
    op.create_index("uq_line_provider", "line", ["backend", "provider_id"], unique=True)
    op.create_index(
        "ix_line_open", "line", ["campaign_id"], postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index("ix_line_campaign_created", "line", ["campaign_id", "created_at"])
    for column in ("call", "caller", "contact"):
        op.create_index(f"ix_line_{column}", "line", [f"{column}_id"])


def downgrade() -> None:
    op.drop_table("line")
