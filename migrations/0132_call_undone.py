"""The index in whose order other software reads the calls whose outcome was undone."""

import sqlalchemy as sa
from alembic import op

revision = "0132"
down_revision = "0131"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # An earlier attempt that was cut off has left an index that cannot be used.
        op.drop_index("ix_call_undone", "call", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            "ix_call_undone",
            "call",
            ["campaign_id", "reopened_at"],
            postgresql_where=sa.text("reopened_at IS NOT NULL AND recorded_at IS NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index("ix_call_undone", "call")
