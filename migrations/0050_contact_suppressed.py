"""The order in which people came onto the do-not-call list, for webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_contact_suppressed",
        "contact",
        ["campaign_id", "suppressed_at", "id"],
        postgresql_where=sa.text("suppressed_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_contact_suppressed", table_name="contact")
