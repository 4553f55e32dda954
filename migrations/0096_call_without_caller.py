"""Calls that the server makes before a caller takes them."""

import sqlalchemy as sa
from alembic import op

revision = "0096"
down_revision = "0095"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("call", "caller_id", existing_type=sa.BigInteger(), nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM call WHERE caller_id IS NULL")
    op.alter_column("call", "caller_id", existing_type=sa.BigInteger(), nullable=False)
