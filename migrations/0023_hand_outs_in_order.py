"""Number hand-outs as they are made, for two servers' clocks may differ."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call", sa.Column("handed_out_no", sa.BigInteger(), nullable=True))
    op.execute("CREATE SEQUENCE call_handed_out_no")
    # Processes of an older release number theirs by it too. By itself, so that no row is written.
    op.execute("ALTER TABLE call ALTER handed_out_no SET DEFAULT nextval('call_handed_out_no')")


def downgrade() -> None:
    op.drop_column("call", "handed_out_no")
    op.execute("DROP SEQUENCE call_handed_out_no")
