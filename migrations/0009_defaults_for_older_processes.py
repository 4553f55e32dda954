"""Let processes of a release that does not know the column go on adding campaigns.

A release brings the database forward first and replaces the running processes after that.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("campaign", "practice_first", server_default=sa.false())


def downgrade() -> None:
    op.alter_column("campaign", "practice_first", server_default=None)
