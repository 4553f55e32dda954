"""One order in which organisers corrected calls, set calls aside and brought them back, for other
software."""

import sqlalchemy as sa
from alembic import op

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call", sa.Column("organiser_changed_at", sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE call SET organiser_changed_at = greatest(corrected_at, set_aside_at)"
        " WHERE corrected_at IS NOT NULL OR set_aside_at IS NOT NULL"
    )
    op.drop_index("ix_call_set_aside", table_name="call")
    op.drop_index("ix_call_corrected", table_name="call")
    op.create_index(
        "ix_call_organiser_changed",
        "call",
        ["campaign_id", "organiser_changed_at"],
        postgresql_where=sa.text("organiser_changed_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_call_organiser_changed", table_name="call")
    op.drop_column("call", "organiser_changed_at")
    for name in ("corrected", "set_aside"):
        op.create_index(
            f"ix_call_{name}",
            "call",
            ["campaign_id", f"{name}_at"],
            postgresql_where=sa.text(f"{name}_at IS NOT NULL"),
        )
