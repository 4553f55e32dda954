"""How far a webhook has been told of the inbox."""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

_IDS = ("inbox_until_id", "inbox_seen_id")


def upgrade() -> None:
    for name in _IDS:
        op.add_column(
            "webhook", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
        )
    op.add_column("webhook", sa.Column("inbox_seen_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name in (*_IDS, "inbox_seen_at"):
        op.drop_column("webhook", name)
