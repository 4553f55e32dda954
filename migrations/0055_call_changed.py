"""The orders in which organisers corrected calls and set calls aside, for other software."""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_call_corrected",
        "call",
        ["campaign_id", "corrected_at"],
        postgresql_where=sa.text("corrected_at IS NOT NULL"),
    )
    op.create_index(
        "ix_call_set_aside",
        "call",
        ["campaign_id", "set_aside_at"],
        postgresql_where=sa.text("set_aside_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_call_set_aside", table_name="call")
    op.drop_index("ix_call_corrected", table_name="call")
