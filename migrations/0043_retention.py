"""How far the erasure of a campaign's people has come."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("erasure_due_at", "erasing_since", "erased_at"):
        op.add_column("campaign", sa.Column(name, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name in ("erasure_due_at", "erasing_since", "erased_at"):
        op.drop_column("campaign", name)
