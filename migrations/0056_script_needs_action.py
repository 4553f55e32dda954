"""The answers of a script that need action."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "script_version",
        sa.Column("needs_action", JSONB(), server_default="{}", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("script_version", "needs_action")
