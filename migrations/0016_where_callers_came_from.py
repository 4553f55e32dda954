"""Keep a mark of where a caller came in from, and whether they wait for an organiser."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("caller", sa.Column("address", sa.String(64), nullable=True))
    op.add_column(
        "caller", sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_index(
        "ix_caller_address",
        "caller",
        ["campaign_id", "address"],
        postgresql_where=sa.text("address IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_caller_address", "caller")
    op.drop_column("caller", "held")
    op.drop_column("caller", "address")
