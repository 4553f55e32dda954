"""Number outcomes as they are recorded, for a clock may be set back."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call", sa.Column("recorded_no", sa.BigInteger(), nullable=True))
    op.execute("CREATE SEQUENCE call_recorded_no")
    # A process of an older release numbers no outcome: its calls keep the number of their hand-out,
    # for one caller the same order. By itself, so that no row is written.
    op.execute("ALTER TABLE call ALTER recorded_no SET DEFAULT nextval('call_recorded_no')")


def downgrade() -> None:
    op.drop_column("call", "recorded_no")
    op.execute("DROP SEQUENCE call_recorded_no")
