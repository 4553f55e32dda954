"""What proves that a line kept the law."""

import sqlalchemy as sa
from alembic import op

revision = "0107"
down_revision = "0106"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("line", sa.Column("message_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("line", sa.Column("shows_number", sa.Boolean(), nullable=True))
    op.add_column("line", sa.Column("decision_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_line_decision_id_dial_decision"),
        "line",
        "dial_decision",
        ["decision_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index(
        "ix_line_abandoned",
        "line",
        ["answered_at"],
        postgresql_where=sa.text("answered_at IS NOT NULL AND joined_at IS NULL"),
    )
    op.create_index(
        "ix_line_decision",
        "line",
        ["decision_id"],
        postgresql_where=sa.text("decision_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_line_decision", "line")
    op.drop_index("ix_line_abandoned", "line")
    op.drop_constraint(op.f("fk_line_decision_id_dial_decision"), "line")
    op.drop_column("line", "decision_id")
    op.drop_column("line", "shows_number")
    op.drop_column("line", "message_at")
