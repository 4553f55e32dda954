"""Keep what an organiser decided about the values of a list's do-not-call columns."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

COLUMNS = ("mark_actions", "mark_counts")


def upgrade() -> None:
    # With a default, for processes of a release that does not know the columns.
    for name in COLUMNS:
        column = sa.Column(name, postgresql.JSONB(), nullable=False, server_default="{}")
        op.add_column("contact_list", column)


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("contact_list", name)
