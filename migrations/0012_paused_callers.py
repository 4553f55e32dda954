"""Keep until when a caller is paused, and from when on their pace is measured."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("caller", sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "caller", sa.Column("pause_kind", sa.String(30), nullable=False, server_default="")
    )
    op.add_column("caller", sa.Column("pace_from", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name in ("pace_from", "pause_kind", "paused_until"):
        op.drop_column("caller", name)
