"""Number outcomes as they are recorded, for a clock may be set back."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call", sa.Column("recorded_no", sa.BigInteger(), nullable=True))
    # Goes with the column.
    op.execute("CREATE SEQUENCE call_recorded_no OWNED BY call.recorded_no")


def downgrade() -> None:
    op.drop_column("call", "recorded_no")
