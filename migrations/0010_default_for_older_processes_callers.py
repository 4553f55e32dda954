"""Let processes of a release that does not know the column go on adding callers.

By itself: a request reads callers before campaigns, and a migration that locked both could meet
one half-way.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("caller", "named_by_host", server_default=sa.false())


def downgrade() -> None:
    op.alter_column("caller", "named_by_host", server_default=None)
