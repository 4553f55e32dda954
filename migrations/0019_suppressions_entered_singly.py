"""Tell numbers that a caller or an organiser entered from those that only a file names.

What is there already counts as entered singly: nobody knows which file named it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a default, for processes of a release that does not know the column.
    column = sa.Column("entered_singly", sa.Boolean(), nullable=False, server_default=sa.true())
    op.add_column("suppression", column)


def downgrade() -> None:
    op.drop_column("suppression", "entered_singly")
