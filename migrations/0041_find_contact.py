"""Indexes with which an organiser finds a person by name or by their own ID."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

SORT_NAME = "(ltrim(lower(last_name || ' ' || first_name)) COLLATE \"C\")"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_contact_sort_name",
            "contact",
            ["campaign_id", sa.text(SORT_NAME)],
            postgresql_concurrently=True,
        )
        op.create_index(
            "ix_contact_external_id",
            "contact",
            ["campaign_id", "external_id"],
            postgresql_where=sa.text("external_id IS NOT NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index("ix_contact_external_id", "contact")
    op.drop_index("ix_contact_sort_name", "contact")
