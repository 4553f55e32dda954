"""Which tags a version of a script gives by its answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0121"
down_revision = "0120"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("script_version", sa.Column("tags", JSONB(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("script_version", "tags")
