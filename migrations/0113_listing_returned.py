"""Why an editor sent a listing back to its host."""

import sqlalchemy as sa
from alembic import op

revision = "0113"
down_revision = "0112"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("listing", sa.Column("returned_because", sa.String(length=200), nullable=True))


def downgrade() -> None:
    op.drop_column("listing", "returned_because")
