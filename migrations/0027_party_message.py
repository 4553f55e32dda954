"""The host's latest message, which the board shows for some minutes."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("party", sa.Column("message", sa.String(length=200), nullable=True))
    op.add_column("party", sa.Column("message_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("party", "message_at")
    op.drop_column("party", "message")
