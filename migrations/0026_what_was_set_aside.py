"""Keep what it takes to bring a call back that was set aside."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "set_aside_call",
        sa.Column(
            "set_aside_id",
            sa.BigInteger(),
            sa.ForeignKey("set_aside.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column(
            "call_id", sa.Uuid(), sa.ForeignKey("call.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.Column("lifted_reason", sa.String(40), nullable=True),
    )
    op.create_index("ix_set_aside_call_call_id", "set_aside_call", ["call_id"])


def downgrade() -> None:
    op.drop_table("set_aside_call")
