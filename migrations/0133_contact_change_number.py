"""Changes of people by uploads are numbered in the order in which they were made."""

import sqlalchemy as sa
from alembic import op

revision = "0133"
down_revision = "0132"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "contact_change", sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("contact_change", "number")
