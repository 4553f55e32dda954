"""The index with which another call is found that reported the same number as dead."""

import sqlalchemy as sa
from alembic import op

revision = "0128"
down_revision = "0127"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # An earlier attempt that was cut off has left an index that cannot be used.
        op.drop_index("ix_call_dead_number", "call", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            "ix_call_dead_number",
            "call",
            ["phone"],
            postgresql_where=sa.text("outcome = 'disconnected'"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index("ix_call_dead_number", "call")
