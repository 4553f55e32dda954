"""The index with which an organiser finds a person by name."""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

SORT_NAME = "ltrim(lower((last_name::text || ' '::text) || first_name::text))"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # An earlier attempt that was cut off has left an index that cannot be used.
        op.drop_index(
            "ix_contact_sort_name", "contact", if_exists=True, postgresql_concurrently=True
        )
        op.create_index(
            "ix_contact_sort_name",
            "contact",
            ["campaign_id", sa.text(f"({SORT_NAME}) text_pattern_ops")],
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index("ix_contact_sort_name", "contact")
